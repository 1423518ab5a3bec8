"""Noise: found where it is, not where there is texture, and taken off without the edges."""

import numpy as np
import pytest

import drawn_face
from relip.mouth.geometry import plane_points
from relip.mouth.grain import Grain, without

pytestmark = pytest.mark.unit

SEEN = drawn_face.face()
POINTS = plane_points(SEEN.landmarks)


def noisy(deviation, seed, base=500.0):
    rng = np.random.default_rng(seed)
    return np.rint(base + rng.normal(0, deviation, (260, 400))).astype(np.uint16)


def found(frames):
    grain = Grain()
    for frame in frames:
        grain.look(frame, (0, 0), POINTS, SEEN.iod)
    return grain.deviation


@pytest.mark.parametrize("deviation", [2.0, 6.0])
def test_noise_is_measured(deviation):
    assert found([noisy(deviation, seed) for seed in range(20)]) == pytest.approx(deviation, rel=0.15)


def test_texture_that_stands_still_is_no_noise():
    texture = noisy(20.0, 1).astype(float)
    assert found([noisy(2.0, seed, base=texture) for seed in range(60)]) == pytest.approx(2.0, rel=0.2)


def test_an_even_or_a_repeated_picture_has_none():
    assert found([noisy(0.0, seed) for seed in range(5)]) == 0
    assert found([noisy(0.2, seed) for seed in range(5)]) == 0
    grain = Grain()
    for seed in (1, 2, 2, 2, 2, 2, 2, 2):
        grain.look(noisy(4.0, seed), (0, 0), POINTS, SEEN.iod)
    assert grain.deviation == pytest.approx(4.0, rel=0.3)


def test_a_region_that_moves_is_compared_at_the_same_place_of_the_raster():
    grain, texture = Grain(), noisy(20.0, 1).astype(float)
    for seed in range(60):
        frame, left = noisy(2.0, seed, base=texture), 2 * (seed % 5)
        grain.look(frame[:, left:], (left, 0), POINTS - left, SEEN.iod)
    assert grain.deviation == pytest.approx(2.0, rel=0.25)


def test_grain_is_taken_off_and_an_edge_stays():
    base = np.where(np.arange(400) < 200, 300.0, 700.0)[None]
    picture = noisy(4.0, 1, base=base)
    without(picture, 4.0)
    assert picture[:, :190].std() < 2.4
    assert picture[:, 198].mean() < 320
    assert picture[:, 201].mean() > 680


def test_no_grain_to_take_off_changes_nothing():
    picture = noisy(4.0, 1)
    before = picture.copy()
    without(picture, 0.0)
    np.testing.assert_array_equal(picture, before)
