"""What is counted of a sender's own output."""

import numpy as np
import pytest

from relip.graph.departures import Departures
from relip.wire.st2110_21 import Limits

pytestmark = pytest.mark.unit


def frame(*, packets=4320, first_ns=0, cinst=8, least=100, most=180):
    return np.array([packets, first_ns, 16_000_000, cinst, least, most])


@pytest.fixture
def departures():
    return Departures(Limits(c_max=16, vrx_full=720))


def test_a_frame_at_every_limit_is_within_them(departures):
    departures.count(frame(cinst=16, least=0, most=720))
    assert (departures.frames, departures.within) == (1, 1)


@pytest.mark.parametrize(("broken", "counter"), [({"cinst": 17}, "bunched"), ({"least": -1}, "late"), ({"most": 721}, "early")])
def test_a_frame_beyond_a_limit_is_counted_by_it(departures, broken, counter):
    departures.count(frame(**broken))
    departures.count(frame())
    assert (departures.frames, departures.within, getattr(departures, counter)) == (2, 1, 1)
    assert departures.late + departures.early + departures.bunched == 1


def test_the_extremes_are_kept(departures):
    for values in ({"cinst": 9, "least": 3}, {"most": 300, "first_ns": 70_000}, {"least": -7}):
        departures.count(frame(**values))
    assert (departures.cinst_max, departures.vrx_min, departures.vrx_max, departures.worst_start_ns) == (9, -7, 300, 70_000)


def test_a_frame_that_nobody_timed_counts_nothing(departures):
    departures.count(frame(packets=0))
    assert (departures.frames, departures.vrx_min) == (0, None)
