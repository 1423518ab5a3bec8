"""Where the phones of a recorded word lie: by warping a synthetic one on to it."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytestmark = pytest.mark.unit

TRAINING = Path(__file__).parents[3] / "training"


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("words")


def _sounds(lengths: list[int], seed: int, level: float) -> np.ndarray:
    """Log-mel of steady sounds, the same ones in the same order, each so many columns long."""
    spectra = np.random.default_rng(3).uniform(-8, 0, (len(lengths), 80))
    noise = np.random.default_rng(seed).normal(0, 0.3, (80, sum(lengths)))
    return (np.repeat(spectra, lengths, axis=0).T + noise + level).astype(np.float32)


def test_an_alignment_is_read_in_seconds(words: ModuleType) -> None:
    assert words.read_words("0 25000 sil\n25000 37500 bin\n") == [(0.0, 1.0, "sil"), (1.0, 1.5, "bin")]


def test_warping_finds_the_same_sounds_in_another_tempo_and_level(words: ModuleType) -> None:
    said, heard = _sounds([10, 5, 12], 1, 0.0), _sounds([5, 14, 9], 2, -4.0)
    way = words._warp(words._features(said), words._features(heard))
    assert np.all(np.diff(way) >= 0)
    assert way[9] == pytest.approx(4, abs=1.5)
    assert way[15] == pytest.approx(19, abs=1.5)
    assert way[-1] == pytest.approx(27, abs=1.5)


def test_the_phones_of_a_word_fill_it_in_order(words: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    poses = importlib.import_module("phones").POSES
    said = _sounds([10, 10], 1, 0.0)
    phones = [words.Phone(poses["b"], 0.0, 0.1), words.Phone(poses["a"], 0.1, 0.2)]
    monkeypatch.setattr(words, "_spoken", lambda *_: (words._features(said), phones, np.array([0.0, 10.0, 20.0])))
    mel = np.concatenate([np.full((80, 50), -20.0), _sounds([20, 10], 2, -3.0), np.full((80, 20), -20.0)], axis=1)
    found = words.phones_of([(0.0, 0.5, "sil"), (0.5, 0.8, "bah"), (0.8, 1.0, "sil")], mel)
    assert [phone.pose for phone in found] == [poses["b"], poses["a"]]
    assert (found[0].start, found[-1].end) == (0.5, 0.8)
    assert found[0].end == found[1].start == pytest.approx(0.7, abs=0.03)
