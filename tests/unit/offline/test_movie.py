"""Media files out, written for real in a temporary directory and read back with PyAV alone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media_files import flat, noise, planes_of, stored, tone
from relip.essence.errors import FormatError, ResourceError
from relip.essence.grains import Planes
from relip.offline.container import OwnSound, read_voice
from relip.offline.delivery import SYNTHETIC, delivery
from relip.offline.footage import Colour, Footage
from relip.offline.movie import BT709, MovieWriter, Track, Voice, write_side_by_side

pytestmark = pytest.mark.unit

RATE = Fraction(25)


def footage(**said) -> Footage:
    """A small picture."""
    return Footage(**{"width": 64, "height": 48, "rate": RATE, "layout": "yuv422p10le", "colour": BT709} | said)


def written(
    path: Path, frames: list[tuple[np.ndarray, ...]], *, voice: np.ndarray | None = None, codec: str | None = None, **said
):
    """The file of these planes and a voice."""
    tracks = [] if voice is None else [Track("dub", Voice(voice))]
    with MovieWriter(path, delivery(path, codec), footage(**said), tracks=tracks) as writer:
        for planes in frames:
            writer.write(Planes(*planes))
    return path


def first_frame(path: Path):
    """The first frame of a file and its stream's description."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame, container.streams.video[0].codec_context


def test_a_lossless_file_gives_back_every_bit(tmp_path: Path) -> None:
    frames = noise(6)
    for got, sent in zip(planes_of(written(tmp_path / "a.mkv", frames)), frames, strict=True):
        for mine, theirs in zip(got, sent, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_prores_is_422_hq_in_ten_bits(tmp_path: Path) -> None:
    smooth = [
        tuple(
            np.full(size, level, np.uint16) for size, level in zip(((48, 64), (48, 32), (48, 32)), (501, 403, 603), strict=True)
        )
    ]
    frame, context = first_frame(written(tmp_path / "a.mov", smooth))
    assert (context.name, context.profile, frame.format.name) == ("prores", "HQ", "yuv422p10le")
    assert [int(plane[0, 0]) for plane in stored(frame)] == [501, 403, 603]


def test_h264_is_420_in_eight_bits_with_the_same_levels(tmp_path: Path) -> None:
    smooth = [
        tuple(
            np.full(size, level, np.uint16) for size, level in zip(((48, 64), (48, 32), (48, 32)), (500, 404, 604), strict=True)
        )
    ]
    frame, _ = first_frame(written(tmp_path / "a.mp4", smooth))
    assert frame.format.name == "yuv420p"
    assert [int(plane[0, 0]) for plane in stored(frame)] == [125, 101, 151]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_the_colour_is_said_as_it_was(tmp_path: Path, name: str, matrix: int) -> None:
    colour = Colour(range=1, matrix=matrix, primaries=matrix, transfer=1)
    _, context = first_frame(written(tmp_path / name, noise(1), colour=colour))
    assert (context.colorspace, context.color_primaries, context.color_trc) == (matrix, matrix, 1)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_pixels_keep_their_aspect(tmp_path: Path, name: str) -> None:
    with av.open(str(written(tmp_path / name, noise(1), aspect=Fraction(16, 15)))) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 15)


def test_the_timecode_is_carried(tmp_path: Path) -> None:
    with av.open(str(written(tmp_path / "a.mov", noise(2), timecode="10:00:00:00"))) as container:
        assert container.streams.video[0].metadata["timecode"] == "10:00:00:00"


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_every_file_discloses_that_lips_are_synthetic(tmp_path: Path, name: str) -> None:
    with av.open(str(written(tmp_path / name, noise(1), voice=tone(0.1)))) as container:
        told = {key.lower(): value for key, value in container.metadata.items()}
    assert told["comment"] == SYNTHETIC


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001)])
def test_the_sound_is_as_long_as_the_picture_and_in_its_place(tmp_path: Path, name: str, rate: Fraction) -> None:
    voice = np.zeros(48_000, np.float32)
    voice[24_000:24_096] = 0.5
    path = written(tmp_path / name, noise(40), voice=voice, rate=rate)
    heard = read_voice(path)
    assert abs(len(heard) - int(40 * 48_000 / rate)) <= (1024 if name == "a.mp4" else 0)
    assert abs(int(np.flatnonzero(np.abs(heard) > 0.2)[0]) - 24_000) <= (48 if name == "a.mp4" else 0)
    with av.open(str(path)) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times[0] == 0
    assert max(abs(at - k / rate) for k, at in enumerate(times)) < Fraction(1, 1000)


@pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
def test_a_voice_of_24_bits_comes_back_to_the_bit(tmp_path: Path, name: str) -> None:
    codes = np.random.default_rng(3).integers(-(1 << 23), 1 << 23, 4 * 1920)
    voice = (codes / (1 << 23)).astype(np.float32)
    path = written(tmp_path / name, noise(4), voice=voice)
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    np.testing.assert_array_equal(np.concatenate(parts) >> 8, codes)


