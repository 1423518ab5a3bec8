"""When grains and their voices become pulses."""

from fractions import Fraction

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.tai import grain_start, grain_ticks
from relip.graph.delay import Delay
from relip.graph.egress import Egress
from relip.graph.ingress import Ingress
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FORMAT = VideoFormat(width=4, height=2, rate=RATE)
INDEX = 44_000_000_000
MS = 1_000_000


class House:
    def __init__(self):
        self.clock = ManualClock(grain_start(INDEX, RATE))
        self.returned = []
        self.woken = 0
        tally = Tally()
        self.egress = Egress(
            clock=self.clock, send=lambda *_: None, give_back=self.returned.append, tally=tally, latency_ns=200 * MS
        )
        delay = Delay(frames=5, latency_ns=200 * MS, release_ns=170 * MS)
        self.ingress = Ingress(clock=self.clock, timeline=Timeline(RATE), delay=delay, egress=self.egress, tally=tally)
        self.ingress.wake = self.wake

    def wake(self):
        self.woken += 1

    def offer(self, index):
        ticks = grain_ticks(index, RATE, 90_000)
        self.ingress.offer(VideoGrain(ticks, FORMAT, np.zeros((2, 10), np.uint8), index % 7, self.clock.now()))

    def pulses(self):
        self.ingress.step()
        pulses = []
        while (pulse := self.ingress.take_pulse()) is not None:
            pulses.append(pulse)
        return pulses


@pytest.fixture
def house():
    return House()


def test_a_grain_is_looked_at_as_soon_as_it_has_come(house):
    house.clock.advance(36 * MS)
    house.offer(INDEX)
    (pulse,) = house.pulses()
    assert pulse.arrived.grain.ticks == grain_ticks(INDEX, RATE, 90_000)
    assert pulse.ready == []
    assert house.woken == 1


def test_a_grain_is_ready_when_its_voice_is_all_here_even_if_no_further_grain_comes(house):
    house.clock.advance(36 * MS)
    house.offer(INDEX)
    house.pulses()
    house.clock.advance(133 * MS)
    assert house.pulses() == []
    house.clock.advance(1 * MS)
    (pulse,) = house.pulses()
    assert [take.grain.ticks for take in pulse.ready] == [grain_ticks(INDEX, RATE, 90_000)]


@pytest.mark.parametrize("by_s", [1, 3600])
def test_a_clock_that_is_set_back_keeps_no_grain_from_the_graph(house, by_s):
    house.clock.advance(36 * MS)
    house.offer(INDEX)
    house.pulses()
    house.clock = house.ingress._clock = ManualClock(house.clock.now().after(-by_s * 1000 * MS))
    (pulse,) = house.pulses()
    assert [take.grain.ticks for take in pulse.ready] == [grain_ticks(INDEX, RATE, 90_000)]


def test_a_grain_is_due_the_declared_latency_after_its_own_instant(house):
    house.clock.advance(36 * MS)
    house.offer(INDEX)
    (pulse,) = house.pulses()
    assert pulse.arrived.due == grain_start(INDEX, RATE).after(200 * MS)


def test_grains_become_ready_in_the_order_in_which_they_came_each_in_a_pulse_of_its_own(house):
    for k in range(4):
        house.clock.advance(40 * MS)
        house.offer(INDEX + k)
    house.clock.advance(400 * MS)
    ready = [[take.grain.ticks for take in pulse.ready] for pulse in house.pulses() if pulse.ready]
    assert ready == [[grain_ticks(INDEX + k, RATE, 90_000)] for k in range(4)]


def test_a_timestamp_that_came_twice_is_not_looked_at_twice(house):
    house.clock.advance(36 * MS)
    house.offer(INDEX)
    house.offer(INDEX)
    assert len(house.pulses()) == 1
    assert len(house.returned) == 1
