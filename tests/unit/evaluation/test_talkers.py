"""Who is who, by the build of heads."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from heads import head
from relip.essence.scene import Face
from relip.evaluation.clips import Clip
from relip.evaluation.seen import Seen
from relip.evaluation.talkers import one_person, told_apart

pytestmark = pytest.mark.unit

RATE = Fraction(25)


def faces(*, build, count=30, tremble=0.5, identity=1, **pose):
    """A head whose bones differ from the plain one's by `build` IOD, as a mesh that trembles by so many pixels sees it."""
    random = np.random.default_rng(5)
    other = np.random.default_rng(9).standard_normal((478, 3)) * build * 100
    found = []
    for k in range(count):
        points = head((400, 300), 100, yaw=3 * np.sin(k), **pose) + other + random.normal(0, tremble, (478, 3))
        found.append(Face(points.astype(np.float32), 0.99, 100.0, 0.0, 0.0, 0.0, identity))
    return tuple(found)


def clip(name, found, talker="."):
    return Seen(Clip(Path(name), name, talker), found, None, None, np.zeros(0), np.zeros(0, np.bool_), ())


def talkers(*seen):
    return [one.clip.talker for one in told_apart(seen)]


def test_the_same_head_is_the_same_talker_however_it_is_turned_and_opens_its_mouth():
    assert talkers(
        clip("a", faces(build=0)), clip("b", faces(build=0, roll=10, pitch=4)), clip("c", faces(build=0, opening=0.2))
    ) == ["1", "1", "1"]


def test_another_head_is_another_talker():
    assert talkers(clip("a", faces(build=0)), clip("b", faces(build=0.1)), clip("c", faces(build=0))) == ["1", "2", "1"]


def test_a_clip_that_has_a_talker_keeps_it():
    assert talkers(clip("a", faces(build=0), "anna"), clip("b", faces(build=0.1), "anna")) == ["anna", "anna"]


def test_a_clip_without_a_face_is_nobodys():
    assert talkers(clip("a", (None, None)), clip("b", faces(build=0))) == [".", "1"]


def test_in_a_clip_the_most_frequent_person_stays_through_cuts_and_others_are_left_out():
    shots = (
        faces(build=0), faces(build=0.1, count=10, identity=2), (None,), faces(build=0, count=20, identity=3, roll=5),
    )  # fmt: skip
    kept = one_person(clip("a", tuple(face for shot in shots for face in shot)))
    assert [face is not None for face in kept.faces] == [True] * 30 + [False] * 11 + [True] * 20
    assert kept.notes == ("10 frames show somebody else, and are left out",)


def test_a_clip_of_one_shot_stays_as_it_is():
    one = clip("a", faces(build=0))
    assert one_person(one) is one
