"""What is taken from a talker's clips, and which of them are kept for judging."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytestmark = pytest.mark.unit

TRAINING = Path(__file__).parents[3] / "training"


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("recordings")


def _clips(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name}.mpg").touch()
        (folder / f"{name}.align").touch()
    return folder


def test_development_clips_and_one_in_fourteen_are_held_out(recordings: ModuleType, tmp_path: Path) -> None:
    names = [f"c{index:03}" for index in range(45)]
    everything, development = _clips(tmp_path / "all", names), _clips(tmp_path / "some", names[:3])
    learned, held = recordings.split(everything, development)
    assert [path.stem for path in held] == ["c000", "c001", "c002", "c003", "c017", "c031"]
    assert sorted(path.stem for path in [*learned, *held]) == names


def test_a_clip_without_words_is_of_no_use(recordings: ModuleType, tmp_path: Path) -> None:
    folder = _clips(tmp_path / "all", ["a", "b", "c"])
    (folder / "b.align").unlink()
    learned, held = recordings.split(folder, None)
    assert [path.stem for path in [*held, *learned]] == ["a", "c"]


def test_a_measured_mouth_is_not_measured_again(recordings: ModuleType, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((75, 2), 0.25, np.float32))
    assert np.all(recordings.measured(Path("a.mpg"), tmp_path) == 0.25)


def test_a_frames_mouth_holds_at_its_middle_and_gaps_are_bridged(recordings: ModuleType) -> None:
    mouth = np.array([[0.0, 0.50], [0.1, 0.60], [np.nan, np.nan], [0.1, 0.60]], np.float32)
    opening, width = recordings._tracks(mouth, 16, (0.55, 0.05))
    at = {name: int(ms / 10) for name, ms in (("first", 20), ("second", 60), ("gap", 100))}
    assert opening[at["first"]] == pytest.approx(0.0, abs=0.07)
    assert opening[at["second"]] == pytest.approx(0.5, abs=0.07)
    assert opening[at["gap"]] == pytest.approx(0.5)
    assert width[at["gap"]] == pytest.approx(0.5 + 1 / recordings.WIDTH_SPREADS)
