"""The way out: every registered grain leaves exactly once, at its due instant, patched or as it came.

The grain is registered here when it is received, before the graph sees it, and the graph only ever delivers a verdict.
So the picture goes out on time whatever happens to the graph: late, crashed or hung, the untouched grain leaves.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from relip.essence.errors import ResourceError
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Verdict
from relip.essence.tai import NS_PER_S, Tai
from relip.graph.tally import Tally
from relip.ports import Clock

Send = Callable[[VideoGrain, Verdict, Tai], None]
"""Sends a grain as its verdict says, from the instant on at which it is due."""
GiveBack = Callable[[int], None]
CLOCK_STEP_NS = NS_PER_S // 2
"""What is due so much later than the latency allows was not: the clock was set back meanwhile, and nobody waits for it to come
round again. A grain may be early, but by less."""


@dataclass(slots=True)
class _Entry:
    """A grain between arrival and departure. Its buffer is free again when it was sent and the graph is done with it.

    `leaving`: its packets are being sent, or were: a verdict that comes now is too late. `left`: when they had been sent.
    """

    grain: VideoGrain
    due: Tai
    verdict: Verdict | None = None
    leaving: bool = False
    left: Tai | None = None
    settled: bool = False


class Egress:
    """Remembers the grains that are in the house. Threads: `register` (ingress), `settle` (graph), `run` (its own)."""

    def __init__(self, *, clock: Clock, send: Send, give_back: GiveBack, tally: Tally, latency_ns: int) -> None:
        """`latency_ns`: the longest that a grain which is not early has to wait."""
        self._clock = clock
        self._reach_ns = latency_ns + CLOCK_STEP_NS
        self._send = send
        self._give_back = give_back
        self._tally = tally
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._queue: deque[_Entry] = deque()
        self._changed = threading.Condition()
        self._draining = False

    def register(self, grain: VideoGrain, due: Tai, verdict: Verdict | None = None) -> bool:
        """Take responsibility for a grain; False (and its buffer given back) when its timestamp is already in the house.

        `verdict`: of a grain that no graph will see.
        """
        with self._changed:
            if grain.ticks in self._entries or self._draining:
                self._give_back(grain.slot)
                return False
            entry = _Entry(grain, due, verdict, settled=verdict is not None)
            self._entries[grain.ticks] = entry
            self._queue.append(entry)
            self._changed.notify()
        return True

    def settle(self, ticks: int, verdict: Verdict) -> bool:
        """Deliver the graph's verdict; False when the grain has already left. The graph lets go of the grain here."""
        with self._changed:
            entry = self._entries[ticks]
            entry.settled = True
            late = entry.leaving
            if late:
                self._tally.late_verdicts += 1
            else:
                entry.verdict = verdict
            self._forget(entry)
        return not late

    def step(self) -> bool:
        """Send the next grain at its due instant; False when none came within a moment."""
        with self._changed:
            if not self._queue and not self._draining:
                self._changed.wait(0.05)
            if not self._queue:
                return False
            entry = self._queue.popleft()
        if entry.due.since(self._clock.now()) < self._reach_ns:
            self._clock.wait_until(entry.due)
        with self._changed:
            verdict = entry.verdict or Verdict(bypass=Bypass.DEADLINE)
            entry.leaving = True
        self._depart(entry, verdict)
        with self._changed:
            entry.left = self._clock.now()
            self._forget(entry)
        return True

    @property
    def held_ns(self) -> int:
        """For how long the graph has held on to a grain that has left: moments if it is slow, ever longer if it hangs."""
        with self._changed:
            left = [entry.left for entry in self._entries.values() if entry.left is not None]
        return self._clock.now().since(min(left)) if left else 0

    def _depart(self, entry: _Entry, verdict: Verdict) -> None:
        """Send a grain; a network that refuses it costs this grain only."""
        try:
            self._send(entry.grain, verdict, entry.due)
        except ResourceError as error:
            self._tally.failures[f"egress: {error}"] += 1
        else:
            self._tally.count(verdict)

    def run(self) -> None:
        """Send until `drain` was called and nothing is left."""
        while self.step() or not self._draining:
            pass

    def drain(self) -> None:
        """Take no more grains; what is in the house still leaves on time."""
        with self._changed:
            self._draining = True
            self._changed.notify_all()

    def _forget(self, entry: _Entry) -> None:
        """Free the buffer when both who send it and who work on it have let go."""
        if entry.left is not None and entry.settled:
            del self._entries[entry.grain.ticks]
            self._give_back(entry.grain.slot)
