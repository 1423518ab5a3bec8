"""What is chosen for a leg, what the transport file says of it, and when the log speaks of the output."""

from types import SimpleNamespace

import numpy as np
import pytest

from relip.essence.flow import Flow, Leg
from relip.essence.formats import video_format
from relip.graph.departures import Departures
from relip.graph.tally import Tally
from relip.peers.report import OutputFigures
from relip.service.compose import ends
from relip.service.lifecycle import Lifecycle
from relip.wire import sdp
from relip.wire.st2110_21 import Limits

pytestmark = pytest.mark.unit

FORMAT = video_format("1080p50")
LAN, LOOPBACK = Leg("239.1.1.1", 5004, interface="10.0.0.2"), Leg("239.1.1.1", 5004)
IN_TIME, LATE = np.array([4320, 0, 1, 8, 3, 173]), np.array([4320, 0, 1, 8, -1, 173])


def said(leg, mode, lead=None):
    """The format parameters of the transport file."""
    flow = Flow(format=FORMAT, payload_type=96, legs=(leg,))
    paced = ends.pacing(flow, 4320, mode=mode, lead_packets=lead)
    text = sdp.format(flow, sending=ends.sending(ends.tai_clock(), paced=paced))
    return next(line for line in text.splitlines() if line.startswith("a=fmtp"))


@pytest.mark.parametrize("mode", ["auto", "hybrid", "spin"])
def test_a_paced_flow_is_declared_wide(mode):
    assert said(LAN, mode).endswith("TP=2110TPW")


@pytest.mark.parametrize(("leg", "mode"), [(LAN, "spread"), (LAN, "burst"), (LOOPBACK, "auto")])
def test_a_flow_that_keeps_to_no_type_declares_none(leg, mode):
    assert "TP=" not in said(leg, mode)
    assert "TROFF" not in said(leg, mode)


def test_another_lead_than_the_default_is_declared():
    assert said(LOOPBACK, "hybrid", 300).endswith("TP=2110TPW; TROFF=1389")


class Watched:
    """A lifecycle with nothing behind it but an output, and what it logs."""

    def __init__(self, *, claimed):
        self.departures = Departures(Limits(16, 720), claimed=claimed)
        self.lines = []
        channel = SimpleNamespace(tally=Tally(), flows={})
        service = SimpleNamespace(
            channel=channel, departures=self.departures, outgoing={}, voice_out=None, carried=None, enrolled=0
        )
        log = SimpleNamespace(warning=lambda cause, **more: self.lines.append((cause, more)))
        self.lifecycle = Lifecycle(service, log, None)

    def second(self, *frames):
        for frame in frames:
            self.departures.count(frame)
        self.lifecycle._log_changes()


def test_a_second_in_which_a_declared_limit_broke_is_one_line():
    watched = Watched(claimed=True)
    watched.second(IN_TIME, IN_TIME)
    watched.second(IN_TIME, LATE, LATE)
    watched.second(IN_TIME)
    assert watched.lines == [("output", {"grown": {"late": 2}})]


def test_limits_that_nobody_declared_are_not_spoken_of():
    watched = Watched(claimed=False)
    watched.second(LATE)
    assert watched.lines == []


def test_the_worst_second_is_remembered():
    watched = Watched(claimed=False)
    for frames in ([IN_TIME] * 4, [LATE, IN_TIME, IN_TIME, IN_TIME], [], [IN_TIME]):
        watched.second(*frames)
    figures = OutputFigures.of(watched.departures, watched.lifecycle._worst_late)
    assert (figures.late_share_worst, figures.late_share, figures.within_share) == (0.25, 0.1111, 0.8889)


def test_figures_of_an_output_that_has_not_begun_are_unknown_and_not_good():
    figures = OutputFigures.of(Watched(claimed=True).departures)
    assert (figures.frames, figures.within_share, figures.late_share, figures.vrx_min) == (0, None, None, None)
