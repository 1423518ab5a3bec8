"""The speaker's own mouths, as seen: a bounded set of native-resolution pictures with their measures.

An entry is kept for what it adds to the coverage of this speaker's shapes (online k-centre: a full gallery gives up one of the
two entries nearest to each other for a mouth that is further from all), or as a sharper or newer picture of a shape that is
known. All memory is taken when the first face is seen, again only when a face comes much closer; `forget` empties it in
place, and the next face's pictures are laid out anew in it.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import Planes
from relip.essence.scene import Face, MouthShape, Region
from relip.mouth.landmarks import BASIS, OUTER

CAPACITY = 96
MOST_OCTETS = 128_000_000
"""What a gallery's pictures may take, however close the face: 96 up to an IOD of 470 pixels, fewer beyond."""
PATCH_WIDTH, PATCH_HEIGHT = 1.30, 1.15
"""Size of an entry in IOD at the first face: the widest mouth, its feather, and room to come 15 % closer."""
REACH = np.array((0.008, 0.025, 0.25, 4.0, 4.0))
"""Entries nearer than this in opening, width (IOD), teeth (share), yaw, pitch (degrees) count as the same."""
FIT = np.array((0.012, 0.05, 0.4, 8.0, 8.0))
"""The same five, as the retrieval weighs them."""
SHARPER = 1.15
STALE_TICKS = 20 * 90_000
"""After 20 s a new picture of the same shape is worth more than the old one: light and make-up change."""
LACKING = 0.01
"""IOD of opening that an entry lacks weigh one unit more: an opening can be cut off, but not invented."""
SPARE = ((0.012, 0.022, 0.030, 0.050), (0.0, 0.012, 0.012, 0.0))
"""IOD of opening, and how much further open an entry should be: what was measured as barely parted mostly looks closed."""
SCALE = 0.35
"""Natural logarithm of the ratio of two faces' sizes that weighs one unit: pixels of another size are softer, or coarser."""
CALM = 0.6
"""How much better than the entry in use another one must be."""
KEEP_TEETH = 0.6
"""How a change of teeth beside the entry in use weighs where nothing is asked of them: it is seen as a change of light."""
TELLING = 0.03
"""IOD of opening below which the teeth of the entry in use say nothing of what comes next: lips hide them."""
EDGE = 3


