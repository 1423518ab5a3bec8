"""A crop is what the affine map says, in full-range R'G'B', and the kernel is its reference to the last bit."""

import numpy as np
import pytest

from pictures import packed
from relip.device.crop import MOST_TAPS, crop, crop_reference, taps
from relip.essence.errors import FormatError

pytestmark = pytest.mark.unit

WHITE = bytes([0x80, 0x3A, 0xC8, 0x03, 0xAC])
"""Cb 512, Y 940, Cr 512, Y 940: bits 1000000000 1110101100 1000000000 1110101100."""
BLACK_THEN_WHITE = bytes([0x80, 0x04, 0x08, 0x03, 0xAC])
"""Cb 512, Y 64, Cr 512, Y 940."""


def rows_of(group, groups, height):
    return np.frombuffer(group * groups * height, np.uint8).reshape(height, -1)


def cropped(frame, affine, size=(4, 4)):
    out = np.full((*size, 3), np.nan, np.float32)
    crop(frame, np.array(affine, np.float32), out)
    return out


IDENTITY = [[1, 0, 0], [0, 1, 0]]


def noise(width=64, height=48):
    return np.random.default_rng(7).integers(0, 256, (height, width // 2 * 5), dtype=np.uint8)


def test_narrow_range_white_becomes_one():
    assert np.allclose(cropped(rows_of(WHITE, 2, 4), IDENTITY), 1, atol=1e-6)


def test_a_sample_is_found_at_its_own_column():
    columns = cropped(rows_of(BLACK_THEN_WHITE, 2, 4), IDENTITY)[0, :, 1]
    assert np.allclose(columns, [0, 1, 0, 1], atol=1e-6)


def test_between_two_samples_lies_their_mean():
    assert np.allclose(cropped(rows_of(BLACK_THEN_WHITE, 4, 4), [[1, 0, 0.5], [0, 1, 0]]), 0.5, atol=1e-6)


def test_outside_the_raster_is_zero_and_the_last_sample_reaches_half_a_pixel_beyond():
    columns = cropped(rows_of(WHITE, 2, 4), [[0.5, 0, 2.5], [0, 1, 0]])[0, :, 0]
    assert np.allclose(columns, [1, 1, 0, 0], atol=1e-6)
    assert not cropped(rows_of(WHITE, 2, 4), [[1, 0, -9], [0, 1, 0]]).any()


def test_colours_come_back_as_they_went_in():
    rgb = np.zeros((8, 8, 3))
    rgb[:4], rgb[4:, :] = (200, 30, 60), (10, 120, 250)
    back = cropped(packed(rgb), IDENTITY, (8, 8)) * 255
    assert np.abs(back - rgb).max() < 1.0


def test_chroma_sits_on_the_even_luma_sample():
    rgb = np.zeros((4, 8, 3))
    rgb[:, :4], rgb[:, 4:] = (255, 0, 0), (0, 0, 255)
    between = cropped(packed(rgb), [[1, 0, 3], [0, 1, 0]])[0, 0]
    red, blue = (cropped(packed(rgb), [[1, 0, x], [0, 1, 0]])[0, 0] for x in (2, 4))
    luma_free = between[0] - between[2]
    assert np.isclose(luma_free, ((red[0] - red[2]) + (blue[0] - blue[2])) / 2, atol=0.2)


@pytest.mark.parametrize(("scale", "count"), [(0.5, 1), (1.0, 1), (2.9, 1), (4.0, 2), (6.0, 3), (15.0, MOST_TAPS)])
def test_a_larger_reduction_takes_more_samples(scale, count):
    assert taps(np.array([[0, -scale, 0], [scale, 0, 0]], np.float32)) == count


def test_noise_is_averaged_when_it_is_reduced():
    grey = np.random.default_rng(3).integers(0, 256, (256, 256, 1)).repeat(3, axis=2)
    whole, reduced = cropped(packed(grey), IDENTITY, (30, 30)), cropped(packed(grey), [[8, 0, 4], [0, 8, 4]], (30, 30))
    assert reduced.std() < whole.std() / 3


@pytest.mark.parametrize("scale", [0.4, 1.3, 4.2, 9.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0])
def test_the_kernel_is_its_reference(scale, angle):
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    affine = np.array([[cos, -sin, 11.3], [sin, cos, -4.7]], np.float32)
    fast, slow = np.empty((20, 30, 3), np.float32), np.empty((20, 30, 3), np.float32)
    crop(noise(), affine, fast)
    crop_reference(noise(), affine, slow)
    assert np.array_equal(fast, slow)


@pytest.mark.parametrize(
    ("frame", "affine", "out"),
    [((4, 7), (2, 3), (4, 4, 3)), ((4, 10), (3, 3), (4, 4, 3)), ((4, 10), (2, 3), (4, 4)), ((40,), (2, 3), (4, 4, 3))],
)
def test_arrays_of_another_shape_are_refused(frame, affine, out):
    with pytest.raises(FormatError):
        crop(np.zeros(frame, np.uint8), np.zeros(affine, np.float32), np.zeros(out, np.float32))
