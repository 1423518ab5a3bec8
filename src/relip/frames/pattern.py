"""Which packet of which frame a number stands for, as a sender's whole frames have shown; the loop refuses what contradicts it.

Of nearly every sender the n-th packet of a frame always carries the same place of the raster, and all frames have equally many:
number, timestamp and place then say the same thing thrice. A packet in which they differ is damaged or forged, however the
network has treated it. Two frames in a row that agree are believed; a sender that changes its ways is followed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.frames.scatter import NO_VALUE, Stream, frames_between, step


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
