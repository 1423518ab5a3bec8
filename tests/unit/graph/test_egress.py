"""Every registered grain leaves once, on time, patched or as it came."""

import threading
from fractions import Fraction

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.errors import ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Patch, Region, Verdict
from relip.essence.tai import Tai
from relip.graph.egress import Egress
from relip.graph.tally import Tally

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(width=4, height=2, rate=Fraction(25))
PATCHED = Verdict(patch=Patch(Region(0, 0, 2, 1), np.zeros((1, 5), np.uint8)))
T0 = Tai(1_000_000_000_000)


class House:
    """An egress with everything around it that it tells about what it does."""

    def __init__(self, latency_ns=200_000_000):
        self.clock = ManualClock(T0)
        self.tally = Tally()
        self.sent = []
        self.returned = []
        self.on_send = lambda _grain: None
        self.egress = Egress(
            clock=self.clock, send=self.send, give_back=self.returned.append, tally=self.tally, latency_ns=latency_ns
        )

    def send(self, grain, verdict, due):
        self.on_send(grain)
        self.due = due
        self.sent.append((grain.ticks, verdict, self.clock.now()))

    def register(self, ticks, due):
        grain = VideoGrain(ticks=ticks, format=FORMAT, packed=np.zeros((2, 10), np.uint8), slot=ticks, arrived=T0)
        return self.egress.register(grain, due)


@pytest.fixture
def house():
    return House()


def test_a_settled_grain_leaves_with_its_patch_at_its_instant(house):
    due = T0.after(200_000_000)
    house.register(7, due)
    assert house.egress.settle(7, PATCHED)
    house.egress.step()
    assert house.sent == [(7, PATCHED, due)]
    assert house.returned == [7]
    assert house.tally.altered == 1


def test_the_longest_latency_there_can_be_is_kept():
    house, due = House(2_500_000_000), T0.after(2_600_000_000)
    house.register(7, due)
    house.egress.step()
    assert house.sent[0][2] == due


def test_a_clock_that_is_set_back_by_a_second_holds_nothing_up(house):
    house.register(7, T0.after(200_000_000))
    house.clock = house.egress._clock = ManualClock(T0.after(-1_000_000_000))
    house.egress.step()
    assert house.sent[0][2] == T0.after(-1_000_000_000)


def test_a_grain_without_a_verdict_leaves_untouched_at_its_instant_and_says_why(house):
    due = T0.after(200_000_000)
    house.register(7, due)
    house.egress.step()
    assert house.sent == [(7, Verdict(bypass=Bypass.DEADLINE), due)]
    assert house.tally.bypassed == {Bypass.DEADLINE: 1}


def test_the_buffer_of_an_overtaken_grain_is_kept_until_the_graph_lets_go_of_it(house):
    house.register(7, T0)
    house.egress.step()
    assert house.returned == []
    assert not house.egress.settle(7, PATCHED)
    assert house.returned == [7]
    assert house.tally.late_verdicts == 1
    assert house.tally.altered == 0


def test_a_timestamp_that_is_in_the_house_already_is_refused_and_its_buffer_returned(house):
    assert house.register(7, T0)
    assert not house.register(7, T0)
    assert house.returned == [7]


def test_a_drain_sends_what_is_in_the_house_and_takes_no_more(house):
    house.register(7, T0.after(1))
    house.egress.drain()
    assert not house.register(8, T0.after(2))
    house.egress.run()
    assert [ticks for ticks, _, _ in house.sent] == [7]


def test_grains_leave_in_the_order_in_which_they_came_while_others_settle_them(house):
    for ticks in range(50):
        house.register(ticks, T0.after(ticks))
    settler = threading.Thread(target=lambda: [house.egress.settle(ticks, PATCHED) for ticks in range(50)])
    settler.start()
    house.egress.drain()
    house.egress.run()
    settler.join()
    assert [ticks for ticks, _, _ in house.sent] == list(range(50))
    assert sorted(house.returned) == list(range(50))


def test_a_verdict_that_comes_while_the_grain_is_being_sent_does_not_free_its_buffer(house):
    free_while_sending = []

    def settle(grain):
        assert not house.egress.settle(grain.ticks, PATCHED)
        free_while_sending.extend(house.returned)

    house.on_send = settle
    house.register(7, T0)
    house.egress.step()
    assert free_while_sending == []
    assert house.returned == [7]


def test_a_network_that_refuses_a_grain_costs_that_grain_only(house):
    def refuse(grain):
        if grain.ticks == 7:
            raise ResourceError("Network is unreachable")

    house.on_send = refuse
    for ticks in (7, 8):
        house.register(ticks, T0)
        house.egress.settle(ticks, PATCHED)
        house.egress.step()
    assert [ticks for ticks, _, _ in house.sent] == [8]
    assert house.returned == [7, 8]
    assert house.tally.failures == {"egress: Network is unreachable": 1}


def test_a_grain_that_starts_late_is_still_due_at_its_instant(house):
    house.register(7, T0)
    house.clock.advance(12_000_000)
    house.egress.step()
    assert house.due == T0


def test_when_the_clock_was_set_back_nobody_waits_for_it_to_come_round_again(house):
    house.register(7, T0.after(3_600_000_000_000))
    house.egress.step()
    assert house.sent[0][2] == T0


def test_how_long_the_graph_has_held_on_to_a_grain_that_left_is_known(house):
    assert house.egress.held_ns == 0
    house.register(7, T0)
    house.egress.step()
    house.clock.advance(500)
    assert house.egress.held_ns == 500
    house.egress.settle(7, PATCHED)
    assert house.egress.held_ns == 0
