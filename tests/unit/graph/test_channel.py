"""The threads of a channel: how they end, and how the service learns of it."""

import threading
from fractions import Fraction

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.errors import ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.tai import Tai
from relip.graph.channel import HUNG_NS, Channel
from relip.graph.delay import Delay
from relip.graph.egress import Egress
from relip.graph.ingress import Ingress
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FORMAT = VideoFormat(width=4, height=2, rate=RATE)
T0 = Tai(1_000_000_000_000)


class Runner:
    """A graph that starts and then does as it is told."""

    def __init__(self, fails=None):
        self.started = threading.Event()
        self.ended = threading.Event()
        self.fails = fails

    def run(self):
        if self.fails is not None:
            raise self.fails
        self.started.set()
        self.ended.wait(5)

    def stop(self):
        self.ended.set()


class Flow:
    """A reception that waits until it is stopped."""

    gone = None

    def __init__(self):
        self.stopped = threading.Event()

    def run(self):
        self.stopped.wait(5)

    def stop(self):
        self.stopped.set()


class House:
    def __init__(self, runner=None, flow=None):
        self.clock = ManualClock(T0)
        self.closed = 0
        self.sent = []
        tally = Tally()
        self.egress = Egress(
            clock=self.clock,
            send=lambda grain, *_: self.sent.append(grain.ticks),
            give_back=lambda _: None,
            tally=tally,
            latency_ns=200_000_000,
        )
        delay = Delay(frames=5, latency_ns=200_000_000, release_ns=170_000_000)
        ingress = Ingress(clock=self.clock, timeline=Timeline(RATE), delay=delay, egress=self.egress, tally=tally)
        ingress.wake = lambda: None
        self.runner = runner or Runner()
        self.flow = flow or Flow()
        self.channel = Channel(
            receptions=[self.flow],
            ingress=ingress,
            egress=self.egress,
            runner=self.runner,
            tally=tally,
            flows={},
            close=self.close,
        )

    def close(self):
        self.closed += 1

    def register(self, ticks):
        grain = VideoGrain(ticks=ticks, format=FORMAT, packed=np.zeros((2, 10), np.uint8), slot=0, arrived=T0)
        self.egress.register(grain, T0)


def ended(channel):
    for thread in channel._threads:
        thread.join(2)
    return not any(thread.is_alive() for thread in channel._threads)


def test_a_drain_sends_what_is_in_the_house_ends_every_thread_and_gives_all_back():
    house = House()
    house.channel.start()
    house.register(7)
    house.channel.drain()
    assert house.sent == [7]
    assert house.closed == 1
    assert ended(house.channel)
    assert house.channel.failed is None


def test_what_leaves_beside_the_picture_has_a_thread_and_is_drained_with_it():
    class Leaving(Runner):
        drained = False

        def drain(self):
            self.drained = True
            self.ended.set()

    house, leaving = House(), Leaving()
    house.channel.beside = [leaving]
    house.channel.start()
    assert leaving.started.wait(5)
    house.channel.drain()
    assert leaving.drained
    assert ended(house.channel)


def test_a_graph_that_does_not_start_is_told_at_once():
    house = House(Runner(fails=RuntimeError("no scheduler")))
    with pytest.raises(ResourceError, match="no scheduler"):
        house.channel.start()


def test_a_graph_that_ends_by_itself_is_a_failure_and_the_picture_still_leaves():
    house = House()
    house.channel.start()
    house.runner.ended.set()
    next(thread for thread in house.channel._threads if thread.name == "graph").join(2)
    assert "ended by itself" in str(house.channel.failed)
    house.register(7)
    house.channel.drain()
    assert house.sent == [7]


def test_what_ends_any_thread_is_told():
    class Broken(Flow):
        def run(self):
            raise ZeroDivisionError("a bug")

    house = House(flow=Broken())
    house.channel.start()
    next(thread for thread in house.channel._threads if thread.name == "reception").join(2)
    assert isinstance(house.channel.failed, ZeroDivisionError)
    house.channel.drain()


def test_a_graph_that_never_lets_go_of_a_grain_hangs_and_one_that_is_slow_does_not():
    house = House()
    house.register(7)
    house.egress.step()
    house.clock.advance(HUNG_NS)
    assert house.channel.failed is None
    house.clock.advance(1)
    assert "hangs" in str(house.channel.failed)
