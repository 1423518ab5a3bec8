"""`relip eval` refuses what it cannot use before it begins, in one line with the right exit code."""

import shutil
import sys
from importlib import resources
from pathlib import Path

import pytest

from relip.service import cli

pytestmark = pytest.mark.unit

VOICE = Path(str(resources.files("relip.peers"))) / "assets" / "voice.flac"


def ended(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["relip", "eval", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, capsys.readouterr().err


def test_a_folder_that_is_none_fails(monkeypatch, capsys, tmp_path):
    code, told = ended(monkeypatch, capsys, tmp_path / "none")
    assert (code, told.count("\n")) == (1, 1)
    assert "none: not a folder" in told


def test_a_folder_without_clips_is_wrong_usage(monkeypatch, capsys, tmp_path):
    code, told = ended(monkeypatch, capsys, tmp_path)
    assert code == 2
    assert "no clip in this folder" in told


def test_a_pattern_that_is_none_is_wrong_usage(monkeypatch, capsys, tmp_path):
    (tmp_path / "a.mp4").touch()
    code, told = ended(monkeypatch, capsys, tmp_path, "--talker", "(")
    assert code == 2
    assert "--talker='('" in told


@pytest.mark.parametrize("name", ["voice.wav", "voice.json"])
def test_a_voice_or_its_phones_that_cannot_be_read_are_told(monkeypatch, capsys, tmp_path, name):
    (tmp_path / "a.mp4").touch()
    shutil.copy(VOICE, tmp_path / "voice.wav")
    (tmp_path / name).write_text("rubbish")
    code, told = ended(monkeypatch, capsys, tmp_path)
    assert code in (1, 2)
    assert f"{name}: " in told
    assert told.count("\n") == 1


def test_without_the_extra_the_error_names_it(monkeypatch, capsys, tmp_path):
    (tmp_path / "a.mp4").touch()
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    code, told = ended(monkeypatch, capsys, tmp_path, "--vmaf")
    assert code == 1
    assert "install relip[eval]" in told
