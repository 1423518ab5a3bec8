"""Two legs as one source and one sink: the contract, and what a leg that fails costs."""

import threading
import time as clock

import numpy as np
import pytest

from relip.essence.errors import ResourceError
from relip.ports import Burst, Chunk, Measured, Schedule
from relip.transport.legs import REST_NS, RETRY_NS, LegsSink, LegsSource
from relip.transport.loopback import Link
from transport_contract import PairContract, SourceContract, burst_of, payloads, receive_all

pytestmark = pytest.mark.unit


def of(end):
    """Opens a leg that is there already."""
    return lambda: end


class TestOneLeg(SourceContract, PairContract):
    """A flow of one leg is kept in the same way."""

    @pytest.fixture
    def pair(self):
        link = Link()
        return LegsSink([of(link.sink)]), LegsSource([of(link.source)])

    @pytest.fixture
    def filled(self):
        link = Link()
        link.sink.send(burst_of(payloads()))
        return LegsSource([of(link.source)])


class TestOneOfTwoLegs(SourceContract, PairContract):
    """With one leg silent and nowhere to send, two legs are as good as the other."""

    @pytest.fixture(params=["first", "second"])
    def order(self, request):
        return 1 if request.param == "first" else -1

    @pytest.fixture
    def pair(self, order):
        link, silent = Link(), Link()
        return LegsSink([of(link.sink), of(Link().sink)][::order]), LegsSource([of(link.source), of(silent.source)][::order])

    @pytest.fixture
    def filled(self, order):
        link, silent = Link(), Link()
        link.sink.send(burst_of(payloads()))
        return LegsSource([of(link.source), of(silent.source)][::order])


def numbered(first, count):
    return [i.to_bytes(4, "big") * 5 for i in range(first, first + count)]


def rows(chunk):
    return [(int(leg), int.from_bytes(row[:4], "big")) for leg, row in zip(chunk.leg, chunk.octets, strict=True)][: chunk.count]


def test_every_row_says_over_which_leg_it_came_and_each_leg_keeps_its_order():
    links = Link(), Link()
    source = LegsSource([of(link.source) for link in links])
    for k, link in enumerate(links):
        link.sink.send(burst_of(numbered(1000 * k, 300)))
    chunk, got = Chunk.of(64), []
    while source.receive(chunk, 0):
        got += rows(chunk)
    for k in range(2):
        assert [number for leg, number in got if leg == k] == list(range(1000 * k, 1000 * k + 300))


def test_neither_leg_can_keep_the_other_waiting():
    links = Link(), Link()
    source = LegsSource([of(link.source) for link in links])
    for link in links:
        link.sink.send(burst_of(numbered(0, 1000)))
    chunk = Chunk.of(64)
    source.receive(chunk, 0)
    assert {leg for leg, _ in rows(chunk)} == {0, 1}


def test_less_than_a_full_chunk_means_that_no_leg_has_more():
    links = Link(), Link()
    source = LegsSource([of(link.source) for link in links])
    links[1].sink.send(burst_of(numbered(0, 100)))
    chunk = Chunk.of(64)
    assert [source.receive(chunk, 0) for _ in range(3)] == [64, 36, 0]


class Frail:
    """A source and sink that can be made to fail; it opens again when it is whole."""

    def __init__(self, link):
        self.link = link
        self.fails = False
        self.opened = 0

    def open(self):
        if self.fails:
            raise ResourceError("no such interface")
        self.opened += 1
        return self

    def receive(self, chunk, wait_ns):
        if self.fails:
            raise ResourceError("the interface is gone")
        return self.link.source.receive(chunk, wait_ns)

    def send(self, burst):
        if self.fails:
            raise ResourceError("the network is unreachable")
        return self.link.sink.send(burst)

    def close(self):
        pass


class Time:
    """Nanoseconds, set by hand."""

    def __init__(self):
        self.ns = 0

    def __call__(self):
        return self.ns


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def legs():
    return Frail(Link()), Frail(Link())


def test_a_leg_that_fails_costs_that_leg_and_is_opened_anew_when_it_can_be(legs, time):
    source = LegsSource([leg.open for leg in legs], now=time)
    legs[0].fails = True
    for leg in legs:
        leg.link.sink.send(burst_of(numbered(0, 3)))
    assert receive_all(source, 3) == numbered(0, 3)
    assert source.states()[0].why == "the interface is gone"
    assert (source.states()[0].lost, source.states()[1].lost) == (1, 0)
    time.ns += RETRY_NS
    assert source.receive(Chunk.of(8), 0) == 0
    assert (source.states()[0].why, source.states()[0].lost) == ("no such interface", 1), "one outage, tried twice"
    legs[0].fails = False
    time.ns += RETRY_NS
    assert receive_all(source, 3) == numbered(0, 3)
    assert source.states()[0].why == ""
    assert [leg.opened for leg in legs] == [2, 1]


def test_a_lost_leg_is_not_tried_more_often_than_it_should(legs, time):
    source = LegsSource([leg.open for leg in legs], now=time)
    legs[0].fails = True
    source.receive(Chunk.of(8), 0)
    legs[0].fails = False
    time.ns += RETRY_NS - 1
    source.receive(Chunk.of(8), 0)
    assert legs[0].opened == 1


def test_a_flow_whose_only_leg_is_lost_pauses_and_goes_on(legs, time):
    source = LegsSource([legs[0].open], now=time)
    legs[0].fails = True
    assert source.receive(Chunk.of(8), 1) == 0
    assert source.receive(Chunk.of(8), 1) == 0
    legs[0].fails = False
    time.ns += RETRY_NS
    legs[0].link.sink.send(burst_of(numbered(0, 3)))
    assert receive_all(source, 3) == numbered(0, 3)


