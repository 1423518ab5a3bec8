"""What is speech, told from words or from level; and the sound as columns."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.grains import AudioBlock
from relip.evaluation import speech
from relip.evaluation.sidecars import Label, Transcript
from relip.speech.listener import Listener

pytestmark = pytest.mark.unit

RATE = Fraction(25)


def bursts(*spans, seconds=4.0, quiet=1e-3, seed=1):
    """Noise at 48 kHz that is loud in some spans of time."""
    random = np.random.default_rng(seed)
    at = np.arange(int(48_000 * seconds)) / 48_000
    level = np.full(at.size, quiet)
    for start, end in spans:
        level[(at >= start) & (at < end)] = 0.1
    return (random.standard_normal(at.size) * level).astype(np.float32)


def heard(voice, rate=RATE, frames=100):
    return speech.heard(speech.loudness(speech.columns_of(voice), frames, rate), rate)


def test_columns_of_a_long_sound_are_those_of_one_listener():
    voice = bursts((0.5, 11.0), (12.0, 25.5), seconds=26)
    listener = Listener(history_s=30)
    listener.hear(AudioBlock(48_000 * 1000, voice))
    assert np.array_equal(speech.columns_of(voice), listener.mel(100_000, 2600))


def test_a_sound_of_nothing_has_no_columns():
    assert speech.columns_of(np.zeros(0, np.float32)).shape == (80, 0)


def test_ten_times_the_amplitude_is_one_hundred_times_the_energy():
    loud, soft = (speech.loudness(speech.columns_of(bursts((0, 4)) * g), 100, RATE) for g in (1.0, 0.1))
    assert np.median(loud - soft) == pytest.approx(np.log(100), abs=0.01)


def test_frames_beyond_the_sound_have_no_level():
    level = speech.loudness(speech.columns_of(bursts((0, 2), seconds=2)), 60, RATE)
    assert np.isfinite(level[:50]).all()
    assert np.isnan(level[50:]).all()


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(50), Fraction(30000, 1001)])
def test_loud_stretches_are_speech_at_every_rate(rate):
    frames = int(4 * rate)
    found = heard(bursts((1.0, 2.0)), rate, frames)
    middle = (np.arange(frames) + 0.5) / float(rate)
    assert found[(middle > 1.05) & (middle < 1.95)].all()
    assert not found[(middle < 0.9) | (middle > 2.1)].any()


def test_a_short_pause_is_part_of_speech_and_a_long_one_is_not():
    found = heard(bursts((0.5, 1.2), (1.3, 2.0), (2.8, 3.5)))
    assert found[15:48].all()
    assert not found[54:66].any()


def test_a_click_is_no_speech():
    found = heard(bursts((0.5, 1.5), (3.00, 3.03)))
    assert found[15:35].all()
    assert not found[60:].any()


@pytest.mark.parametrize("voice", [np.zeros(192_000, np.float32), bursts(), bursts((0.0, 4.0))])
def test_a_sound_that_never_rises_above_its_own_floor_holds_no_speech(voice):
    assert not heard(voice).any()


def test_with_words_those_frames_are_speech_whose_middle_lies_in_one():
    found = speech.spoken(Transcript(words=(Label("bin", 0.53, 0.77),)), np.zeros(50), RATE)
    assert np.flatnonzero(found).tolist() == [13, 14, 15, 16, 17, 18]
