"""The link inside the process: the contract of both its ends, and what its impairments do."""

import numpy as np
import pytest

from relip.essence.errors import FormatError
from relip.ports import Chunk, Schedule
from relip.transport.loopback import Link
from transport_contract import PairContract, SourceContract, StampContract, burst_of, payloads, receive_all

pytestmark = pytest.mark.unit

NOON_NS = 1_790_000_000_000_000_000


@pytest.fixture
def pair():
    link = Link()
    return link.sink, link.source


@pytest.fixture
def sent():
    return (NOON_NS, NOON_NS + 4_000_000)


@pytest.fixture
def filled():
    link = Link()
    link.now_ns = NOON_NS
    link.sink.send(burst_of(payloads(), schedule=Schedule(span_ns=4_000_000)))
    return link.source


class TestLoopback(SourceContract, StampContract, PairContract):
    """The contracts, as they stand."""


def numbered(n):
    return [i.to_bytes(4, "big") * 5 for i in range(n)]


def order_after(link, n=1000, bursts=4):
    sent = numbered(n)
    for part in np.array_split(np.arange(n), bursts):
        link.sink.send(burst_of([sent[i] for i in part]))
    return [int.from_bytes(d[:4], "big") for d in receive_all(link.source, 10 * n)]


def test_the_same_seed_gives_the_same_packets():
    first, second, other = (order_after(Link(seed, loss=0.1, reorder=0.1, duplicate=0.1)) for seed in (7, 7, 8))
    assert first == second
    assert first != other


def test_loss_takes_about_its_share_and_counts_it():
    link = Link(1, loss=0.1)
    got = order_after(link)
    assert 50 < link.lost < 200
    assert len(got) == 1000 - link.lost
    assert got == sorted(got)


def test_a_duplicate_follows_its_original():
    got = order_after(Link(1, duplicate=0.1))
    assert sorted(set(got)) == list(range(1000))
    assert 1050 < len(got) < 1200
    assert got == sorted(got)


def test_a_reordered_packet_is_overtaken_by_no_more_than_the_jitter_and_none_is_lost():
    got = order_after(Link(1, reorder=0.05, jitter=5))
    assert sorted(got) == list(range(1000))
    assert got != sorted(got)
    overtaken_by = [sum(later > packet for later in got[:place]) for place, packet in enumerate(got)]
    assert max(overtaken_by) == 5


def test_a_full_queue_drops_the_newest():
    link = Link(capacity=10)
    assert link.sink.send(burst_of(numbered(15))) == 15
    assert link.overrun == 5
    assert receive_all(link.source, 10) == numbered(10)


def test_the_queue_wraps():
    link = Link(capacity=10)
    for _ in range(5):
        link.sink.send(burst_of(numbered(7)))
        assert receive_all(link.source, 7) == numbered(7)


def test_what_was_under_way_when_the_source_closed_harms_nobody():
    link = Link()
    link.source.close()
    assert link.sink.send(burst_of(numbered(3))) == 3


@pytest.mark.parametrize(("name", "value"), [("loss", 1.1), ("reorder", -0.1), ("duplicate", 2), ("jitter", 0)])
def test_an_impossible_impairment_is_refused_by_name(name, value):
    with pytest.raises(FormatError, match=name):
        Link(**{name: value})


def test_a_narrow_chunk_takes_what_fits_a_row():
    link = Link()
    link.sink.send(burst_of([bytes(range(100))]))
    chunk = Chunk.of(1, stride=32)
    assert link.source.receive(chunk, 0) == 1
    assert chunk.octets[0].tobytes() == bytes(range(32))
    assert chunk.lengths[0] == 100


def stamps_after(link, expected):
    chunk = Chunk.stamped(expected)
    got = []
    while len(got) < expected and link.source.receive(chunk, 0):
        got += chunk.arrivals[: chunk.count].tolist()
    return got


def test_stamps_are_spread_over_the_span_and_the_next_burst_comes_behind_it():
    link = Link()
    link.now_ns = 1000
    link.sink.send(burst_of(numbered(4), schedule=Schedule(span_ns=400)))
    link.sink.send(burst_of(numbered(2)))
    assert stamps_after(link, 6) == [1000, 1100, 1200, 1300, 1400, 1400]


def test_an_overtaken_packet_arrives_when_the_one_before_it_does_and_a_repeat_with_its_original():
    link = Link(1, reorder=0.2, duplicate=0.2, jitter=5)
    link.sink.send(burst_of(numbered(100), schedule=Schedule(span_ns=100_000)))
    got = stamps_after(link, 120)
    assert len(got) > 100
    assert got == sorted(got)
    assert set(got) <= set(range(0, 100_000, 1000))
