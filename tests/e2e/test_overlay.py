"""The overlay is the configuration's to ask for: without it a grain leaves as it is, with it its state is drawn in."""

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
    flow = {"destination": "127.0.0.1", "port": 21090}
    settings = config.parse(
        {"video": {**flow, "format": "720p25"}, "voice": flow, "output": {"video": flow, "overlay": asked}}, where="the test"
    )
    video, camera = video_in(settings)
    delay = Delay(frames=5, latency_ns=200_000_000, release_ns=168_000_000)
    out = outputs.way_out(settings, video, camera, delay, tai_clock())
    grey = np.full((video.format.height, video.format.row_octets), 0x80, np.uint8)
    grain = VideoGrain(90_000, video.format, grey.copy(), slot=0, arrived=Tai(0))
    out.send(grain, Verdict(bypass=Bypass.NO_FACE), tai_clock().now())
    out.close()
    assert (grain.packed != grey).any() == asked
