"""`relip dub`: files in, a file out, and every way in which that can go wrong."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from engines import DEVICE
from media_files import frame_of, noise, planes_of, write_picture, write_sound
from pictures import packed
from relip.config import LipSync, Models
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.offline.container import SourceReader, read_voice
from relip.offline.dubbing import dub, lay
from relip.service import cli
from relip.service.compose import engines
from talker import SIZE, shot

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), pytest.mark.usefixtures("face_models")]

FRAMES = 40
FORM = VideoFormat(SIZE, SIZE, Fraction(25))


def unpacked(frame, form=FORM):
    planes = Planes.of(form.width, form.height)
    DEVICE.unpack(frame, Region(0, 0, form.width, form.height), planes)
    return planes.y, planes.cb, planes.cr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A talker of 40 frames with a hum, and voices: of 30 frames, longer than the picture, of other codings."""
    portrait = pytest.importorskip("skimage.data", reason="the portrait is part of the extra demo").astronaut()
    made = tmp_path_factory.mktemp("files")
    frames = [unpacked(packed(shot(portrait, k, zoom=0.6))) for k in range(FRAMES)]
    hum = 0.1 * np.sin(2 * np.pi * 100 * np.arange(FRAMES * 1920) / 48_000).astype(np.float32)
    write_picture(made / "talker.mkv", frames, sound=hum, color_range=1, colorspace=1)
    speech = read_voice_of_the_demo()
    write_sound(made / "voice.wav", speech[: 30 * 1920])
    write_sound(made / "long.flac", speech[: 60 * 1920], codec="flac")
    write_sound(made / "voice.mp3", speech[: 30 * 1920], codec="libmp3lame", layout="fltp")
    write_sound(made / "voice.opus", speech[: 30 * 1920], codec="libopus", layout="flt")
    return made


def read_voice_of_the_demo():
    from importlib.resources import as_file, files  # noqa: PLC0415

    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        return read_voice(path)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs `relip dub` in this process: its exit code, what it said, and its report."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["relip", "dub", *map(str, arguments), "--json", str(tmp_path / "report.json")])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        report = tmp_path / "report.json"
        return code, told.err, json.loads(report.read_text()) if report.exists() else None

    return run


