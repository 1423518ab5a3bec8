"""What leaves with a grain is the configuration's to ask for, and what the network refuses of it costs the picture nothing."""

from collections import Counter
from contextlib import ExitStack

import numpy as np
import pytest

from relip import config
from relip.essence.formats import video_format
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Verdict
from relip.essence.tai import Tai
from relip.graph.delay import Delay
from relip.service.compose import outputs
from relip.service.compose.ends import tai_clock
from relip.service.compose.flows import video_in

pytestmark = pytest.mark.e2e


@pytest.fixture
def way():
    """Opens the way out of a configuration whose output has these keys beside the picture's place."""
    with ExitStack() as held:

        def opened(failures=None, **output):
            picture, voice, dubbed = ({"destination": "127.0.0.1", "port": port} for port in (21090, 21092, 21094))
            asked = {"video": {**picture, "format": "720p25"}, "voice": voice, "output": {"video": dubbed, **output}}
            settings = config.parse(asked, where="the test")
            video, camera = video_in(settings)
            delay = Delay(frames=5, latency_ns=200_000_000, release_ns=168_000_000)
            failures = Counter() if failures is None else failures
            return outputs.way_out(settings, video, camera, delay=delay, clock=tai_clock(), failures=failures, held=held)

        yield opened


@pytest.fixture
def grain():
    form = video_format("720p25")
    return VideoGrain(90_000, form, np.full((form.height, form.row_octets), 0x80, np.uint8), slot=0, arrived=Tai(0))


@pytest.mark.parametrize("asked", [False, True])
def test_the_state_is_drawn_into_what_leaves_only_where_it_was_asked_for(way, grain, asked):
    grey = grain.packed.copy()
    way(overlay=asked).send(grain, Verdict(bypass=Bypass.NO_FACE), tai_clock().now())
    assert (grain.packed != grey).any() == asked


def test_a_disclosure_that_the_network_refuses_is_counted_and_the_picture_leaves(way, grain):
    failures = Counter()
    out = way(failures, disclosure={"destination": "127.0.0.1", "port": 21096})
    out.outgoing["disclosure"].sink.close()
    out.send(grain, Verdict(bypass=Bypass.NO_FACE), tai_clock().now())
    assert failures == {"disclosure out: the sink is closed": 1}
    assert out.departures.frames == 1
