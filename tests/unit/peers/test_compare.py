"""The receiver's kernels against their references, and the references against bits written by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import VideoFormat, video_format
from relip.essence.scene import Region
from relip.peers.compare import Picture, difference, difference_reference, shrink, shrink_reference, step_for

pytestmark = pytest.mark.unit


def noise(width: int, height: int, seed: int = 1) -> np.ndarray:
    """A packed frame of any bits."""
    return np.random.default_rng(seed).integers(0, 256, (height, width // 2 * 5), dtype=np.uint8)


def picture(width: int, height: int) -> Picture:
    """An empty 4:2:0 picture."""
    return Picture(*(np.zeros((height // part, width // part), np.uint8) for part in (1, 2, 2)))


def test_each_of_the_four_samples_of_a_pgroup_is_counted_once() -> None:
    """Cb, Y0, Cr, Y1 are the bits 0–9, 10–19, 20–29, 30–39."""
    before = np.zeros((1, 10), np.uint8)
    for bits, samples in (("00c0000000", 1), ("003c000000", 1), ("00000ffc00", 1), ("00000003ff", 1), ("0040100401", 4)):
        after = before.copy()
        after[0, 5:] = np.frombuffer(bytes.fromhex(bits), np.uint8)
        assert difference_reference(before, after, None).outside == samples, bits
        assert difference(before, after, None).outside == samples, bits


@pytest.mark.parametrize("region", [None, Region(0, 0, 64, 36), Region(20, 10, 12, 9), Region(62, 35, 2, 1)])
def test_the_compiled_count_is_the_reference(region: Region | None) -> None:
    before = noise(64, 36)
    after = before.copy()
    rng = np.random.default_rng(2)
    for row, octet in zip(rng.integers(0, 36, 90), rng.integers(0, 160, 90), strict=True):
        after[row, octet] ^= 1 << rng.integers(0, 8)
    assert difference(before, after, region) == difference_reference(before, after, region)
    assert difference(before, after, region).outside + difference(before, after, region).inside > 60


def test_a_change_inside_the_region_is_not_outside() -> None:
    before = noise(64, 36)
    after = before.copy()
    after[12, 22 // 2 * 5] ^= 0xFF
    found = difference(before, after, Region(20, 10, 12, 9))
    assert (found.outside, found.inside) == (0, 1)
    assert difference(before, after, Region(20, 13, 12, 9)).outside == 1
    assert difference(before, after, Region(24, 10, 12, 9)).outside == 1


def test_equal_frames_do_not_differ() -> None:
    assert difference(noise(64, 36), noise(64, 36), None).outside == 0


@pytest.mark.parametrize(("width", "height", "step"), [(64, 36, 2), (64, 36, 1), (64, 32, 4), (66, 38, 2), (360, 288, 8)])
def test_the_compiled_shrink_is_the_reference(width: int, height: int, step: int) -> None:
    packed = noise(width, height)
    small = (width // step // 2 * 2, height // step // 2 * 2)
    fast, slow = picture(*small), picture(*small)
    shrink(packed, step, fast)
    shrink_reference(packed, step, slow)
    for name in ("y", "cb", "cr"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name))


def test_a_flat_frame_keeps_its_values_and_full_scale_does_not_wrap() -> None:
    """Cb 0x200, Y 0x3AC, Cr 0x100, Y 0x3AC, by hand: 80 3A C4 03 AC; then all ones."""
    packed = np.tile(np.frombuffer(bytes.fromhex("803ac403ac"), np.uint8), (8, 8))
    small = picture(8, 4)
    shrink(packed, 2, small)
    assert (np.unique(small.y), np.unique(small.cb), np.unique(small.cr)) == (0x3AC // 4, 0x80, 0x40)
    shrink(np.full((8, 40), 0xFF, np.uint8), 2, small)
    assert small.y.min() == 255


def test_a_picture_may_be_a_part_of_a_larger_one() -> None:
    packed = noise(64, 36)
    whole, alone = picture(64, 18), picture(32, 18)
    shrink(packed, 2, Picture(whole.y[:, 32:], whole.cb[:, 16:], whole.cr[:, 16:]))
    shrink(packed, 2, alone)
    np.testing.assert_array_equal(whole.y[:, 32:], alone.y)
    assert not whole.y[:, :32].any()
    np.testing.assert_array_equal(whole.cr[:, 16:], alone.cr)


@pytest.mark.parametrize(("name", "step"), [("720p50", 2), ("1080p25", 2), ("2160p25", 4)])
def test_the_recording_is_at_most_960_pixels_wide(name: str, step: int) -> None:
    assert step_for(video_format(name)) == step
    assert step_for(VideoFormat(360, 288, Fraction(25))) == 1
