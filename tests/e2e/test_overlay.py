"""The overlay is the configuration's to ask for: without it a grain leaves as it is, with it its state is drawn in."""

from contextlib import ExitStack

import numpy as np
import pytest

from relip import config
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Verdict
from relip.essence.tai import Tai
from relip.graph.delay import Delay
from relip.service.compose import outputs
from relip.service.compose.ends import tai_clock
from relip.service.compose.flows import video_in

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("asked", [False, True])
def test_the_state_is_drawn_into_what_leaves_only_where_it_was_asked_for(asked):
    picture, voice, dubbed = ({"destination": "127.0.0.1", "port": port} for port in (21090, 21092, 21094))
    settings = config.parse(
        {"video": {**picture, "format": "720p25"}, "voice": voice, "output": {"video": dubbed, "overlay": asked}},
        where="the test",
    )
    video, camera = video_in(settings)
    delay = Delay(frames=5, latency_ns=200_000_000, release_ns=168_000_000)
    grey = np.full((video.format.height, video.format.row_octets), 0x80, np.uint8)
    grain = VideoGrain(90_000, video.format, grey.copy(), slot=0, arrived=Tai(0))
    with ExitStack() as held:
        out = outputs.way_out(settings, video, camera, delay=delay, clock=tai_clock(), held=held)
        out.send(grain, Verdict(bypass=Bypass.NO_FACE), tai_clock().now())
    assert (grain.packed != grey).any() == asked
