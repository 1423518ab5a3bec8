"""Who is who, by the likenesses of their faces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drawn_face import face
from relip.evaluation.clips import Clip
from relip.evaluation.seen import Seen
from relip.evaluation.talkers import one_person, told_apart
from relip.face.features import LENGTH, TEXTURE

pytestmark = pytest.mark.unit


def likeness(who, *, tremble=0.2, seed=0, yaw=0.0):
    """What a face of person `who` is compared by: texture and bones of their own, as sightings of them scatter."""
    own, other = np.random.default_rng(who), np.random.default_rng((who, seed))
    texture = own.standard_normal(TEXTURE) + tremble * other.standard_normal(TEXTURE)
    bones = 0.1 * own.standard_normal(LENGTH - TEXTURE - 2)
    return np.concatenate((texture / np.linalg.norm(texture), bones, (yaw, 0.0))).astype(np.float32)


def faces(who, *, count=30, identity=1, yaw=0.0):
    """A track of the face engine: every fifth face has its likeness taken."""
    one = face(identity=identity)
    return tuple(replace(one, features=None if k % 5 else likeness(who, seed=k, yaw=yaw)) for k in range(count))


def clip(name, found, talker="."):
    return Seen(Clip(Path(name), name, talker), found, None, None, np.zeros(0), np.zeros(0, np.bool_), ())


def talkers(*seen):
    return [one.clip.talker for one in told_apart(seen)]


def test_the_same_person_is_the_same_talker_and_another_is_another():
    assert talkers(clip("a", faces(1)), clip("b", faces(2)), clip("c", faces(1)), clip("d", faces(2))) == ["1", "2", "1", "2"]


def test_who_is_seen_from_another_side_is_rather_told_apart_than_confused():
    assert talkers(clip("a", faces(1)), clip("b", faces(1, yaw=25.0))) == ["1", "2"]


def test_a_clip_that_has_a_talker_keeps_it():
    assert talkers(clip("a", faces(1), "anna"), clip("b", faces(2), "anna")) == ["anna", "anna"]


def test_a_clip_without_a_face_is_nobodys():
    assert talkers(clip("a", (None, None)), clip("b", faces(1))) == [".", "1"]


def test_in_a_clip_the_most_frequent_person_stays_through_cuts_and_others_are_left_out():
    shots = faces(1), faces(2, count=10, identity=2), (None,), faces(1, count=20, identity=3), faces(1, identity=4, yaw=20.0)
    kept = one_person(clip("a", tuple(face for shot in shots for face in shot)))
    assert [face is not None for face in kept.faces] == [True] * 30 + [False] * 11 + [True] * 50
    assert kept.notes == ("10 frames show somebody else, and are left out",)


def test_a_shot_too_short_to_be_compared_is_left_out():
    short = tuple(replace(one, features=None) for one in faces(1, count=3, identity=2))
    assert one_person(clip("a", faces(1) + short)).faces[30:] == (None,) * 3


def test_a_clip_of_one_shot_stays_as_it_is():
    one = clip("a", faces(1))
    assert one_person(one) is one
