"""The protocol's arithmetic on made tracks whose figures are known."""

import numpy as np
import pytest

from relip.evaluation import measures
from relip.evaluation.measures import Window

pytestmark = pytest.mark.unit

FRAME_MS = 40.0


def mouth(frames=300, *, late=0.0, seed=3):
    """A smooth movement as a mouth makes it, up to 5 Hz, sampled `late` frames later."""
    random = np.random.default_rng(seed)
    at = np.arange(frames) - late
    waves = [random.uniform(0.3, 1) * np.sin(2 * np.pi * hz * at / 25 + random.uniform(0, 6)) for hz in np.arange(0.5, 5, 0.37)]
    return 0.06 + 0.01 * np.sum(waves, axis=0)


def noise(frames=4000, seed=0):
    return np.random.default_rng(seed).standard_normal(frames)


def curve(found, real):
    everything = np.ones(len(real), np.bool_)
    return [measures.shifted(found, real, everything, lag) for lag in measures.lags(FRAME_MS)]


def test_a_track_follows_itself_at_any_size_and_its_negative_not_at_all():
    assert measures.correlation(mouth(), 3 * mouth() + 1) == pytest.approx(1)
    assert measures.correlation(mouth(), -mouth()) == pytest.approx(-1)


def test_only_frames_in_which_both_were_measured_count():
    holed, spoilt = mouth(), mouth()
    holed[50:100], spoilt[50:100] = np.nan, 9
    assert measures.correlation(holed, spoilt) == pytest.approx(1)
    assert measures.mean_error(holed, spoilt + 0.01) == pytest.approx(0.01)


@pytest.mark.parametrize(
    "real", [np.full(300, np.nan), 0.001 * mouth(), np.zeros(300), np.where(np.arange(300) < 7, mouth(), np.nan)]
)
def test_nothing_measured_nothing_moving_and_too_little_give_no_correlation(real):
    assert measures.correlation(mouth(), real) is None


def test_a_dub_that_does_not_move_follows_nothing_and_is_not_excused():
    assert measures.correlation(np.full(300, 0.05), mouth()) == 0.0


def test_nothing_gives_no_figure():
    nothing = np.full(9, np.nan)
    assert measures.mean([None, float("nan")]) is None
    assert measures.mean_error(nothing, nothing) is None
    assert measures.leakage(nothing, nothing, nothing) is None
    assert measures.jitter([nothing], [nothing]) is None
    assert measures.best_lag_ms([[None, 0.1, None]], FRAME_MS) is None
    assert measures.share([]) is None
    assert measures.spread(nothing) is None


def test_a_dub_that_is_the_target_leaks_nothing_whatever_the_target_has_of_the_original():
    original = noise()
    target = noise(seed=1) + 0.5 * original
    assert measures.leakage(target, original, target) == pytest.approx(0)


@pytest.mark.parametrize("part", [0.1, 0.5, 1.0])
def test_a_dub_with_a_part_of_the_original_in_it_leaks_that_much(part):
    target, original = noise(seed=1), noise(seed=2)
    target -= original * (target @ original) / (original @ original)  # nothing in common to begin with
    expected = part / np.hypot(1, part)
    assert measures.leakage(target + part * original, original, target) == pytest.approx(expected, abs=0.05)


def test_jitter_is_how_much_more_the_output_trembles_than_its_target():
    target = mouth()
    assert measures.jitter([target], [target]) == pytest.approx(1)
    assert measures.jitter([2 * target, 2 * target], [target, target]) == pytest.approx(2)


def test_a_tremble_of_1_on_a_bend_of_1_shakes_four_times_as_much():
    at = np.arange(300.0)
    bend, tremble = at**2 / 2, (-1.0) ** at
    assert measures.jitter([bend + tremble], [bend]) == pytest.approx(4, rel=0.02)


def test_a_hole_in_the_output_does_not_count_as_calm():
    output = 2 * mouth()
    output[100:200] = np.nan
    assert measures.jitter([output], [mouth()]) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("late_ms", [-120, -80, -50, -20, 0, 10, 30, 40, 75, 120])
def test_a_track_that_comes_late_is_found_that_late(late_ms):
    found, real = mouth(late=late_ms / FRAME_MS), mouth()
    assert measures.best_lag_ms([curve(found, real)] * 3, FRAME_MS) == pytest.approx(late_ms, abs=4)


def test_the_lag_is_that_of_the_mean_curve():
    on_time, late = (curve(mouth(late=late), mouth()) for late in (0, 2))
    assert measures.best_lag_ms([on_time, late], FRAME_MS) == pytest.approx(40, abs=4)


def test_lags_reach_160_ms_at_every_rate():
    assert measures.lags(40.0) == range(-4, 5)
    assert measures.lags(20.0) == range(-8, 9)


def test_lips_met_when_they_did_in_any_frame_of_a_window():
    track = np.array([0.1, 0.1, 0.015, 0.1, 0.1, np.nan])
    assert measures.closed(track, [Window(0, 3), Window(3, 5), Window(-2, 1)]) == [True, False, False]


def test_a_window_in_which_nothing_was_measured_does_not_count():
    assert measures.closed(np.array([0.1, np.nan]), [Window(1, 2), Window(5, 9)]) == []


def test_the_spread_of_a_still_mouth_is_that_of_the_measurement():
    assert measures.spread(np.array([0.001, 0.003] * 20)) == pytest.approx(0.001)
