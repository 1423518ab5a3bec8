"""New samples laid over a region of a packed frame, octets to octets.

Where the alpha is 0 the sample keeps its code, so that its octets stay bit-identical even where the input
holds codes that no picture should; elsewhere the result is kept inside the legal range.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.device.pgroup import pack_reference, unpack_reference
from relip.device.warp import LEGAL_MAX, LEGAL_MIN
from relip.essence.grains import Planes


def blend_reference(under: NDArray[np.uint8], over: Planes, alpha: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
    """Blend in 10 bit with rounding, numpy alone; see `ports.Device.blend`."""
    height, width = over.y.shape
    planes = Planes.of(width, height)
    unpack_reference(under, planes)
    for below, above, weight in (
        (planes.y, over.y, alpha),
        (planes.cb, over.cb, alpha[:, 0::2]),
        (planes.cr, over.cr, alpha[:, 0::2]),
    ):
        base = below.astype(np.float32)
        mixed = np.floor(base + (above.astype(np.float32) - base) * weight + np.float32(0.5))
        below[:] = np.where(weight > 0, np.clip(mixed, LEGAL_MIN, LEGAL_MAX), below)
    pack_reference(planes, out)


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _mix(below: np.uint32, above: np.uint16, weight: np.float32) -> np.uint32:
    """One sample blended, rounded and kept legal."""
    if weight <= np.float32(0.0):
        return below
    base = np.float32(below)
    mixed = int(np.floor(base + (np.float32(above) - base) * weight + np.float32(0.5)))
    return np.uint32(min(max(mixed, LEGAL_MIN), LEGAL_MAX))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def blend(  # noqa: PLR0917 - a kernel takes planes
    under: NDArray[np.uint8],
    y: NDArray[np.uint16],
    cb: NDArray[np.uint16],
    cr: NDArray[np.uint16],
    alpha: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """The compiled twin of `blend_reference`."""
    for row in range(y.shape[0]):
        for group in range(cb.shape[1]):
            at = group * 5
            first, second, third = np.uint32(under[row, at]), np.uint32(under[row, at + 1]), np.uint32(under[row, at + 2])
            fourth, fifth = np.uint32(under[row, at + 3]), np.uint32(under[row, at + 4])
            even, odd = alpha[row, 2 * group], alpha[row, 2 * group + 1]
            blue = _mix(first << 2 | second >> 6, cb[row, group], even)
            left = _mix((second & 0x3F) << 4 | third >> 4, y[row, 2 * group], even)
            red = _mix((third & 0x0F) << 6 | fourth >> 2, cr[row, group], even)
            right = _mix((fourth & 0x03) << 8 | fifth, y[row, 2 * group + 1], odd)
            out[row, at] = blue >> 2
            out[row, at + 1] = (blue & 3) << 6 | left >> 4
            out[row, at + 2] = (left & 15) << 4 | red >> 6
            out[row, at + 3] = (red & 63) << 2 | right >> 8
            out[row, at + 4] = right & 0xFF
