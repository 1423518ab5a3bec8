"""Counting packets across wraps, gaps, repeats and restarts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.wire.sequence import SequenceTracker, unwrap

pytestmark = pytest.mark.unit


def observe(tracker, sequence, ssrc=1):
    tracker.observe(np.array(sequence, np.int64), np.full(len(sequence), ssrc, np.int64))
    return tracker


def counts(tracker):
    return tracker.received, tracker.lost, tracker.duplicate, tracker.reordered, tracker.restarts


@pytest.mark.parametrize(("bits", "top"), [(16, 0xFFFF), (32, 0xFFFFFFFF)])
def test_a_wrap_is_not_a_gap(bits, top):
    tracker = observe(SequenceTracker(bits=bits), [top - 1, top, 0, 1])
    assert counts(tracker) == (4, 0, 0, 0, 0)


@pytest.mark.parametrize(("bits", "top"), [(16, 0xFFFF), (32, 0xFFFFFFFF)])
def test_a_gap_across_the_wrap_is_still_a_gap(bits, top):
    tracker = observe(SequenceTracker(bits=bits), [top - 1])
    observe(tracker, [2, 3])
    assert counts(tracker) == (3, 3, 0, 0, 0)


def test_a_late_packet_fills_its_gap_and_counts_as_reordered():
    tracker = observe(SequenceTracker(), [10, 11, 13])
    assert tracker.lost == 1
    observe(tracker, [12, 14])
    assert counts(tracker) == (5, 0, 0, 1, 0)


def test_a_repeat_is_a_duplicate_within_a_chunk_and_across_chunks():
    tracker = observe(SequenceTracker(), [10, 11, 11, 12])
    observe(tracker, [12, 10, 13, 13])
    assert counts(tracker) == (4, 0, 4, 0, 0)


def test_a_packet_before_the_first_one_belongs_to_the_flow():
    tracker = observe(SequenceTracker(), [11, 10, 12])
    assert counts(tracker) == (3, 0, 0, 1, 0)


def test_another_sender_is_a_restart_and_its_numbers_are_no_loss():
    tracker = observe(SequenceTracker(), [10, 12])
    observe(tracker, [40_000, 40_001], ssrc=2)
    assert counts(tracker) == (4, 1, 0, 0, 1)


def test_a_change_of_sender_inside_a_chunk_is_found():
    tracker = SequenceTracker()
    tracker.observe(np.array([1, 2, 1, 2]), np.array([7, 7, 8, 8]))
    assert counts(tracker) == (4, 0, 0, 0, 1)


@pytest.mark.parametrize("to", [11 + 3001, 11 - 101 + 0x10000])
def test_a_jump_beyond_the_limits_is_a_restart(to):
    tracker = observe(SequenceTracker(), [10, 11, to, to + 1])
    assert counts(tracker) == (4, 0, 0, 0, 1)


def test_a_step_just_inside_the_limits_is_not_a_restart():
    tracker = observe(SequenceTracker(), [1000, 1000 + 3000, 1000 + 2900])
    assert counts(tracker) == (3, 2998, 0, 1, 0)


def test_a_long_way_forward_forgets_what_was_seen_there_a_window_ago():
    tracker = observe(SequenceTracker(max_misorder=7), range(8))
    observe(tracker, [20])
    observe(tracker, [13, 14, 19])  # 13 = 5 mod 8, seen long ago under that place
    assert counts(tracker) == (12, 9, 0, 3, 0)


def test_numbers_unwrap_to_the_side_they_are_nearer_to():
    near = 0x2_0005
    assert unwrap(np.array([0x0004, 0x0006, 0xFFFF]), near).tolist() == [0x2_0004, 0x2_0006, 0x1_FFFF]


def one_by_one(sequence):
    """The definition, a packet at a time and with a memory of everything."""
    seen, highest, reordered, duplicate = set(), None, 0, 0
    for number in sequence:
        if number in seen:
            duplicate += 1
            continue
        reordered += highest is not None and number < highest
        seen.add(number)
        highest = number if highest is None else max(highest, number)
    lost = max(seen) - min(seen) + 1 - len(seen)
    return len(seen), lost, duplicate, reordered, 0


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=60),
    st.integers(0, 1 << 33),
    st.lists(st.integers(1, 9), min_size=1, max_size=9),
)
def test_columns_count_as_one_by_one_does(jitter, start, cuts):
    sequence = [start + 2 * i + step for i, step in enumerate(jitter)]
    tracker = SequenceTracker(bits=32, max_misorder=64)
    rest = sequence
    while rest:
        cut = cuts[len(rest) % len(cuts)]
        observe(tracker, [n % (1 << 32) for n in rest[:cut]])
        rest = rest[cut:]
    assert counts(tracker) == one_by_one(sequence)


@given(st.lists(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2)), max_size=20), max_size=5))
def test_random_numbers_are_counted_and_nothing_else(chunks):
    tracker = SequenceTracker()
    for chunk in chunks:
        tracker.observe(np.array([n for n, _ in chunk], np.int64), np.array([s for _, s in chunk], np.int64))
    assert tracker.received + tracker.duplicate == sum(map(len, chunks))
    assert tracker.lost >= 0


def test_what_may_still_come_is_not_lost_yet():
    tracker = observe(SequenceTracker(patience=3), [10, 12, 15])
    assert tracker.lost == 1  # 11; 13 and 14 are among the newest three
    observe(tracker, [14, 16])
    assert tracker.lost == 2
    observe(tracker, [17, 18, 13])
    assert tracker.lost == 1


def test_a_patient_tracker_waits_for_nothing_before_its_first_packet():
    assert observe(SequenceTracker(patience=50), [10]).lost == 0
