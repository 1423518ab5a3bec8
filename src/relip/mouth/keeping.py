"""A speaker's memory as plain arrays and back, for whoever keeps it in a file; resampled for a raster of another size.

What is derived is left out: sharpness, colours and the fit are measured anew in the pictures that come out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.grains import Planes
from relip.mouth import tone
from relip.mouth.gallery import sharpness_of
from relip.mouth.geometry import in_head
from relip.mouth.landmarks import BASIS
from relip.mouth.memory import Memory, OwnPixelsSettings

CODES = 1024
"""10-bit samples."""
LEAST_SIDE, MOST_SIDE = 16, 2048
LARGEST_SCALE = 2.0
"""A picture that is enlarged or reduced further is no use: enrol again at the programme's raster."""
CUBIC = -0.5


@dataclass(frozen=True, slots=True)
class Mouths:
    """The entries of a gallery.

    `measures` (n, 5) float64: opening, width, teeth, yaw, pitch. `landmarks` (n, 478, 2) float32 and `iod` (n,) float64 in
    pixels of the pictures. `y` (n, h, w), `cb`, `cr` (n, h, w/2) uint16: 10-bit samples, BT.709 narrow range.
    """

    measures: NDArray[np.float64]
    landmarks: NDArray[np.float32]
    iod: NDArray[np.float64]
    y: NDArray[np.uint16]
    cb: NDArray[np.uint16]
    cr: NDArray[np.uint16]

    def __post_init__(self) -> None:
        count, height, width = self.y.shape
        if not count or not (LEAST_SIDE <= height <= MOST_SIDE and LEAST_SIDE <= width <= MOST_SIDE) or width % 2:
            raise FormatError(f"{count} pictures of {width}x{height} are no mouths")
        wanted = {
            "measures": (count, 5),
            "landmarks": (count, 478, 2),
            "iod": (count,),
            "cb": (count, height, width // 2),
            "cr": (count, height, width // 2),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise FormatError(f"{name} of shape {getattr(self, name).shape} where {shape} is due")
        numbers = (self.measures, self.landmarks, self.iod)
        if not all(np.isfinite(column).all() for column in numbers) or self.iod.min() < 1:
            raise FormatError("measures or landmarks are not numbers of a face")
        brightest = max(int(plane.max()) for plane in (self.y, self.cb, self.cr))
        if np.abs(self.landmarks).max() > 8 * MOST_SIDE or brightest >= CODES:
            raise FormatError("landmarks or samples are out of their range")


def mouths_of(memory: Memory) -> Mouths:
    """What a gallery holds; copies."""
    gallery = memory.gallery
    pictures = [gallery.picture(index) for index in range(gallery.count)]
    return Mouths(
        measures=gallery.measures[: gallery.count].copy(),
        landmarks=gallery.landmarks[: gallery.count].copy(),
        iod=gallery.iod[: gallery.count].copy(),
        y=np.stack([picture.y for picture in pictures]),
        cb=np.stack([picture.cb for picture in pictures]),
        cr=np.stack([picture.cr for picture in pictures]),
    )


def memory_of(mouths: Mouths, settings: OwnPixelsSettings, scale: float = 1.0) -> Memory:
    """A warm memory of these mouths, their pictures `scale` times as large. FormatError where that is too much."""
    if not 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
        raise FormatError(f"pictures would have to be {scale:.2f} times as large, and at most {LARGEST_SCALE:g} is possible")
    memory = Memory(settings)
    gallery = memory.gallery
    _, height, width = mouths.y.shape
    wide, high = max(int(width * scale) // 2 * 2, 2), max(int(height * scale), 1)
    gallery.make_room(wide, high)
    across, down, half = (_resampling(*lengths, scale) for lengths in ((width, wide), (height, high), (width // 2, wide // 2)))
    for index in range(min(len(mouths.y), gallery.capacity)):
        picture = gallery.picture(index)
        for into, plane, columns in (
            (picture.y, mouths.y, across),
            (picture.cb, mouths.cb, half),
            (picture.cr, mouths.cr, half),
        ):
            into[:] = plane[index] if scale == 1.0 else _resampled(plane[index], down, columns)
        gallery.count = index + 1
        gallery.iod[index] = mouths.iod[index] * scale
        gallery.landmarks[index] = mouths.landmarks[index] * np.float32(scale)
        _measure_anew(memory, index, picture, mouths.measures[index])
    memory.refit()
    memory.seen = settings.warm_frames
    return memory


def _measure_anew(memory: Memory, index: int, picture: Planes, measure: NDArray[np.float64]) -> None:
    """Set what follows from an entry's picture and landmarks."""
    gallery = memory.gallery
    places = gallery.landmarks[index].astype(np.float64)
    points, iod = places[:, 0] + 1j * places[:, 1], float(gallery.iod[index])
    gallery.heads[index] = in_head(points, iod)[BASIS]
    gallery.ring[index] = tone.colours_at(picture, tone.ring_points(points, iod))
    gallery.dark[index] = tone.dark_of(picture, points, float(measure[0]))
    gallery.admit(index, measure, sharpness_of(picture.y))


def _resampling(length: int, wanted: int, scale: float) -> NDArray[np.float64]:
    """(wanted, length) weights: sample i of the result lies at i / scale; cubic, as wide as the step where that is over 1."""
    spread = max(1 / scale, 1.0)
    away = np.abs(np.arange(wanted)[:, None] / scale - np.arange(length)) / spread
    near = (CUBIC + 2) * away**3 - (CUBIC + 3) * away**2 + 1
    far = CUBIC * (away**3 - 5 * away**2 + 8 * away - 4)
    weights = np.where(away < 1, near, np.where(away < 2, far, 0.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _resampled(plane: NDArray[np.uint16], down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.uint16]:
    drawn = down @ plane @ across.T
    return np.clip(np.rint(drawn), 4, 1019).astype(np.uint16)
