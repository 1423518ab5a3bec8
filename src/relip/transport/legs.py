"""The legs of one flow as one source, or as one sink (ST 2022-7), over whatever adapter each leg has.

A leg that fails costs that leg: it is opened anew, again and again, and the other goes on. A flow of one leg is kept alive in
the same way. Nothing here knows what a packet means, and so not which copy of it is the first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from relip.essence.errors import ResourceError
from relip.ports import Burst, Chunk, LegState, PacketSink, PacketSource

RETRY_NS = 20_000_000
"""A lost leg is tried this often: within a frame or two of its return, and for less than a hundredth of a core."""
LOOK_NS = 5_000_000
"""One leg may keep the other waiting for so long when neither had anything."""
REST_NS = 1_000_000_000
"""A leg whose link was stuck in a burst is left alone for so long, since its like would hold up the other leg as well."""
_NS_PER_S = 1_000_000_000


class End(Protocol):
    """What sources and sinks have in common."""

    def close(self) -> None:
        """Give the resource back."""
        ...


E = TypeVar("E", bound=End)
S = TypeVar("S", bound=PacketSource)
K = TypeVar("K", bound=PacketSink)


class _Leg(Generic[E]):
    """One leg: open, or lost and to be tried again when it is due."""

    def __init__(self, open_end: Callable[[], E], now_ns: int) -> None:
        self._open_end = open_end
        self.end: E | None = None
        self.lost = self.packets = self.refused = 0
        self.why = ""
        self._due_ns = now_ns
        self.revive(now_ns)

    def revive(self, now_ns: int) -> None:
        """Open it if it is lost and its time has come."""
        if self.end is not None or now_ns < self._due_ns:
            return
        try:
            self.end = self._open_end()
        except ResourceError as error:
            self.lost += not self.why  # each outage counts once, however often it is tried
            self.why = str(error)
            self._due_ns = now_ns + RETRY_NS
        else:
            self.why = ""

    def lose(self, why: str, now_ns: int) -> None:
        """Give up what it was open by."""
        self.close()
        self.lost += 1
        self.why = why
        self._due_ns = now_ns + RETRY_NS

    def rest(self, now_ns: int) -> None:
        """Be left alone for a while, though open."""
        self._due_ns = now_ns + REST_NS

    def resting(self, now_ns: int) -> bool:
        """Whether it is being left alone."""
        return self.end is not None and now_ns < self._due_ns

    def close(self) -> None:
        """Idempotent."""
        if self.end is not None:
            self.end.close()
            self.end = None

    @property
    def state(self) -> LegState:
        return LegState(self.lost, self.why, self.packets, self.refused)


class _Legs(Generic[E]):
    """Legs that live and die together. Raises the first leg's ResourceError when not one can be opened."""

    def __init__(self, openers: Sequence[Callable[[], E]], *, now: Callable[[], int] = time.monotonic_ns) -> None:
        """`openers`: each opens one leg, and raises ResourceError when it cannot. `now`: monotonic nanoseconds."""
        self._now = now
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self._legs = [_Leg(opener, now()) for opener in openers]
        if not self.ends:
            raise ResourceError("; ".join(leg.why for leg in self._legs))

    @property
    def ends(self) -> list[E]:
        """The adapters of the legs that are open."""
        return [leg.end for leg in self._legs if leg.end is not None]

    def states(self) -> tuple[LegState, ...]:
        """How each leg fares."""
        return tuple(leg.state for leg in self._legs)

    def _revive(self) -> None:
        """Open what is lost and due; nothing any more once `close` was called."""
        if all(leg.end is not None for leg in self._legs):
            return
        with self._turn:
            if not self._closed.is_set():
                for leg in self._legs:
                    leg.revive(self._now())

    def _lose(self, leg: _Leg[E], error: ResourceError) -> None:
        with self._turn:
            if self._closed.is_set():
                raise error
            leg.lose(str(error), self._now())

    def close(self) -> None:
        """Give all legs back. Idempotent."""
        self._closed.set()
        with self._turn:
            for leg in self._legs:
                leg.close()


