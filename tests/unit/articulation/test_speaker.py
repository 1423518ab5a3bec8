"""From the net's scale to this speaker's mouth."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from relip.articulation.speaker import (
    LABIODENTAL_OPEN,
    MOST_REST_OPEN,
    PRIOR_OPEN,
    REST_DRIFT,
    UNKNOWN,
    Speaker,
    SpeakerSettings,
    measure,
)
from relip.essence.errors import FormatError
from relip.essence.scene import Articulation, MouthShape

pytestmark = pytest.mark.unit

SETTINGS = SpeakerSettings(smoothing_ms=0)


def _voice(
    opening: float = 0.3,
    *,
    speech: float = 1.0,
    closure: float = 0.0,
    labiodental: float = 0.0,
    width: float = SETTINGS.net_width[0],
) -> Articulation:
    return Articulation(
        open=opening, width=width, round=0.2, closure=closure, labiodental=labiodental, teeth=0.0, tongue=0.0, speech=speech
    )


def _talker(top: float, *, frames: int = 1500, width: float = 0.5, seed: int = 1) -> list[MouthShape]:
    """Somebody who talks half of the time and opens up to `top`."""
    random = np.random.default_rng(seed)
    opening = np.clip(random.uniform(0, top, frames), 0, None)
    opening[(np.arange(frames) // 50) % 2 == 0] = 0.002
    return [MouthShape(open=float(o), width=float(width + random.normal(0, 0.01))) for o in opening]


def _speaking(speaker: Speaker, articulation: Articulation, frames: int = 12) -> MouthShape:
    return [speaker.aim(articulation) for _ in range(frames)][-1]


def test_an_unknown_speaker_opens_as_people_do() -> None:
    speaker = Speaker(SETTINGS)
    assert _speaking(speaker, _voice(SETTINGS.net_open[2])).open == pytest.approx(PRIOR_OPEN[2])
    assert _speaking(speaker, _voice(SETTINGS.net_open[1])).open == pytest.approx(PRIOR_OPEN[1])
    assert _speaking(speaker, _voice(0.0)).open == 0.0


def test_after_a_minute_the_range_is_the_speakers_own() -> None:
    wide, small = Speaker(SETTINGS), Speaker(SETTINGS)
    for shape in _talker(0.20):
        wide.observe(shape)
    for shape in _talker(0.08):
        small.observe(shape)
    assert _speaking(wide, _voice(SETTINGS.net_open[2])).open == pytest.approx(0.185, abs=0.02)
    assert _speaking(small, _voice(SETTINGS.net_open[2])).open == pytest.approx(0.085, abs=0.015)


def test_a_few_observations_move_the_range_only_a_little() -> None:
    speaker = Speaker(SETTINGS)
    for shape in _talker(0.30, frames=75)[50:]:
        speaker.observe(shape)
    assert PRIOR_OPEN[2] < _speaking(speaker, _voice(SETTINGS.net_open[2])).open < 0.16


def test_a_mouth_seen_still_says_nothing_of_its_range() -> None:
    speaker = Speaker(SETTINGS)
    for _ in range(1500):
        speaker.observe(MouthShape(open=0.001, width=0.6))
    shape = _speaking(speaker, _voice(SETTINGS.net_open[2]))
    assert shape.open == pytest.approx(PRIOR_OPEN[2])
    assert shape.width == pytest.approx(0.6, abs=1e-3)


def test_more_voice_never_means_less_mouth() -> None:
    speaker = Speaker(SETTINGS)
    for shape in _talker(0.15):
        speaker.observe(shape)
    openings = [_speaking(speaker, _voice(float(o))).open for o in np.linspace(0, 1, 21)]
    assert openings == sorted(openings)
    assert openings[-1] > openings[0] + 0.1


def test_lips_meet_at_once_when_the_voice_closes_them() -> None:
    speaker = Speaker(SpeakerSettings(smoothing_ms=60))
    _speaking(speaker, _voice(0.6))
    assert speaker.aim(_voice(0.5, closure=0.8)).open == 0.0
    assert speaker.aim(_voice(0.5)).open > 0.01


def test_lips_approach_as_a_closure_becomes_likely() -> None:
    openings = [_speaking(Speaker(SETTINGS), _voice(0.5, closure=c)).open for c in (0.0, 0.2, 0.3, 0.4, 0.5, 0.9)]
    assert openings[0] == openings[1]
    assert openings == sorted(openings, reverse=True)
    assert 0.0 < openings[3] < openings[2] < openings[1]
    assert openings[4:] == [0.0, 0.0]


def test_f_and_v_leave_a_small_gap() -> None:
    speaker = Speaker(SETTINGS)
    shape = _speaking(speaker, _voice(0.5, labiodental=0.9))
    assert shape.open == pytest.approx(LABIODENTAL_OPEN)
    assert shape.labiodental == pytest.approx(0.9)


def test_in_silence_the_mouth_is_exactly_still() -> None:
    speaker = Speaker(SpeakerSettings())
    for shape in _talker(0.15):
        speaker.observe(shape)
    _speaking(speaker, _voice(0.6))
    random = np.random.default_rng(2)
    shapes = []
    for _ in range(100):
        speaker.observe(MouthShape(open=float(random.uniform(0, 0.15)), width=0.5))
        shapes.append(speaker.aim(_voice(float(random.uniform(0, 0.4)), speech=0.05, closure=float(random.uniform(0, 1)))))
    still = shapes[10:]
    assert all(shape == still[0] for shape in still)
    assert still[0].open <= 0.02
    assert still[0].round == 0.0


def test_the_way_to_rest_is_a_ramp() -> None:
    speaker = Speaker(SETTINGS)
    speaker.observe(MouthShape(open=0.0, width=0.55))
    start = _speaking(speaker, _voice(0.6)).open
    way = [speaker.aim(_voice(0.6, speech=0.0)).open for _ in range(12)]
    assert way[0] == pytest.approx(start)
    assert way == sorted(way, reverse=True)
    assert way[-1] == 0.0
    assert max(a - b for a, b in itertools.pairwise(way)) < 0.5 * start


def test_rest_is_the_speakers_own_closed_mouth() -> None:
    speaker = Speaker(SETTINGS)
    for shape in _talker(0.15, width=0.62):
        speaker.observe(shape)
    for _ in range(200):
        rest = speaker.aim(_voice(speech=0.0))
    assert rest.width == pytest.approx(0.62, abs=REST_DRIFT)
    assert rest.open == pytest.approx(0.002, abs=0.001)


def test_a_rest_that_proves_wrong_is_left_slowly_and_then_kept() -> None:
    speaker = Speaker(SETTINGS)
    speaker.observe(MouthShape(open=0.0, width=0.50))
    shapes = [speaker.aim(_voice(speech=0.0))]
    for _ in range(400):
        speaker.observe(MouthShape(open=0.0, width=0.56))
        shapes.append(speaker.aim(_voice(speech=0.0)))
    steps = np.abs(np.diff([shape.width for shape in shapes]))
    assert steps.max() <= 0.001 + 1e-9
    assert shapes[-1].width == pytest.approx(0.56, abs=0.002)
    assert all(shape == shapes[-1] for shape in shapes[-200:])


def test_amplitude_scales_and_the_maximum_holds() -> None:
    plain = _speaking(Speaker(SETTINGS), _voice(0.3)).open
    half = _speaking(Speaker(SpeakerSettings(smoothing_ms=0, amplitude=0.5)), _voice(0.3)).open
    capped = _speaking(Speaker(SpeakerSettings(smoothing_ms=0, amplitude=3.0, max_open=0.1)), _voice(0.9)).open
    assert half == pytest.approx(plain / 2)
    assert capped == 0.1


def test_spread_lips_are_wider_than_rounded_ones() -> None:
    speaker = Speaker(SETTINGS)
    spread, rounded = (_speaking(speaker, _voice(width=w)).width for w in (0.7, 0.3))
    assert spread > rounded + 0.02
    assert _speaking(speaker, _voice(width=50.0)).width < 0.7


def test_smoothing_takes_the_edge_off_and_arrives() -> None:
    speaker = Speaker(SpeakerSettings(smoothing_ms=60))
    low = _speaking(speaker, _voice(0.05)).open
    first = speaker.aim(_voice(0.6)).open
    last = _speaking(speaker, _voice(0.6)).open
    assert low < first < last
    assert last == pytest.approx(PRIOR_OPEN[2], rel=0.15)


def test_forgetting_starts_from_what_people_do() -> None:
    speaker = Speaker(SETTINGS)
    fresh = Speaker(SETTINGS)
    for shape in _talker(0.25, width=0.7):
        speaker.observe(shape)
    _speaking(speaker, _voice(0.6))
    speaker.forget()
    assert speaker.range == fresh.range
    assert [speaker.aim(_voice(0.5)) for _ in range(5)] == [fresh.aim(_voice(0.5)) for _ in range(5)]


def test_only_the_last_minute_counts() -> None:
    speaker = Speaker(SETTINGS)
    for shape in _talker(0.30, frames=3000) + _talker(0.10, frames=1600):
        speaker.observe(shape)
    assert speaker.range.top < 0.125


def test_a_measurement_that_is_no_number_leaves_no_trace() -> None:
    speaker = Speaker(SETTINGS)
    speaker.observe(MouthShape(open=float("nan"), width=0.5))
    speaker.observe(MouthShape(open=0.1, width=float("inf")))
    assert speaker.range == Speaker(SETTINGS).range


def test_one_observation_is_enough_to_measure() -> None:
    known = measure(np.array([[0.05, 0.6, 0.0]], np.float32))
    assert known.top == pytest.approx(PRIOR_OPEN[2])
    assert known.width == pytest.approx(0.6)
    assert known.rest.open == pytest.approx(MOST_REST_OPEN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amplitude": 0.0},
        {"max_open": 0.0},
        {"smoothing_ms": -1},
        {"frame_ns": 0},
        {"net_open": (0.5, 0.2, 0.9)},
        {"net_open": (0.0, 0.2, 0.9)},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(FormatError, match=next(iter(wrong))):
        SpeakerSettings(**wrong)


def test_what_was_known_of_a_speaker_can_be_recalled():
    first, again = (Speaker(SpeakerSettings(smoothing_ms=0)) for _ in range(2))
    rng = np.random.default_rng(4)
    for opening in rng.uniform(0.0, 0.2, 400):
        first.observe(MouthShape(float(opening), 0.6))
    known = first.known()
    assert known.shape == (400, 3)
    again.recall(known)
    first_range = replace(first.range, rest=again.range.rest)
    assert again.range.top == pytest.approx(first_range.top, abs=2e-3)
    assert again.range.width == pytest.approx(0.6, abs=1e-3)
    assert len(again.known()) == 400


def test_more_than_a_minute_of_known_shapes_keeps_the_newest_in_their_order():
    speaker = Speaker(SpeakerSettings(frame_ns=1_000_000_000))
    for k in range(100):
        speaker.observe(MouthShape(k / 1000, 0.6))
    known = speaker.known()
    np.testing.assert_allclose(known[:, 0], np.arange(40, 100) / 1000, atol=1e-6)
    speaker.recall(np.concatenate((known, known + np.float32(0.1))))
    np.testing.assert_allclose(speaker.known()[:, 0], np.arange(140, 200) / 1000, atol=1e-6)


def test_nothing_known_is_nothing_recalled():
    speaker = Speaker(SpeakerSettings())
    speaker.observe(MouthShape(0.1, 0.7))
    speaker.recall(Speaker(SpeakerSettings()).known())
    assert len(speaker.known()) == 0
    assert speaker.range is UNKNOWN
