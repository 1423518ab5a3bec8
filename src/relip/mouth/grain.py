"""How much noise a camera leaves on skin, and lips without it.

Lips from the gallery carry the noise of the moment they were learnt, which stands still while all around it moves. So it is
taken off when they are learnt, and as much as the picture has now is laid on when they are used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.mouth.geometry import Complex

SPOTS = (199, 210, 430)
"""Even skin inside a gallery entry: the chin, and beside it."""
SIDE, LEAST_SIDE = 0.12, 12
"""Side of the patches that are looked at, in IOD, and at least in pixels."""
MASK_DEVIATION = 6.0
"""What the mask of `_curvature` makes of noise of deviation 1 (Immerkær 1996)."""
EVERY = 4
"""Of so many frames two that follow one another are compared."""
FALL, RISE = 0.5, 0.1
"""How fast a look that finds less, or more, is believed: what moves is taken for noise, so the least is nearest the truth."""
ROUNDING = 0.5
"""Codes of deviation below which there is no grain but rounding."""
BAND = 0.8
"""What the high-pass of `without` leaves of white noise."""

_Patch = tuple[int, int, NDArray[np.int32]]


class Grain:
    """Remembers how noisy one camera's picture is; make a new one for another shot."""

    def __init__(self) -> None:
        self._found: float | None = None
        self._last: list[_Patch] = []
        self._frames = 0

    @property
    def deviation(self) -> float:
        """Standard deviation of the luma's grain in codes; 0 where the picture has none."""
        return self._found if self._found is not None and self._found >= ROUNDING else 0.0

    def look(self, luma: NDArray[np.uint16], corner: tuple[int, int], points: Complex, iod: float) -> None:
        """Compare skin with itself one frame before; `corner`: of the luma in the raster, `points`: landmarks in its pixels."""
        self._frames += 1
        if self._frames % EVERY == 1:
            self._last = _patches(luma, corner, points, max(LEAST_SIDE, round(SIDE * iod)))
        elif self._frames % EVERY == 2:
            self._compare([spread for patch in self._last if (spread := _spread(patch, luma, corner)) is not None])

    def _compare(self, looks: list[float]) -> None:
        if not looks or max(looks) == 0:
            return  # the patches left the picture, or it is the same frame again
        found = float(np.median(looks))
        if self._found is None:
            self._found = found
        else:
            self._found += (FALL if found < self._found else RISE) * (found - self._found)


def _patches(luma: NDArray[np.uint16], corner: tuple[int, int], points: Complex, side: int) -> list[_Patch]:
    """The skin at SPOTS with its place in the raster, as far as it is in the picture."""
    patches = []
    for point in points[list(SPOTS)]:
        x, y = round(point.real) - side // 2, round(point.imag) - side // 2
        if x >= 0 and y >= 0 and x + side <= luma.shape[1] and y + side <= luma.shape[0]:
            patches.append((x + corner[0], y + corner[1], luma[y : y + side, x : x + side].astype(np.int32)))
    return patches


def _spread(patch: _Patch, luma: NDArray[np.uint16], corner: tuple[int, int]) -> float | None:
    """The noise at a patch's place: by what differs from before, but not more than what is fine within; None if it left."""
    x, y, before = patch[0] - corner[0], patch[1] - corner[1], patch[2]
    rows, columns = before.shape
    if x < 0 or y < 0 or x + columns > luma.shape[1] or y + rows > luma.shape[0]:
        return None
    now = luma[y : y + rows, x : x + columns].astype(np.int32)
    return min(_deviation(now - before) / 2**0.5, _deviation(now))


def _deviation(picture: NDArray[np.int32]) -> float:
    """Deviation of white noise that is as fine as what is finest in a picture."""
    return float(np.mean(np.abs(_curvature(picture))) * np.sqrt(np.pi / 2) / MASK_DEVIATION)


def _curvature(picture: NDArray[np.int32]) -> NDArray[np.int32]:
    """Immerkær's mask (1, −2, 1) × (1, −2, 1): blind to edges that run straight across or down."""
    across = picture[:, :-2] - 2 * picture[:, 1:-1] + picture[:, 2:]
    return np.asarray(across[:-2] - 2 * across[1:-1] + across[2:])


def without(luma: NDArray[np.uint16], deviation: float) -> None:
    """Take grain of a deviation off a picture, in place: its finest detail is drawn in by as much as noise would make."""
    if not deviation:
        return
    wide = np.pad(luma.astype(np.float32), 1, mode="edge")
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    soft = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
    fine = luma - soft
    kept = np.sign(fine) * np.maximum(np.abs(fine) - BAND * deviation, 0)
    luma[:] = np.rint(soft + kept)
