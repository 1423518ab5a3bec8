"""The loops that take packets from a source and hand on what they add up to. One thread a flow.

Counting, masking and concealment are the assemblers'; a source that is gone ends its own loop and says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from relip.essence.errors import ResourceError
from relip.essence.tai import NS_PER_S, Tai
from relip.frames.legs import LegWatch
from relip.ports import Chunk, Clock, PacketSource

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
WAIT_NS = 5_000_000
"""How long one receive call may sit on an idle flow, which bounds how late an overdue grain is noticed."""


class Assembler(Protocol[T_co]):
    """What `frames.assemble`, `frames.audio` and `frames.ancillary` have in common."""

    def push(self, chunk: Chunk, now: Tai) -> Sequence[T_co]:
        """What the chunk completed; it may be empty."""
        ...


A = TypeVar("A", bound=Assembler[Any])


class Reception(Generic[T, A]):
    """Receives one flow until it is stopped, and delivers its units in order."""

    def __init__(
        self,
        source: PacketSource,
        assembler: A,
        *,
        clock: Clock,
        deliver: Callable[[T], object],
        capacity: int,
        rest_ns: int = 0,
        expire: Callable[[Tai], Sequence[T]] | None = None,
        watch: LegWatch | None = None,
    ) -> None:
        """Nothing runs before `run`.

        `capacity`: packets taken at once. `rest_ns`: pause of the loop when nothing more is waiting, so that packets come
        many at once. `expire`: gives what is overdue; asked only when nothing more is waiting, since a stall of this
        machine makes no packet late. `watch`: counts what each leg brought.
        """
        self._source = source
        self.assembler = assembler
        self._clock = clock
        self._deliver = deliver
        self._chunk = Chunk.of(capacity) if watch is None else watch.chunk(capacity)
        self._rest_s = rest_ns / NS_PER_S
        self._behind = False
        self._expire = expire
        self._watch = watch
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self.gone: ResourceError | None = None
        """Why the source ended, when it did so by itself."""

    def step(self, wait_ns: int = WAIT_NS) -> None:
        """One receive call and what follows from it."""
        with self._turn:
            count = self._source.receive(self._chunk, wait_ns)
            self._behind = count == len(self._chunk.lengths)
            now = self._clock.now()
            if self._watch is not None:
                self._watch.observe(self._chunk, now)
            units = list(self.assembler.push(self._chunk, now))
            if self._expire is not None and not self._behind:
                units += self._expire(now)
            for unit in units:
                self._deliver(unit)

    def fetch(self) -> None:
        """Take what is there already, from any thread: what a resting loop would bring later."""
        if self.gone is None and not self._stopped.is_set():
            self.step(wait_ns=0)

    def run(self) -> None:
        """Receive until `stop`, or until the source is gone."""
        try:
            while not self._stopped.wait(0 if self._behind else self._rest_s):
                self.step()
        except ResourceError as error:
            if not self._stopped.is_set():
                self.gone = error
        finally:
            self._source.close()

    def stop(self) -> None:
        """End `run` after the call in hand."""
        self._stopped.set()
