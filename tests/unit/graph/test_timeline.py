"""Senders that keep TAI, and senders that do not."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.tai import grain_start, grain_ticks
from relip.graph.timeline import PATIENCE_GRAINS, Timeline

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FORMAT = VideoFormat(width=4, height=2, rate=RATE)
INDEX = 44_000_000_000
MS = 1_000_000


def grain(index, *, arrived_after_ns):
    ticks = grain_ticks(index, RATE, 90_000)
    arrived = grain_start(index, RATE).after(arrived_after_ns)
    return VideoGrain(ticks=ticks, format=FORMAT, packed=np.zeros((2, 10), np.uint8), slot=0, arrived=arrived)


def test_a_locked_senders_instants_are_ours():
    timeline = Timeline(RATE)
    assert timeline.local(grain(INDEX, arrived_after_ns=35 * MS)) == grain_start(INDEX, RATE)
    assert timeline.locked


def test_a_sender_37_seconds_off_is_followed_by_its_own_clock():
    timeline = Timeline(RATE)
    late = grain(INDEX, arrived_after_ns=37_000 * MS)
    assert timeline.local(late) == late.arrived.after(-40 * MS)
    following = grain(INDEX + 1, arrived_after_ns=37_003 * MS)
    assert timeline.local(following) == timeline.local(late).after(40 * MS), "jitter of arrival must not move the grid"
    assert not timeline.locked
    assert timeline.relocks == 0


def test_a_jump_of_the_senders_timestamps_is_followed_and_counted():
    timeline = Timeline(RATE)
    timeline.local(grain(INDEX, arrived_after_ns=35 * MS))
    for _ in range(PATIENCE_GRAINS + 1):
        jumped = grain(INDEX, arrived_after_ns=5_000 * MS)
        local = timeline.local(jumped)
    assert local == jumped.arrived.after(-40 * MS)
    assert timeline.relocks == 1


def test_a_stall_of_this_machine_is_no_jump_of_the_sender():
    timeline = Timeline(RATE)
    timeline.local(grain(INDEX, arrived_after_ns=35 * MS))
    assert timeline.local(grain(INDEX + 1, arrived_after_ns=400 * MS)) == grain_start(INDEX + 1, RATE)
    assert timeline.relocks == 0


def test_one_grain_that_seems_early_does_not_unlock_a_sender_for_good():
    timeline = Timeline(RATE)
    timeline.local(grain(INDEX, arrived_after_ns=-3 * MS))
    assert timeline.local(grain(INDEX + 1, arrived_after_ns=4 * MS)) == grain_start(INDEX + 1, RATE)
    assert timeline.locked
