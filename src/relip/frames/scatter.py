"""The compiled loop behind `assemble`: every packet of a chunk goes to its frame, and what is rare comes back as an event.

A frame under assembly is an entry of a table: found by RTP timestamp, its packets told apart by extended sequence
number. The state lies in arrays that outlive the call, so that a chunk may end anywhere. Python decides about
buffers and publication; nothing here waits, allocates or raises.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from relip.frames import rows
from relip.wire.st2110_20 import Fault

ENTRIES = 4
"""Three frames under assembly, and one just published whose duplicates are still told from late packets."""
NO_VALUE = -1
_WRAP_MASK = 0xFFFFFFFF
_HALF = 1 << 31
JUMP_TICKS = 90_000
"""A timestamp more than a second from the newest is not the next frame: another sender, or the same one restarted."""
STRANGERS = 4
"""Consecutive packets in sequence by which a new sender shows that it is no stray."""
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


class Stream(IntEnum):
    """What is remembered of the sender."""

    SSRC = 0
    NEWEST = 1
    """Newest timestamp of an accepted packet."""
    RETIRED = 2
    """Timestamp of the newest frame that left; NO_VALUE before."""
    HEARD_NS = 3
    STRANGER_SSRC = 4
    STRANGER_NEXT = 5
    STRANGER_RUN = 6
    STRANGER_FIRST = 7
    """Where in this chunk the run of the stranger began."""
    LATE_RUN = 8
    ENTRY = 9
    """The entry of the last packet: nearly always that of the next."""


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


Chunked = tuple[NDArray[np.uint8], NDArray[np.int32], int]
"""octets (n, stride), lengths (n,), packets that are valid."""
Table = tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""entries (ENTRIES, fields), seen (ENTRIES, places), filled (ENTRIES, height, 2), stream, counts (2, counters), spans.

`filled`: for each row the sums over its spans of (end − start) and of (end² − start²). Spans that tile the row give
row_octets and its square; the second sum tells them from spans that overlap and leave a hole. `counts`: the second row
is how they stood when the present stranger was first seen.
"""

_memcpy = types.ExternalFunction("memcpy", types.uintp(types.uintp, types.uintp, types.uintp))


