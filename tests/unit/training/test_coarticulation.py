"""The rules that turn phones into the movement a net learns: they are its only teacher, so they are tested like code."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.unit

TRAINING = Path(__file__).parents[3] / "training"
OPEN, WIDTH, ROUND, CLOSURE, LABIODENTAL, TEETH, TONGUE, SPEECH = range(8)


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("coarticulation"), importlib.import_module("phones")


def _speak(rules: tuple[ModuleType, ModuleType], *said: tuple[str, float], loudness: float = -20.0) -> Any:
    """Phones of the lengths given, from 0.5 s on, in a recording of 2 s."""
    movement, phones = rules
    at, spoken = 0.5, []
    for ipa, length in said:
        spoken += [movement.Phone(pose, at, at + length) for pose in phones.poses_of_ipa(ipa)]
        at += length
    return movement.articulate(spoken, 200, np.full(200, loudness, np.float32))


@pytest.mark.parametrize("ipa", ["p", "b", "m"])
def test_bilabials_shut_the_lips_and_say_so(rules: tuple[ModuleType, ModuleType], ipa: str) -> None:
    track = _speak(rules, ("a", 0.2), (ipa, 0.1), ("a", 0.2))
    shut = track[CLOSURE] > 0.5
    assert 5 <= shut.sum() <= 11
    assert track[OPEN][shut].max() < 0.02
    assert np.flatnonzero(shut).min() in (70, 71)
    assert track[OPEN][[60, 88]].min() > 0.5


@pytest.mark.parametrize("ipa", ["n", "d", "k", "s", "l"])
def test_other_consonants_do_not(rules: tuple[ModuleType, ModuleType], ipa: str) -> None:
    track = _speak(rules, ("a", 0.2), (ipa, 0.1), ("a", 0.2))
    assert track[CLOSURE].max() == 0.0
    assert track[OPEN][74] > 0.1


def test_f_brings_the_lip_to_the_teeth_without_shutting_it(rules: tuple[ModuleType, ModuleType]) -> None:
    track = _speak(rules, ("a", 0.2), ("f", 0.1), ("a", 0.2))
    assert track[LABIODENTAL][75] == 1.0
    assert track[CLOSURE].max() == 0.0
    assert 0.05 < track[OPEN][75] < 0.2


def test_vowels_open_and_round_and_spread_as_they_should(rules: tuple[ModuleType, ModuleType]) -> None:
    middle = {ipa: _speak(rules, (ipa, 0.3))[:, 65] for ipa in ("a", "i", "u")}
    assert middle["a"][OPEN] > middle["i"][OPEN] > middle["u"][OPEN]
    assert middle["i"][WIDTH] > middle["a"][WIDTH] > middle["u"][WIDTH]
    assert middle["u"][ROUND] > 0.8
    assert middle["i"][ROUND] < 0.1


def test_a_hasty_vowel_falls_short_and_a_quiet_one_opens_less(rules: tuple[ModuleType, ModuleType]) -> None:
    slow, hasty = (_speak(rules, ("t", 0.08), ("a", length), ("t", 0.08))[OPEN].max() for length in (0.3, 0.04))
    assert hasty < 0.8 * slow
    movement, phones = rules
    loudness = np.full(200, -40.0, np.float32)
    loudness[100:] = -15.0
    said = [movement.Phone(phones.POSES["a"], start, start + 0.25) for start in (0.5, 1.3)]
    track = movement.articulate(said, 200, loudness)
    assert track[OPEN][60] < 0.7 * track[OPEN][142]


def test_lips_round_before_a_rounded_vowel_begins(rules: tuple[ModuleType, ModuleType]) -> None:
    rounded, plain = (_speak(rules, ("s", 0.15), (vowel, 0.2))[ROUND][62] for vowel in ("u", "i"))
    assert rounded > plain + 0.1


def test_silence_is_rest_and_pauses_return_to_it(rules: tuple[ModuleType, ModuleType]) -> None:
    movement, phones = rules
    assert np.array_equal(movement.articulate([], 5, np.zeros(5, np.float32)), np.repeat(movement.REST[:, None], 5, axis=1))
    said = [movement.Phone(phones.POSES["a"], start, start + 0.2) for start in (0.2, 1.4)]
    track = movement.articulate(said, 200, np.full(200, -20.0, np.float32))
    assert track[:, 90] == pytest.approx(movement.REST, abs=1e-3)
    assert track[SPEECH][[30, 150]].min() == 1.0


def test_diphthongs_have_two_targets_and_marks_none(rules: tuple[ModuleType, ModuleType]) -> None:
    _, phones = rules
    assert len(phones.poses_of_ipa("aɪ")) == 2
    assert len(phones.poses_of_ipa("iː")) == 1
    assert phones.poses_of_ipa("_:") == []
    assert phones.poses_of_arpabet("pau") == []


def test_every_arpabet_phone_has_a_pose(rules: tuple[ModuleType, ModuleType]) -> None:
    _, phones = rules
    assert all(phones.poses_of_arpabet(name) for name in phones.ARPABET)
    assert phones.poses_of_arpabet("m")[0].closure


def test_habits_take_their_share_but_not_the_closures(rules: tuple[ModuleType, ModuleType]) -> None:
    movement, phones = rules
    spoken = [movement.Phone(phones.POSES[ipa], 0.5 + 0.2 * i, 0.7 + 0.2 * i) for i, ipa in enumerate("sbs")]
    loudness = np.full(200, -20.0, np.float32)
    plain = movement.articulate(spoken, 200, loudness)
    habitual = movement.articulate(spoken, 200, loudness, lambda _, level: np.full((2, level.size), 0.9, np.float32), share=0.5)
    assert habitual[OPEN][60] == pytest.approx(0.5 * plain[OPEN][60] + 0.45, abs=0.01)
    assert habitual[OPEN][80] < 0.02
    assert habitual[OPEN][[10, 190]].max() == 0.0
    assert np.array_equal(plain[SPEECH], habitual[SPEECH])


def test_the_mouth_is_ready_before_the_first_sound(rules: tuple[ModuleType, ModuleType]) -> None:
    track = _speak(rules, ("e", 0.2), ("s", 0.1))
    assert track[OPEN][40] > 0.3
    assert track[SPEECH][38] == 1.0
    assert track[OPEN][:22].max() == 0.0
