"""Who is recognised, who is not, and what happens when a track slides from one face to another."""

import numpy as np
import pytest

import likenesses
from relip.essence.scene import NOBODY, Face
from relip.face.people import DOUBTS, ENOUGH, People, Person

pytestmark = pytest.mark.unit

LOOKS = {seed: likenesses.features(seed) for seed in range(8)}


def face(identity, seed=None, *, noise=0.02, take=0, yaw=0.0):
    """A face of a person, each `take` a little different; without a seed, one whose features were not taken."""
    features = None
    if seed is not None:
        features = LOOKS[seed] + np.random.default_rng(take).normal(0, noise, LOOKS[seed].shape).astype(np.float32) * 0.3
        features[-2:] = yaw, 0.0
    return Face(np.zeros((478, 3), np.float32), 1.0, 100.0, yaw, 0.0, 0.0, identity, features)


def shot(people, identity, seed, frames=10, ahead=3):
    """The numbers given to the frames of a shot of one person."""
    faces = [face(identity, seed, take=k) for k in range(frames)]
    return [people.who(now, faces[k + 1 : k + 1 + ahead]) for k, now in enumerate(faces)]


def test_who_returns_is_known_from_the_first_frame():
    people = People()
    assert set(shot(people, 1, 0)) == {0}
    assert set(shot(people, 2, 1)) == {1}
    assert set(shot(people, 3, 0)) == {0}
    assert set(shot(people, 4, 1)) == {1}
    assert people.counts == {"new": 2, "returned": 2}


def test_nobody_is_taken_for_another():
    people = People(places=8)
    assert [shot(people, seed + 1, seed)[0] for seed in range(8)] == list(range(8))
    assert people.counts == {"new": 8}


def test_without_a_look_ahead_it_takes_a_few_frames():
    people = People()
    shot(people, 1, 0)
    numbers = shot(people, 2, 0, ahead=0)
    assert numbers == [NOBODY] * (ENOUGH - 1) + [0] * (10 - ENOUGH + 1)


def test_too_few_frames_recognise_nobody():
    people = People()
    shot(people, 1, 0)
    assert set(shot(people, 2, 0, frames=ENOUGH - 1)) == {NOBODY}


def test_frames_without_features_keep_the_number():
    people = People()
    shot(people, 1, 0)
    assert people.who(face(1), [face(1)]) == 0
    assert people.who(face(2), [face(2)] * 3) == NOBODY


def test_frames_of_the_next_shot_say_nothing_of_this_one():
    people = People()
    shot(people, 1, 0)
    assert people.who(face(2, 1), [face(3, 0, take=k) for k in range(3)]) == NOBODY


def test_who_was_seen_least_is_forgotten_and_the_enrolled_never_are():
    people = People([Person([LOOKS[7]])], places=3)
    shot(people, 1, 0, frames=200)
    for seed in range(1, 6):
        shot(people, seed + 1, seed, frames=20 - seed)
    assert set(shot(people, 10, 0)) == {1}, "cut-aways do not drive a presenter out"
    assert set(shot(people, 11, 7)) == {0}
    assert people.counts["enrolled"] == 1
    assert 4 not in shot(people, 12, 3), "seen least, and given up for the fifth"


def test_a_presenter_of_long_ago_makes_way_in_the_end():
    people = People(places=3)
    shot(people, 1, 0, frames=40)
    for k in range(12):
        shot(people, 2 + k, 1 + k % 5, frames=20)
    assert 0 not in shot(people, 99, 0)


def test_a_track_that_slides_to_another_face_becomes_that_person():
    people = People()
    shot(people, 1, 0)
    shot(people, 2, 1)
    numbers = shot(people, 2, 0, frames=DOUBTS + 2)
    assert numbers[: DOUBTS - 1] == [1] * (DOUBTS - 1)
    assert numbers[-1] == 0
    assert people.counts["mistaken"] == 1
    assert shot(people, 2, 3, frames=DOUBTS + 2)[-1] not in (0, 1)


def test_a_blink_of_doubt_changes_nobody():
    people = People()
    shot(people, 1, 0)
    for k in range(20):
        assert people.who(face(1, 1 if k % DOUBTS else 0, take=k), []) == 0
    assert people.counts["mistaken"] == 0


def test_a_head_that_turns_stays_the_same_person_and_is_known_from_that_side_later():
    people = People()
    shot(people, 1, 0)
    side = LOOKS[0].copy()
    side[: len(side) // 3] = np.roll(side[: len(side) // 3], 7)
    turned = Face(np.zeros((478, 3), np.float32), 1.0, 100.0, 18.0, 0.0, 0.0, 1, side)
    turned.features[-2:] = 18.0, 0.0
    assert [people.who(turned, []) for _ in range(DOUBTS + 3)] == [0] * (DOUBTS + 3)
    again = Face(turned.landmarks, 1.0, 100.0, 18.0, 0.0, 0.0, 2, side)
    assert people.who(again, [again] * 3) == 0
