"""The loop that takes packets and hands on what they add up to."""

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.errors import ResourceError
from relip.essence.tai import Tai
from relip.graph.reception import Reception

pytestmark = pytest.mark.unit

T0 = Tai(1_000_000_000_000)


class Source:
    """Gives so many packets a call, then says that it is gone."""

    def __init__(self, counts):
        self.counts = list(counts)
        self.closed = False

    def receive(self, chunk, _wait_ns):
        if not self.counts:
            raise ResourceError("unplugged")
        chunk.count = self.counts.pop(0)
        return chunk.count

    def close(self):
        self.closed = True


class Assembler:
    """Notes when it was asked, and gives a unit for every packet."""

    def __init__(self):
        self.asked = []

    def push(self, chunk, now):
        self.asked.append((chunk.count, now))
        return [np.int64(chunk.count)] * chunk.count


def reception(source, assembler, clock, got, capacity=4):
    return Reception(source, assembler, clock=clock, deliver=got.append, capacity=capacity)


def test_everything_that_is_complete_is_delivered_in_order_and_the_assembler_is_asked_when_idle_too():
    got, assembler = [], Assembler()
    loop = reception(Source([2, 0, 1]), assembler, ManualClock(T0), got)
    for _ in range(3):
        loop.step()
    assert got == [2, 2, 1]
    assert [count for count, _ in assembler.asked] == [2, 0, 1]


def test_what_is_overdue_is_asked_for_only_when_no_more_packets_wait():
    asked = []

    def expire(now):
        asked.append(now)
        return ["overdue"]

    got, clock = [], ManualClock(T0)
    loop = Reception(Source([4, 4, 1, 0]), Assembler(), clock=clock, deliver=got.append, capacity=4, expire=expire)
    clock.advance(300_000_000)  # this machine was stalled, the packets were not late
    for _ in range(4):
        loop.step()
    assert len(asked) == 2
    assert got == [*[4] * 8, 1, "overdue", "overdue"]


def test_a_source_that_is_gone_ends_its_own_loop_and_says_why():
    source = Source([1])
    loop = reception(source, Assembler(), ManualClock(T0), [])
    loop.run()
    assert str(loop.gone) == "unplugged"
    assert source.closed


def test_a_stopped_loop_fetches_no_more():
    loop = reception(Source([1]), Assembler(), ManualClock(T0), got := [])
    loop.stop()
    loop.fetch()
    assert got == []