class Gallery:
    """Up to `capacity` mouths of one speaker.

    Columns, valid up to `count`: `measures` (n, 5) opening, width, teeth, yaw, pitch; `landmarks` (n, 478, 2) float32 in pixels
    of the entry's picture; `iod` (n,); `heads` (n, points) the lower face in head units; `ring` (n, points, 3) and `dark`
    (n, 3) colours; `serial` (n,) grows with each entry ever stored.
    """

    def __init__(self, capacity: int = CAPACITY, ring_points: int = len(OUTER)) -> None:
        self._most = self._capacity = capacity
        self.count = 0
        self.measures = np.zeros((capacity, len(REACH)))
        self.landmarks = np.zeros((capacity, 478, 2), np.float32)
        self.iod = np.zeros(capacity)
        self.heads = np.zeros((capacity, len(BASIS)), np.complex128)
        self.ring = np.zeros((capacity, ring_points, 3))
        self.dark = np.zeros((capacity, 3))
        self.serial = np.zeros(capacity, np.int64)
        self.sharpness = np.zeros(capacity)
        self._ticks = np.zeros(capacity, np.int64)
        self._apart = np.full((capacity, capacity), np.inf)
        self._stored = 0
        self._size = (0, 0)
        self._blocks: list[NDArray[np.uint16]] = []
        self._pictures: list[Planes] = []

    def forget(self) -> None:
        """Empty it; the memory stays."""
        self.count = 0
        self._apart[:] = np.inf
        self._size, self._pictures = (0, 0), []

    def picture(self, index: int) -> Planes:
        """The samples of an entry, the gallery's own."""
        return self._pictures[index]

    @property
    def capacity(self) -> int:
        """How many entries there may be: fewer than asked for, where pictures are large."""
        return self._capacity

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures; (0, 0) before the first face."""
        return self._size

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
            self.make_room(int(PATCH_WIDTH * face.iod) // 2 * 2, int(PATCH_HEIGHT * face.iod))
        wide, high = self._size
        middle = (lips.max(axis=0) + lips.min(axis=0)) / 2
        x, y = int(middle[0] - wide / 2) // 2 * 2, int(middle[1] - high / 2)
        if x < 0 or y < 0 or x + wide > width or y + high > height:
            return None
        return Region(x, y, wide, high)

    def make_room(self, width: int, height: int) -> None:
        """Take memory for pictures of at least this size, an even width; what is held is kept."""
        old, kept = self._pictures, self._size
        self._size = (max(width, kept[0]), max(height, kept[1]))
        samples = 2 * self._size[0] * self._size[1]
        fitting = max(MOST_OCTETS // (2 * samples), 1)
        while self.count > fitting:
            self._give_up(self._most_crowded()[0])
        self._capacity = min(self._most, fitting)
        if self.count or len(self._blocks) < self._capacity or self._blocks[0].size < samples:
            self._blocks = [np.zeros(samples, np.uint16) for _ in range(self._capacity)]
        self._pictures = [planes_in(block, *self._size) for block in self._blocks[: self._capacity]]
        for before, after in zip(old[: self.count], self._pictures, strict=False):
            _lay_in_corner(before, after)

    def _give_up(self, index: int) -> None:
        """Drop an entry; the last one takes its place."""
        last = self.count - 1
        for column in (self.measures, self.landmarks, self.iod, self.heads, self.ring, self.dark, self.serial):
            column[index] = column[last]
        self.sharpness[index], self._ticks[index] = self.sharpness[last], self._ticks[last]
        _lay_in_corner(self._pictures[last], self._pictures[index])
        self._apart[index], self._apart[:, index] = self._apart[last], self._apart[:, last]
        self._apart[index, index] = np.inf
        self._apart[last], self._apart[:, last] = np.inf, np.inf
        self.count = last

    def place_for(self, measure: NDArray[np.float64], ticks: int, sharpness: float, in_use: Collection[int]) -> int | None:
        """The index where a mouth of this `measure` should be stored, or None if it adds nothing."""
        apart = self.distances(measure)
        nearest = int(apart.argmin()) if self.count else -1
        if self.count and apart[nearest] <= 1:
            better = sharpness > SHARPER * self.sharpness[nearest]
            newer = ticks - self._ticks[nearest] > STALE_TICKS and sharpness > self.sharpness[nearest] / SHARPER
            return nearest if (better or newer) and nearest not in in_use else None
        if self.count < self._capacity:
            return self.count
        crowded, distance = self._most_crowded()
        return crowded if distance < apart[nearest] and crowded not in in_use else None

    def distances(self, measure: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far a mouth is from each entry, in REACH: (count,)."""
        return np.asarray(np.abs((self.measures[: self.count] - measure) / REACH).max(axis=1))

    def _most_crowded(self) -> tuple[int, float]:
        """Of the two entries nearest to each other the duller, or the one with the nearer neighbour; and their distance."""
        apart = self._apart[: self.count, : self.count]
        first, second = divmod(int(apart.argmin()), self.count)
        distance = float(apart[first, second])
        ratio = self.sharpness[first] / self.sharpness[second]
        if max(ratio, 1 / ratio) > SHARPER:
            return (first if ratio < 1 else second), distance
        others = [np.partition(apart[i], 1)[1] if self.count > 2 else np.inf for i in (first, second)]
        return (first if others[0] <= others[1] else second), distance

    def store(
        self, index: int, face: Face, measure: NDArray[np.float64], *, region: Region, ticks: int, sharpness: float
    ) -> Planes:
        """Write an entry's measures and return its picture for the caller to fill; colours and head are the caller's to set."""
        self.landmarks[index] = face.landmarks[:, :2] - np.array((region.x, region.y), np.float32)
        self.iod[index], self._ticks[index] = face.iod, ticks
        self.count = max(self.count, index + 1)
        self.admit(index, measure, sharpness)
        return self._pictures[index]

    def admit(self, index: int, measure: NDArray[np.float64], sharpness: float) -> None:
        """Set an entry's place among the others; `index` < `count`."""
        self.measures[index], self.sharpness[index] = measure, sharpness
        self._apart[index, : self.count] = self._apart[: self.count, index] = self.distances(measure)
        self._apart[index, index] = np.inf
        self._stored += 1
        self.serial[index] = self._stored

    def best(self, target: MouthShape, face: Face, current: int | None) -> int:
        """The entry nearest to a shape in this pose, or the current one as long as no other is clearly better."""
        assert self.count, "an empty gallery has no best entry"
        measures, sharp = self.measures[: self.count], self.sharpness[: self.count]
        in_use = current if current is not None and current < self.count else None
        opening = target.open + float(np.interp(target.open, *SPARE))
        wanted = np.array((opening, target.width, 0.0, face.yaw, face.pitch))
        off = measures - wanted
        if target.teeth is not None:
            off[:, 2] = measures[:, 2] - target.teeth
        elif in_use is not None and measures[in_use, 0] > TELLING:
            off[:, 2] = KEEP_TEETH * np.where(measures[:, 0] > TELLING, measures[:, 2] - measures[in_use, 2], 0.0)
        else:
            off[:, 2] = 0.0
        cost = ((off / FIT) ** 2).sum(axis=1) + (np.minimum(off[:, 0], 0) / LACKING) ** 2
        cost += 4 * (1 - sharp / sharp.max()) ** 2
        cost += (np.log(self.iod[: self.count] / face.iod) / SCALE) ** 2
        found = int(cost.argmin())
        if in_use is not None and cost[in_use] < cost[found] + CALM:
            return in_use
        return found


def planes_in(block: NDArray[np.uint16], width: int, height: int) -> Planes:
    """Contiguous planes at the start of a flat memory."""
    luma, half = width * height, width // 2 * height
    y, cb, cr = block[:luma], block[luma : luma + half], block[luma + half : luma + 2 * half]
    return Planes(y.reshape(height, width), cb.reshape(height, width // 2), cr.reshape(height, width // 2))


def measure_of(face: Face, teeth: float) -> NDArray[np.float64]:
    """The measures of a mouth as the gallery compares them; `teeth`: share of the opening in which they show."""
    shape = face.shape
    return np.array((shape.open, shape.width, teeth, face.yaw, face.pitch))


def sharpness_of(luma: NDArray[np.uint16]) -> float:
    """Mean step between neighbours' slopes, in codes: higher is sharper, comparable between pictures of one mouth."""
    rows = luma[::EDGE].astype(np.int32)
    return float(np.abs(2 * rows[:, 1:-1] - rows[:, :-2] - rows[:, 2:]).mean()) + 1e-3


def _lay_in_corner(small: Planes, large: Planes) -> None:
    for have, into in ((small.y, large.y), (small.cb, large.cb), (small.cr, large.cr)):
        into[: have.shape[0], : have.shape[1]] = have
