"""What the net is given of a talker: the measured mouth near speech, through other heads, and where lips met."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.unit

TRAINING = Path(__file__).parents[3] / "training"
OPEN, WIDTH, CLOSURE, SPEECH = 0, 1, 3, 7


@pytest.fixture
def corpus(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("corpus")


def _sentence(corpus: ModuleType, opening: np.ndarray) -> Any:
    """Two seconds with "ba" from 1.0 to 1.3 s, and a mouth of its own."""
    poses = importlib.import_module("phones").POSES
    phones = [corpus.Phone(poses["b"], 1.0, 1.1), corpus.Phone(poses["a"], 1.1, 1.3)]
    samples = np.random.default_rng(1).normal(0, 0.01, 32_000).astype(np.float32)
    mouth = np.stack([opening, np.full(200, 0.5)]).astype(np.float32)
    return corpus.Sentence("ba", samples, [(1.0, 1.3, "ba")], phones, mouth)


def test_near_speech_the_mouth_is_the_measured_one_and_far_from_it_at_rest(corpus: ModuleType) -> None:
    example = corpus.rendition(_sentence(corpus, np.full(200, 0.4)), 1.0, lambda samples: samples)
    assert example.mel.shape == (80, 200)
    assert example.targets[OPEN, 120] == pytest.approx(0.4, abs=0.01)
    assert example.targets[OPEN, :60].max() == 0.0
    assert example.targets[WIDTH, 20] == 0.5


def test_a_bilabial_closes_where_the_lips_were_seen_to_meet(corpus: ModuleType) -> None:
    opening = np.full(200, 0.4)
    opening[97:103] = 0.02
    example = corpus.rendition(_sentence(corpus, opening), 1.0, lambda samples: samples)
    assert np.flatnonzero(example.targets[CLOSURE] > 0.5).tolist() == list(range(97, 103))


def test_lips_that_were_not_seen_to_meet_close_where_the_phone_says(corpus: ModuleType) -> None:
    example = corpus.rendition(_sentence(corpus, np.full(200, 0.4)), 1.0, lambda samples: samples)
    closed = np.flatnonzero(example.targets[CLOSURE] > 0.5)
    assert 99 <= closed.min() <= closed.max() <= 110


def test_a_faster_replay_is_shorter_and_its_mouth_comes_sooner(corpus: ModuleType) -> None:
    opening = np.zeros(200)
    opening[115:125] = 0.6
    example = corpus.rendition(_sentence(corpus, opening), 1.25, lambda samples: samples)
    assert example.mel.shape == (80, 160)
    assert np.flatnonzero(example.targets[OPEN] > 0.3).mean() == pytest.approx(119.5 / 1.25, abs=1)
    assert np.flatnonzero(example.targets[SPEECH] > 0.5).max() == pytest.approx((1.3 / 1.25 + 0.04) * 100, abs=2)


def test_renditions_differ_and_can_be_repeated(corpus: ModuleType) -> None:
    sentences = [_sentence(corpus, np.full(200, 0.4))]
    first, second = (list(zip(range(3), corpus.renditions(sentences, 5), strict=False)) for _ in range(2))
    assert all(np.array_equal(a.mel, b.mel) for (_, a), (_, b) in zip(first, second, strict=True))
    assert not np.array_equal(first[0][1].mel, first[1][1].mel)
    assert first[0][1].voice == "natural:ba"
