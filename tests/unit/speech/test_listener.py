"""The listener: the same columns however the voice came, and an honest word on what did not come."""

from __future__ import annotations

import numpy as np
import pytest

from relip.essence.errors import FormatError
from relip.essence.grains import AudioBlock
from relip.speech.listener import HOP, SPAN, Listener
from relip.speech.mel import BANDS, FLOOR, WINDOW_SAMPLES, log_mel

pytestmark = pytest.mark.unit

EPOCH = 1_763_700_000 * 48_000 + 17
"""A sample of this year, on no round column."""
SECONDS = 2
FIRST = EPOCH // HOP + 3
COLUMNS = SECONDS * 100 - 6


def _voice(seed: int = 0, seconds: float = SECONDS) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(int(seconds * 48_000)) * 0.1).astype(np.float32)


def _packets(voice: np.ndarray, samples: int = 48, start: int = EPOCH) -> list[AudioBlock]:
    return [AudioBlock(start + at, voice[at : at + samples]) for at in range(0, len(voice), samples)]


def _whole(voice: np.ndarray) -> np.ndarray:
    listener = Listener()
    listener.hear(AudioBlock(EPOCH, voice))
    return listener.mel(FIRST, COLUMNS)


def test_one_millisecond_packets_and_one_block_give_the_same_bits() -> None:
    voice = _voice()
    listener = Listener()
    for block in _packets(voice):
        listener.hear(block)
    assert np.array_equal(listener.mel(FIRST, COLUMNS), _whole(voice))


def test_asking_frame_by_frame_while_packets_come_gives_the_same_bits() -> None:
    voice = _voice()
    listener, asked = Listener(history_s=1.0), []
    due = FIRST
    for block in _packets(voice):
        listener.hear(block)
        listener.mel(due - 20, 30)
        while due < FIRST + COLUMNS and (due + 3) * HOP + SPAN < block.end_sample:
            asked.append(listener.mel(due, 4))
            due += 4
    found = np.concatenate(asked, axis=1)[:, :COLUMNS]
    assert found.shape[1] > 150
    assert np.array_equal(found, _whole(voice)[:, : found.shape[1]])


def test_order_duplicates_and_overlaps_leave_no_trace() -> None:
    voice = _voice()
    random = np.random.default_rng(5)
    blocks = _packets(voice, 480) + _packets(voice, 700)
    listener = Listener()
    for index in random.permutation(len(blocks)):
        listener.hear(blocks[index])
        if index % 7 == 0:
            listener.mel(FIRST, COLUMNS)
    assert np.array_equal(listener.mel(FIRST, COLUMNS), _whole(voice))


def test_a_column_is_centred_on_its_sample() -> None:
    voice = np.zeros(48_000, np.float32)
    column = EPOCH // HOP + 50
    voice[column * HOP - EPOCH] = 0.9
    listener = Listener()
    listener.hear(AudioBlock(EPOCH, voice))
    energy = np.exp(listener.mel(column - 3, 7)).sum(axis=0)
    assert int(energy.argmax()) == 3
    assert energy[2] == pytest.approx(energy[4], rel=1e-3)


def test_columns_agree_with_the_definition_on_decimated_speech() -> None:
    at = np.arange(48_000)
    voice = (0.4 * np.sin(2 * np.pi * 500 * (EPOCH + at) / 48_000)).astype(np.float32)
    listener = Listener()
    listener.hear(AudioBlock(EPOCH, voice))
    column = EPOCH // HOP + 40
    sixteen = column * 160 - 200 + np.arange(WINDOW_SAMPLES)
    window = (0.4 * np.sin(2 * np.pi * 500 * (sixteen % 16_000) / 16_000)).astype(np.float32)
    wanted = log_mel(window[None])[0]
    sounding = wanted > wanted.max() - 10.0
    assert sounding.sum() > 3
    assert listener.mel(column, 1)[sounding, 0] == pytest.approx(wanted[sounding], abs=0.02)


