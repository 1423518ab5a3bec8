"""Which voice each clip is dubbed with, and how a presenter lasts."""

from pathlib import Path

import numpy as np
import pytest

from drawn_face import face
from relip.evaluation.clips import Clip
from relip.evaluation.protocol import Plan, Said, _lasting, _other_voices, talkers
from relip.evaluation.seen import Seen

pytestmark = pytest.mark.unit


def seen(name, *, voice=None, frames=3, talker="1", faces=True):
    sound = None if voice is None else np.full(6, voice, np.float32)
    row = (face(),) * frames if faces else (None,) * frames
    return Seen(Clip(Path(name), name, talker), row, sound, None, np.zeros(0), np.zeros(0, np.bool_), ())


def others(*clips, given=()):
    plan = Plan(clips=(), others=[Said(str(value), np.full(4, value, np.float32)) for value in given])
    return {name: float(voice[0]) for name, voice in _other_voices(plan, clips).items()}


def test_a_clip_is_dubbed_with_the_sound_of_the_next_that_has_any():
    assert others(seen("a", voice=1), seen("b"), seen("c", voice=2), seen("d", voice=3)) == {"a": 2, "b": 2, "c": 3, "d": 1}


def test_a_single_sound_is_shifted_by_half_its_length():
    one = seen("a", voice=1)
    one.voice[:3] = 7
    assert _other_voices(Plan(clips=()), [one])["a"].tolist() == [1, 1, 1, 7, 7, 7]


def test_given_voices_take_turns():
    assert others(seen("a", voice=1), seen("b"), seen("c", voice=2), given=(8, 9)) == {"a": 8, "b": 9, "c": 8}


def test_without_any_sound_there_is_no_other_voice():
    assert others(seen("a"), seen("b")) == {}


def test_a_presenter_lasts_by_beginning_anew():
    assert [(one.clip.name, one.frames) for one in _lasting([seen("a"), seen("b", frames=2)], 9)] == [
        ("a", 3), ("b", 2), ("a", 3), ("b", 1),
    ]  # fmt: skip


def test_who_has_no_face_is_no_talker():
    groups = talkers([seen("a", talker="x"), seen("b", talker="y", faces=False), seen("c", talker="x")])
    assert [[one.clip.name for one in group] for group in groups] == [["a", "c"]]
