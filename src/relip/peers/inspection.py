"""What the receiver measures on every pair of grains: changed samples, latency, skew. No thread, no clock, no file."""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Region
from relip.essence.tai import VIDEO_CLOCK_HZ, period_ns
from relip.peers.compare import difference
from relip.peers.pairs import KEEP, Pair
from relip.peers.report import Spread

PRINTED_ROWS = 32
"""Sample rows that stand for a frame's content when the same content is looked for under another timestamp."""
MEASURES = 90_000
"""Latencies and displacements kept, the oldest are dropped: an hour at 25 fps."""


@dataclass(slots=True)
class Inspection:
    """Counts and measures over all pairs so far; see ReceiverReport for what each means."""

    format: VideoFormat
    received: int = 0
    incomplete: int = 0
    compared: int = 0
    disclosed: int = 0
    changed: int = 0
    outside_changed: int = 0
    skipped: int = 0
    originals: int = 0
    bad_disclosures: int = 0
    _ages_ns: deque[int] = field(default_factory=lambda: deque(maxlen=MEASURES))
    _latencies_ns: deque[int] = field(default_factory=lambda: deque(maxlen=MEASURES))
    _displacements: deque[int] = field(default_factory=lambda: deque(maxlen=MEASURES))
    _prints: deque[tuple[int, tuple[int, ...]]] = field(default_factory=lambda: deque(maxlen=KEEP))

    def warm(self) -> None:
        """Compile the kernels for frames of this format, so that it does not happen when the first packets arrive."""
        blank = np.zeros((2, self.format.row_octets), np.uint8)
        difference(blank, blank, None)

    def original(self, grain: VideoGrain) -> None:
        """Remember what an original looks like."""
        self.originals += 1
        self._prints.append((grain.ticks, _row_prints(grain.packed)))

    def pair(self, pair: Pair) -> None:
        """Measure one dubbed grain against what came with it."""
        dubbed, original = pair.dubbed, pair.original
        region = _declared(pair, self.format)
        self.received += 1
        self.disclosed += pair.disclosure is not None and pair.disclosure.altered
        self.incomplete += dubbed.concealed_rows > 0
        self._ages_ns.append(dubbed.arrived.since(dubbed.origin))
        displacement = self._displacement(dubbed, region)
        if displacement is not None:
            self._displacements.append(displacement)
        patched_up = pair.disclosure is not None and pair.disclosure.concealed
        if original is None or patched_up or dubbed.concealed_rows or original.concealed_rows:
            self.skipped += 1
            return
        found = difference(original.packed, dubbed.packed, region)
        self.compared += 1
        self.changed += found.outside + found.inside > 0
        self.outside_changed += found.outside
        self._latencies_ns.append(dubbed.arrived.since(original.arrived))

    @property
    def latency_ms(self) -> Spread | None:
        """Arrival of the dubbed grain after its original."""
        return spread([ns / 1e6 for ns in self._latencies_ns])

    @property
    def after_ms(self) -> Spread | None:
        """Last packet of a dubbed grain after its timestamp."""
        return spread([ns / 1e6 for ns in self._ages_ns])

    @property
    def latency_frames(self) -> Spread | None:
        """The same in grain periods, each rounded to whole ones."""
        period = period_ns(self.format.rate)
        return spread([round(Fraction(ns, period)) for ns in self._latencies_ns])

    @property
    def skew_ms(self) -> float | None:
        """How much later than in the original flow the same content stands on the timeline of the voice."""
        if not self._displacements:
            return None
        return round(median(self._displacements) * 1000 / VIDEO_CLOCK_HZ, 3)

    def _displacement(self, dubbed: VideoGrain, region: Region | None) -> int | None:
        """Ticks from the nearest original of the same content to this grain; None when there is no such original."""
        rows = _printed_rows(self.format.height)
        outside = [i for i, row in enumerate(rows) if region is None or not region.y <= row < region.y + region.height]
        if not outside or dubbed.concealed_rows:
            return None
        seen = _row_prints(dubbed.packed)
        same = [dubbed.ticks - ticks for ticks, prints in self._prints if all(prints[i] == seen[i] for i in outside)]
        return min(same, key=abs, default=None)


def _declared(pair: Pair, format: VideoFormat) -> Region | None:  # noqa: A002  the essence's own word
    """The region that may differ: only what was declared for this very frame, and only inside the raster."""
    disclosure = pair.disclosure
    if disclosure is None or not disclosure.altered or disclosure.region is None:
        return None
    return disclosure.region if disclosure.region.within(format.width, format.height) else None


def _printed_rows(height: int) -> range:
    """The rows that are looked at."""
    return range(0, height, max(1, height // PRINTED_ROWS))


def _row_prints(packed: NDArray[np.uint8]) -> tuple[int, ...]:
    """A checksum of each of them."""
    return tuple(zlib.crc32(packed[row]) for row in _printed_rows(len(packed)))


def spread(values: list[float] | list[int]) -> Spread | None:
    """Smallest, middle and largest."""
    if not values:
        return None
    return Spread(min=round(min(values), 3), median=round(median(values), 3), max=round(max(values), 3))
