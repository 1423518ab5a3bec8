"""Which packet of which frame a number stands for, as a sender's whole frames have shown; the loop refuses what contradicts it.

Of nearly every sender the n-th packet of a frame always carries the same place of the raster, and all frames have equally many:
number, timestamp and place then say the same thing thrice. A packet in which they differ is damaged or forged, however the
network has treated it. Two frames in a row that agree are believed; a sender that changes its ways is followed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.frames import rows
from relip.frames.entries import DOUBTS, MIX, NO_VALUE, STRANGERS, WRAP_MASK, Count, Field, State, Stream, step


@dataclass(frozen=True, slots=True)
class Whole:
    """A frame that came whole and without one packet too many: its timestamp, first number, and the place of each packet."""

    timestamp: int
    first: int
    places: NDArray[np.int64]


class Pattern:
    """What is known of the present sender; the loop reads it from `stream` and `known`, which are its own."""

    def __init__(self, stream: NDArray[np.int64], known: NDArray[np.int64], rate: Fraction) -> None:
        self._stream = stream
        self._known = known
        self._last: Whole | None = None
        stream[Stream.RATE], stream[Stream.RATE_DIVISOR] = rate.numerator, rate.denominator

    def forget(self) -> None:
        """The sender is another, or has changed its ways."""
        self._stream[[Stream.LENGTH, Stream.DOUBTS, Stream.DOUBT_RUN]] = 0
        self._last = None

    def learn(self, whole: Whole) -> None:
        """A whole frame: believed together with the one before it when the two agree."""
        last, self._last = self._last, whole
        if last is None or not np.array_equal(last.places, whole.places):
            return
        frames = int(frames_between(self._stream, whole.timestamp, last.timestamp))
        if frames > 0 and int(step(whole.first, last.first)) == frames * len(whole.places):
            self._known[: len(whole.places)] = whole.places
            self._anchor(whole.timestamp, whole.first, len(whole.places))

    def follow(self, timestamp: int) -> None:
        """A frame has left: count from it, since timestamps wrap."""
        length = int(self._stream[Stream.LENGTH])
        if length:
            frames = int(frames_between(self._stream, timestamp, int(self._stream[Stream.ANCHOR])))
            self._anchor(timestamp, int(self._stream[Stream.FIRST]) + frames * length & 0xFFFFFFFF, length)

    def _anchor(self, timestamp: int, first: int, length: int) -> None:
        self._stream[[Stream.ANCHOR, Stream.FIRST, Stream.LENGTH, Stream.OPEN]] = timestamp, first, length, NO_VALUE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def frames_between(stream: NDArray[np.int64], timestamp: int, since: int) -> int:
    """Frames from one timestamp to another, to the nearest."""
    period = VIDEO_CLOCK_HZ * stream[Stream.RATE_DIVISOR]
    frames: int = (2 * step(timestamp, since) * stream[Stream.RATE] + period) // (2 * period)
    return frames


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def signature(spans: NDArray[np.int64], count: int) -> np.int64:
    """One number for all the places that a packet names."""
    mixed = np.int64(count)
    for i in range(count):
        mixed = mixed * np.int64(MIX[0]) + (spans[i, rows.ROW] << 40 | spans[i, rows.OFFSET] << 20 | spans[i, rows.LENGTH])
    return mixed


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_twice(entries: NDArray[np.int64], stream: NDArray[np.int64], timestamp: int) -> bool:
    """Whether a frame that has begun has nearly this timestamp, and therefore the same numbers, but not this one."""
    half = VIDEO_CLOCK_HZ * stream[Stream.RATE_DIVISOR] // (2 * stream[Stream.RATE])
    twice = False
    for i in range(len(entries)):
        begun = entries[i, Field.STATE] != State.FREE and entries[i, Field.PACKETS] >= STRANGERS
        off = abs(step(timestamp, entries[i, Field.TIMESTAMP]))
        twice |= begun and 0 < off < half
    return twice


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fits(  # noqa: PLR0917 - columns, not a tuple of them: see the module
    entries: NDArray[np.int64],
    stream: NDArray[np.int64],
    known: NDArray[np.int64],
    timestamp: int,
    sequence: int,
    signed: np.int64,
) -> bool:
    """Whether number, timestamp and place of a packet agree, or nothing is known of how they should."""
    length = stream[Stream.LENGTH]
    if length == 0:
        return True
    if timestamp != stream[Stream.OPEN]:  # nearly always that of the packet before: no division for each
        frames = frames_between(stream, timestamp, stream[Stream.ANCHOR])
        stream[Stream.OPEN] = timestamp
        stream[Stream.OPEN_FIRST] = stream[Stream.FIRST] + frames * length & WRAP_MASK
        stream[Stream.OPEN_TWICE] = _is_twice(entries, stream, timestamp)
    place = step(sequence, stream[Stream.OPEN_FIRST])
    if 0 <= place < length and known[place] == signed and not stream[Stream.OPEN_TWICE]:
        stream[Stream.DOUBTS] = 0
        return True
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def has_changed(stream: NDArray[np.int64], counts: NDArray[np.int64], sequence: int, packet: int) -> bool:
    """Count a packet that does not fit; whether enough of them came in sequence, or nothing else, to forget the pattern.

    The copy that another leg brings of the last one neither adds to the run nor ends it.
    """
    ahead = step(sequence, stream[Stream.DOUBT_NEXT])
    if stream[Stream.DOUBT_RUN] == 0 or not -1 <= ahead <= 0:
        stream[Stream.DOUBT_RUN] = 0
        stream[Stream.DOUBT_FIRST] = packet
        counts[2] = counts[0]
        counts[2, Count.PACKETS] -= 1
        ahead = 0
    counts[0, Count.MISPLACED] += 1
    stream[Stream.DOUBTS] += 1
    stream[Stream.DOUBT_RUN] += ahead == 0
    stream[Stream.DOUBT_NEXT] = sequence + 1 & WRAP_MASK
    changed: bool = stream[Stream.DOUBT_RUN] >= STRANGERS or stream[Stream.DOUBTS] >= DOUBTS
    return changed


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def since_doubt(stream: NDArray[np.int64], counts: NDArray[np.int64], packet: int) -> int:
    """The packet from which to look again without the pattern, with the counters as they were before it."""
    if stream[Stream.DOUBT_RUN] >= STRANGERS:
        counts[0] = counts[2]
        return stream[Stream.DOUBT_FIRST]  # type: ignore[no-any-return]
    counts[0, Count.PACKETS] -= 1
    counts[0, Count.MISPLACED] -= 1
    return packet