class LegsSource(_Legs[S], Generic[S]):
    """PacketSource that takes from one leg or two; each row of the chunk says from which. One thread receives.

    It never ends by itself: a leg that is lost is a pause.
    """

    _talker = 0

    def receive(self, chunk: Chunk, wait_ns: int) -> int:
        """See PacketSource. A count below the chunk's capacity means that no leg had more.

        To wait for both at once would take a call that knows sockets: one leg is waited for after the other, a moment each,
        beginning with the one that spoke last.
        """
        chunk.count = 0
        if self._closed.is_set():
            raise ResourceError("the source is closed")
        self._revive()
        if len(self._legs) == 1:
            self._fill(chunk, 0, room=len(chunk.lengths), wait_ns=wait_ns)
        else:
            self._take_turns(chunk)
            while not chunk.count and wait_ns > 0 and self.ends:
                self._revive()
                self._fill(chunk, self._talker, room=max(1, len(chunk.lengths) // 2), wait_ns=min(wait_ns, LOOK_NS))
                self._take_turns(chunk)
                self._talker = self._talker if chunk.count else 1 - self._talker
                wait_ns -= LOOK_NS
        if not chunk.count and wait_ns > 0 and not self.ends:
            self._closed.wait(min(wait_ns, RETRY_NS) / _NS_PER_S)
        return chunk.count

    def _take_turns(self, chunk: Chunk) -> None:
        """Fill the chunk from all legs, each at most half of it before the others had their turn, until none has more."""
        capacity = len(chunk.lengths)
        turn = 0
        waiting = list(range(len(self._legs)))
        while waiting and chunk.count < capacity:
            turn = (turn + 1) % len(waiting)
            room = min(capacity - chunk.count, max(1, capacity // 2))
            leg = waiting[turn]
            if self._fill(chunk, leg, room=room, wait_ns=0) < room:
                waiting.remove(leg)

    def _fill(self, chunk: Chunk, index: int, *, room: int, wait_ns: int) -> int:
        """Append what one leg has, at most `room` packets; how many."""
        leg = self._legs[index]
        end = leg.end
        if end is None or not room:
            return 0
        rows = chunk.rows(chunk.count, chunk.count + room)
        try:
            count = end.receive(rows, wait_ns)
        except ResourceError as error:
            self._lose(leg, error)
            return 0
        if count:
            rows.leg[:count] = index
            chunk.count += count
            self._talker = index
        return count


class LegsSink(_Legs[K], Generic[K]):
    """PacketSink that sends every burst to one leg or two. One thread sends.

    The second leg has a thread of its own for bursts on a schedule, since a leg that waited for the other would be late. What
    is measured of a burst is the first leg's, unless that took nothing.
    """

    def __init__(self, openers: Sequence[Callable[[], K]], *, now: Callable[[], int] = time.monotonic_ns) -> None:
        """See `_Legs`."""
        super().__init__(openers, now=now)
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="leg") if len(self._legs) > 1 else None

    def send(self, burst: Burst) -> int:
        """See PacketSink; the most that any leg accepted. ResourceError when no leg is left."""
        if self._closed.is_set():
            raise ResourceError("the sink is closed")
        self._revive()
        now = self._now()
        ready = [leg for leg in self._legs if leg.end is not None and not leg.resting(now)]
        accepted = self._send_beside(ready or [leg for leg in self._legs if leg.end is not None], burst)
        if not self.ends:
            raise ResourceError("; ".join(leg.why for leg in self._legs))
        return max(accepted)

    def _send_beside(self, legs: list[_Leg[K]], burst: Burst) -> list[int]:
        """Send to each of the legs; what each accepted."""
        if len(legs) < 2 or burst.schedule is None or self._beside is None:
            return [self._send(leg, burst) for leg in legs]
        copy = replace(burst, measured=np.zeros_like(burst.measured))
        other = self._beside.submit(self._send, legs[1], copy)
        accepted = [self._send(legs[0], burst), other.result()]
        if not accepted[0]:
            burst.measured[:] = copy.measured
        return accepted

    def _send(self, leg: _Leg[K], burst: Burst) -> int:
        """Send to one leg; what it accepted."""
        assert leg.end is not None, "only open legs are sent to"
        packets = len(burst.headers)
        try:
            accepted = leg.end.send(burst)
        except ResourceError as error:
            leg.refused += packets
            self._lose(leg, error)
            return 0
        leg.packets += accepted
        leg.refused += packets - accepted
        if accepted < packets:
            leg.rest(self._now())
        return accepted

    def close(self) -> None:
        """See PacketSink."""
        super().close()
        if self._beside is not None:
            self._beside.shutdown()
