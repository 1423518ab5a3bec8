"""A failing stage costs its grains, never the graph."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import ModelError
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Sighting, Verdict
from relip.essence.tai import Tai
from relip.graph.guard import Guard
from relip.graph.take import Pulse, Take
from relip.graph.tally import Tally

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(width=4, height=2, rate=Fraction(25))


def take():
    grain = VideoGrain(ticks=1, format=FORMAT, packed=np.zeros((2, 10), np.uint8), slot=0, arrived=Tai(0))
    return Take(grain=grain, local=Tai(0), due=Tai(1))


class Breaks:
    name = "breaks"

    def __init__(self, error):
        self.error = error

    def work(self, _pulse):
        raise self.error


class Counts:
    name = "counts"

    def work(self, _pulse):
        return True


@pytest.mark.parametrize(
    ("error", "reason"), [(ModelError("not a number"), Bypass.MODEL), (ZeroDivisionError("a bug"), Bypass.FAILED)]
)
def test_the_grains_of_a_failed_stage_are_bypassed_and_the_failure_is_counted_by_name(error, reason):
    tally = Tally()
    pulse = Pulse(arrived=take(), ready=[take()])
    Guard(Breaks(error), tally, lambda: 0).work(pulse)
    assert pulse.ready[0].verdict == Verdict(bypass=reason)
    assert pulse.arrived.sighting == Sighting(face=None, absent=reason)
    assert tally.failures == {f"breaks: {type(error).__name__}: {error}": 1}


def test_a_grain_that_was_already_left_alone_keeps_its_first_reason():
    pulse = Pulse(ready=[take()])
    pulse.ready[0].bypass(Bypass.NO_FACE)
    Guard(Breaks(ModelError("late")), Tally(), lambda: 0).work(pulse)
    assert pulse.ready[0].verdict == Verdict(bypass=Bypass.NO_FACE)


def test_the_time_of_a_stage_is_kept_for_the_report():
    tally = Tally()
    ticks = iter([1_000_000, 3_500_000])
    Guard(Counts(), tally, lambda: next(ticks)).work(Pulse(ready=[take()]))
    assert tally.quantiles_ms("counts") == (2.5, 2.5)
