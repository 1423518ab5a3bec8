"""The compiled loop behind `assemble`: every packet of a chunk goes to its frame, and what is rare comes back as an event.

A frame under assembly is an entry of a table: found by RTP timestamp, its packets told apart by extended sequence
number. The state lies in arrays that outlive the call, so that a chunk may end anywhere. Python decides about
buffers and publication; nothing here waits, allocates or raises. Within the loop arrays are passed one by one: a tuple
of them costs a reference count for each at every packet, which was more than the copy itself.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from relip.frames import rows
from relip.frames.entries import (
    COPIES,
    JUMP_TICKS,
    LATE_RUN,
    MIX,
    NO_VALUE,
    STRANGERS,
    WRAP_MASK,
    Count,
    Event,
    Field,
    State,
    Stream,
    Table,
    counted_on,
    step,
)
from relip.frames.pattern import fits, has_changed, signature, since_doubt
from relip.wire import rtp
from relip.wire.st2110_20 import Fault

Chunked = tuple[NDArray[np.uint8], NDArray[np.int32], int]
"""octets (n, stride), lengths (n,), packets that are valid."""

_memcpy = types.ExternalFunction("memcpy", types.uintp(types.uintp, types.uintp, types.uintp))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mark(octet: int) -> np.int64:
    """A number for a place in a row, such that sums of their differences tell every hole; 0 at the start of the row."""
    mixed = np.int64(octet) * np.int64(MIX[0])
    mixed = (mixed ^ mixed >> 32) * np.int64(MIX[1])
    marked: np.int64 = (mixed ^ mixed >> 29) * np.int64(MIX[2])
    return marked ^ marked >> 32


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_whole(filled: NDArray[np.int64], index: int, row: int, row_octets: int) -> bool:
    """Whether the spans of a row tile it."""
    whole: bool = filled[index, row, 0] == row_octets and filled[index, row, 1] == mark(row_octets)
    return whole


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_stranger(stream: NDArray[np.int64], ssrc: int, timestamp: int) -> bool:
    far: bool = abs(step(timestamp, stream[Stream.NEWEST])) > JUMP_TICKS
    return far or ssrc != stream[Stream.SSRC]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _has_settled(stream: NDArray[np.int64], counts: NDArray[np.int64], ssrc: int, sequence: int, packet: int) -> bool:
    """Remember a stranger's packet, which is counted already; whether enough of them came in sequence.

    What came before is the copy of the other leg: it neither helps nor harms.
    """
    ahead = step(sequence, stream[Stream.STRANGER_NEXT])
    known = ssrc == stream[Stream.STRANGER_SSRC] and stream[Stream.STRANGER_RUN] > 0
    if known and ahead == 0:
        stream[Stream.STRANGER_RUN] += 1
    elif not known or not -COPIES <= ahead < 0:
        stream[Stream.STRANGER_SSRC] = ssrc
        stream[Stream.STRANGER_RUN] = 1
        stream[Stream.STRANGER_FIRST] = packet
        counts[1] = counts[0]
        counts[1, Count.PACKETS] -= 1
        counts[1, Count.STRANGER] -= 1
        ahead = 0
    if ahead == 0:
        stream[Stream.STRANGER_NEXT] = sequence + 1 & WRAP_MASK
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
    stream[Stream.SEQUENCE] = NO_VALUE
    return again


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _find(entries: NDArray[np.int64], stream: NDArray[np.int64], timestamp: int) -> int:
    """The entry of a timestamp, or NO_VALUE."""
    last = stream[Stream.ENTRY]
    if entries[last, Field.TIMESTAMP] == timestamp and entries[last, Field.STATE] != State.FREE:
        return last  # type: ignore[no-any-return]
    for i in range(len(entries)):
        if entries[i, Field.TIMESTAMP] == timestamp and entries[i, Field.STATE] != State.FREE:
            stream[Stream.ENTRY] = i
            return i
    return NO_VALUE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _hear(entries: NDArray[np.int64], stream: NDArray[np.int64], now_ns: int) -> None:
    """A packet is of the entry of the last packet: its sender is heard, unless that frame has left."""
    if entries[stream[Stream.ENTRY], Field.STATE] != State.DONE:
        stream[Stream.HEARD_NS] = now_ns


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _place(entries: NDArray[np.int64], index: int, places: int, sequence: int) -> int:
    """Where a packet stands in its frame's bitmap, or NO_VALUE when its number cannot be of this frame."""
    if entries[index, Field.PACKETS] == 0:
        entries[index, Field.BASE] = sequence - places // 4 & WRAP_MASK  # room for those that the first one overtook
    place = step(sequence, entries[index, Field.BASE])
    return place if 0 <= place < places else NO_VALUE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _leaves_raster(spans: NDArray[np.int64], count: int, height: int, row_octets: int) -> bool:
    leaves = False
    for i in range(count):
        leaves |= spans[i, rows.ROW] >= height or spans[i, rows.OFFSET] + spans[i, rows.LENGTH] > row_octets
    return leaves


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _copy(  # noqa: PLR0917 - columns, not a tuple of them: see the module
    source: int, frame: int, spans: NDArray[np.int64], count: int, filled: NDArray[np.int64], index: int, row_octets: int
) -> int:
    """Copy the spans that lie within the raster from a packet's address to a frame's; rows that this made whole.

    What comes for a row that is whole already is left: nobody but a damaged or forged packet brings it.
    """
    whole = 0
    for i in range(count):
        row, offset, length = spans[i, rows.ROW], spans[i, rows.OFFSET], spans[i, rows.LENGTH]
        if row >= filled.shape[1] or offset + length > row_octets or is_whole(filled, index, row, row_octets):
            continue
        _memcpy(frame + row * row_octets + offset, source + spans[i, rows.DATA], length)
        filled[index, row, 0] += length
        filled[index, row, 1] += mark(offset + length) - mark(offset)
        whole += is_whole(filled, index, row, row_octets)
    return whole


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_fresh(  # noqa: PLR0917 - columns, not a tuple of them: see the module
    entries: NDArray[np.int64],
    seen: NDArray[np.uint8],
    counts: NDArray[np.int64],
    index: int,
    sequence: int,
    outside: bool,  # noqa: FBT001 - a column of a packet
    marked: bool,  # noqa: FBT001 - a column of a packet
) -> bool:
    """Whether a packet's samples are wanted; else it is counted as what it is."""
    if entries[index, Field.STATE] == State.SKIPPED:
        return False
    place = _place(entries, index, seen.shape[1], sequence)
    if place == NO_VALUE:
        counts[0, Count.MALFORMED] += 1
        return False
    if seen[index, place]:
        counts[0, Count.DUPLICATE] += 1
        return False
    seen[index, place] = 1
    entries[index, Field.OUTSIDE] += outside
    counts[0, Count.OUTSIDE] += outside
    if entries[index, Field.STATE] == State.DONE:
        counts[0, Count.LATE] += not outside  # the rest of a larger raster is not late
        return False
    entries[index, Field.HIGHEST] = max(entries[index, Field.HIGHEST], place)
    if marked:
        entries[index, Field.MARKED] = place
    return True


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _note(entries: NDArray[np.int64], stream: NDArray[np.int64], sequence: int, whole: int, height: int) -> bool:
    """Remember that a packet was copied to the entry of the last packet; whether that completes the frame."""
    index = stream[Stream.ENTRY]
    if stream[Stream.SEQUENCE] == NO_VALUE or step(sequence, stream[Stream.SEQUENCE]) > 0:
        stream[Stream.SEQUENCE] = sequence
    entries[index, Field.PACKETS] += 1
    entries[index, Field.ROWS] += whole
    entries[index, Field.LAST_NS] = stream[Stream.HEARD_NS]
    stream[Stream.LATE_RUN] = 0
    complete: bool = entries[index, Field.ROWS] == height
    settled = complete or entries[index, Field.PACKETS] >= STRANGERS  # a damaged timestamp comes alone
    if settled and step(entries[index, Field.TIMESTAMP], stream[Stream.NEWEST]) > 0:
        stream[Stream.NEWEST] = entries[index, Field.TIMESTAMP]
    return complete and whole > 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_readable(fault: int, interlaced: bool, counts: NDArray[np.int64]) -> bool:  # noqa: FBT001 - columns of a packet
    """Count a packet, by its fault if it has one."""
    counts[0, Count.PACKETS] += 1
    if fault == Fault.PAYLOAD_TYPE:
        counts[0, Count.OTHER_TYPE] += 1
    elif fault != Fault.NONE:
        counts[0, Count.MALFORMED] += 1
    elif interlaced:
        counts[0, Count.INTERLACED] += 1
    else:
        return True
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _without_entry(stream: NDArray[np.int64], counts: NDArray[np.int64], timestamp: int, sequence: int, since_ns: int) -> int:
    """What a packet of a frame without an entry means: a new frame, a late packet, or time that went back.

    `since_ns`: where anything current came after it, a number that is not new is a copy from a leg that is far behind.
    """
    if stream[Stream.RETIRED] == NO_VALUE or step(timestamp, stream[Stream.RETIRED]) > 0:
        counts[0, Count.PACKETS] -= 1
        return Event.NEW.value
    stream[Stream.LATE_RUN] += step(sequence, stream[Stream.SEQUENCE]) > 0 or stream[Stream.HEARD_NS] <= since_ns
    if stream[Stream.LATE_RUN] >= LATE_RUN:
        counts[0, Count.PACKETS] -= 1
        return Event.RESTART.value
    counts[0, Count.LATE] += 1
    return Event.END.value


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def scatter(  # noqa: C901 - one loop: each call that takes arrays costs as much as a branch saves
    chunk: Chunked, first: int, context: tuple[int, int, int, int], pool: NDArray[np.uint8], state: Table
) -> tuple[int, int, int]:
    """Copy packets into frames from packet `first` of the chunk on, until an Event: it, the packet to go on from, a timestamp.

    `context`: payload type, the present instant in ns, how long a sender must be silent before another may take over, and for
    how long another leg may repeat what is old.
    `pool`: (slots, height, row_octets) uint8.
    """
    octets, lengths, count = chunk
    payload_type, now_ns, silence_ns, stale_ns = context
    entries, seen, filled, stream, counts, spans, patterns = state
    _, height, row_octets = pool.shape
    known = patterns[len(entries)]
    for packet in range(first, count):
        fault, found, interlaced, sequence = rows.read(octets, packet, lengths[packet], payload_type, spans)
        if not _is_readable(fault, interlaced, counts):
            continue
        timestamp = rows.field32(octets, packet, 4)
        ssrc = rows.field32(octets, packet, 8)
        if _is_stranger(stream, ssrc, timestamp):
            counts[0, Count.STRANGER] += 1
            settled = _has_settled(stream, counts, ssrc, sequence, packet)
            if settled and now_ns - stream[Stream.HEARD_NS] >= silence_ns:
                return Event.RESTART.value, _take_over(stream, counts, ssrc, timestamp, packet), timestamp
            continue
        stream[Stream.STRANGER_RUN] = 0
        sequence = counted_on(sequence, stream[Stream.SEQUENCE])
        signed = signature(spans, found)
        if not fits(entries, stream, known, timestamp, sequence, signed):
            if has_changed(stream, counts, sequence, packet):
                return Event.CHANGED.value, since_doubt(stream, counts, packet), timestamp
            continue
        if _find(entries, stream, timestamp) != NO_VALUE:
            index = stream[Stream.ENTRY]
            _hear(entries, stream, now_ns)
            outside = _leaves_raster(spans, found, height, row_octets)
            if _is_fresh(entries, seen, counts, index, sequence, outside, octets[packet, 1] >= rtp.MARKER):
                if stream[Stream.LENGTH] == 0:
                    patterns[index, step(sequence, entries[index, Field.BASE])] = signed
                source = octets.ctypes.data + packet * octets.shape[1]
                frame = pool.ctypes.data + entries[index, Field.SLOT] * height * row_octets
                whole = _copy(source, frame, spans, found, filled, index, row_octets)
                if _note(entries, stream, sequence, whole, height):
                    return Event.COMPLETE.value, packet + 1, timestamp
            continue
        event = _without_entry(stream, counts, timestamp, sequence, now_ns - stale_ns)
        if event == Event.RESTART.value:
            return event, _take_over(stream, counts, ssrc, timestamp, packet), timestamp
        if event == Event.NEW.value:
            return event, packet, timestamp
    return Event.END.value, count, 0
