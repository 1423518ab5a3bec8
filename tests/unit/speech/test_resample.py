"""48 to 16 kHz: what passes, what does not, and where it comes to lie."""

from __future__ import annotations

import numpy as np
import pytest

from relip.speech.resample import FACTOR, REACH, TAPS, decimate

pytestmark = pytest.mark.unit


def _tone(hz: float, count: int) -> np.ndarray:
    at = np.arange(-REACH, FACTOR * count + REACH) / 48_000
    return np.sin(2 * np.pi * hz * at + 0.3).astype(np.float32)


def test_output_sample_n_sits_on_input_sample_3n() -> None:
    out = decimate(_tone(440.0, 1000))
    wanted = np.sin(2 * np.pi * 440.0 * np.arange(1000) / 16_000 + 0.3)
    assert np.abs(out - wanted).max() < 3e-4


@pytest.mark.parametrize("hz", [100.0, 1000.0, 4000.0, 6800.0])
def test_the_bands_of_speech_pass_within_a_tenth_of_a_decibel(hz: float) -> None:
    gain_db = 20 * np.log10(np.std(decimate(_tone(hz, 4000))) * np.sqrt(2))
    assert abs(gain_db) < 0.1


@pytest.mark.parametrize("hz", [9_100.0, 12_000.0, 16_000.0, 20_000.0])
def test_what_would_fold_into_the_bands_is_stopped(hz: float) -> None:
    assert np.abs(decimate(_tone(hz, 4000))).max() < 10 ** (-65 / 20)


def test_a_constant_keeps_its_value() -> None:
    assert decimate(np.full(3 * 10 + 2 * REACH, 0.5, np.float32)) == pytest.approx(np.full(10, 0.5), abs=1e-6)


def test_the_filter_is_symmetric() -> None:
    assert np.array_equal(TAPS, TAPS[::-1])
