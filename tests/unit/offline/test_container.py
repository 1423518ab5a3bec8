"""Media files, read and written for real in a temporary directory."""

from __future__ import annotations

import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media_files import flat, tone
from relip.device.pgroup import pack_reference, unpack_reference
from relip.essence.errors import FormatError, ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.offline.container import VideoReader, read_voice
from relip.offline.movie import write_side_by_side

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FORMAT = VideoFormat(64, 48, RATE)


def write(path: Path, lumas: list[int], **size: int) -> Path:
    """A file whose frames have these luma values."""
    write_side_by_side(path, (flat(luma, **size) for luma in lumas), rate=RATE, audio=tone(len(lumas) / 25))
    return path


def planes_of(path: Path, raster: VideoFormat = FORMAT) -> list[Planes]:
    """Every frame of a file, unpacked."""
    unpacked = []
    with VideoReader(path, format=raster, pack=pack_reference) as reader:
        for packed in reader:
            planes = Planes.of(raster.width, raster.height)
            unpack_reference(packed, planes)
            unpacked.append(planes)
    return unpacked


def test_what_is_written_is_read_back_in_ten_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    colours = [(60, 110, 140), (120, 128, 128), (200, 150, 100)]
    write_side_by_side(path, (flat(*c) for c in colours), rate=RATE, audio=tone(0.12))
    frames = planes_of(path)
    assert len(frames) == 3
    for planes, (y, cb, cr) in zip(frames, colours, strict=True):
        assert abs(float(planes.y.mean()) - 4 * y) <= 4
        assert abs(float(planes.cb.mean()) - 4 * cb) <= 6
        assert abs(float(planes.cr.mean()) - 4 * cr) <= 6


def test_bt601_colour_becomes_bt709(tmp_path: Path) -> None:
    """100 % red is Y'CbCr 82,90,240 by BT.601 and 63,102,240 by BT.709 in eight bits."""
    path = tmp_path / "red.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, options={})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(flat(82, 90, 240), format="yuv420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (planes,) = planes_of(path)
    got = [float(p.mean()) for p in (planes.y, planes.cb, planes.cr)]
    np.testing.assert_allclose(got, [4 * 63, 4 * 102, 4 * 240], atol=8)


def test_a_wide_picture_keeps_its_aspect_on_black(tmp_path: Path) -> None:
    path = write(tmp_path / "wide.mp4", [200, 200], width=128, height=48)
    planes = planes_of(path)[0]
    assert (planes.y[:11] == 64).all()
    assert (planes.y[-11:] == 64).all()
    assert (planes.cb[:11] == 512).all()
    assert abs(float(planes.y[14:34].mean()) - 800) <= 4


def test_a_tall_picture_is_centred_on_whole_pgroups(tmp_path: Path) -> None:
    planes = planes_of(write(tmp_path / "tall.mp4", [200], width=32, height=64))[0]
    lit = np.flatnonzero(planes.y[24] > 400)
    assert (lit[0], lit[-1]) == (20, 43)


def test_a_higher_rate_repeats_the_nearest_earlier_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [40, 120, 200])
    frames = planes_of(path, VideoFormat(64, 48, Fraction(50)))
    assert [round(float(f.y.mean()) / 160) for f in frames] == [1, 1, 3, 3, 5, 5]


def test_a_lower_rate_drops_frames(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [40, 80, 120, 160])
    frames = planes_of(path, VideoFormat(64, 48, Fraction(25, 2)))
    assert [round(float(f.y.mean()) / 160) for f in frames] == [1, 3]


def test_the_reader_tells_how_many_grains_to_expect(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [40, 80, 120, 160])
    with VideoReader(path, format=FORMAT, pack=pack_reference) as reader:
        assert reader.expected == 4


def test_a_stereo_file_of_another_rate_becomes_mono_at_48_khz(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    seconds = np.arange(44100) / 44100
    both = (8000 * np.sin(2 * np.pi * 1000 * seconds)).astype(np.int16).repeat(2)[None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    voice = read_voice(path)
    assert abs(len(voice) - 48000) <= 48
    spectrum = np.abs(np.fft.rfft(voice[:48000] if len(voice) >= 48000 else voice))
    assert abs(int(spectrum.argmax()) - 1000) <= 2


@pytest.mark.parametrize("read", [read_voice, planes_of])
def test_a_missing_file_is_named(tmp_path: Path, read) -> None:
    with pytest.raises(ResourceError, match=r"gone\.mp4: cannot be read: No such file"):
        read(tmp_path / "gone.mp4")


@pytest.mark.parametrize("read", [read_voice, planes_of])
def test_a_broken_file_is_a_resource_error(tmp_path: Path, read) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(np.random.default_rng(1).bytes(5000))
    with pytest.raises(ResourceError, match="cannot be read"):
        read(path)


def test_sound_alone_is_no_picture_and_picture_alone_no_voice(tmp_path: Path) -> None:
    sound, picture = tmp_path / "s.wav", tmp_path / "p.mkv"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 480), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
    with av.open(str(picture), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(flat(80), format="yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(FormatError, match=r"s\.wav: no video stream"):
        planes_of(sound)
    with pytest.raises(FormatError, match=r"p\.mkv: no audio stream"):
        read_voice(picture)


def test_a_file_that_ends_early_plays_to_its_end(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.mp4", [40] * 10 + [200] * 30)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[:-600])
    assert 1 <= len(planes_of(cut)) <= 40


def test_without_pyav_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ResourceError, match=r"relip\[media\]"):
        read_voice(tmp_path / "a.mp4")


@pytest.mark.parametrize(("cosine", "sine", "corner"), [(0, 1, (0, -1)), (-1, 0, (-1, -1)), (0, -1, (-1, 0))])
def test_a_picture_filmed_with_the_camera_turned_is_shown_upright(
    tmp_path: Path, cosine: int, sine: int, corner: tuple[int, int]
) -> None:
    """The track's matrix (ISO 14496-12 §8.3.2) turns clockwise by 90, 180, 270 degrees; the upper left corner is lit."""
    frame = flat(40, width=96, height=48)
    frame[:24, :48] = 220
    path = tmp_path / "turned.mp4"
    write_side_by_side(path, iter([frame]), rate=RATE, audio=tone(0.1))
    octets = bytearray(path.read_bytes())
    at = octets.index(b"tkhd") + 4 + 40
    struct.pack_into(">6i", octets, at, cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0)
    path.write_bytes(octets)
    planes = planes_of(path)[0]
    lit = planes.y > 500
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    assert lit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.95
    height, width = (48, 24) if sine else (32, 64)
    top, left = (48 - height) // 2, (64 - width) // 2
    assert (rows[0] == top) == (corner[0] == 0)
    assert (columns[0] == left) == (corner[1] == 0)
    assert lit.sum() == pytest.approx(height * width / 4, rel=0.1)
