"""Samples a packed frame into R'G'B' at the points of an affine map, without unpacking the frame.

Coordinates are sample indices on both sides: (0, 0) is the first sample's centre, there is no half-pixel shift. Only
10-bit 4:2:2 narrow range by the BT.709 matrix is read; nothing else is guessed.

Minification: one bilinear sample of a 15-fold reduction would be noise. So luma is averaged over n × n bilinear samples
spread over the output pixel, n = scale / 2 rounded, at most 4; chroma, which is half as wide already, is taken once at
the middle. A scale below 3 (a face that fills half of 1080p rows) costs one sample.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS

MOST_TAPS = 4
BLACK, LUMA_STEP = 64.0, 1 / 876
NEUTRAL, CHROMA_STEP = 512.0, 1 / 896
"""10-bit narrow range (BT.709-6 §4.6)."""
RED_CR, GREEN_CB, GREEN_CR, BLUE_CB = 1.5748, -0.1873242729306488, -0.46812427293064875, 1.8556
"""The inverse of the BT.709-6 §3.2 matrix (Kr 0.2126, Kb 0.0722)."""
ONE, TWO, THREE, FOUR, FIVE, SIX, EIGHT, TEN_BITS = (np.uint64(n) for n in (1, 2, 3, 4, 5, 6, 8, 0x3FF))
"""Unsigned, since a signed index costs a test for counting from the end."""


def crop(packed: NDArray[np.uint8], affine: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Fill `out` (h, w, 3) with full-range R'G'B' in 0..1; see ports.Device.crop.

    `packed`: (height, row_octets). `affine`: (2, 3). An output pixel whose middle lies outside the raster is 0.
    Raises FormatError for arrays of another shape.
    """
    _check(packed, affine, out)
    _sample(packed, affine.astype(np.float64), _offsets(affine), out)


def taps(affine: NDArray[np.float32]) -> int:
    """Luma samples an output pixel takes along each axis."""
    linear = affine[:, :2].astype(np.float64)
    scale = math.sqrt(abs(linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0]))
    return int(min(max(round(scale / 2), 1), MOST_TAPS))


