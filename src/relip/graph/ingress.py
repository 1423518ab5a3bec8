"""The way in: grains and the instants at which their voice is all here become pulses for the graph.

The pacemaker is a thread of its own, because a stopped sender must not stop the grains that are already in the house.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from relip.essence.errors import RelipError
from relip.essence.grains import VideoGrain
from relip.essence.tai import NS_PER_S, Tai
from relip.graph.delay import Delay
from relip.graph.egress import CLOCK_STEP_NS, Egress
from relip.graph.take import Pulse, Take
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline
from relip.ports import Clock

IDLE_S = 0.05


class Ingress:
    """Threads: `offer` (reception), `run` (its own), `take_pulse` (graph)."""

    def __init__(self, *, clock: Clock, timeline: Timeline, delay: Delay, egress: Egress, tally: Tally) -> None:
        self._clock = clock
        self._timeline = timeline
        self._delay = delay
        self._egress = egress
        self._tally = tally
        self._arrivals: deque[Take] = deque()
        self._waiting: deque[Take] = deque()
        self._pulses: deque[Pulse] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self.wake: Callable[[], None] = _nobody
        """Called when a pulse is there to be taken; the graph's runner sets it."""

    def offer(self, grain: VideoGrain) -> None:
        """A grain has been received: it is sure to leave from here on."""
        self._tally.received += 1
        local = self._timeline.local(grain)
        take = Take(grain=grain, local=local, due=local.after(self._delay.latency_ns))
        if self._egress.register(grain, take.due):
            with self._changed:
                self._arrivals.append(take)
                self._changed.notify()

    def take_pulse(self) -> Pulse | None:
        """The next pulse, or None."""
        try:
            return self._pulses.popleft()
        except IndexError:
            return None

    def step(self) -> bool:
        """Make the pulses that are due now; False when there was nothing to do."""
        now = self._clock.now()
        with self._changed:
            arrived = list(self._arrivals)
            self._arrivals.clear()
        self._waiting.extend(arrived)
        pulses = [Pulse(arrived=take) for take in arrived]
        while self._waiting and self._is_due(self._waiting[0], now):
            pulses.append(Pulse(ready=[self._waiting.popleft()]))  # each its own: what was drawn waits for one more at most
        if not pulses:
            return False
        self._pulses.extend(pulses)
        self.wake()
        return True

    def run(self) -> None:
        """Make pulses until `stop`."""
        while not self._stopped:
            if not self.step():
                self._wait()

    def stop(self) -> None:
        """End `run`; what waits is left to the egress, which sends it untouched."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _release(self, take: Take) -> Tai:
        return take.local.after(self._delay.release_ns)

    def _is_due(self, take: Take, now: Tai) -> bool:
        """Whether its voice must be here, or the clock was set back, and all behind it would wait for that hour once more."""
        ahead_ns = self._release(take).since(now)
        return ahead_ns <= 0 or ahead_ns > self._delay.release_ns + CLOCK_STEP_NS

    def _wait(self) -> None:
        wait_s = IDLE_S
        if self._waiting:
            wait_s = min(wait_s, self._release(self._waiting[0]).since(self._clock.now()) / NS_PER_S)
        with self._changed:
            if not self._arrivals and not self._stopped and wait_s > 0:
                self._changed.wait(wait_s)


def _nobody() -> None:
    raise RelipError("no graph has been started behind this ingress")
