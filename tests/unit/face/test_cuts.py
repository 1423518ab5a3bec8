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


BLACK, WHITE = np.zeros((360, 640, 3)), np.full((360, 640, 3), 255.0)


def test_black_says_nothing_and_the_shot_after_it_is_compared_with_the_one_before():
    assert cuts([scene(1)] * 3 + [BLACK] * 30 + [scene(1)] * 3) == []
    assert cuts([scene(1)] * 3 + [BLACK] * 30 + [scene(2)] * 3) == [33]


@pytest.mark.parametrize("flash", [scene(1) * 0.4 + 140, scene(1) * 2 + 150, scene(1) * 1.3 + 60, WHITE])
def test_a_flash_is_not_a_cut_however_bright(flash):
    assert cuts([scene(1)] * 5 + [flash] * 2 + [scene(1)] * 5) == []


def test_a_flash_from_one_side_is_not_a_cut():
    side = np.linspace(1.6, 0.9, 640)[None, :, None]
    assert cuts([scene(1)] * 5 + [scene(1) * side + 30] + [scene(1)] * 5) == []


def test_a_cut_into_a_flash_is_a_cut_when_the_flash_is_over():
    assert cuts([scene(1)] * 5 + [WHITE] + [scene(2)] * 5) == [6]


def test_a_cut_to_a_white_studio_is_a_cut_a_moment_later():
    white = WHITE.copy()
    white[100:260, 200:400] = scene(2)[100:260, 200:400] * 0.7
    assert cuts([scene(1)] * 5 + [white] * 10) == [10]


def test_a_fade_down_is_not_a_cut():
    assert cuts([scene(1) * level for level in np.linspace(1, 0.2, 12)]) == []


def test_a_dissolve_is_not_a_cut():
    assert cuts([scene(1) * (1 - t) + scene(2) * t for t in np.linspace(0, 1, 25)]) == []


def test_a_fade_to_black_and_up_again_is_not_a_cut_and_to_another_shot_it_is_one():
    down = [scene(1) * level for level in np.linspace(1, 0, 12)]
    assert cuts([*down, *down[::-1]]) == []
    assert len(cuts([*down, *[scene(2) * level for level in np.linspace(0, 1, 12)]])) == 1


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
