"""A video flow as the receiver takes it in."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.flow import Flow, Leg
from relip.essence.formats import VideoFormat
from relip.essence.tai import NS_PER_S, Tai
from relip.peers.intake import VideoIn, VideoIntake
from relip.ports import Burst, Chunk
from relip.transport.legs import LegsSource
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


def test_two_lossy_legs_make_whole_frames_and_each_is_reported():
    links = Link(capacity=1 << 12), Link(capacity=1 << 12)
    flow = Flow(FORM, 96, (Leg("239.1.1.1", 5004), Leg("239.2.1.1", 5004, interface="127.0.0.2")))
    source = LegsSource([lambda link=link: link.source for link in links])
    came = []
    intake = VideoIntake(VideoIn(flow, source, source.states), lambda grain: not came.append(grain.packed.copy()), frames=8)
    pictures = np.random.default_rng(1).integers(0, 256, (4, FORM.frame_octets), dtype=np.uint8)
    chunk = intake.legs.chunk(2048)
    for k, picture in enumerate(pictures):
        PLANNED.stamp(k * PLANNED.packets, 9000 + k * 3600)
        for link, lost in zip(links, (slice(0, None, 7), slice(3, None, 7)), strict=True):
            kept = np.delete(np.arange(PLANNED.packets), lost)
            link.sink.send(Burst(PLANNED.headers[kept].copy(), picture, PLANNED.offsets[kept], PLANNED.lengths[kept]))
        while source.receive(chunk, 0):
            now = Tai(NS_PER_S + k * NS_PER_S // 25)
            intake.legs.observe(chunk, now)
            intake.take(chunk, now)
    intake.legs.observe(Chunk.of(1), Tai(3 * NS_PER_S))
    assert [packed.reshape(-1).tolist() for packed in came] == pictures.tolist()
    told = intake.counters()
    assert (told.lost, told.late) == (0, 0)
    assert [leg.leg for leg in told.legs] == ["239.1.1.1:5004 on 127.0.0.1", "239.2.1.1:5004 on 127.0.0.2"]
    assert [leg.lost for leg in told.legs] == [4 * len(range(0, PLANNED.packets, 7)), 4 * len(range(3, PLANNED.packets, 7))]
    assert sum(leg.unique for leg in told.legs) == 4 * PLANNED.packets


def test_a_flow_of_one_leg_is_reported_with_it():
    intake = VideoIntake(VideoIn(FLOW, Link().source), lambda _grain: True, frames=8)
    (leg,) = intake.counters().legs
    assert (leg.leg, leg.received, leg.fault) == ("239.1.1.1:5004 on 127.0.0.1", 0, None)