@pytest.mark.parametrize("kind", [LegsSource, LegsSink])
def test_one_leg_is_enough_to_begin_with_and_none_is_refused(kind, legs, time):
    legs[1].fails = True
    assert [state.why for state in kind([leg.open for leg in legs], now=time).states()] == ["", "no such interface"]
    legs[0].fails = True
    with pytest.raises(ResourceError, match="no such interface"):
        kind([leg.open for leg in legs], now=time)


def test_nothing_is_opened_any_more_once_it_is_closed(legs, time):
    source = LegsSource([leg.open for leg in legs], now=time)
    source.close()
    time.ns += RETRY_NS
    with pytest.raises(ResourceError, match="closed"):
        source.receive(Chunk.of(8), 0)
    assert [leg.opened for leg in legs] == [1, 1]


@pytest.mark.parametrize("schedule", [None, Schedule(span_ns=1_000)])
def test_both_legs_are_sent_the_same_octets(legs, time, schedule):
    sink = LegsSink([leg.open for leg in legs], now=time)
    assert sink.send(burst_of(payloads(), schedule=schedule)) == len(payloads())
    for leg in legs:
        assert receive_all(leg.link.source, len(payloads())) == payloads()
    assert [state.packets for state in sink.states()] == [len(payloads())] * 2
    sink.close()


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("schedule", [None, Schedule(span_ns=1_000)])
def test_a_leg_that_refuses_costs_that_leg_only(legs, time, failing, schedule):
    sink = LegsSink([leg.open for leg in legs], now=time)
    legs[failing].fails = True
    assert sink.send(burst_of(numbered(0, 3), schedule=schedule)) == 3
    assert sink.states()[failing].why == "the network is unreachable"
    assert sink.states()[failing].refused == 3
    legs[failing].fails = False
    time.ns += RETRY_NS
    assert sink.send(burst_of(numbered(3, 3), schedule=schedule)) == 3
    assert receive_all(legs[1 - failing].link.source, 6) == numbered(0, 6)
    assert receive_all(legs[failing].link.source, 3) == numbered(3, 3)
    sink.close()


def test_a_sink_that_no_leg_is_left_of_says_so_until_one_is_back(legs, time):
    sink = LegsSink([legs[0].open], now=time)
    legs[0].fails = True
    with pytest.raises(ResourceError, match="unreachable"):
        sink.send(burst_of(numbered(0, 3)))
    with pytest.raises(ResourceError, match="unreachable"):
        sink.send(burst_of(numbered(0, 3)))
    legs[0].fails = False
    time.ns += RETRY_NS
    assert sink.send(burst_of(numbered(0, 3))) == 3


class Stuck(Frail):
    """A link that takes half of every burst."""

    def __init__(self, link):
        super().__init__(link)
        self.asked = 0

    def send(self, burst):
        self.asked += 1
        return len(burst.headers) // 2


def test_a_leg_that_is_stuck_is_left_alone_for_a_while(legs, time):
    stuck = Stuck(Link())
    sink = LegsSink([legs[0].open, stuck.open], now=time)
    for _ in range(3):
        assert sink.send(burst_of(numbered(0, 4))) == 4
    assert (stuck.asked, sink.states()[1].refused) == (1, 2)
    time.ns += REST_NS
    sink.send(burst_of(numbered(0, 4)))
    assert stuck.asked == 2
    sink.close()


def test_the_legs_of_a_burst_that_takes_its_time_are_sent_side_by_side(time):
    meeting = threading.Barrier(2)

    class Meets(Frail):
        """Sends when the other does."""

        def send(self, burst):
            meeting.wait(timeout=10)
            return len(burst.headers)

    sink = LegsSink([Meets(Link()).open, Meets(Link()).open], now=time)
    none = np.zeros(1, np.int64)
    assert sink.send(Burst(np.zeros((1, 12), np.uint8), np.zeros(0, np.uint8), none, none, Schedule(span_ns=1_000))) == 1
    sink.close()


@pytest.mark.parametrize(("failing", "told"), [(None, 7), (1, 7), (0, 9)])
def test_what_is_measured_is_the_first_legs_unless_it_took_nothing(time, failing, told):
    class Measures(Frail):
        """Measures what it is told to."""

        def __init__(self, figure):
            super().__init__(Link())
            self.figure = figure

        def send(self, burst):
            if not self.fails:
                burst.measured[Measured.CINST] = self.figure
            return super().send(burst)

    ends = Measures(7), Measures(9)
    sink = LegsSink([end.open for end in ends], now=time)
    if failing is not None:
        ends[failing].fails = True
    burst = burst_of(numbered(0, 3), schedule=Schedule(span_ns=1_000))
    sink.send(burst)
    assert burst.measured[Measured.CINST] == told
    sink.close()


def test_a_leg_that_is_silent_does_not_hold_up_the_one_that_speaks_next():
    links = Link(), Link()
    source = LegsSource([of(link.source) for link in links])
    links[0].sink.send(burst_of(numbered(0, 1)))
    assert source.receive(Chunk.of(8), 0) == 1  # the first leg spoke last, and will be waited for
    later = threading.Timer(0.05, lambda: links[1].sink.send(burst_of(numbered(1, 1))))
    later.start()
    began = clock.monotonic()
    assert source.receive(Chunk.of(8), 60_000_000_000) == 1
    assert clock.monotonic() - began < 30, "not the whole minute"
    later.join()
