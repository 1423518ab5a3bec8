"""The arrays in which frames under assembly lie, and the names of their columns. They outlive every call of the loop."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.frames import rows

NO_VALUE = -1
WRAP_MASK = 0xFFFFFFFF
_HALF = 1 << 31
_HALF_16 = 1 << 15
JUMP_TICKS = 90_000
"""A timestamp more than a second from the newest is not the next frame: another sender, or the same one restarted."""
STRANGERS = 4
"""Consecutive packets in sequence by which a new sender shows that it is no stray."""
COPIES = 1 << 15
"""A number so far behind the expected one is of a packet that the other leg brought before."""
DOUBTS = 1024
"""So many packets that contradict the pattern, and none that fits: it holds no more, though no four came in sequence."""
LATE_RUN = 64
"""So many late packets with none for a frame under assembly: the sender's timestamps went back."""


class Event(IntEnum):
    """Why the loop came back."""

    END = 0
    """The chunk is done."""
    COMPLETE = 1
    """A frame has all its octets."""
    NEW = 2
    """A packet of a frame that has no entry yet; it is to be looked at again."""
    RESTART = 3
    """The sender is another, or began anew; look again from the packet named."""
    CHANGED = 4
    """The sender has changed its ways: what was known of them holds no more; look again from the packet named."""


class State(IntEnum):
    """What an entry is."""

    FREE = 0
    LIVE = 1
    DONE = 2
    SKIPPED = 3
    """No buffer was free: its packets are passed over."""


class Field(IntEnum):
    """Columns of an entry."""

    STATE = 0
    TIMESTAMP = 1
    SLOT = 2
    BASE = 3
    """Sequence number of the first place of the bitmap."""
    HIGHEST = 4
    """Highest place of the bitmap that is set."""
    PACKETS = 5
    ROWS = 6
    """Rows that are whole."""
    FIRST_NS = 7
    LAST_NS = 8
    OUTSIDE = 9
    """Packets that named rows or pixels beyond the raster."""
    JOINED = 10
    """1 for the first frame of a stream, which may have begun before us."""
    MARKED = 11
    """Place of the packet with the marker, by which the sender says that it is the last; 0 before."""


class Stream(IntEnum):
    """What is remembered of the sender."""

    SSRC = 0
    NEWEST = 1
    """Newest timestamp of an accepted packet."""
    RETIRED = 2
    """Timestamp of the newest frame that left; NO_VALUE before."""
    HEARD_NS = 3
    """When a packet came that was neither late nor of a frame that had left."""
    STRANGER_SSRC = 4
    STRANGER_NEXT = 5
    STRANGER_RUN = 6
    STRANGER_FIRST = 7
    """Where in this chunk the run of the stranger began."""
    LATE_RUN = 8
    ENTRY = 9
    """The entry of the last packet: nearly always that of the next."""
    SEQUENCE = 10
    """Highest sequence number of a packet that was copied; NO_VALUE before."""
    LENGTH = 11
    """Packets of each frame, where that and the place of each is known (`pattern`); else 0."""
    ANCHOR = 12
    """Timestamp of a frame from which others are counted."""
    FIRST = 13
    """Sequence number of its first packet."""
    OPEN = 14
    """Timestamp of the last packet that was looked at; NO_VALUE before."""
    OPEN_FIRST = 15
    """Sequence number of the first packet of its frame, if the pattern holds."""
    OPEN_TWICE = 16
    """1 if another timestamp stands for the same frame."""
    RATE = 17
    RATE_DIVISOR = 18
    DOUBT_NEXT = 19
    """The number after that of the last packet that contradicted the pattern."""
    DOUBT_RUN = 20
    """How many such have come in sequence."""
    DOUBT_FIRST = 21
    """Where in this chunk the first of them was."""
    DOUBTS = 22
    """How many have come since a packet that fits."""


class Count(IntEnum):
    """Counters, of packets."""

    PACKETS = 0
    DUPLICATE = 1
    LATE = 2
    MALFORMED = 3
    OTHER_TYPE = 4
    INTERLACED = 5
    STRANGER = 6
    OUTSIDE = 7
    MISPLACED = 8


Table = tuple[
    NDArray[np.int64],
    NDArray[np.uint8],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
]
"""entries (n, fields), seen (n, places), filled (n, height, 2), stream, counts (3, counters), spans, patterns (n + 1, places).

`filled`: for each row the sums over its spans of (end − start) and of (mark(end) − mark(start)). Spans that tile the row give
row_octets and `mark(row_octets)`; the second sum tells them from spans that overlap and leave a hole. `counts`: the second row
is how they stood when the present stranger was first seen, the third when the pattern was first doubted. `patterns`: what each
packet of a frame carried, as `signature` says it; the last row is what is known of the sender.
"""

MIX = (-7046029254386353131, -4658895280553007687, -7723592293110705685)
"""Odd numbers of 64 bits without a pattern: the golden ratio's and those of the generator SplitMix64, as two's complement."""


def table(height: int, places: int, entries: int) -> Table:
    """An empty table for frames of `height` rows and at most `places` packets (a bitmap octet each).

    `entries`: frames under assembly, and those just published whose repetitions are still told from late packets.
    """
    stream = np.zeros(len(Stream), np.int64)
    stream[[Stream.SSRC, Stream.RETIRED, Stream.STRANGER_SSRC, Stream.SEQUENCE]] = NO_VALUE
    stream[Stream.HEARD_NS] = -(1 << 62)
    return (
        np.zeros((entries, len(Field)), np.int64),
        np.zeros((entries, places), np.uint8),
        np.zeros((entries, height, 2), np.int64),
        stream,
        np.zeros((3, len(Count)), np.int64),
        np.zeros((rows.MAX_SPANS, rows.SPAN_FIELDS), np.int64),
        np.zeros((entries + 1, places), np.int64),
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def step(later: int, earlier: int) -> int:
    """The signed distance of two 32-bit numbers that wrap."""
    return (later - earlier + _HALF & WRAP_MASK) - _HALF


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def counted_on(sequence: int, newest: int) -> int:
    """The number of a packet whose sender leaves the extended sequence number as it was when the lower 16 bits wrap.

    That is the nearest to the newest with its lower 16 bits; only a number far behind is taken for such a one, since one far
    ahead has lost packets before it.
    """
    if newest == NO_VALUE or step(sequence, newest) >= -_HALF_16:
        return sequence
    return newest + (sequence - newest + _HALF_16 & 0xFFFF) - _HALF_16 & WRAP_MASK
