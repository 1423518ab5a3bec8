"""Which leg of a flow brought what: a look at the RTP headers of a chunk on its way to the assembler.

Counts, and decides nothing: the assembler takes the first copy of a packet whatever leg it came by. A packet is known by
the 16 bits of its number, its timestamp and its synchronization source, so any essence will do. No clock: `now` is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.tai import Tai
from relip.frames.entries import step
from relip.frames.rows import field16, field32
from relip.ports import Chunk
from relip.wire import rtp

NUMBERS = 1 << 16
"""Packets that are remembered, by number: a quarter of a second of 1080p60, more of everything slower."""
STALE_NS = 1_000_000_000
"""No leg is so far behind: what is older than what its number stood for so long ago tells of a clock that was set back."""
STALL_NS = 500_000_000
"""A leg that has brought nothing newer may yet: its packets wait in a socket that this machine had no time to read."""


@dataclass(frozen=True, slots=True)
class LegCounters:
    """What one leg brought, in packets.

    `unique`: no other copy had come before; `duplicate`: one had. `received` counts besides what no RTP receiver would take.
    `lost`: the other leg brought it and this one did not, though it has brought newer ones since, or nothing for long.
    `skew_ns`: by how much this leg's copy followed the other's, of the last pair; `skew_max_ns`: the most. Both by the packets'
    stamps, else to the nearest visit.
    """

    received: int = 0
    unique: int = 0
    duplicate: int = 0
    lost: int = 0
    skew_ns: int = 0
    skew_max_ns: int = 0


class _Count(IntEnum):
    """Columns of the counts, in the order of LegCounters."""

    RECEIVED = 0
    UNIQUE = 1
    DUPLICATE = 2
    LOST = 3
    SKEW = 4
    SKEW_MAX = 5


NOTHING = -1
"""A leg's newest number before it has brought anything."""


class _Known(IntEnum):
    """Columns of a packet that is remembered: what it is, when its first copy was taken and had come, by which legs (bits)."""

    TIMESTAMP = 0
    SSRC = 1
    FIRST_NS = 2
    CAME_NS = 3
    LEGS = 4


class LegWatch:
    """Watches the legs of one flow. One thread."""

    def __init__(self, legs: int, *, payload_type: int, differential_ns: int) -> None:
        """`legs`: one or two. `differential_ns`: how long a copy may be waited for before its leg counts it as lost."""
        self._payload_type = payload_type
        self._differential_ns = differential_ns
        self._counts = np.zeros((legs, len(_Count)), np.int64)
        known = np.zeros((NUMBERS if legs > 1 else 1, len(_Known)), np.int64)
        self._unstamped = np.zeros(0, np.int64)
        newest = np.full(legs, NOTHING, np.int64)
        self._state: State = (known, np.zeros(len(known), np.int64), np.zeros(2, np.int64), newest)
        self.observe(Chunk.of(0), Tai(0))  # loads the compiled loop now and not on the first packet's time

    def chunk(self, capacity: int) -> Chunk:
        """A chunk that brings what the watching needs: of two legs, when each packet came."""
        return Chunk.stamped(capacity) if len(self._counts) > 1 else Chunk.of(capacity)

    def observe(self, chunk: Chunk, now: Tai) -> None:
        """Look at a chunk that was received at `now`."""
        if len(self._counts) == 1:
            self._counts[0, _Count.RECEIVED] += chunk.count
            return
        came = self._unstamped if chunk.arrivals is None else chunk.arrivals
        columns = (chunk.octets, chunk.lengths, chunk.leg, came, chunk.count)
        context = (self._payload_type, now.ns, self._differential_ns)
        _observe(columns, context, self._state, self._counts)

    @property
    def counters(self) -> tuple[LegCounters, ...]:
        """The counters as they stand, a leg each."""
        return tuple(LegCounters(*(int(value) for value in row)) for row in self._counts)


