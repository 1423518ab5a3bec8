"""What is not learned from: frames in doubt, by their landmarks or by their pixels."""

from dataclasses import replace

import numpy as np
import pytest

import drawn_face
from relip.mouth.gates import FACES, Gates, Refusal

pytestmark = pytest.mark.unit

FRAME = 3600


def shown(*faces):
    """What the gates say of the last of some faces in a row."""
    gates = Gates()
    return [gates.face(face, k * FRAME) for k, face in enumerate(faces)][-1]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"score": 0.6}, Refusal.UNSURE),
        ({"yaw": -36.0}, Refusal.TURNED),
        ({"pitch": 31.0}, Refusal.TURNED),
        ({"roll": 31.0}, Refusal.TURNED),
        ({"yaw": 30.0, "pitch": -25.0, "roll": 20.0}, None),
    ],
    ids=str,
)
def test_a_face_beyond_the_limits_is_refused(change, refusal):
    assert shown(replace(drawn_face.face(), **change)) is refusal


@pytest.mark.parametrize(
    ("then", "refusal"),
    [
        ({"opening": 0.12}, None),
        ({"opening": 0.25}, Refusal.SUDDEN),
        ({"width": 0.78}, Refusal.SUDDEN),
        ({"x": 206.0}, None),
        ({"x": 210.0}, Refusal.SUDDEN),
    ],
    ids=str,
)
def test_a_mouth_that_changes_or_moves_faster_than_mouths_do_is_refused(then, refusal):
    assert shown(drawn_face.face(), drawn_face.face(**then)) is refusal


def test_lips_that_part_fast_are_seen_and_not_kept():
    gates = Gates()
    for opening, swift in ((0.0, False), (0.04, True), (0.05, False), (0.0, True)):
        assert gates.face(drawn_face.face(opening=opening), gates._ticks + FRAME) is None
        assert gates.swift is swift
    gates.begin_shot()
    gates.face(drawn_face.face(opening=0.1), 0)
    assert not gates.swift


def test_frames_with_a_gap_or_a_cut_between_are_not_compared():
    gates = Gates()
    gates.face(drawn_face.face(), 0)
    assert gates.face(drawn_face.face(opening=0.3), 90_000) is None
    gates.begin_shot()
    assert gates.face(drawn_face.face(), 90_000 + FRAME) is None


def usual(gates, *, sharpness=20.0, luma=500.0, frames=30):
    """Show what is usual; every frame of it may be learned from."""
    for _ in range(frames):
        assert gates.picture(sharpness=sharpness, luma=luma, clipped=0.0) is None


@pytest.mark.parametrize(
    ("picture", "refusal"),
    [
        ({"sharpness": 14.0}, None),
        ({"sharpness": 11.0}, Refusal.BLURRED),
        ({"sharpness": 40.0}, None),
        ({"luma": 700.0}, Refusal.EXPOSURE),
        ({"luma": 350.0}, Refusal.EXPOSURE),
        ({"luma": 560.0}, None),
        ({"clipped": 0.03}, Refusal.EXPOSURE),
    ],
    ids=str,
)
def test_a_picture_unlike_the_usual_is_refused(picture, refusal):
    gates = Gates()
    usual(gates)
    assert gates.picture(**{"sharpness": 20.0, "luma": 500.0, "clipped": 0.0} | picture) is refusal


def test_black_is_refused_from_the_first_frame_on():
    assert Gates().picture(sharpness=20.0, luma=80.0, clipped=0.0) is Refusal.EXPOSURE


def test_a_light_that_stays_is_believed_within_a_second_and_a_soft_lens_within_ten():
    gates = Gates()
    usual(gates)
    lit = [gates.picture(sharpness=20.0, luma=750.0, clipped=0.0) for _ in range(25)]
    assert lit[0] is Refusal.EXPOSURE
    assert lit[-1] is None
    soft = [gates.picture(sharpness=8.0, luma=750.0, clipped=0.0) for _ in range(250)]
    assert soft[:20] == [Refusal.BLURRED] * 20
    assert soft[-1] is None


def test_smears_among_sharp_frames_do_not_make_smears_usual():
    gates = Gates()
    usual(gates)
    said = [gates.picture(sharpness=20.0 if k % 3 else 9.0, luma=500.0, clipped=0.0) for k in range(300)]
    assert said[::3] == [Refusal.BLURRED] * 100
    assert set(said[1::3]) == {None}


def test_a_soft_first_frame_does_not_hide_the_sharp_ones():
    gates = Gates()
    rng = np.random.default_rng(1)
    said = [
        gates.picture(sharpness=8.0 if k < 2 else 20.0 * np.exp(rng.normal(0, 0.08)), luma=500.0, clipped=0.0)
        for k in range(40)
    ]
    assert set(said) == {None}
    assert FACES > 2