def test_a_gap_is_silence_and_is_told() -> None:
    voice = _voice()
    listener = Listener()
    listener.hear(AudioBlock(EPOCH, voice[:24_000]))
    listener.hear(AudioBlock(EPOCH + 30_000, voice[30_000:]))
    assert listener.heard(EPOCH, EPOCH + 24_000)
    assert not listener.heard(EPOCH + 23_999, EPOCH + 24_001)
    assert listener.heard(EPOCH + 30_000, EPOCH + len(voice))
    inside = (EPOCH + 27_000) // HOP
    assert listener.mel(inside, 1)[:, 0] == pytest.approx(np.full(BANDS, FLOOR))
    listener.hear(AudioBlock(EPOCH + 24_000, voice[24_000:30_000]))
    assert listener.heard(EPOCH, EPOCH + len(voice))
    assert np.array_equal(listener.mel(FIRST, COLUMNS), _whole(voice))


def test_what_was_never_heard_holds_the_floor() -> None:
    assert Listener().mel(FIRST, 5) == pytest.approx(np.full((BANDS, 5), FLOOR))
    assert not Listener().heard(EPOCH, EPOCH + 1)


def test_what_is_not_there_yet_is_not_heard() -> None:
    listener = Listener()
    listener.hear(AudioBlock(EPOCH, _voice()))
    end = EPOCH + SECONDS * 48_000
    assert not listener.heard(end - 10, end + 1)
    assert listener.mel(end // HOP + 3, 2) == pytest.approx(np.full((BANDS, 2), FLOOR))


def test_the_history_is_bounded_and_forgets_the_oldest() -> None:
    listener = Listener(history_s=1.0)
    for block in _packets(_voice()):
        listener.hear(block)
    end = EPOCH + SECONDS * 48_000
    assert listener.heard(end - 48_000, end)
    assert not listener.heard(end - 48_001, end)
    assert listener.mel(FIRST, 20) == pytest.approx(np.full((BANDS, 20), FLOOR))
    listener.hear(AudioBlock(EPOCH, _voice(seed=3)[:4_800]))
    assert not listener.heard(EPOCH, EPOCH + 4_800)
    recent = end // HOP - 60
    assert np.array_equal(listener.mel(recent, 50), _whole(_voice())[:, recent - FIRST : recent - FIRST + 50])


def test_a_block_longer_than_the_history_keeps_its_end() -> None:
    voice = _voice()
    listener = Listener(history_s=0.5)
    listener.hear(AudioBlock(EPOCH, voice))
    end = EPOCH + len(voice)
    assert listener.heard(end - 24_000, end)
    recent = end // HOP - 30
    assert np.array_equal(listener.mel(recent, 20), _whole(voice)[:, recent - FIRST : recent - FIRST + 20])


def test_a_leap_ahead_leaves_silence_behind_it() -> None:
    listener = Listener(history_s=1.0)
    listener.hear(AudioBlock(EPOCH, _voice()))
    later = EPOCH + 10 * 48_000
    listener.hear(AudioBlock(later, _voice(seed=1)[:4_800]))
    assert not listener.heard(later - 1, later + 10)
    assert listener.mel((later - 20_000) // HOP, 5) == pytest.approx(np.full((BANDS, 5), FLOOR))


def test_after_forgetting_an_earlier_time_line_is_heard_again() -> None:
    listener = Listener()
    listener.hear(AudioBlock(EPOCH + 100 * 48_000, _voice()))
    listener.forget()
    listener.hear(AudioBlock(EPOCH, _voice()))
    assert np.array_equal(listener.mel(FIRST, COLUMNS), _whole(_voice()))


def test_the_columns_belong_to_the_caller() -> None:
    listener = Listener()
    listener.hear(AudioBlock(EPOCH, _voice()))
    first = listener.mel(FIRST, 4)
    kept = first.copy()
    first[:] = 0.0
    assert np.array_equal(listener.mel(FIRST, 4), kept)


@pytest.mark.parametrize("history", [0.0, -1.0, 1e9, float("nan")])
def test_an_impossible_history_is_refused(history: float) -> None:
    with pytest.raises(FormatError, match="history_s"):
        Listener(history_s=history)