def sound_of(path, track=0):
    """The samples of a track as they are stored: signed integers of 24 bits."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(stream)]) >> 8


def test_a_lossless_file_holds_what_the_chain_makes_and_the_voice_to_the_bit(folder, command, face_models, tmp_path):
    code, _, report = command(folder / "talker.mkv", folder / "voice.wav", "-o", tmp_path / "out.mkv")
    assert code == 0
    sent, came = planes_of(folder / "talker.mkv"), planes_of(tmp_path / "out.mkv")
    chain = engines.chain_for_files(LipSync(voice_gone_ms=10_000), engines.load_nets(Models(cache=face_models), 120), FORM)
    voice = read_voice(folder / "voice.wav")
    altered = 0
    with SourceReader(folder / "talker.mkv", pack=DEVICE.pack) as reader:
        for k, take in enumerate(dub(reader, voice, chain)):
            wanted = unpacked(lay(take))
            for mine, theirs in zip(came[k], wanted, strict=True):
                np.testing.assert_array_equal(mine, theirs, err_msg=f"frame {k}")
            if take.verdict.patch is None:
                for mine, theirs in zip(came[k], sent[k], strict=True):
                    np.testing.assert_array_equal(mine, theirs, err_msg=f"frame {k} was left alone")
            altered += take.verdict.patch is not None
    assert len(came) == FRAMES
    assert report["frames"]["altered"] == altered >= FRAMES - 6
    assert report["outside_changed"] == 0
    assert report["codec"] == "ffv1"
    heard = sound_of(tmp_path / "out.mkv")
    assert len(heard) == FRAMES * 1920
    np.testing.assert_array_equal(heard[: len(voice)], np.rint(voice * 2**23).astype(int))
    assert not heard[len(voice) :].any()


def test_after_the_voice_has_ended_the_mouth_rests_and_is_not_left_alone(folder, command, tmp_path):
    write_sound(tmp_path / "short.wav", read_voice(folder / "voice.wav")[: 12 * 1920])
    _, _, report = command(folder / "talker.mkv", tmp_path / "short.wav", "-o", tmp_path / "out.mkv")
    assert report["frames"]["bypassed"].keys() == {"warming"}


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
@pytest.mark.parametrize("voice", ["voice.mp3", "voice.opus", "long.flac"])
def test_every_frame_is_in_its_place_in_every_container_whatever_the_voice(folder, command, tmp_path, name, voice):
    code, said, report = command(folder / "talker.mkv", folder / voice, "-o", tmp_path / name)
    assert code == 0, said
    came = planes_of(tmp_path / name)
    sent = planes_of(folder / "talker.mkv")
    assert len(came) == FRAMES == report["frames"]["sent"]
    deep = 4 if came[0][0].dtype == np.uint8 else 1
    top = slice(0, SIZE // 4)  # above the mouth: nothing is altered there
    for k in (0, 7, 20, FRAMES - 1):
        apart = [np.abs(came[k][0][top].astype(int) * deep - sent[j][0][top]).mean() for j in range(FRAMES)]
        assert int(np.argmin(apart)) == k
    wanted = read_voice(folder / voice)[: FRAMES * 1920]
    heard = read_voice(tmp_path / name)
    lags = np.correlate(heard[4800:28_800], wanted[4800 + 480 : 28_800 - 480], "valid")
    assert abs(int(lags.argmax()) - 480) <= 1


def test_the_original_sound_stays_as_a_second_track(folder, command, tmp_path):
    command(folder / "talker.mkv", folder / "voice.wav", "-o", tmp_path / "out.mov", "--original-sound")
    hum = sound_of(tmp_path / "out.mov", track=1) / 2**23
    wanted = read_voice(folder / "talker.mkv")
    np.testing.assert_allclose(hum, wanted, atol=1e-6)


def test_a_stretch_has_the_picture_and_the_sound_of_that_stretch(folder, command, tmp_path):
    command(
        folder / "talker.mkv",
        folder / "voice.wav",
        "-o",
        tmp_path / "out.mkv",
        "--start",
        "0.41",
        "--end",
        "0.8",
        "--original-sound",
    )
    came, sent = planes_of(tmp_path / "out.mkv"), planes_of(folder / "talker.mkv")
    assert len(came) == 10
    np.testing.assert_array_equal(came[0][0], sent[10][0])
    voice = np.rint(read_voice(folder / "voice.wav") * 2**23).astype(int)
    np.testing.assert_array_equal(sound_of(tmp_path / "out.mkv"), voice[19_200 : 19_200 + 19_200])
    hum = read_voice(folder / "talker.mkv")[19_200 : 19_200 + 19_200]
    np.testing.assert_allclose(sound_of(tmp_path / "out.mkv", track=1) / 2**23, hum, atol=1e-6)


def test_a_stretch_has_the_timecode_of_its_first_frame(folder, command, tmp_path):
    with av.open(str(folder / "talker.mkv")) as source, av.open(str(tmp_path / "slate.mkv"), "w") as slate:
        slate.metadata["timecode"] = "10:00:00:20"
        stream = slate.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                slate.mux(packet)
    command(tmp_path / "slate.mkv", folder / "voice.wav", "-o", tmp_path / "out.mov", "--start", "0.4", "--end", "0.6")
    with av.open(str(tmp_path / "out.mov")) as container:
        assert container.streams.video[0].metadata["timecode"] == "10:00:01:05"


def test_an_enrolment_of_the_command_line_is_read(folder, command, tmp_path):
    (tmp_path / "nobody.relip").write_bytes(b"not an enrolment")
    arguments = ("-o", tmp_path / "out.mkv", "--enrolment", tmp_path / "nobody.relip")
    code, said, _ = command(folder / "talker.mkv", folder / "voice.wav", *arguments)
    assert code in {1, 2}
    assert "nobody.relip" in said
    assert not (tmp_path / "out.mkv").exists()


def test_the_overlay_is_drawn_where_it_was_asked_for(folder, command, tmp_path):
    arguments = (folder / "talker.mkv", folder / "voice.wav", "--end", "0.2")
    command(*arguments, "-o", tmp_path / "plain.mkv")
    _, _, report = command(*arguments, "-o", tmp_path / "drawn.mkv", "--overlay")
    assert not np.array_equal(planes_of(tmp_path / "plain.mkv")[0][0], planes_of(tmp_path / "drawn.mkv")[0][0])
    assert report["outside_changed"] == 0


def test_knobs_and_configuration_reach_the_mouth(folder, command, tmp_path):
    (tmp_path / "relip.yaml").write_text("lip_sync: {bypass: true}\nvideo: {port: 1}\n")
    arguments = (folder / "talker.mkv", folder / "voice.wav", "--end", "0.6")
    _, _, report = command(*arguments, "-o", tmp_path / "a.mkv", "--config", tmp_path / "relip.yaml")
    assert report["frames"]["bypassed"] == {"requested": 15}
    command(*arguments, "-o", tmp_path / "small.mkv", "--amplitude", "0.5", "--offset-ms", "40")
    command(*arguments, "-o", tmp_path / "plain.mkv")
    assert not np.array_equal(planes_of(tmp_path / "small.mkv")[12][0], planes_of(tmp_path / "plain.mkv")[12][0])


@pytest.mark.parametrize(("width", "height", "rate"), [(3840, 2160, "25"), (720, 576, "24000/1001"), (64, 48, "50")])
def test_any_raster_and_rate_without_a_face_passes_to_the_bit_and_it_is_said(folder, command, tmp_path, *, width, height, rate):
    bars = [
        tuple(np.full((height, w), level, np.uint16) for w, level in ((width, 400), (width // 2, 480), (width // 2, 600)))
    ] * 3
    write_picture(tmp_path / "bars.mkv", bars, rate=Fraction(rate))
    code, said, report = command(tmp_path / "bars.mkv", folder / "voice.wav", "-o", tmp_path / "out.mkv")
    assert code == 0
    assert "not one frame was altered" in said
    assert report["frames"]["bypassed"] == {"no_face": 3}
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.streams.video[0].guessed_rate == Fraction(rate)
    for came, sent in zip(planes_of(tmp_path / "out.mkv"), bars, strict=True):
        np.testing.assert_array_equal(came[0], sent[0])


def test_a_file_cut_short_is_dubbed_as_far_as_it_goes_and_it_is_said(folder, command, tmp_path):
    octets = (folder / "talker.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(octets[: len(octets) // 2])
    code, said, report = command(tmp_path / "cut.mkv", folder / "voice.wav", "-o", tmp_path / "out.mkv")
    assert code == 0
    assert "cut short" in said
    assert report["notes"]
    assert 5 < len(planes_of(tmp_path / "out.mkv")) < FRAMES


def bad(name, folder, tmp_path):
    """A bad input: IN, VOICE, OUT."""
    picture, voice, out = folder / "talker.mkv", folder / "voice.wav", tmp_path / "out.mkv"
    if name == "no media":
        picture = tmp_path / "text.mkv"
        picture.write_text("this is not a film")
    elif name == "no picture":
        picture = folder / "voice.wav"
    elif name == "no sound":
        voice = write_picture(tmp_path / "mute.mkv", noise(1))
    elif name == "no folder":
        out = tmp_path / "gone" / "out.mkv"
    elif name == "no container":
        out = tmp_path / "out.avi"
    elif name == "odd width":
        grey = frame_of(tuple(np.full((48, 63), 128, np.uint8) for _ in range(3)), "yuv444p")
        picture = write_picture(tmp_path / "odd.mkv", [grey], layout="yuv444p")
    elif name == "odd height":
        picture, out = write_picture(tmp_path / "odd.mkv", noise(1, height=47)), tmp_path / "out.mp4"
    elif name == "the input":
        out = picture
    elif name == "a folder":
        out.mkdir()
    return picture, voice, out


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("no media", 1, "text.mkv: cannot be read"),
        ("no picture", 2, "voice.wav: no video stream"),
        ("no sound", 2, "mute.mkv: no audio stream"),
        ("no folder", 1, "cannot be written: No such file"),
        ("no container", 2, ".mp4, .mov, .mkv"),
        ("odd width", 2, "width=63"),
        ("odd height", 2, "height=47"),
        ("the input", 2, "this is an input"),
        ("a folder", 1, "it is a folder"),
    ],
)
def test_bad_input_is_told_in_one_line_and_leaves_nothing_behind(folder, command, tmp_path, *, name, code, told):
    picture, voice, out = bad(name, folder, tmp_path)
    before = {path.name: path.stat().st_size for path in (*tmp_path.iterdir(), *folder.iterdir())}
    ended, said, _ = command(picture, voice, "-o", out)
    assert (ended, len(said.strip().splitlines())) == (code, 1), said
    assert told in said
    assert {path.name: path.stat().st_size for path in (*tmp_path.iterdir(), *folder.iterdir())} == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--start", "9"], "--start=9.0"),
        (["--start", "1", "--end", "0.5"], "--end=0.5"),
        (["--amplitude", "9"], "lip_sync.amplitude"),
        (["--codec", "prores", "-o", "a.mp4"], "--codec=prores"),
        (["--start", "nan"], "--start"),
    ],
)
def test_options_that_ask_for_the_impossible_are_named(folder, command, tmp_path, monkeypatch, *, arguments, told):
    monkeypatch.chdir(tmp_path)
    ended, said, _ = command(folder / "talker.mkv", folder / "voice.wav", "-o", tmp_path / "out.mkv", *arguments)
    assert ended == 2
    assert told in said
    assert not list(tmp_path.iterdir())


def read_until(terminal, pattern):
    """What a terminal shows up to a pattern, or up to its end."""
    shown = b""
    while not re.search(pattern, shown):
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    return shown.decode()


def test_a_signal_leaves_a_whole_file_of_what_was_done(folder, tmp_path):
    sent = planes_of(folder / "talker.mkv")
    write_picture(tmp_path / "long.mkv", [*sent, *sent[::-1]] * 6)
    out = tmp_path / "out.mkv"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "relip", "dub", str(tmp_path / "long.mkv"), str(folder / "voice.wav"), "-o", str(out)],
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = read_until(ours, rb"dubbing.* [1-9]\d*/480")
    process.send_signal(signal.SIGINT)
    said = read_until(ours, rb"(?!)")
    os.close(ours)
    assert process.wait(60) == 1, shown + said
    assert "interrupted" in said
    assert "Traceback" not in said
    came = planes_of(out)
    assert 0 < len(came) < 12 * FRAMES
    assert len(sound_of(out)) == len(came) * 1920
    assert not (tmp_path / "out.mkv.part").exists()


def test_pixels_that_are_not_square_are_told_where_the_container_cannot_say_it(folder, command, tmp_path):
    bars = [frame_of(tuple(np.full(size, 100, np.uint8) for size in ((48, 64), (24, 32), (24, 32))), "yuv420p")]
    path = tmp_path / "anamorphic.mp4"
    write_picture(path, bars, codec="libx264", layout="yuv420p", sample_aspect_ratio=Fraction(16, 15))
    _, _, report = command(path, folder / "voice.wav", "-o", tmp_path / "out.mkv")
    assert any("16/15" in note for note in report["notes"])
    _, _, report = command(path, folder / "voice.wav", "-o", tmp_path / "out.mov")
    assert report["notes"] == []
    with av.open(str(tmp_path / "out.mov")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 15)
