"""`relip eval` as a user runs it: two clips of a talker, and folders that lack something."""

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from relip.offline.movie import write_side_by_side

pytestmark = pytest.mark.e2e

CLIPS = ("bbas3a", "lgif3a")
SECONDS = "2.4"


def evaluate(folder, *options):
    """The command's exit code, report and words."""
    path = folder / "eval.json"
    command = [sys.executable, "-m", "relip", "eval", str(folder), "--format", "720p25", "--seconds", SECONDS, *options]
    run = subprocess.run(
        [*command, "--json", str(path)], capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "160"}
    )
    return run.returncode, json.loads(path.read_text()) if path.exists() else None, run.stderr


@pytest.fixture(scope="module")
def folder(request, media, tmp_path_factory):
    """Two clips of one talker with their words."""
    request.getfixturevalue("face_models")
    place = tmp_path_factory.mktemp("clips")
    for name in CLIPS:
        for suffix in (".mpg", ".align"):
            shutil.copy(media / f"{name}{suffix}", place / f"{name}{suffix}")
    return place


@pytest.fixture(scope="module")
def judged(folder):
    """That folder evaluated, with a sheet."""
    return evaluate(folder, "--sheet", str(folder / "sheet.png"))


def test_the_command_ends_well_whatever_the_gates_say(judged):
    code, report, told = judged
    assert code == 0
    assert [row["name"] for row in report["gates"] if row["passed"] is None] == ["time.total"]  # judged at 1080p alone
    assert report["time"]["total"]["p50_ms"] > 0
    assert "A1.r" in told
    assert "Traceback" not in told


def test_nothing_changes_outside_the_region_or_where_frames_are_left_alone(judged):
    _, report, _ = judged
    assert (report["G1"]["changed"], report["G2"]["changed"]) == (0, 0)
    assert report["G1"]["frames"] > 300
    assert report["G2"]["frames"] >= 60


def test_the_mouth_that_is_drawn_is_the_mouth_that_was_asked_for(judged):
    _, report, _ = judged
    assert report["R1"]["r"] > 0.95
    assert report["R1"]["mae"] < 0.01
    assert abs(report["R1"]["original_r"]) < report["R1"]["r"] - 0.1
    assert report["R3"]["ssim"] > 0.94
    assert report["R3"]["frames"] > 100
    assert report["R5"]["std"] < 0.004


def test_the_untouched_original_and_the_energy_stand_beside_the_dub(judged):
    _, report, _ = judged
    assert report["A3"]["real_natural"] == 1.0
    assert -1 < report["A1"]["baseline_r"] < 1
    assert report["A1"]["frames"] == sum(clip["speech"] for clip in report["clips"]) - _cold(report)
    assert report["A4"]["original_d"] < report["A4"]["d"]
    assert report["A4"]["original_offset_ms"] == 0
    assert report["A3"]["synthetic_count"] >= 15


def _cold(report):
    """Speech frames in which the dub was not there in full, at most those of the warm-up."""
    missing = sum(clip["speech"] for clip in report["clips"]) - report["A1"]["frames"]
    assert 0 <= missing <= 12
    return missing


def test_the_contact_sheet_is_written(judged, folder):
    assert judged[0] == 0
    assert (folder / "sheet.png").read_bytes()[:4] == b"\x89PNG"


def grey(path, *, sound):
    """A clip of a grey wall."""
    frame = np.full((288 * 3 // 2, 360), 128, np.uint8)
    write_side_by_side(path, (frame for _ in range(25)), rate=Fraction(25), audio=sound)


@pytest.mark.usefixtures("face_models")
def test_clips_without_a_face_are_told_in_one_line(tmp_path):
    grey(tmp_path / "wall.mp4", sound=np.zeros(48_000, np.float32))
    code, report, told = evaluate(tmp_path)
    assert (code, report) == (2, None)
    assert "no face to work on in any of 1 clips" in told


def test_without_sound_the_voice_has_no_figures_and_the_picture_has(tmp_path, folder):
    av = pytest.importorskip("av", reason="clips are copied with the extra media")
    with av.open(str(folder / "bbas3a.mpg")) as source, av.open(str(tmp_path / "silent.mkv"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    code, report, told = evaluate(tmp_path, "--gate")
    assert code in (0, 1)
    assert report["R1"]["r"] > 0.9
    for part, key in (("A1", "r"), ("A1", "baseline_r"), ("A2", "lag_ms"), ("A3", "natural"), ("A3", "false"), ("A4", "d")):
        assert report[part][key] is None
    assert report["R5"]["std"] is not None
    assert "silent.mkv: no sound in this file" in told
    missed = [row["name"] for row in report["gates"] if row["passed"] is False]
    assert code == (1 if missed else 0)
    assert all(name in told for name in missed)
