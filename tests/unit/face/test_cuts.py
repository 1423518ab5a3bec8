"""A new shot is a cut; a flash, a fade, a pan, noise and a still picture are not."""

import numpy as np
import pytest

from pictures import packed
from relip.face.cuts import COLUMNS, ROWS, CutDetector, thumbnail

pytestmark = pytest.mark.unit


def scene(seed, width=640, height=360):
    """A picture with structure at many sizes, in 0..255 grey."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width))
    for cells in (4, 8, 16):
        picture += np.kron(rng.uniform(0, 80, (cells, cells)), np.ones((height // cells + 1, width // cells)))[:height, :width]
    return picture[..., None].repeat(3, axis=2)


def cuts(pictures):
    detector = CutDetector()
    return [i for i, picture in enumerate(pictures) if detector.see(packed(np.clip(picture, 0, 255)))]


def test_the_first_frame_is_no_cut():
    assert cuts([scene(1)]) == []


def test_another_scene_is_a_cut_at_once_and_only_once():
    assert cuts([scene(1)] * 5 + [scene(2)] * 5 + [scene(3)] * 5) == [5, 10]


def test_cuts_of_single_frames_are_all_seen():
    assert cuts([scene(i) for i in range(4)]) == [1, 2, 3]


def test_cutting_to_black_and_back_are_cuts():
    assert cuts([scene(1)] * 3 + [np.zeros((360, 640, 3))] * 3 + [scene(1)] * 3) == [3, 6]


def test_a_flash_is_not_a_cut():
    assert cuts([scene(1)] * 5 + [scene(1) * 0.4 + 140] + [scene(1)] * 5) == []


def test_a_fade_down_is_not_a_cut():
    assert cuts([scene(1) * level for level in np.linspace(1, 0.2, 12)]) == []


def test_a_pan_is_not_a_cut():
    wide = np.concatenate([scene(1), scene(2)], axis=1)
    assert cuts([wide[:, x : x + 640] for x in range(0, 600, 12)]) == []


def test_noise_is_not_a_row_of_cuts():
    rng = np.random.default_rng(9)
    frames = [rng.integers(0, 256, (360, 640, 1)).repeat(3, axis=2) for _ in range(20)]
    assert len(cuts(frames)) <= 3


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (360, 288), (16, 16)])
def test_a_thumbnail_is_luma_in_eight_bits_of_any_raster(width, height):
    grey = np.full((height, width, 3), 255)
    found = thumbnail(packed(grey))
    assert found.shape == (ROWS, min(COLUMNS, width // 2))
    assert (found == 235).all()