def table(height: int, places: int) -> Table:
    """An empty table for frames of `height` rows and at most `places` packets (a bitmap octet each)."""
    stream = np.zeros(len(Stream), np.int64)
    stream[[Stream.SSRC, Stream.RETIRED, Stream.STRANGER_SSRC]] = NO_VALUE
    stream[Stream.HEARD_NS] = -(1 << 62)
    return (
        np.zeros((ENTRIES, len(Field)), np.int64),
        np.zeros((ENTRIES, places), np.uint8),
        np.zeros((ENTRIES, height, 2), np.int64),
        stream,
        np.zeros((2, len(Count)), np.int64),
        np.zeros((rows.MAX_SPANS, rows.SPAN_FIELDS), np.int64),
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def step(later: int, earlier: int) -> int:
    """The signed distance of two 32-bit numbers that wrap."""
    return (later - earlier + _HALF & _WRAP_MASK) - _HALF


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_stranger(stream: NDArray[np.int64], ssrc: int, timestamp: int) -> bool:
    far: bool = abs(step(timestamp, stream[Stream.NEWEST])) > JUMP_TICKS
    return far or ssrc != stream[Stream.SSRC]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _has_settled(stream: NDArray[np.int64], counts: NDArray[np.int64], ssrc: int, sequence: int, packet: int) -> bool:
    """Remember a stranger's packet, which is counted already; whether enough of them came in sequence."""
    if ssrc == stream[Stream.STRANGER_SSRC] and sequence == stream[Stream.STRANGER_NEXT]:
        stream[Stream.STRANGER_RUN] += 1
    else:
        stream[Stream.STRANGER_SSRC] = ssrc
        stream[Stream.STRANGER_RUN] = 1
        stream[Stream.STRANGER_FIRST] = packet
        counts[1] = counts[0]
        counts[1, Count.PACKETS] -= 1
        counts[1, Count.STRANGER] -= 1
    stream[Stream.STRANGER_NEXT] = sequence + 1 & _WRAP_MASK
    settled: bool = stream[Stream.STRANGER_RUN] >= STRANGERS
    return settled or stream[Stream.SSRC] == NO_VALUE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _take_over(stream: NDArray[np.int64], counts: NDArray[np.int64], ssrc: int, timestamp: int, packet: int) -> int:
    """The stranger is now the sender; the packet from which to look again, with the counters as they were before it."""
    again = packet
    if stream[Stream.STRANGER_RUN] > 0:
        again = stream[Stream.STRANGER_FIRST]
        counts[0] = counts[1]
    stream[Stream.SSRC] = ssrc
    stream[Stream.NEWEST] = timestamp
    stream[Stream.STRANGER_RUN] = 0
    stream[Stream.LATE_RUN] = 0
    return again


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _find(entries: NDArray[np.int64], stream: NDArray[np.int64], timestamp: int) -> int:
    """The entry of a timestamp, or NO_VALUE."""
    last = stream[Stream.ENTRY]
    if entries[last, Field.TIMESTAMP] == timestamp and entries[last, Field.STATE] != State.FREE:
        return last  # type: ignore[no-any-return]
    for i in range(ENTRIES):
        if entries[i, Field.TIMESTAMP] == timestamp and entries[i, Field.STATE] != State.FREE:
            stream[Stream.ENTRY] = i
            return i
    return NO_VALUE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _place(entry: NDArray[np.int64], seen: NDArray[np.uint8], sequence: int) -> int:
    """Where a packet stands in its frame's bitmap, or NO_VALUE when its number cannot be of this frame."""
    places = len(seen)
    if entry[Field.PACKETS] == 0:
        entry[Field.BASE] = sequence - places // 4 & _WRAP_MASK  # room for those that the first one overtook
    place = step(sequence, entry[Field.BASE])
    return place if 0 <= place < places else NO_VALUE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _within(span: NDArray[np.int64], height: int, row_octets: int) -> bool:
    inside: bool = span[rows.ROW] < height and span[rows.OFFSET] + span[rows.LENGTH] <= row_octets
    return inside


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _leaves_raster(spans: NDArray[np.int64], count: int, height: int, row_octets: int) -> bool:
    leaves = False
    for i in range(count):
        leaves |= not _within(spans[i], height, row_octets)
    return leaves


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _copy(source: int, spans: NDArray[np.int64], count: int, frame: NDArray[np.uint8], filled: NDArray[np.int64]) -> int:
    """Copy the spans that lie within the raster from the packet at address `source`; rows that this made whole."""
    height, row_octets = frame.shape
    whole = 0
    for i in range(count):
        if not _within(spans[i], height, row_octets):
            continue
        row, offset, length = spans[i, rows.ROW], spans[i, rows.OFFSET], spans[i, rows.LENGTH]
        _memcpy(frame.ctypes.data + row * row_octets + offset, source + spans[i, rows.DATA], length)
        filled[row, 0] += length
        filled[row, 1] += length * (2 * offset + length)
        whole += filled[row, 0] == row_octets and filled[row, 1] == row_octets * row_octets and length > 0
    return whole


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _accept(chunk: Chunked, packet: int, spans: tuple[int, int], pool: NDArray[np.uint8], state: Table) -> bool:
    """Give a packet to the entry of its timestamp (`spans`: how many, and the sequence number); whether that completes it."""
    count, sequence = spans
    entries, seen, filled, stream, all_counts, spans_read = state
    counts = all_counts[0]
    index = stream[Stream.ENTRY]
    entry = entries[index]
    if entry[Field.STATE] == State.SKIPPED:
        return False
    place = _place(entry, seen[index], sequence)
    if place == NO_VALUE:
        counts[Count.MALFORMED] += 1
        return False
    if seen[index, place]:
        counts[Count.DUPLICATE] += 1
        return False
    seen[index, place] = 1
    outside = _leaves_raster(spans_read, count, pool.shape[1], pool.shape[2])
    entry[Field.OUTSIDE] += outside
    counts[Count.OUTSIDE] += outside
    if entry[Field.STATE] == State.DONE:
        counts[Count.LATE] += not outside  # the rest of a larger raster is not late
        return False
    octets = chunk[0]
    source = octets.ctypes.data + packet * octets.shape[1]
    whole = _copy(source, spans_read, count, pool[entry[Field.SLOT]], filled[index])
    entry[Field.PACKETS] += 1
    entry[Field.ROWS] += whole
    entry[Field.HIGHEST] = max(entry[Field.HIGHEST], place)
    entry[Field.LAST_NS] = stream[Stream.HEARD_NS]
    stream[Stream.LATE_RUN] = 0
    complete: bool = entry[Field.ROWS] == pool.shape[1]
    settled = complete or entry[Field.PACKETS] >= STRANGERS  # a damaged timestamp comes alone
    if settled and step(entry[Field.TIMESTAMP], stream[Stream.NEWEST]) > 0:
        stream[Stream.NEWEST] = entry[Field.TIMESTAMP]
    return complete and whole > 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_readable(fault: int, interlaced: bool, counts: NDArray[np.int64]) -> bool:  # noqa: FBT001 - columns of a packet
    """Count a packet, by its fault if it has one."""
    counts[Count.PACKETS] += 1
    if fault == Fault.PAYLOAD_TYPE:
        counts[Count.OTHER_TYPE] += 1
    elif fault != Fault.NONE:
        counts[Count.MALFORMED] += 1
    elif interlaced:
        counts[Count.INTERLACED] += 1
    else:
        return True
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _without_entry(stream: NDArray[np.int64], counts: NDArray[np.int64], timestamp: int) -> int:
    """What a packet of a frame without an entry means: a new frame, a late packet, or time that went back."""
    if stream[Stream.RETIRED] == NO_VALUE or step(timestamp, stream[Stream.RETIRED]) > 0:
        counts[0, Count.PACKETS] -= 1
        return Event.NEW.value
    stream[Stream.LATE_RUN] += 1
    if stream[Stream.LATE_RUN] >= LATE_RUN:
        counts[0, Count.PACKETS] -= 1
        return Event.RESTART.value
    counts[0, Count.LATE] += 1
    return Event.END.value


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def scatter(
    chunk: Chunked, first: int, context: tuple[int, int, int], pool: NDArray[np.uint8], state: Table
) -> tuple[int, int, int]:
    """Copy packets into frames from packet `first` of the chunk on, until an Event: it, the packet to go on from, a timestamp.

    `context`: payload type, the present instant in ns, and how long a sender must be silent before another may take over.
    `pool`: (slots, height, row_octets) uint8.
    """
    octets, lengths, count = chunk
    payload_type, now_ns, silence_ns = context
    entries, _, _, stream, counts, spans = state
    for packet in range(first, count):
        fault, found, interlaced, sequence = rows.read(octets, packet, lengths[packet], payload_type, spans)
        if not _is_readable(fault, interlaced, counts[0]):
            continue
        timestamp = rows.field32(octets, packet, 4)
        ssrc = rows.field32(octets, packet, 8)
        if _is_stranger(stream, ssrc, timestamp):
            counts[0, Count.STRANGER] += 1
            settled = _has_settled(stream, counts, ssrc, sequence, packet)
            if settled and now_ns - stream[Stream.HEARD_NS] >= silence_ns:
                return Event.RESTART.value, _take_over(stream, counts, ssrc, timestamp, packet), timestamp
            continue
        stream[Stream.HEARD_NS] = now_ns
        stream[Stream.STRANGER_RUN] = 0
        if _find(entries, stream, timestamp) != NO_VALUE:
            if _accept(chunk, packet, (found, sequence), pool, state):
                return Event.COMPLETE.value, packet + 1, timestamp
            continue
        event = _without_entry(stream, counts, timestamp)
        if event == Event.RESTART.value:
            return event, _take_over(stream, counts, ssrc, timestamp, packet), timestamp
        if event == Event.NEW.value:
            return event, packet, timestamp
    return Event.END.value, count, 0
