"""The wire alone: grains that nothing is to be done to go from reception to egress, without a graph and without a net.

It stands where ingress and graph stand in a channel. Every grain is registered with its verdict, so that no verdict is late.
"""

from __future__ import annotations

import threading

from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Verdict
from relip.graph.delay import Delay
from relip.graph.egress import Egress
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline

UNTOUCHED = Verdict(bypass=Bypass.REQUESTED)


class Passing:
    """Threads: `offer` (reception). `run` only waits for `stop`, as a channel expects of ingress and graph."""

    def __init__(self, *, timeline: Timeline, delay: Delay, egress: Egress, tally: Tally) -> None:
        self._timeline = timeline
        self._delay = delay
        self._egress = egress
        self._tally = tally
        self._stopped = threading.Event()
        self.started = threading.Event()

    def offer(self, grain: VideoGrain) -> None:
        """A grain has been received: it leaves as it came, when it is due."""
        self._tally.received += 1
        due = self._timeline.local(grain).after(self._delay.latency_ns)
        self._egress.register(grain, due, UNTOUCHED)

    def run(self) -> None:
        """Wait until `stop`: everything happens in `offer`."""
        self.started.set()
        self._stopped.wait()

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()