Columns = tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64], int]
"""octets (n, stride), lengths (n,), leg (n,), arrivals (n,) or none of them, packets that are valid."""
State = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""known (numbers, columns); queue (numbers,): numbers in the order of their first copies; cursor: its head, and how many;
newest (legs,): the last number that each leg brought."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _judge(known: NDArray[np.int64], counts: NDArray[np.int64], number: int) -> None:
    """A packet has been waited for as long as it may: the leg that did not bring it has lost it. Once for each packet."""
    brought = known[number, _Known.LEGS]
    for leg in range(len(counts)):
        counts[leg, _Count.LOST] += brought > 0 and brought >> leg & 1 == 0
    known[number, _Known.LEGS] = 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _may_come(known: NDArray[np.int64], newest: NDArray[np.int64], number: int, before_ns: int) -> bool:
    """Whether a leg that did not bring a packet has brought nothing newer either, and is not silent for long."""
    brought = known[number, _Known.LEGS]
    if not brought or known[number, _Known.FIRST_NS] <= before_ns - STALL_NS:
        return False
    for leg in range(len(newest)):
        passed = newest[leg] != NOTHING and 0 < (newest[leg] - number & NUMBERS - 1) < NUMBERS // 2
        if brought >> leg & 1 == 0 and not passed:
            return True
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _settle(state: State, counts: NDArray[np.int64], before_ns: int) -> None:
    """Judge the packets whose first copy came at `before_ns` or earlier; the oldest whenever the queue is full."""
    known, queue, cursor, newest = state
    while cursor[1] > 0:
        number = queue[cursor[0]]
        waits = known[number, _Known.FIRST_NS] > before_ns or _may_come(known, newest, number, before_ns)
        if waits and cursor[1] < len(queue):
            break
        _judge(known, counts, number)
        cursor[0] = (cursor[0] + 1) % len(queue)
        cursor[1] -= 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _remember(state: State, counts: NDArray[np.int64], number: int, packet: tuple[int, int, int, int, int]) -> None:
    """The first copy of a packet: its timestamp, source, instants and leg take the place of an older one's."""
    known, queue, cursor, _ = state
    timestamp, ssrc, now_ns, came_ns, leg = packet
    _judge(known, counts, number)
    known[number, _Known.TIMESTAMP] = timestamp
    known[number, _Known.SSRC] = ssrc
    known[number, _Known.FIRST_NS] = now_ns
    known[number, _Known.CAME_NS] = came_ns
    known[number, _Known.LEGS] = 1 << leg
    queue[(cursor[0] + cursor[1]) % len(queue)] = number
    cursor[1] += 1
    counts[leg, _Count.UNIQUE] += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _repeat(known: NDArray[np.int64], counts: NDArray[np.int64], number: int, leg: int, came_ns: int) -> None:
    """A copy of a packet that is known; how far it lies from the other leg's, if it is the first that this one brings."""
    counts[leg, _Count.DUPLICATE] += 1
    brought = known[number, _Known.LEGS]
    if brought >> leg & 1:
        return
    known[number, _Known.LEGS] = brought | 1 << leg if brought else 0
    skew_ns = came_ns - known[number, _Known.CAME_NS]
    behind = leg if skew_ns >= 0 else 1 - leg  # what is read first need not have come first
    counts[:, _Count.SKEW] = 0
    counts[behind, _Count.SKEW] = abs(skew_ns)
    counts[behind, _Count.SKEW_MAX] = max(counts[behind, _Count.SKEW_MAX], abs(skew_ns))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _observe(columns: Columns, context: tuple[int, int, int], state: State, counts: NDArray[np.int64]) -> None:
    """Count the packets of a chunk. `context`: payload type, the present instant and the path differential in ns."""
    octets, lengths, legs, arrivals, count = columns
    payload_type, now_ns, differential_ns = context
    known, _, _, newest = state
    for packet in range(count):
        leg = legs[packet]
        counts[leg, _Count.RECEIVED] += 1
        bare = lengths[packet] < rtp.HEADER_OCTETS or octets[packet, 0] >> 6 != rtp.VERSION
        if bare or octets[packet, 1] & 0x7F != payload_type:
            continue
        came_ns = arrivals[packet] if len(arrivals) and arrivals[packet] else now_ns
        number, timestamp, ssrc = field16(octets, packet, 2), field32(octets, packet, 4), field32(octets, packet, 8)
        newest[leg] = number
        is_known = known[number, _Known.FIRST_NS] > 0 and known[number, _Known.SSRC] == ssrc
        ahead = step(timestamp, known[number, _Known.TIMESTAMP])
        if is_known and ahead == 0:
            _repeat(known, counts, number, leg, came_ns)
        elif is_known and ahead < 0 and now_ns - known[number, _Known.FIRST_NS] < STALE_NS:
            counts[leg, _Count.DUPLICATE] += 1  # so old that its number has come round again since
        else:
            _settle(state, counts, now_ns - differential_ns)
            _remember(state, counts, number, (timestamp, ssrc, now_ns, came_ns, leg))
    _settle(state, counts, now_ns - differential_ns)
