"""The speaker's own mouths, as seen: a bounded set of native-resolution pictures with their measures.

An entry is kept for what it adds: a shape or a pose not yet covered, or a sharper or newer picture of one that is. All memory
is taken when the first face is seen, again only when a face comes much closer; `forget` empties it in place.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import Planes
from relip.essence.scene import Face, MouthShape, Region
from relip.mouth.landmarks import OUTER

CAPACITY = 96
PATCH_WIDTH, PATCH_HEIGHT = 1.30, 1.15
"""Size of an entry in IOD at the first face: the widest mouth, its feather, and room to come 15 % closer."""
REACH = np.array((0.008, 0.025, 4.0, 4.0))
"""Entries nearer than this in opening, width (IOD), yaw, pitch (degrees) count as the same."""
FIT = np.array((0.012, 0.05, 8.0, 8.0))
"""The same four, as the retrieval weighs them."""
SHARPER = 1.15
STALE_TICKS = 20 * 90_000
"""After 20 s a new picture of the same shape is worth more than the old one: light and make-up change."""
LACKING = 0.01
"""IOD of opening that an entry lacks weigh one unit more: an opening can be cut off, but not invented."""
CALM = 0.6
"""How much better than the entry in use another one must be."""
EDGE = 3


class Gallery:
    """Up to `capacity` mouths of one speaker.

    Columns, valid up to `count`: `measures` (n, 4) opening, width, yaw, pitch; `landmarks` (n, 478, 2) float32 in pixels
    of the entry's picture; `iod` (n,); `ring` (n, points, 3) and `dark` (n, 3) colours; `serial` (n,) grows with each entry
    ever stored.
    """

    def __init__(self, capacity: int = CAPACITY, ring_points: int = len(OUTER)) -> None:
        self._capacity = capacity
        self.count = 0
        self.measures = np.zeros((capacity, 4))
        self.landmarks = np.zeros((capacity, 478, 2), np.float32)
        self.iod = np.zeros(capacity)
        self.ring = np.zeros((capacity, ring_points, 3))
        self.dark = np.zeros((capacity, 3))
        self.serial = np.zeros(capacity, np.int64)
        self._sharpness = np.zeros(capacity)
        self._ticks = np.zeros(capacity, np.int64)
        self._stored = 0
        self._size = (0, 0)
        self._pictures: list[Planes] = []

    def forget(self) -> None:
        """Empty it; the memory stays."""
        self.count = 0

    def picture(self, index: int) -> Planes:
        """The samples of an entry, the gallery's own."""
        return self._pictures[index]

    @property
    def widest(self) -> float:
        """The largest opening seen, in IOD; 0 when empty."""
        return float(self.measures[: self.count, 0].max(initial=0.0))

    def region_for(self, face: Face, width: int, height: int) -> Region | None:
        """The part of a raster that an entry of this face shows; None if it leaves the raster.

        A face that has outgrown the pictures gets larger ones, into which the old are copied.
        """
        lips = face.landmarks[OUTER, :2]
        extent = lips.max(axis=0) - lips.min(axis=0) + 0.16 * face.iod
        if not self._pictures or extent[0] > self._size[0] or extent[1] > self._size[1]:
            self._take_memory(face.iod)
        wide, high = self._size
        middle = (lips.max(axis=0) + lips.min(axis=0)) / 2
        x, y = int(middle[0] - wide / 2) // 2 * 2, int(middle[1] - high / 2)
        if x < 0 or y < 0 or x + wide > width or y + high > height:
            return None
        return Region(x, y, wide, high)

    def _take_memory(self, iod: float) -> None:
        old, kept = self._pictures, self._size
        self._size = (int(PATCH_WIDTH * iod) // 2 * 2, int(PATCH_HEIGHT * iod))
        self._size = (max(self._size[0], kept[0]), max(self._size[1], kept[1]))
        self._pictures = [Planes.of(*self._size) for _ in range(self._capacity)]
        for before, after in zip(old[: self.count], self._pictures, strict=False):
            for small, large in ((before.y, after.y), (before.cb, after.cb), (before.cr, after.cr)):
                large[: small.shape[0], : small.shape[1]] = small

    def place_for(self, face: Face, ticks: int, sharpness: float, in_use: Collection[int]) -> int | None:
        """The index where this mouth should be stored, or None if it adds nothing."""
        measure = _measure(face)
        apart = np.abs((self.measures[: self.count] - measure) / REACH).max(axis=1)
        nearest = int(apart.argmin()) if self.count else -1
        if self.count and apart[nearest] <= 1:
            better = sharpness > SHARPER * self._sharpness[nearest]
            newer = ticks - self._ticks[nearest] > STALE_TICKS and sharpness > self._sharpness[nearest] / SHARPER
            return nearest if (better or newer) and nearest not in in_use else None
        if self.count < self._capacity:
            return self.count
        crowded, distance = self._most_crowded()
        return crowded if distance < apart[nearest] and crowded not in in_use else None

    def _most_crowded(self) -> tuple[int, float]:
        """The less sharp of the two entries nearest to each other, and how near they are."""
        spread = np.abs((self.measures[:, None] - self.measures[None]) / REACH).max(axis=2)
        np.fill_diagonal(spread, np.inf)
        first, second = divmod(int(spread.argmin()), self._capacity)
        dull = first if self._sharpness[first] < self._sharpness[second] else second
        return dull, float(spread[first, second])

    def store(self, index: int, face: Face, *, region: Region, ticks: int, sharpness: float) -> Planes:
        """Write an entry's measures and return its picture for the caller to fill; colours are the caller's to set."""
        self.measures[index] = _measure(face)
        self.landmarks[index] = face.landmarks[:, :2] - np.array((region.x, region.y), np.float32)
        self.iod[index], self._sharpness[index], self._ticks[index] = face.iod, sharpness, ticks
        self._stored += 1
        self.serial[index] = self._stored
        self.count = max(self.count, index + 1)
        return self._pictures[index]

    def best(self, target: MouthShape, face: Face, current: int | None) -> int:
        """The entry nearest to a shape in this pose, or the current one as long as no other is clearly better."""
        assert self.count, "an empty gallery has no best entry"
        wanted = np.array((target.open, target.width, face.yaw, face.pitch))
        off = self.measures[: self.count] - wanted
        sharp = self._sharpness[: self.count]
        cost = ((off / FIT) ** 2).sum(axis=1) + (np.minimum(off[:, 0], 0) / LACKING) ** 2
        cost += 4 * (1 - sharp / sharp.max()) ** 2
        found = int(cost.argmin())
        if current is not None and current < self.count and cost[current] < cost[found] + CALM:
            return current
        return found


def _measure(face: Face) -> NDArray[np.float64]:
    shape = face.shape
    return np.array((shape.open, shape.width, face.yaw, face.pitch))


def sharpness_of(luma: NDArray[np.uint16]) -> float:
    """Mean step between neighbours' slopes, in codes: higher is sharper, comparable between pictures of one mouth."""
    rows = luma[::EDGE].astype(np.int32)
    return float(np.abs(2 * rows[:, 1:-1] - rows[:, :-2] - rows[:, 2:]).mean()) + 1e-3
