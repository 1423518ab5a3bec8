"""`relip eval` refuses what it cannot use before it begins, in one line with the right exit code."""

import sys

import numpy as np
import pytest

from relip.service import cli

pytestmark = pytest.mark.unit


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


def test_a_voice_without_phones_is_wrong_usage(monkeypatch, capsys, tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "voice.wav").write_bytes(np.zeros(10, np.uint8).tobytes())
    code, told = ended(monkeypatch, capsys, tmp_path, "--voice", tmp_path / "voice.wav")
    assert code == 2
    assert "voice.wav: no phones beside it" in told


def test_without_the_extra_the_error_names_it(monkeypatch, capsys, tmp_path):
    (tmp_path / "a.mp4").touch()
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    code, told = ended(monkeypatch, capsys, tmp_path, "--vmaf")
    assert code == 1
    assert "install relip[eval]" in told
