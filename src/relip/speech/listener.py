"""What was heard lately, keyed by the absolute sample, and the log-mel columns of any stretch of it.

Blocks may come late, twice, overlapping or not at all; how the voice was cut into blocks leaves no trace in the columns.
Only what is asked for is computed, once. No clock: the newest sample that came decides what is old.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.grains import AudioBlock
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.speech.mel import BANDS, COLUMN_SAMPLES, FLOOR, WINDOW_SAMPLES, log_mel
from relip.speech.resample import FACTOR, REACH, decimate

HOP = COLUMN_SAMPLES * FACTOR
"""48 kHz samples from one column to the next: column c is centred on sample 480·c since the epoch."""
SPAN = WINDOW_SAMPLES // 2 * FACTOR + REACH
"""48 kHz samples to either side of its centre that a column is made of."""
_NOWHERE = -(1 << 62)
_HOPS_A_WINDOW = 4
"""A window of 2.5 hops, centred on the start of one, lies in this many."""


class Listener:
    """A ring of the voice's last seconds, of its decimated hops and of its log-mel columns."""

    def __init__(self, *, history_s: float = 4.0) -> None:
        """Remember `history_s` seconds; the columns of the last `history_s` less 40 ms can be asked for."""
        if not 0.1 <= history_s <= 60.0:
            raise FormatError(f"history_s={history_s}: a listener remembers 0.1 to 60 s")
        self._hops = -(-round(history_s * AUDIO_CLOCK_HZ) // HOP)
        size = self._hops * HOP
        self._samples = np.zeros(size, np.float32)
        self._here = np.zeros(size, np.bool_)
        self._decimated = np.zeros((self._hops, COLUMN_SAMPLES), np.float32)
        self._decimated_index = np.full(self._hops, _NOWHERE, np.int64)
        self._columns = np.full((self._hops, BANDS), FLOOR, np.float32)
        self._column_index = np.full(self._hops, _NOWHERE, np.int64)
        self._end = _NOWHERE
        self._changed: tuple[int, int] | None = None

    def hear(self, block: AudioBlock) -> None:
        """Take a block; what is older than the history is left out, what came before is replaced."""
        end = block.end_sample
        start = max(block.start_sample, max(end, self._end) - self._samples.size)
        if start >= end:
            return
        if end > self._end:
            self._advance(end)
        samples = block.samples[start - block.start_sample :]
        for ring, first, last in _pieces(start, end, self._samples.size):
            self._samples[ring : ring + last - first] = samples[first:last]
            self._here[ring : ring + last - first] = True
        self._touch(start, end)

    def heard(self, start_sample: int, end_sample: int) -> bool:
        """Whether every sample of [start_sample, end_sample) came and is still remembered."""
        size = self._samples.size
        if start_sample < self._end - size or end_sample > self._end:
            return start_sample >= end_sample
        pieces = _pieces(start_sample, end_sample, size)
        return all(bool(self._here[ring : ring + last - first].all()) for ring, first, last in pieces)

    def mel(self, first_column: int, columns: int) -> NDArray[np.float32]:
        """Log-mel of `columns` columns: (80, columns) float32, see `speech.mel`. The caller owns it.

        Samples that did not come, are not there yet or are forgotten count as silence: a column of nothing else holds FLOOR.
        """
        self._forget_changed()
        out = np.full((columns, BANDS), FLOOR, np.float32)
        oldest = -(-(self._end - self._samples.size + SPAN) // HOP)
        newest = (self._end + SPAN) // HOP
        first, last = max(first_column, oldest), min(first_column + columns, newest + 1)
        if first < last:
            wanted = np.arange(first, last)
            places = wanted % self._hops
            for column in wanted[self._column_index[places] != wanted].tolist():
                self._compute(column)
            out[first - first_column : last - first_column] = self._columns[places]
        return out.T

    def forget(self) -> None:
        """Start anew, as after a sender's restart on another time line."""
        self._here[:] = False
        self._samples[:] = 0.0
        self._end = _NOWHERE
        self._decimated_index[:] = _NOWHERE
        self._column_index[:] = _NOWHERE
        self._changed = None

    def _advance(self, end: int) -> None:
        """Make room up to `end`: what its places held is forgotten."""
        size = self._samples.size
        start = max(self._end, end - size)
        for ring, first, last in _pieces(start, end, size):
            self._samples[ring : ring + last - first] = 0.0
            self._here[ring : ring + last - first] = False
        self._end = end

    def _touch(self, start: int, end: int) -> None:
        if self._changed is not None:
            start, end = min(start, self._changed[0]), max(end, self._changed[1])
        self._changed = start, end

    def _forget_changed(self) -> None:
        """Drop the cached hops and columns that the samples since the last call reach into."""
        if self._changed is None:
            return
        start, end = self._changed
        self._changed = None
        stale = self._decimated_index
        stale[(stale * HOP > start - REACH - HOP) & (stale * HOP < end + REACH)] = _NOWHERE
        stale = self._column_index
        stale[(stale * HOP > start - SPAN) & (stale * HOP < end + SPAN)] = _NOWHERE

    def _compute(self, column: int) -> None:
        """Put a column into its place in the ring."""
        hops = [self._decimate(column - 2 + i) for i in range(_HOPS_A_WINDOW)]
        skip = 2 * COLUMN_SAMPLES - WINDOW_SAMPLES // 2
        window = np.concatenate(hops)[skip : skip + WINDOW_SAMPLES]
        place = column % self._hops
        self._columns[place] = log_mel(window[None])[0]
        self._column_index[place] = column

    def _decimate(self, hop: int) -> NDArray[np.float32]:
        """16 kHz samples 160·hop … 160·hop + 159."""
        place = hop % self._hops
        if self._decimated_index[place] != hop:
            self._decimated[place] = decimate(self._read(hop * HOP - REACH, (hop + 1) * HOP + REACH))
            self._decimated_index[place] = hop
        cached: NDArray[np.float32] = self._decimated[place]
        return cached

    def _read(self, start: int, end: int) -> NDArray[np.float32]:
        """Samples of [start, end), zeros where there are none."""
        out = np.zeros(end - start, np.float32)
        inside = max(start, self._end - self._samples.size), min(end, self._end)
        if inside[0] < inside[1]:
            offset = inside[0] - start
            for ring, first, last in _pieces(*inside, self._samples.size):
                out[offset + first : offset + last] = self._samples[ring : ring + last - first]
        return out


def _pieces(start: int, end: int, size: int) -> list[tuple[int, int, int]]:
    """Where [start, end), at most `size` long, lies in a ring: (place, first, last) for each of one or two pieces."""
    place, count = start % size, end - start
    if place + count <= size:
        return [(place, 0, count)]
    return [(place, 0, size - place), (0, size - place, count)]
