"""Where the shot changes, from a thumbnail of the packed luma.

A cut is a frame whose picture has little in common with the one before, while the frames before it had much: the
correlation drops far below what this material's own motion makes of it. A flash or a fade keeps the picture's
structure, or at least the order of its greys, and is no cut; a fast pan loses it, but steadily. A picture without structure,
all black or blown out, says nothing: the next one that has some is compared with the last one that had. No frame is
unpacked: 36 rows are read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import PGROUP_OCTETS

ROWS, COLUMNS = 36, 64
DIFFERENT = 0.35
"""1 − correlation of two neighbouring frames from which they may be different shots."""
OUTLIER = 4.0
"""And it must be that many times what has been usual lately."""
MEMORY = 0.9
"""Share of the usual difference that is kept from frame to frame: a third of a second at 25 fps."""
FLAT = 2.0
"""Deviation in 8-bit codes below which a thumbnail is flat and has no structure to compare."""
BLOWN, BLOWN_SHARE = 230.0, 0.3
"""8-bit code from which luma is blown out, and the additional share of the picture that makes a flash of it."""
FLASH_FRAMES = 5
"""A flash is over by then; a picture that stays so bright is another shot."""


def thumbnail(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(36, 64) luma in 8-bit codes: evenly spaced rows, each averaged along blocks of every other sample."""
    height, octets = packed.shape
    groups = octets // PGROUP_OCTETS
    block = max(groups // COLUMNS, 1)
    columns = min(COLUMNS, groups)
    rows = (np.arange(ROWS) * height + height // 2) // ROWS
    first = packed[rows, 1 : columns * block * PGROUP_OCTETS : PGROUP_OCTETS]
    second = packed[rows, 2 : columns * block * PGROUP_OCTETS : PGROUP_OCTETS]
    luma = (first & 0x3F) << 2 | second >> 6
    return np.asarray(luma.reshape(ROWS, columns, block).mean(axis=2, dtype=np.float32))


def difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """1 − correlation: 0 for the same picture at any brightness, 1 for unrelated ones. Two flat pictures are the same."""
    one, other = one - one.mean(), other - other.mean()
    deviations = float(one.std()), float(other.std())
    if min(deviations) < FLAT:
        return float(max(deviations) >= FLAT)
    return 1 - float((one * other).mean()) / (deviations[0] * deviations[1])


class CutDetector:
    """Remembers the last thumbnail with structure and how much frames have lately differed."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._usual = 0.0
        self._blown_frames = 0

    def see(self, packed: NDArray[np.uint8]) -> bool:
        """Whether this frame (height, row_octets) begins another shot than the last one seen."""
        seen, last = thumbnail(packed), self._last
        if last is None:
            self._last = seen
            return False
        now = difference(last, seen)
        cut = now > DIFFERENT and now > OUTLIER * self._usual
        if cut and self._says_nothing(seen, last):
            return False
        self._last, self._blown_frames = seen, 0
        cut = cut and difference(_ranks(last), _ranks(seen)) > DIFFERENT
        self._usual = MEMORY * self._usual + (1 - MEMORY) * now
        return cut

    def _says_nothing(self, seen: NDArray[np.float32], last: NDArray[np.float32]) -> bool:
        """Whether a picture that looks like a cut is but black, or the middle of a flash."""
        if seen.std() < FLAT:
            return True
        self._blown_frames += 1
        blown = (seen >= BLOWN).mean() - (last >= BLOWN).mean() > BLOWN_SHARE
        return bool(blown) and self._blown_frames <= FLASH_FRAMES


def _ranks(thumb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each sample's place in the order of greys, 0..255: the same for every exposure of one picture."""
    order = np.searchsorted(np.sort(thumb, axis=None), thumb)
    return np.asarray(order * (255 / thumb.size), np.float32)
