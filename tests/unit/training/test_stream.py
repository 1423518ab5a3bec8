"""The pool of speech that a learner draws from."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from relip.speech.mel import FLOOR

pytestmark = pytest.mark.unit

TRAINING = Path(__file__).parents[3] / "training"
HOUR = 360_000


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("stream")


def _example(stream: ModuleType, columns: int, value: float, voice: str = "espeak:en") -> Any:
    targets = np.full((8, columns), value, np.float16)
    return stream.Example(np.full((80, columns), -5.0, np.float16), targets, voice)


def test_a_pool_forgets_the_oldest_and_knows_what_it_heard(stream: ModuleType) -> None:
    pool = stream.Pool(250)
    for value in (0.1, 0.2, 0.3, 0.4):
        pool.add(_example(stream, 100, value))
    random = np.random.default_rng(1)
    drawn = {round(float(pool.draw(random).targets[0, 0]), 1) for _ in range(50)}
    assert drawn == {0.3, 0.4}
    assert pool.heard == 400


def test_an_example_longer_than_the_pool_is_kept_alone(stream: ModuleType) -> None:
    pool = stream.Pool(50)
    pool.add(_example(stream, 100, 0.1))
    assert len(pool) == 1


def test_a_batch_has_people_and_voices_in_the_proportion_asked(stream: ModuleType) -> None:
    batches = stream.Batches(1, stream.Orders(None, (), 0.0), hours=1)
    batches.synthetic.add(_example(stream, 900, 0.25))
    batches.natural.add(_example(stream, 900, 0.75, "natural:a"))
    mel, targets = batches.draw(8, 100, 40, 10, 3)
    assert mel.shape == (8, 80, 150)
    assert targets.shape == (8, 8, 100)
    people = [(np.isclose(rows[0], 0.75) | np.isclose(rows[0], 0.0)).all() for rows in targets]
    assert people[:3] == [True] * 3
    assert sum(people) < 8


def test_beyond_the_ends_of_an_example_nothing_is_heard_and_the_mouth_rests(stream: ModuleType) -> None:
    batches = stream.Batches(1, stream.Orders(None, (), 0.0), hours=1)
    mel, targets = batches._stretch(_example(stream, 20, 0.5), 400, 30, 10)
    assert (targets[0] == 0.5).sum() == 20
    assert (targets[0] == 0.0).sum() == 380
    assert (targets[1] == 0.5).all()
    assert np.isclose(mel.min(), FLOOR)
