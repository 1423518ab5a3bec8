"""A video flow as the receiver takes it in."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.flow import Flow, Leg
from relip.essence.formats import VideoFormat
from relip.essence.tai import NS_PER_S, Tai
from relip.peers.intake import VideoIn, VideoIntake
from relip.ports import Burst, Chunk
from relip.transport.loopback import Link
from relip.wire.st2110_20 import FrameHeaders

pytestmark = pytest.mark.unit

FORM = VideoFormat(360, 288, Fraction(25))
FLOW = Flow(FORM, 96, (Leg("239.1.1.1", 5004),))
PLANNED = FrameHeaders(FORM, payload_type=96, ssrc=1)


@pytest.mark.parametrize(("room", "left"), [(512, 2), (1, 1)])
def test_an_overdue_frame_leaves_only_when_the_socket_has_nothing_more(room, left):
    link = Link(capacity=1 << 12)
    ticks = []
    intake = VideoIntake(VideoIn(FLOW, link.source), lambda grain: not ticks.append(grain.ticks), frames=8)
    picture = np.zeros(FORM.frame_octets, np.uint8)
    sequence = 0
    for at, packets, capacity in ((0, PLANNED.packets, 512), (1, PLANNED.packets // 2, 512), (25, 1, room)):
        PLANNED.stamp(sequence, 9000 + at * 3600)
        part = slice(0, packets)
        link.sink.send(Burst(PLANNED.headers[part].copy(), picture, PLANNED.offsets[part], PLANNED.lengths[part]))
        sequence += packets
        chunk = Chunk.of(capacity)
        link.source.receive(chunk, 0)
        intake.take(chunk, Tai(NS_PER_S + at * NS_PER_S // 25))
    assert len(ticks) == left
