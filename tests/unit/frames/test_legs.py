"""Which leg brought what: counted from the headers, whatever the essence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.tai import Tai
from relip.frames.legs import NUMBERS, STALL_NS, LegWatch
from relip.ports import Chunk

pytestmark = pytest.mark.unit

TYPE, WINDOW_NS, MS = 96, 10_000_000, 1_000_000
T0 = Tai(1_700_000_000_000_000_000)


def watch():
    return LegWatch(2, payload_type=TYPE, differential_ns=WINDOW_NS)


def chunk_of(packets, *, ssrc=7, step=1500, stamped=()):
    """Packets as (leg, number), a timestamp for every sixteen numbers; `stamped`: when each came, ns."""
    chunk = Chunk.stamped(max(len(packets), 1)) if len(stamped) else Chunk.of(max(len(packets), 1))
    for row, (leg, number) in enumerate(packets):
        header = bytes([0x80, TYPE]) + (number & 0xFFFF).to_bytes(2) + (number // 16 * step & 0xFFFFFFFF).to_bytes(4)
        chunk.octets[row, :12] = np.frombuffer(header + ssrc.to_bytes(4), np.uint8)
        chunk.lengths[row], chunk.leg[row] = 100, leg
    if len(stamped):
        chunk.arrivals[: len(stamped)] = stamped
    chunk.count = len(packets)
    return chunk


def counts(of):
    return [(c.received, c.unique, c.duplicate, c.lost) for c in of.counters]


def test_the_first_copy_is_unique_and_the_second_a_duplicate():
    w = watch()
    w.observe(chunk_of([(0, 1), (1, 1), (1, 2), (0, 2)]), T0)
    assert counts(w) == [(2, 1, 1, 0), (2, 1, 1, 0)]


def test_what_one_leg_did_not_bring_within_the_path_differential_is_lost_on_it():
    w = watch()
    w.observe(chunk_of([(0, n) for n in range(5)] + [(1, n) for n in (0, 1, 4)]), T0)
    w.observe(chunk_of([]), T0.after(WINDOW_NS - 1))
    assert counts(w) == [(5, 5, 0, 0), (3, 0, 3, 0)]
    w.observe(chunk_of([]), T0.after(WINDOW_NS))
    assert counts(w) == [(5, 5, 0, 0), (3, 0, 3, 2)]


def test_a_copy_that_comes_after_the_path_differential_is_a_duplicate_and_shows_in_the_skew():
    w = watch()
    w.observe(chunk_of([(0, 1)]), T0)
    w.observe(chunk_of([]), T0.after(2 * WINDOW_NS))
    w.observe(chunk_of([(1, 1)]), T0.after(3 * WINDOW_NS))
    w.observe(chunk_of([]), T0.after(9 * WINDOW_NS + STALL_NS))
    assert counts(w) == [(1, 1, 0, 0), (1, 0, 1, 0)]
    assert w.counters[1].skew_max_ns == 3 * WINDOW_NS


def test_a_leg_that_is_gone_loses_everything_and_none_of_it_once_it_is_back():
    w = watch()
    for n in range(100):
        legs = (0,) if 20 <= n < 60 else (0, 1)
        w.observe(chunk_of([(leg, n) for leg in legs]), T0.after(n * MS))
    w.observe(chunk_of([]), T0.after(1000 * MS))
    assert counts(w) == [(100, 100, 0, 0), (60, 0, 60, 40)]


def test_a_sender_whose_timestamps_went_back_is_counted_like_any_other():
    w = watch()
    w.observe(chunk_of([(leg, n) for n in range(16, 106) for leg in (0, 1)]), T0)
    for n in range(16, 106):
        legs = (0,) if n < 46 else (0, 1)
        w.observe(chunk_of([(leg, n) for leg in legs], step=-1500), T0.after((2000 + n) * MS))
    w.observe(chunk_of([]), T0.after(9000 * MS))
    assert counts(w) == [(180, 180, 0, 0), (150, 0, 150, 30)]


def test_the_skew_is_told_of_the_leg_that_follows():
    w = watch()
    w.observe(chunk_of([(0, 1)]), T0)
    w.observe(chunk_of([(1, 1)]), T0.after(4 * MS))
    first, second = w.counters
    assert (first.skew_ns, second.skew_ns, second.skew_max_ns) == (0, 4 * MS, 4 * MS)
    w.observe(chunk_of([(1, 2)]), T0.after(20 * MS))
    w.observe(chunk_of([(0, 2)]), T0.after(21 * MS))
    first, second = w.counters
    assert (first.skew_ns, first.skew_max_ns) == (MS, MS)
    assert (second.skew_ns, second.skew_max_ns) == (0, 4 * MS)


def test_stamps_tell_the_skew_even_when_both_copies_are_taken_at_once_and_the_later_first():
    w = watch()
    w.observe(chunk_of([(0, 1), (1, 1)], stamped=[700_000, 200_000]), T0)
    first, second = w.counters
    assert (first.skew_ns, second.skew_ns) == (500_000, 0)


def test_a_leg_that_repeats_itself_has_no_skew_and_has_not_brought_what_the_other_did():
    w = watch()
    w.observe(chunk_of([(0, 1), (0, 1)]), T0)
    w.observe(chunk_of([]), T0.after(WINDOW_NS + STALL_NS - 1))
    assert counts(w)[1] == (0, 0, 0, 0), "a leg that brings nothing at all may be waiting to be read"
    w.observe(chunk_of([]), T0.after(WINDOW_NS + STALL_NS))
    assert counts(w) == [(2, 1, 1, 0), (0, 0, 0, 1)]
    assert w.counters[0].skew_max_ns == 0


def test_numbers_come_round_and_are_other_packets():
    w = watch()
    for n in (5, 5 + NUMBERS, 5 + 2 * NUMBERS):
        w.observe(chunk_of([(0, n), (1, n)]), T0.after(n * MS))
    assert counts(w) == [(3, 3, 0, 0), (3, 0, 3, 0)]


def test_what_a_leg_brings_far_too_late_is_not_taken_for_news():
    w = watch()  # numbers come round four times a second
    for first in range(0, 3 * NUMBERS, 4096):
        w.observe(chunk_of([(0, n) for n in range(first, first + 4096)]), T0.after(first * MS // 256))
    w.observe(chunk_of([(1, n) for n in range(100, 200)]), T0.after(3 * NUMBERS * MS // 256))
    assert w.counters[1].unique == 0
    assert w.counters[1].duplicate == 100


def test_a_new_source_begins_anew_under_the_same_numbers():
    w = watch()
    w.observe(chunk_of([(0, 1), (1, 1)]), T0)
    w.observe(chunk_of([(0, 1), (1, 1)], ssrc=8), T0.after(MS))
    assert counts(w) == [(2, 2, 0, 0), (2, 0, 2, 0)]


def test_what_no_rtp_receiver_would_take_is_received_and_no_more():
    w, chunk = watch(), chunk_of([(0, 1), (0, 2), (0, 3)])
    chunk.lengths[0] = 11
    chunk.octets[1, 0] = 0x40
    chunk.octets[2, 1] = TYPE + 1
    w.observe(chunk, T0)
    assert counts(w)[0] == (3, 0, 0, 0)


def test_of_one_leg_only_the_packets_are_counted():
    w = LegWatch(1, payload_type=TYPE, differential_ns=0)
    w.observe(chunk_of([(0, 1), (0, 1)]), T0)
    assert counts(w) == [(2, 0, 0, 0)]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40)), max_size=200), st.integers(1, 50))
def test_the_counts_are_those_of_a_set(packets, each):
    w = watch()
    for first in range(0, len(packets), each):
        w.observe(chunk_of(packets[first : first + each]), T0.after(first))
    w.observe(chunk_of([]), T0.after(10 * WINDOW_NS + STALL_NS))
    brought = [{n for leg, n in packets if leg == k} for k in range(2)]
    for k in range(2):
        told = w.counters[k]
        assert told.received == told.unique + told.duplicate == sum(leg == k for leg, _ in packets)
        assert told.lost == len(brought[1 - k] - brought[k])
    assert sum(c.unique for c in w.counters) == len(brought[0] | brought[1])


def test_a_leg_whose_packets_wait_to_be_read_has_lost_none_of_them():
    w = watch()
    w.observe(chunk_of([(1, n) for n in range(100, 200)] + [(0, n) for n in range(50)]), T0)
    w.observe(chunk_of([(0, n) for n in range(50, 100)]), T0.after(100 * MS))
    w.observe(chunk_of([(0, n) for n in range(100, 200)]), T0.after(200 * MS))
    w.observe(chunk_of([(leg, 200) for leg in range(2)]), T0.after(300 * MS))
    w.observe(chunk_of([]), T0.after(2000 * MS))
    assert [c.lost for c in w.counters] == [0, 100], "the second began later"