def test_two_tracks_lie_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    tracks = [Track("dub", Voice(tone(0.2, 440))), Track("original", Voice(tone(0.2, 880)))]
    with MovieWriter(path, delivery(path), footage(), tracks=tracks) as writer:
        for planes in noise(5):
            writer.write(Planes(*planes))
    with av.open(str(path)) as container:
        assert [stream.metadata["title"] for stream in container.streams.audio] == ["dub", "original"]


@pytest.mark.parametrize(("name", "channels"), [("a.mov", 8), ("a.mov", 3), ("a.mkv", 4), ("a.mp4", 6)])
def test_every_channel_of_the_original_sound_comes_back(tmp_path: Path, name: str, channels: int) -> None:
    levels = (np.arange(channels, dtype=np.float32) + 1) / 16
    path = tmp_path / name
    with MovieWriter(path, delivery(path), footage(), tracks=[Track("original", Steady(levels))]) as writer:
        for planes in noise(10):
            writer.write(Planes(*planes))
    own = OwnSound(path)
    assert own.channels == channels
    np.testing.assert_allclose(own.take(9600)[:, 4800], levels, atol=0.01)
    own.close()


def test_more_channels_than_a_container_takes_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"original sound has 4 channels: \.mp4 files take 1, 2, 6"):
        MovieWriter(
            tmp_path / "a.mp4", delivery(Path("a.mp4")), footage(), tracks=[Track("original", Steady(np.zeros(4, np.float32)))]
        )
    assert list(tmp_path.iterdir()) == []


class Steady:
    """Sound whose channels each keep a level."""

    def __init__(self, levels: np.ndarray) -> None:
        self.channels = len(levels)
        self._levels = levels

    def take(self, count: int) -> np.ndarray:
        return np.repeat(self._levels[:, None], count, axis=1)


def test_an_odd_number_of_rows_is_refused_where_chroma_is_halved(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"height=47: h264"):
        written(tmp_path / "a.mp4", [], height=47)
    assert list(tmp_path.iterdir()) == []
    assert len(planes_of(written(tmp_path / "a.mkv", noise(1, height=47), height=47))) == 1


def test_after_an_error_nothing_is_left_and_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"an older file")

    def fails() -> None:
        with MovieWriter(path, delivery(path), footage(), tracks=[]) as writer:
            writer.write(Planes(*noise(1)[0]))
            raise RuntimeError("the renderer fell over")

    with pytest.raises(RuntimeError, match="renderer"):
        fails()
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.mkv", b"an older file")]


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / "a.mkv.part").symlink_to(full)
    with pytest.raises(ResourceError, match=r"a\.mkv.*cannot be written: No space left"):
        written(tmp_path / "a.mkv", noise(60, 320, 240))


def test_the_voice_comes_back_where_it_was(tmp_path: Path) -> None:
    """The codec's priming must not shift the sound: a click stays on its sample within a millisecond."""
    audio = np.zeros(48000, np.float32)
    audio[24000:24096] = 0.5
    path = tmp_path / "click.mp4"
    write_side_by_side(path, (flat(60) for _ in range(25)), rate=RATE, audio=audio)
    voice = read_voice(path)
    assert voice.dtype == np.float32
    assert abs(int(np.flatnonzero(np.abs(voice) > 0.2)[0]) - 24000) <= 48
    assert abs(len(voice) - 48000) <= 1024


def test_a_recording_for_a_look_discloses_that_lips_are_synthetic(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_side_by_side(path, iter([flat(40)]), rate=RATE, audio=tone(0.04))
    with av.open(str(path)) as container:
        assert container.metadata["comment"] == SYNTHETIC
        codecs = {s.type: s.codec_context.name for s in container.streams}
    assert codecs["video"].startswith("h264")
    assert codecs["audio"] == "aac"
    octets = path.read_bytes()
    assert octets.index(b"moov") < octets.index(b"mdat")
    assert not (tmp_path / "a.mp4.part").exists()


def test_nothing_is_left_behind_when_the_frames_fail(tmp_path: Path) -> None:
    def broken():
        yield flat(40)
        raise RuntimeError("camera fell over")

    with pytest.raises(RuntimeError, match="camera"):
        write_side_by_side(tmp_path / "a.mp4", broken(), rate=RATE, audio=tone(1))
    assert list(tmp_path.iterdir()) == []


def test_no_frame_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not one frame"):
        write_side_by_side(tmp_path / "a.mp4", iter(()), rate=RATE, audio=tone(1))


def test_a_directory_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="cannot be written"):
        write_side_by_side(tmp_path / "no" / "a.mp4", iter([flat(40)]), rate=RATE, audio=tone(1))


@pytest.mark.parametrize("name", ["file/a.mp4", "."])
def test_a_path_that_cannot_be_is_told_too(tmp_path: Path, monkeypatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_side_by_side(Path(name), iter([flat(40)]), rate=RATE, audio=tone(1))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
