"""Silence is a state."""

from __future__ import annotations

import itertools

import pytest

from relip.articulation.silence import SilenceSettings, SpeechGate
from relip.essence.errors import FormatError

pytestmark = pytest.mark.unit

FRAME_NS = 40_000_000


def _gate(**settings: float) -> SpeechGate:
    return SpeechGate(SilenceSettings(**settings), frame_ns=FRAME_NS)


def _run(gate: SpeechGate, speech: list[float]) -> list[float]:
    return [gate.advance(value) for value in speech]


def test_it_begins_in_silence_with_no_weight_at_all() -> None:
    gate = _gate()
    assert _run(gate, [0.0, 0.2, 0.3]) == [0.0, 0.0, 0.0]
    assert not gate.speaking


def test_speech_takes_full_weight_within_two_frames() -> None:
    gate = _gate()
    first, second = _run(gate, [0.9, 0.9])
    assert 0.0 < first < 1.0
    assert second == 1.0


def test_between_the_thresholds_the_state_stays() -> None:
    gate = _gate()
    assert _run(gate, [0.3] * 10)[-1] == 0.0
    _run(gate, [0.9] * 5)
    assert _run(gate, [0.3] * 50) == [1.0] * 50


def test_a_dip_as_long_as_a_stop_consonant_is_no_silence() -> None:
    gate = _gate()
    _run(gate, [0.9] * 5)
    assert _run(gate, [0.1, 0.1, 0.9]) == [1.0, 1.0, 1.0]


def test_a_pause_settles_smoothly_and_then_stays_at_exactly_nothing() -> None:
    gate = _gate()
    _run(gate, [0.9] * 5)
    weights = _run(gate, [0.0] * 30)
    assert weights == sorted(weights, reverse=True)
    assert max(a - b for a, b in itertools.pairwise(weights)) < 0.4
    assert weights[8:] == [0.0] * 22


def test_frames_of_fifty_a_second_settle_in_the_same_time() -> None:
    gate = SpeechGate(SilenceSettings(), frame_ns=20_000_000)
    _run(gate, [0.9] * 10)
    weights = _run(gate, [0.0] * 40)
    assert weights.index(0.0) * 20 == pytest.approx((80 + 160), abs=40)


@pytest.mark.parametrize(
    "wrong",
    [{"speak_above": 0.2}, {"silent_below": 0.0}, {"hold_ms": -1}, {"rise_ms": 0}, {"settle_ms": 0}],
)
def test_thresholds_and_times_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(FormatError):
        _gate(**wrong)
