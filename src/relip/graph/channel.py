"""One channel: everything that runs between the flows in and the flows out, and its threads.

Starts and drains; which adapters it stands on was chosen by whoever built it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from relip.essence.errors import ResourceError
from relip.essence.tai import NS_PER_S
from relip.graph.egress import Egress
from relip.graph.tally import Tally

JOIN_S = 5.0
HUNG_NS = 3 * NS_PER_S
"""No stall of a machine that still works takes so long; soon every buffer would be held and nothing could be received."""


class Runner(Protocol):
    """Runs the graph's stages: `graph.holoscan`; or none: `graph.passing`."""

    started: threading.Event

    def run(self) -> None:
        """Run until `stop`."""
        ...

    def stop(self) -> None:
        """End `run` after the work in hand."""
        ...


class Looping(Protocol):
    """A loop beside the graph: `graph.ingress.Ingress`, or `graph.passing.Passing` where there is none."""

    def run(self) -> None:
        """Work until `stop`."""
        ...

    def stop(self) -> None:
        """End `run`."""
        ...


class Receiving(Protocol):
    """One flow's loop: `graph.reception.Reception`, of whatever unit."""

    @property
    def gone(self) -> ResourceError | None:
        """Why the source ended by itself."""
        ...

    def run(self) -> None:
        """Receive until `stop`."""
        ...

    def stop(self) -> None:
        """End `run`."""
        ...


class Leaving(Protocol):
    """A way out beside the egress: `graph.sounding.VoiceSender`."""

    def run(self) -> None:
        """Send until `drain` was called and nothing is left."""
        ...

    def drain(self) -> None:
        """End `run` when what is in the house has left."""
        ...


class FlowCounts(Protocol):
    """What every assembler counts, in packets."""

    @property
    def packets(self) -> int:
        """Received."""
        ...

    @property
    def lost(self) -> int:
        """Missing when their unit left."""
        ...

    @property
    def late(self) -> int:
        """Came after their unit had left."""
        ...

    @property
    def malformed(self) -> int:
        """Break the standard."""
        ...


@dataclass(slots=True)
class Channel:
    """The parts of one channel.

    `flows`: for each received flow, by name, what reads its counters. `beside`: what else leaves, with a thread each.
    """

    receptions: Sequence[Receiving]
    ingress: Looping
    egress: Egress
    runner: Runner
    tally: Tally
    flows: dict[str, Callable[[], FlowCounts]]
    close: Callable[[], None]
    beside: Sequence[Leaving] = ()
    _threads: list[threading.Thread] = field(default_factory=list)
    _error: BaseException | None = None
    _draining: bool = False

    def start(self) -> None:
        """Start the graph, wait until it runs, then the way out, then the way in."""
        graph = self._spawn("graph", self._run_graph)
        while not self.runner.started.wait(0.05):
            if not graph.is_alive():
                raise ResourceError(f"the graph did not start: {self._error}") from self._error
        self._spawn("egress", self.egress.run)
        for leaving in self.beside:
            self._spawn("beside", leaving.run)
        self._spawn("ingress", self.ingress.run)
        for reception in self.receptions:
            self._spawn("reception", reception.run)

    @property
    def failed(self) -> BaseException | None:
        """Why the graph has ended by itself, or None while all is well; a lost stream is no failure (invariant 10)."""
        if self._error is not None:
            return self._error
        if self.egress.held_ns > HUNG_NS:
            return ResourceError(f"the graph hangs: it has held a grain for {HUNG_NS // NS_PER_S} s after it left")
        return next((each.gone for each in self.receptions if each.gone is not None), None)

    def drain(self) -> None:
        """Stop receiving; let every grain in the house leave on time; then stop the graph and give all back."""
        self._draining = True
        for reception in self.receptions:
            reception.stop()
        self.egress.drain()
        for leaving in self.beside:
            leaving.drain()
        self._join("reception", "egress", "beside")
        self.ingress.stop()
        self.runner.stop()
        self._join("ingress", "graph")
        self.close()

    def _run_graph(self) -> None:
        self.runner.run()
        if not self._draining:
            raise ResourceError("the graph has ended by itself")

    def _watched(self, target: Callable[[], None]) -> None:
        """Run a thread's work; what ends it is told by `failed`, and the other threads go on."""
        try:
            target()
        except Exception as error:  # noqa: BLE001  whatever it is, the service must learn of it
            self._error = self._error or error

    def _spawn(self, name: str, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._watched, args=(target,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _join(self, *names: str) -> None:
        for thread in self._threads:
            if thread.name in names:
                thread.join(JOIN_S)
