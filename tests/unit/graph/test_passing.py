"""A configured bypass: no graph, and every grain leaves as it came."""

from fractions import Fraction

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass
from relip.essence.tai import grain_start, grain_ticks
from relip.graph.channel import Channel
from relip.graph.delay import delay_without_voice
from relip.graph.egress import Egress
from relip.graph.passing import Passing
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline

pytestmark = pytest.mark.unit

RATE = Fraction(50)
FORMAT = VideoFormat(width=4, height=2, rate=RATE)
INDEX = 88_000_000_000


class House:
    def __init__(self, frames=1):
        self.clock = ManualClock(grain_start(INDEX, RATE))
        self.sent, self.returned = [], []
        self.tally = Tally()
        delay = delay_without_voice(RATE, frames)
        self.egress = Egress(
            clock=self.clock, send=self.send, give_back=self.returned.append, tally=self.tally, latency_ns=delay.latency_ns
        )
        self.passing = Passing(timeline=Timeline(RATE), delay=delay, egress=self.egress, tally=self.tally)

    def send(self, grain, verdict, due):
        self.sent.append((grain.ticks, verdict.bypass, due, self.clock.now()))

    def offer(self, index, slot=0):
        ticks = grain_ticks(index, RATE, 90_000)
        self.passing.offer(VideoGrain(ticks, FORMAT, np.zeros((2, 10), np.uint8), slot, self.clock.now()))


def test_a_grain_leaves_when_the_next_one_begins_and_gives_its_buffer_back():
    house = House()
    house.clock.advance(17_000_000)
    house.offer(INDEX, slot=3)
    house.egress.step()
    due = grain_start(INDEX + 1, RATE)
    assert house.sent == [(grain_ticks(INDEX, RATE, 90_000), Bypass.REQUESTED, due, due)]
    assert house.returned == [3]
    assert (house.tally.received, house.tally.sent, house.tally.bypassed) == (1, 1, {Bypass.REQUESTED: 1})
    assert house.tally.late_verdicts == 0


def test_a_grain_that_was_complete_too_late_leaves_at_once_and_is_no_missed_deadline():
    house = House()
    house.clock.advance(23_000_000)
    house.offer(INDEX)
    house.egress.step()
    assert house.sent[0][1] is Bypass.REQUESTED
    assert house.sent[0][3] == grain_start(INDEX, RATE).after(23_000_000)


def test_a_channel_starts_and_drains_without_a_graph():
    house = House(frames=2)
    channel = Channel(
        receptions=[],
        ingress=house.passing,
        egress=house.egress,
        runner=house.passing,
        tally=house.tally,
        flows={},
        close=lambda: None,
    )
    channel.start()
    house.offer(INDEX)
    channel.drain()
    assert [ticks for ticks, *_ in house.sent] == [grain_ticks(INDEX, RATE, 90_000)]
    assert channel.failed is None
    assert not any(thread.is_alive() for thread in channel._threads)
