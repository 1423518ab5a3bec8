"""Two packed frames compared sample by sample, and a packed frame made small for the recording.

Each kernel is a numpy reference, which is the specification, and a compiled twin; numba is allowed here, because a
receiver must look at every sample of every frame in real time. Nothing is kept between calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS, VideoFormat
from relip.essence.scene import Region

GROUP_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class Difference:
    """Samples (Y', Cb and Cr counted one by one) whose ten bits differ, outside and inside a region."""

    outside: int
    inside: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Planes of one 8-bit 4:2:0 picture: `y` (h, w), `cb` and `cr` (h/2, w/2), uint8; views are welcome."""

    y: NDArray[np.uint8]
    cb: NDArray[np.uint8]
    cr: NDArray[np.uint8]


def difference(before: NDArray[np.uint8], after: NDArray[np.uint8], region: Region | None) -> Difference:
    """Count what differs between two packed frames (height, row_octets); without a region everything is outside."""
    outside, inside = _difference(before, after, *_bounds(region))
    return Difference(int(outside), int(inside))


def difference_reference(before: NDArray[np.uint8], after: NDArray[np.uint8], region: Region | None) -> Difference:
    """The specification of `difference`, numpy alone."""
    bits = np.unpackbits(before ^ after, axis=1).reshape(len(before), -1, GROUP_SAMPLES, 10)
    differs = bits.any(axis=3).sum(axis=2)
    (first, last), (top, bottom) = _bounds(region)
    inside = int(differs[top:bottom, first // PGROUP_OCTETS : last // PGROUP_OCTETS].sum())
    return Difference(int(differs.sum()) - inside, inside)


def shrink(packed: NDArray[np.uint8], step: int, out: Picture) -> None:
    """Average a packed frame over squares of `step` (1, 2, 4, 8) pixels into 8-bit 4:2:0; rows and columns left over are cut.

    Chroma is averaged over the same squares, two rows of them: 4:2:2 becomes 4:2:0.
    """
    _shrink(packed, step, out.y, out.cb, out.cr)


def shrink_reference(packed: NDArray[np.uint8], step: int, out: Picture) -> None:
    """The specification of `shrink`, numpy alone."""
    samples = np.unpackbits(packed, axis=1).reshape(len(packed), -1, GROUP_SAMPLES, 10) @ (1 << np.arange(9, -1, -1))
    luma = samples[..., 1::2].reshape(len(packed), -1)
    for plane, down, into in ((luma, step, out.y), (samples[..., 0], 2 * step, out.cb), (samples[..., 2], 2 * step, out.cr)):
        height, width = into.shape
        squares = plane[: height * down, : width * step].reshape(height, down, width, step)
        eighth = 4 * down * step
        into[:] = np.minimum((squares.sum(axis=(1, 3)) + eighth // 2) // eighth, 255)


def step_for(format: VideoFormat, widest: int = 960) -> int:  # noqa: A002  the essence's own word
    """The smallest step with which a frame is at most `widest` pixels wide: 2 for 1080p, 4 for 2160p."""
    step = 1
    while format.width // step > widest:
        step *= 2
    return step


def _bounds(region: Region | None) -> tuple[tuple[int, int], tuple[int, int]]:
    """The octets of a region's rows and its rows, both half-open."""
    if region is None:
        return (0, 0), (0, 0)
    first = region.x // PGROUP_PIXELS * PGROUP_OCTETS
    return (first, first + region.width // PGROUP_PIXELS * PGROUP_OCTETS), (region.y, region.y + region.height)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _difference(
    before: NDArray[np.uint8], after: NDArray[np.uint8], columns: tuple[int, int], rows: tuple[int, int]
) -> tuple[int, int]:
    """Outside and inside; rows are compared as octets and only looked into when they differ."""
    first, last = columns
    outside = 0
    inside = 0
    for row in range(before.shape[0]):
        if rows[0] <= row < rows[1]:
            outside += _differing(before[row, :first], after[row, :first])
            inside += _differing(before[row, first:last], after[row, first:last])
            outside += _differing(before[row, last:], after[row, last:])
        else:
            outside += _differing(before[row], after[row])
    return outside, inside


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _differing(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> int:
    """Samples that differ in a run of whole pgroups."""
    any_bit = np.uint8(0)
    for at in range(one.size):
        any_bit |= one[at] ^ two[at]
    if any_bit == 0:
        return 0
    count = 0
    for at in range(0, one.size, 5):
        a = one[at] ^ two[at]
        b = one[at + 1] ^ two[at + 1]
        c = one[at + 2] ^ two[at + 2]
        d = one[at + 3] ^ two[at + 3]
        e = one[at + 4] ^ two[at + 4]
        count += (a | (b & 0xC0)) != 0
        count += ((b & 0x3F) | (c & 0xF0)) != 0
        count += ((c & 0x0F) | (d & 0xFC)) != 0
        count += ((d & 0x03) | e) != 0
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _shrink(packed: NDArray[np.uint8], step: int, y: NDArray[np.uint8], cb: NDArray[np.uint8], cr: NDArray[np.uint8]) -> None:
    """Sums of columns first, over all rows of a square; then sums of squares."""
    groups = packed.shape[1] // 5
    luma = np.zeros(2 * groups, np.uint32)
    blue = np.zeros(groups, np.uint32)
    red = np.zeros(groups, np.uint32)
    for pair in range(cb.shape[0]):
        blue[:] = 0
        red[:] = 0
        for line in range(2):
            luma[:] = 0
            for row in range((2 * pair + line) * step, (2 * pair + line + 1) * step):
                _add_row(packed[row], luma, blue, red)
            _reduce(luma, step, step, y[2 * pair + line])
        _reduce(blue, step, 2 * step, cb[pair])
        _reduce(red, step, 2 * step, cr[pair])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add_row(row: NDArray[np.uint8], luma: NDArray[np.uint32], blue: NDArray[np.uint32], red: NDArray[np.uint32]) -> None:
    """Unpack one row on top of the sums of its columns."""
    for group in range(blue.size):
        at = group * 5
        first = np.uint32(row[at])
        second = np.uint32(row[at + 1])
        third = np.uint32(row[at + 2])
        fourth = np.uint32(row[at + 3])
        fifth = np.uint32(row[at + 4])
        blue[group] += first << 2 | second >> 6
        luma[2 * group] += (second & 0x3F) << 4 | third >> 4
        red[group] += (third & 0x0F) << 6 | fourth >> 2
        luma[2 * group + 1] += (fourth & 0x03) << 8 | fifth


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _reduce(sums: NDArray[np.uint32], step: int, rows: int, out: NDArray[np.uint8]) -> None:
    """Rounded means of `step` neighbouring sums over `rows` rows, ten bits to eight."""
    shift = 2
    while 1 << shift < 4 * step * rows:
        shift += 1
    for column in range(out.size):
        total = np.uint32(1 << shift - 1)
        for at in range(column * step, (column + 1) * step):
            total += sums[at]
        level = total >> shift
        out[column] = 255 if level > 255 else level  # noqa: FURB136 -- the type of min() is lost on the type checker