def crop_reference(packed: NDArray[np.uint8], affine: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """What `crop` does, in numpy: the specification."""
    _check(packed, affine, out)
    rows, octets = packed.shape
    groups = packed.reshape(rows, octets // PGROUP_OCTETS, PGROUP_OCTETS).astype(np.int64)
    word = groups[..., :-1] << 8 | groups[..., 1:]
    y = np.stack([word[..., 1] >> 4 & 0x3FF, word[..., 3] & 0x3FF], axis=-1).reshape(rows, -1)
    cb, cr = word[..., 0] >> 6, word[..., 2] >> 2 & 0x3FF
    matrix = affine.astype(np.float64)
    lattice = np.stack(np.meshgrid(np.arange(out.shape[1]), np.arange(out.shape[0])), axis=-1).astype(np.float64)
    x0, y0 = np.moveaxis(lattice @ matrix[:, :2].T + matrix[:, 2], -1, 0)
    offsets = _offsets(affine)
    luma = np.sum([_bilinear(y, x0 + dx, y0 + dy) for dx, dy in offsets], axis=0)
    luma = (luma * (1 / len(offsets)) - BLACK) * LUMA_STEP
    blue = (_bilinear(cb, x0 / 2, y0) - NEUTRAL) * CHROMA_STEP
    red = (_bilinear(cr, x0 / 2, y0) - NEUTRAL) * CHROMA_STEP
    colour = np.stack([luma + RED_CR * red, luma + GREEN_CB * blue + GREEN_CR * red, luma + BLUE_CB * blue], axis=-1)
    inside = (x0 >= -0.5) & (x0 < y.shape[1] - 0.5) & (y0 >= -0.5) & (y0 < rows - 0.5)
    out[:] = np.where(inside[..., None], np.clip(colour, 0, 1), 0)


def _offsets(affine: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n·n, 2) raster offsets of an output pixel's luma samples from its middle."""
    n = taps(affine)
    along = (np.arange(n) + 0.5) / n - 0.5
    within = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    return within @ affine[:, :2].T.astype(np.float64)


def _check(packed: NDArray[np.uint8], affine: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    if packed.ndim != 2 or packed.shape[1] % PGROUP_OCTETS:
        raise FormatError(f"packed frame of shape {packed.shape} is not rows of pgroups")
    if affine.shape != (2, 3):
        raise FormatError(f"affine of shape {affine.shape} is not (2, 3)")
    if out.ndim != 3 or out.shape[2] != 3:
        raise FormatError(f"crop of shape {out.shape} is not (h, w, 3)")


def _bilinear(plane: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Samples between four neighbours; beyond an edge the edge goes on."""
    x, y = np.clip(x, 0, plane.shape[1] - 1), np.clip(y, 0, plane.shape[0] - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, plane.shape[1] - 1), np.minimum(top + 1, plane.shape[0] - 1)
    u, v = x - left, y - top
    upper = plane[top, left] + u * (plane[top, right] - plane[top, left])
    lower = plane[bottom, left] + u * (plane[bottom, right] - plane[bottom, left])
    return np.asarray(upper + v * (lower - upper))


@njit(inline="always")  # type: ignore[untyped-decorator]
def _luma(packed: NDArray[np.uint8], row: np.uint64, x: np.uint64) -> Any:  # noqa: ANN401 - an integer, to numba
    odd = x & ONE
    at = (x >> ONE) * FIVE + ONE + odd + odd
    word = np.uint64(packed[row, at]) << EIGHT | np.uint64(packed[row, at + ONE])
    return np.int64(word >> (FOUR - FOUR * odd) & TEN_BITS)


@njit(inline="always")  # type: ignore[untyped-decorator]
def _cb(packed: NDArray[np.uint8], row: np.uint64, at: np.uint64) -> Any:  # noqa: ANN401 - as above
    return np.int64(np.uint64(packed[row, at]) << TWO | np.uint64(packed[row, at + ONE]) >> SIX)


@njit(inline="always")  # type: ignore[untyped-decorator]
def _cr(packed: NDArray[np.uint8], row: np.uint64, at: np.uint64) -> Any:  # noqa: ANN401 - as above
    word = np.uint64(packed[row, at + TWO]) << EIGHT | np.uint64(packed[row, at + THREE])
    return np.int64(word >> TWO & TEN_BITS)


@njit(inline="always")  # type: ignore[untyped-decorator]
def _mix_luma(packed: NDArray[np.uint8], x: float, y: float) -> Any:  # noqa: ANN401 - a float, to numba
    height, width = packed.shape[0], packed.shape[1] // PGROUP_OCTETS * PGROUP_PIXELS
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, top = np.uint64(np.int64(x)), np.uint64(np.int64(y))
    right, bottom = np.uint64(np.int64(min(x + 1, width - 1.0))), np.uint64(np.int64(min(y + 1, height - 1.0)))
    u, v = x - np.floor(x), y - np.floor(y)
    a, b = _luma(packed, top, left), _luma(packed, bottom, left)
    first = a + u * (_luma(packed, top, right) - a)
    second = b + u * (_luma(packed, bottom, right) - b)
    return first + v * (second - first)


@njit(inline="always")  # type: ignore[untyped-decorator]
def _mix_chroma(packed: NDArray[np.uint8], x: float, y: float) -> Any:  # noqa: ANN401 - two floats, to numba
    """Cb and Cr at a chroma index: half the luma's, for the samples are co-sited (BT.709-6 §3.4)."""
    height, width = packed.shape[0], packed.shape[1] // PGROUP_OCTETS
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    top, bottom = np.uint64(np.int64(y)), np.uint64(np.int64(min(y + 1, height - 1.0)))
    left, right = np.uint64(np.int64(x)) * FIVE, np.uint64(np.int64(min(x + 1, width - 1.0))) * FIVE
    u, v = x - np.floor(x), y - np.floor(y)
    a, b, c, d = _cb(packed, top, left), _cb(packed, bottom, left), _cr(packed, top, left), _cr(packed, bottom, left)
    cb, lower_cb = a + u * (_cb(packed, top, right) - a), b + u * (_cb(packed, bottom, right) - b)
    cr, lower_cr = c + u * (_cr(packed, top, right) - c), d + u * (_cr(packed, bottom, right) - d)
    return cb + v * (lower_cb - cb), cr + v * (lower_cr - cr)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sample(
    packed: NDArray[np.uint8], affine: NDArray[np.float64], offsets: NDArray[np.float64], out: NDArray[np.float32]
) -> None:
    height, width = packed.shape[0], packed.shape[1] // PGROUP_OCTETS * PGROUP_PIXELS
    a, b, c = affine[0, 0], affine[0, 1], affine[0, 2]
    d, e, f = affine[1, 0], affine[1, 1], affine[1, 2]
    share = 1 / len(offsets)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x, y = a * j + b * i + c, d * j + e * i + f
            if not (-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
                out[i, j, 0] = out[i, j, 1] = out[i, j, 2] = 0.0
                continue
            total = 0.0
            for k in range(len(offsets)):
                total += _mix_luma(packed, x + offsets[k, 0], y + offsets[k, 1])
            cb, cr = _mix_chroma(packed, x * 0.5, y)
            luma = (total * share - BLACK) * LUMA_STEP
            blue, red = (cb - NEUTRAL) * CHROMA_STEP, (cr - NEUTRAL) * CHROMA_STEP
            out[i, j, 0] = min(max(luma + RED_CR * red, 0.0), 1.0)
            out[i, j, 1] = min(max(luma + GREEN_CB * blue + GREEN_CR * red, 0.0), 1.0)
            out[i, j, 2] = min(max(luma + BLUE_CB * blue, 0.0), 1.0)
