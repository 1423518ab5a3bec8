"""What is measured in pixels: changed samples, likeness, stillness. The one file here that imports scikit-image."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ResourceError
from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS
from relip.essence.grains import Planes
from relip.essence.scene import Face, Region
from relip.ports import Device, Lattice

Packed = NDArray[np.uint8]
Luma = NDArray[np.float64]

LUMA_RANGE = 876
"""Codes from black to white in 10-bit narrow range (BT.709-6 §4)."""
BOX_REACH, BOX_FLAT = 0.45, 0.7
"""Half width of the box that likeness is measured in, IOD; its height over its width."""
MOUTH_POINTS = (61, 291, 0, 17, 13, 14, 37, 267, 84, 314)
"""Corners, and the middles and quarters of the lips' edges."""
EYES = (33, 263)
STILL_SIDE = 0.24
"""Side of the boxes that stillness is measured in, IOD."""
STILL_PLACES = {"mouth": (0.0, 0.62), "cheek": (0.42, 0.30)}
"""Where they lie, in IOD across and down from the middle of the outer eye corners."""
ROOM = 4
"""Samples about a box that the resampling may reach for."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """R3 of one frame. `lmd`: of the eye distance."""

    ssim: float
    psnr_db: float
    lmd: float
    sharpness: float


def changed(before: Packed, after: Packed, region: Region | None) -> int:
    """Samples that differ between two packed frames outside a region; of the whole frame without one."""
    if region is None:
        return _differing(before, after)
    rows = slice(region.y, region.y + region.height)
    left, right = (x // PGROUP_PIXELS * PGROUP_OCTETS for x in (region.x, region.x + region.width))
    parts = [
        (slice(None, region.y), slice(None)),
        (slice(region.y + region.height, None), slice(None)),
        (rows, slice(None, left)),
        (rows, slice(right, None)),
    ]
    return sum(_differing(before[part], after[part]) for part in parts)


def _differing(before: Packed, after: Packed) -> int:
    """Samples of 10 bits that differ: only the pgroups that do are looked into (ST 2110-20 table 4)."""
    if np.array_equal(before, after):
        return 0
    a, b = (part.reshape(-1, PGROUP_OCTETS) for part in (before, after))
    other = (a != b).any(axis=1)
    bits = np.unpackbits(a[other] ^ b[other], axis=1).reshape(-1, 4, 10)
    return int(bits.any(axis=2).sum())


def likeness(device: Device, before: Packed, after: Packed, *, face: Face, seen: Face) -> Likeness | None:
    """How like two frames are in the mouth box of the first's face; None where the box leaves the raster."""
    middle, reach = face.landmarks[[13, 14], :2].mean(axis=0), BOX_REACH * face.iod
    region = _region(middle - reach * np.array((1.0, BOX_FLAT)), middle + reach * np.array((1.0, BOX_FLAT)), before)
    if region is None:
        return None
    a, b = (luma(device, frame, region) for frame in (before, after))
    error = max(float(((a - b) ** 2).mean()), 1e-6)
    apart = np.linalg.norm(face.landmarks[MOUTH_POINTS, :2] - seen.landmarks[MOUTH_POINTS, :2], axis=1)
    return Likeness(
        ssim=_ssim(a, b),
        psnr_db=float(10 * np.log10(LUMA_RANGE**2 / error)),
        lmd=float(apart.mean()) / face.iod,
        sharpness=detail(b) / max(detail(a), 1e-6),
    )


def _ssim(a: Luma, b: Luma) -> float:
    """Wang et al. 2004: a Gaussian window of sigma 1.5."""
    value = metrics().structural_similarity(
        a, b, data_range=LUMA_RANGE, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(value)


def metrics() -> ModuleType:
    """What scikit-image measures with. Raises ResourceError without the extra."""
    try:
        from skimage import metrics as found  # noqa: PLC0415 -- an extra, imported only where it is used
    except ImportError as cause:
        raise ResourceError("relip eval measures likeness with scikit-image: install relip[eval]") from cause
    return found


def detail(image: Luma) -> float:
    """Standard deviation of the Laplacian."""
    return float((4 * image[1:-1, 1:-1] - image[:-2, 1:-1] - image[2:, 1:-1] - image[1:-1, :-2] - image[1:-1, 2:]).std())


def luma(device: Device, packed: Packed, region: Region) -> Luma:
    """The luma of a region of a packed frame."""
    planes = Planes.of(region.width, region.height)
    device.unpack(packed, region, planes)
    return planes.y.astype(np.float64)


def _region(low: NDArray[np.float64], high: NDArray[np.float64], packed: Packed) -> Region | None:
    """The whole pgroups about a box, None if it leaves the frame."""
    x, y = int(low[0]) // 2 * 2, int(low[1])
    width, height = -(-(int(high[0]) - x) // 2) * 2, int(high[1]) - y
    frame_width = packed.shape[1] // PGROUP_OCTETS * PGROUP_PIXELS
    if x < 0 or y < 0 or width < 16 or height < 16 or x + width > frame_width or y + height > packed.shape[0]:
        return None
    return Region(x, y, width, height)


class Stillness:
    """R5: how much the mouth's pixels change from frame to frame, and the cheek's, of a face that is followed.

    Both boxes travel with the face by parts of a pixel, so that a head that moves does not count; their size is that of
    the first face.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._side = 0
        self._last: dict[str, Luma] = {}
        self._changes: dict[str, list[float]] = {name: [] for name in STILL_PLACES}

    @property
    def ratio(self) -> float | None:
        """Mean change of the mouth's box over that of the cheek's; None before two frames in a row."""
        mouth, cheek = (self._changes[name] for name in STILL_PLACES)
        return float(np.mean(mouth) / np.mean(cheek)) if mouth and cheek and np.mean(cheek) > 0 else None

    def cut(self) -> None:
        """The next frame does not follow the last one."""
        self._last = {}

    def see(self, packed: Packed, face: Face | None) -> None:
        """Take the next frame; without a face the chain is broken."""
        if face is None:
            self.cut()
            return
        self._side = self._side or int(STILL_SIDE * face.iod) // 2 * 2
        eyes = face.landmarks[EYES, :2].mean(axis=0).astype(np.float64)
        for name, place in STILL_PLACES.items():
            box = self._box(packed, eyes + np.array(place) * face.iod)
            if box is not None and name in self._last:
                self._changes[name].append(float(np.abs(box - self._last[name]).mean()))
            if box is None:
                self._last.pop(name, None)
            else:
                self._last[name] = box

    def _box(self, packed: Packed, middle: NDArray[np.float64]) -> Luma | None:
        """The box about a point, sampled at parts of a pixel by the device's own cubic."""
        corner = middle - self._side / 2 - ROOM
        region = _region(corner, corner + self._side + 2 * ROOM, packed)
        if region is None:
            return None
        source, moved = Planes.of(region.width, region.height), Planes.of(region.width, region.height)
        self._device.unpack(packed, region, source)
        lattice = Lattice.over(region.width, region.height, region.width)
        lattice.dx[:], lattice.dy[:] = corner - (region.x, region.y)
        self._device.warp(source, lattice, moved)
        inner = slice(ROOM, ROOM + self._side)
        return moved.y[inner, inner].astype(np.float64)
