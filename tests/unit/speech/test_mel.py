"""Log-mel columns: scale, floor and the order of the bands."""

from __future__ import annotations

import numpy as np
import pytest

from relip.speech.mel import BANDS, FLOOR, RATE_HZ, WINDOW_SAMPLES, log_mel

pytestmark = pytest.mark.unit


def _tone(hz: float, amplitude: float = 1.0) -> np.ndarray:
    at = np.arange(WINDOW_SAMPLES) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * at)).astype(np.float32)[None]


def test_silence_is_the_floor_in_every_band() -> None:
    columns = log_mel(np.zeros((3, WINDOW_SAMPLES), np.float32))
    assert columns.shape == (3, BANDS)
    assert columns == pytest.approx(np.full((3, BANDS), FLOOR), abs=1e-5)


def test_a_full_scale_tone_reaches_about_zero_in_its_band() -> None:
    assert -1.5 < log_mel(_tone(1000.0)).max() < 0.5


def test_a_tenth_of_the_amplitude_is_twenty_decibels_less() -> None:
    loud, quiet = log_mel(_tone(1000.0)), log_mel(_tone(1000.0, 0.1))
    peak = int(loud.argmax())
    assert (loud - quiet)[0, peak] == pytest.approx(np.log(100.0), abs=1e-3)


def test_higher_tones_peak_in_higher_bands() -> None:
    peaks = [int(log_mel(_tone(hz)).argmax()) for hz in (150.0, 400.0, 1000.0, 2500.0, 6000.0)]
    assert peaks == sorted(set(peaks))
    assert peaks[-1] > 70


def test_white_noise_lies_level_across_the_bands() -> None:
    noise = np.random.default_rng(1).standard_normal((400, WINDOW_SAMPLES)).astype(np.float32) * 0.1
    bands = np.log(np.exp(log_mel(noise)).mean(axis=0))
    assert np.ptp(bands) < 0.8
