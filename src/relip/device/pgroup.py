"""The pgroup of Y'CbCr 4:2:2 10 bit: five octets, Cb Y0 Cr Y1, big-endian (ST 2110-20 §6.2.4, table 4).

Octets to samples and back for a region of a packed frame. Each direction is a numpy reference, which is the
specification, and a compiled twin. No other sampling is known here; frames are never converted as a whole.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS
from relip.essence.grains import Planes
from relip.essence.scene import Region


def region_octets(packed: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The octets of a region as a view of the packed frame, (height, width/2*5)."""
    first = region.x // PGROUP_PIXELS * PGROUP_OCTETS
    last = first + region.width // PGROUP_PIXELS * PGROUP_OCTETS
    return packed[region.y : region.y + region.height, first:last]


def unpack_reference(octets: NDArray[np.uint8], out: Planes) -> None:
    """Unpack (h, w/2*5) octets into planes of (h, w), numpy alone."""
    group = octets.reshape(octets.shape[0], -1, PGROUP_OCTETS).astype(np.uint16)
    first, second, third, fourth, fifth = (group[..., i] for i in range(PGROUP_OCTETS))
    out.cb[:] = first << 2 | second >> 6
    out.y[:, 0::2] = (second & 0x3F) << 4 | third >> 4
    out.cr[:] = (third & 0x0F) << 6 | fourth >> 2
    out.y[:, 1::2] = (fourth & 0x03) << 8 | fifth


def pack_reference(planes: Planes, out: NDArray[np.uint8]) -> None:
    """Pack planes of (h, w) into (h, w/2*5) octets, numpy alone. Only the low ten bits of a sample are kept."""
    cb, cr = planes.cb & 0x3FF, planes.cr & 0x3FF
    left, right = planes.y[:, 0::2] & 0x3FF, planes.y[:, 1::2] & 0x3FF
    octets = (cb >> 2, (cb & 3) << 6 | left >> 4, (left & 15) << 4 | cr >> 6, (cr & 63) << 2 | right >> 8, right & 255)
    for place, octet in enumerate(octets):
        out[:, place::PGROUP_OCTETS] = octet


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def unpack(octets: NDArray[np.uint8], y: NDArray[np.uint16], cb: NDArray[np.uint16], cr: NDArray[np.uint16]) -> None:
    """The compiled twin of `unpack_reference`."""
    for row in range(y.shape[0]):
        for group in range(cb.shape[1]):
            at = group * 5
            first = np.uint32(octets[row, at])
            second = np.uint32(octets[row, at + 1])
            third = np.uint32(octets[row, at + 2])
            fourth = np.uint32(octets[row, at + 3])
            fifth = np.uint32(octets[row, at + 4])
            cb[row, group] = first << 2 | second >> 6
            y[row, 2 * group] = (second & 0x3F) << 4 | third >> 4
            cr[row, group] = (third & 0x0F) << 6 | fourth >> 2
            y[row, 2 * group + 1] = (fourth & 0x03) << 8 | fifth


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def pack(y: NDArray[np.uint16], cb: NDArray[np.uint16], cr: NDArray[np.uint16], out: NDArray[np.uint8]) -> None:
    """The compiled twin of `pack_reference`."""
    for row in range(y.shape[0]):
        for group in range(cb.shape[1]):
            at = group * 5
            blue = np.uint32(cb[row, group]) & 0x3FF
            left = np.uint32(y[row, 2 * group]) & 0x3FF
            red = np.uint32(cr[row, group]) & 0x3FF
            right = np.uint32(y[row, 2 * group + 1]) & 0x3FF
            out[row, at] = blue >> 2
            out[row, at + 1] = (blue & 3) << 6 | left >> 4
            out[row, at + 2] = (left & 15) << 4 | red >> 6
            out[row, at + 3] = (red & 63) << 2 | right >> 8
            out[row, at + 4] = right & 0xFF
