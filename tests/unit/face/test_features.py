"""What two sightings of one person have in common, and what those of two people have not."""

import numpy as np
import pytest

import likenesses
from pictures import packed
from relip.face.features import LENGTH, TEXTURE, Likener, compare

pytestmark = pytest.mark.unit


def test_features_are_a_texture_of_length_one_bones_and_pose():
    found = likenesses.features(1)
    assert found.shape == (LENGTH,)
    assert np.linalg.norm(found[:TEXTURE]) == pytest.approx(1, abs=1e-5)
    assert np.abs(found[TEXTURE:-2]).max() < 1.5


@pytest.mark.parametrize(
    "change",
    [
        {"middle": (130.0, 90.0)},
        {"iod": 95.0},
        {"iod": 45.0},
        {"roll": 12.0},
        {"light": 0.5},
        {"from_the_side": 0.2},
    ],
    ids=str,
)
def test_place_size_roll_and_light_do_not_change_a_person(change):
    found = compare(likenesses.features(1), likenesses.features(1, **change))
    assert found.same
    assert found.texture > 0.9


@pytest.mark.parametrize("seed", range(2, 8))
def test_another_person_is_not_the_same_in_either_measure(seed):
    found = compare(likenesses.features(1), likenesses.features(seed))
    assert found.texture < 0.6
    assert not found.same


def test_the_same_texture_on_another_skull_is_another_person():
    found = compare(likenesses.features(1), likenesses.features(1, bones=2))
    assert found.bones > 0.02
    wide = compare(likenesses.features(1), likenesses.features(1, stretch=1.15))
    assert wide.bones > 0.03
    assert not wide.same


def test_heads_that_are_turned_apart_are_not_compared():
    seen = likenesses.features(1)
    aside = seen.copy()
    aside[-2] += 12.0
    assert not compare(seen, aside).same


def test_a_face_without_structure_resembles_nobody_not_even_itself():
    landmarks = likenesses.person(1)
    flat = Likener(likenesses.DEVICE).of(packed(np.full((240, 320, 3), 128.0)), landmarks, yaw=0.0, pitch=0.0)
    assert np.isfinite(flat).all()
    assert not compare(flat, flat).same


def test_a_face_that_leaves_the_raster_gives_finite_numbers():
    landmarks = likenesses.person(1, middle=(-40.0, 400.0))
    found = Likener(likenesses.DEVICE).of(likenesses.picture(1, landmarks), landmarks, yaw=0.0, pitch=0.0)
    assert np.isfinite(found).all()
