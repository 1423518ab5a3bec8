"""The command line: exit codes, and errors of one line."""

import sys
from fractions import Fraction

import pytest

from relip.service import cli
from relip.service.options import address, frames_of

pytestmark = pytest.mark.unit


def ended(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["relip", *arguments])
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr()


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["serve"],
        ["send"],
        ["receive"],
        ["demo"],
        ["dub"],
        ["probe"],
        ["enrol"],
        ["eval"],
        ["bench", "pipeline"],
        ["models", "build"],
        ["models", "list"],
        ["sdp", "show"],
        ["sdp", "make"],
    ],
)
def test_every_command_explains_itself(monkeypatch, capsys, command):
    code, told = ended(monkeypatch, capsys, *command, "--help")
    assert code == 0
    assert "Usage:" in told.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["serve"], "--config"),
        (["serve", "--config", "none.yaml"], "none.yaml"),
        (["demo", "--format", "1080i25"], "1080i25"),
        (["demo", "--seconds", "0"], "--seconds"),
        (["dub", "none.mp4", "none.wav", "-o", "a.mp4"], "none.mp4"),
        (["sdp", "make", "--to", "239.1.1.1"], "--to="),
        (["demo", "--seconds", "nan"], "--seconds=nan"),
        (["eval"], "FOLDER"),
        (["eval", ".", "--format", "1080i25"], "1080i25"),
        (["eval", ".", "--gallery", "theirs"], "--gallery"),
        (["eval", ".", "--limit", "0"], "--limit"),
        (["eval", ".", "--seconds", "nan"], "--seconds=nan"),
        (["eval", ".", "--voice", "none.flac"], "none.flac"),
        (["send", "--video-to", "239.1.1.1:5004", "--seconds", "nan"], "--seconds=nan"),
        (["send", "--video-to", "239.1.1.1:5004", "--seconds", "0"], "--seconds"),
        (["receive", "--dubbed", "239.1.1.1:5004", "--seconds", "inf"], "--seconds=inf"),
        (["bench", "pipeline", "--frames", "0"], "--frames"),
        (["bench", "pipeline", "--format", "1080i25"], "1080i25"),
        (["enrol", "-o", "a.relip"], "CLIPS"),
        (["enrol", "none.mp4", "-o", "a.relip"], "none.mp4"),
        (["enrol", __file__], "--output"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line_that_names_it(monkeypatch, capsys, arguments, named):
    code, told = ended(monkeypatch, capsys, *arguments)
    assert code == 2
    assert named in told.err
    assert "Traceback" not in told.err


SEND = ["send", "--video-to", "239.1.1.1:5004"]
RECEIVE = ["receive", "--dubbed", "239.1.1.1:5004"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["demo", "-o", "none/demo.mp4"], "none/demo.mp4"),
        (["demo", "--json", "none/demo.json"], "none/demo.json"),
        (["demo", "-o", "here"], "here"),
        (["demo", "--keep", "file"], "file"),
        (["demo", "--keep", "file/x"], "file/x"),
        (["eval", ".", "--json", "none/a.json"], "none/a.json"),
        (["eval", ".", "--sheet", "none/a.png"], "none/a.png"),
        ([*SEND, "--json", "none/a.json"], "none/a.json"),
        ([*SEND, "--sdp-dir", "file/x"], "file/x"),
        ([*RECEIVE, "--json", "file/a.json"], "file/a.json"),
        (["bench", "pipeline", "--json", "none/a.json"], "none/a.json"),
        ([*RECEIVE, "--record", "none/a.mp4"], "none/a.mp4"),
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_anything_runs(monkeypatch, capsys, tmp_path, arguments, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "here").mkdir()
    code, told = ended(monkeypatch, capsys, *arguments)
    assert code == 1
    assert f"relip: {named}: " in told.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "here"]


def test_another_raster_cannot_be_compared(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, raster in (("before", "720p25"), ("after", "1080p25")):
        _, told = ended(monkeypatch, capsys, "sdp", "make", "--format", raster, "--to", "239.1.1.1:5004")
        (tmp_path / f"{name}.sdp").write_text(told.out)
    code, told = ended(monkeypatch, capsys, "receive", "--dubbed", "after.sdp", "--original", "before.sdp", "--seconds", "1")
    assert code == 2
    assert "720p25" in told.err
    assert "1080p25" in told.err


def test_a_configuration_that_cannot_be_is_wrong_usage(monkeypatch, capsys, tmp_path):
    path = tmp_path / "relip.yaml"
    path.write_text("video: {}")
    code, told = ended(monkeypatch, capsys, "serve", "--config", str(path))
    assert code == 2
    assert "relip.yaml" in told.err


def test_a_transport_file_that_is_made_can_be_shown(monkeypatch, capsys, tmp_path):
    code, told = ended(monkeypatch, capsys, "sdp", "make", "--format", "720p59.94", "--to", "239.1.1.1:5004")
    assert code == 0
    assert "exactframerate=60000/1001" in told.out
    path = tmp_path / "flow.sdp"
    path.write_text(told.out)
    code, told = ended(monkeypatch, capsys, "sdp", "show", str(path))
    assert code == 0
    assert "720p59.94" in told.err


def test_a_transport_file_promises_no_pace_and_names_no_clock_that_nobody_gave(monkeypatch, capsys):
    _, told = ended(monkeypatch, capsys, "sdp", "make", "--to", "239.1.1.1:5004", "--ts-refclk", "localmac=02-00-00-00-00-01")
    assert "TP=" not in told.out
    assert "a=ts-refclk:localmac=02-00-00-00-00-01" in told.out
    _, told = ended(monkeypatch, capsys, "sdp", "make", "--to", "239.1.1.1:5004", "--tp", "2110TPNL")
    assert "TP=2110TPNL" in told.out


def test_an_interlaced_transport_file_is_refused_by_the_parameters_name(monkeypatch, capsys, tmp_path):
    _, told = ended(monkeypatch, capsys, "sdp", "make", "--to", "239.1.1.1:5004")
    path = tmp_path / "flow.sdp"
    path.write_text(told.out.replace("depth=10;", "depth=10; interlace;"))
    code, told = ended(monkeypatch, capsys, "sdp", "show", str(path))
    assert code == 2
    assert "interlace" in told.err


def test_an_address_needs_its_port():
    assert address("239.1.1.1:5004", "--to") == ("239.1.1.1", 5004)


def test_a_time_is_whole_frames():
    assert frames_of(2.0, Fraction(30000, 1001)) == 60
    assert frames_of(None, Fraction(25)) is None
