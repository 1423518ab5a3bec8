"""Clocks: the host's, within what any host can promise, and the one that is moved by hand."""

import time

import pytest

from relip.clock.manual import ManualClock
from relip.clock.ptp import LEAP_SECONDS, TaiClock
from relip.essence.tai import NS_PER_S, Tai

pytestmark = pytest.mark.unit


@pytest.fixture(params=[TaiClock, lambda: ManualClock(Tai(5))], ids=["ptp", "manual"])
def clock(request):
    return request.param()


def test_time_never_goes_back(clock):
    instants = [clock.now() for _ in range(100)]
    assert instants == sorted(instants)


def test_waiting_ends_at_the_instant_or_after(clock):
    due = clock.now().after(3_000_000)
    clock.wait_until(due)
    assert clock.now() >= due


def test_waiting_for_the_past_returns_at_once(clock):
    before = clock.now()
    clock.wait_until(before.after(-NS_PER_S))
    assert clock.now().since(before) < NS_PER_S


def test_the_host_clock_is_tai_and_says_what_it_is():
    clock = TaiClock()
    ahead_ns = clock.now().ns - time.clock_gettime_ns(time.CLOCK_REALTIME)
    assert abs(ahead_ns - LEAP_SECONDS * NS_PER_S) < NS_PER_S
    assert ("CLOCK_TAI" if clock.locked else "CLOCK_REALTIME + 37 s") in clock.source


def test_another_number_of_leap_seconds_counts_only_where_the_kernel_has_none():
    clock = TaiClock(leap_seconds=38)
    ahead_s = (clock.now().ns - time.clock_gettime_ns(time.CLOCK_REALTIME)) / NS_PER_S
    assert ahead_s == pytest.approx(37 if clock.locked else 38, abs=0.5)


def test_the_manual_clock_moves_only_when_told():
    clock = ManualClock(Tai(100))
    assert clock.now() == Tai(100)
    assert clock.advance(7) == clock.now() == Tai(107)
    clock.wait_until(Tai(50))
    assert clock.now() == Tai(107)
    clock.wait_until(Tai(200))
    assert clock.now() == Tai(200)
