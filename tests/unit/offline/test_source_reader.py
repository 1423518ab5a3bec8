"""A file in its own raster, rate and colour: what is kept to the bit, what is brought to 10-bit 4:2:2, what is refused."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from media_files import frame_of, noise, planes_of, write_picture
from relip.device.pgroup import pack_reference, unpack_reference
from relip.essence.errors import FormatError, RelipError
from relip.essence.grains import Planes
from relip.offline.container import OwnSound, SourceReader

pytestmark = pytest.mark.unit


def read(path):
    """Every frame of a file as planes, and the reader, closed."""
    frames = []
    with SourceReader(path, pack=pack_reference) as reader:
        for packed in reader:
            planes = Planes.of(reader.format.width, reader.format.height)
            unpack_reference(packed, planes)
            frames.append(planes)
        notes = reader.notes
    return frames, reader, notes


def eight_bit(luma, *, width=64, height=48, layout="yuv420p"):
    """A frame of one colour in 8-bit 4:2:0."""
    sizes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    return frame_of(tuple(np.full(size, value, np.uint8) for size, value in zip(sizes, (luma, 110, 140), strict=True)), layout)


@pytest.mark.parametrize(("codec", "ending"), [("ffv1", "mkv"), ("v210", "mov"), ("prores_ks", "mov")])
def test_ten_bit_422_is_read_to_the_bit(tmp_path, codec, ending):
    path = write_picture(tmp_path / f"a.{ending}", noise(4), codec=codec)
    frames, reader, notes = read(path)
    stored = planes_of(path)
    assert len(frames) == len(stored) == reader.expected == 4
    for got, (y, cb, cr) in zip(frames, stored, strict=True):
        np.testing.assert_array_equal(got.y, y)
        np.testing.assert_array_equal(got.cb, cb)
        np.testing.assert_array_equal(got.cr, cr)
    assert notes == []


def test_eight_bit_420_becomes_ten_bits_with_the_same_levels(tmp_path):
    (planes,), reader, _ = read(write_picture(tmp_path / "a.mkv", [eight_bit(201)], layout="yuv420p"))
    assert (planes.y == 201 * 4).all()
    assert (planes.cb == 110 * 4).all()
    assert reader.footage.layout == "yuv420p"


@pytest.mark.parametrize("matrix", [1, 5, 6])
def test_the_matrix_is_kept_and_its_code_values_too(tmp_path, matrix):
    path = write_picture(tmp_path / "a.mkv", [eight_bit(81)], layout="yuv420p", colorspace=matrix, color_range=1)
    (planes,), reader, _ = read(path)
    assert reader.delivered.colour.matrix == matrix
    assert (planes.y == 324).all()
    assert (planes.cr == 560).all()


def test_full_range_becomes_narrow_and_says_so(tmp_path):
    path = write_picture(tmp_path / "a.mkv", [eight_bit(255)], layout="yuv420p", color_range=2)
    (planes,), reader, _ = read(path)
    assert abs(int(planes.y[0, 0]) - 940) <= 3, "the scaler takes 255 for 1020 of 1023"
    assert reader.delivered.colour.range == 1


def test_no_frame_of_23_976_is_shown_twice_where_times_are_milliseconds(tmp_path):
    path = write_picture(tmp_path / "a.mkv", noise(50, 16, 8), rate=Fraction(24_000, 1001))
    frames, reader, notes = read(path)
    assert len(frames) == 50
    assert reader.format.rate == Fraction(24_000, 1001)
    assert notes == []


def test_times_that_vary_are_laid_on_one_rate_and_it_is_said(tmp_path):
    path = write_picture(tmp_path / "a.mkv", noise(6, 16, 8), times=[0, 40, 80, 240, 280, 320])
    frames, reader, notes = read(path)
    assert len(frames) == round(Fraction(360, 1000) * reader.format.rate)
    assert any("varying times" in note for note in notes)


def test_pixels_keep_their_aspect(tmp_path):
    path = write_picture(
        tmp_path / "a.mp4", [eight_bit(80)], codec="libx264", layout="yuv420p", sample_aspect_ratio=Fraction(16, 15)
    )
    _, reader, _ = read(path)
    assert reader.delivered.aspect == Fraction(16, 15)


def test_rgb_becomes_bt709_and_says_so(tmp_path):
    red = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (255, 0, 0), np.uint8), format="rgb24").reformat(format="bgr0")
    (planes,), reader, _ = read(write_picture(tmp_path / "a.mkv", [red], layout="bgr0"))
    assert reader.delivered.colour.matrix == 1
    np.testing.assert_allclose([planes.y[9, 9], planes.cb[9, 9], planes.cr[9, 9]], [250, 409, 960], atol=6)


def test_what_was_filmed_turned_is_upright_and_so_is_its_raster(tmp_path):
    lit = eight_bit(40, width=96, height=48)
    octets = np.frombuffer(lit.planes[0], np.uint8).reshape(-1, lit.planes[0].line_size)
    octets[:24, :48] = 220
    path = write_picture(tmp_path / "a.mp4", [lit], codec="libx264", layout="yuv420p", sample_aspect_ratio=Fraction(16, 15))
    file = bytearray(path.read_bytes())
    at = file.index(b"tkhd") + 4 + 40
    struct.pack_into(">6i", file, at, 0, 1 << 16, 0, -1 << 16, 0, 0)  # a quarter clockwise (ISO 14496-12 §8.3.2)
    path.write_bytes(file)
    (planes,), reader, _ = read(path)
    assert (reader.format.width, reader.format.height) == (48, 96)
    assert reader.delivered.aspect == Fraction(15, 16)
    assert planes.y[10, 40] > 800
    assert planes.y[10, 5] < 200


def test_fields_are_refused_by_name(tmp_path):
    frames = [eight_bit(90) for _ in range(3)]
    path = write_picture(tmp_path / "a.mpg", frames, codec="mpeg2video", layout="yuv420p", options={"flags": "+ildct+ilme"})
    with pytest.raises(FormatError, match=r"a\.mpg: this picture is interlaced.*deinterlace"):
        read(path)


def test_an_odd_width_is_refused(tmp_path):
    path = write_picture(tmp_path / "a.mkv", [eight_bit(90, width=62)], layout="yuv420p", options={})
    odd = write_odd(tmp_path / "odd.mkv")
    assert len(read(path)[0]) == 1
    with pytest.raises(FormatError, match="width=63"):
        read(odd)


def write_odd(path):
    """A file 63 pixels wide."""
    y, c = np.full((48, 63), 90, np.uint8), np.full((48, 63), 128, np.uint8)
    return write_picture(path, [frame_of((y, c, c), "yuv444p")], layout="yuv444p")


def test_a_file_without_a_frame_is_refused(tmp_path):
    path = write_picture(tmp_path / "a.mov", noise(1), codec="v210")
    octets = path.read_bytes()
    start = octets.index(b"mdat") + 4
    path.write_bytes(octets[:start])  # the index stands behind the frames, and goes with them
    with pytest.raises(RelipError):
        read(path)
    path = write_picture(tmp_path / "b.avi", noise(1), codec="v210")
    octets = path.read_bytes()
    path.write_bytes(octets[: octets.index(b"movi") + 4])
    with pytest.raises(FormatError, match="not one frame"):
        read(path)


def test_a_file_that_is_cut_short_gives_what_is_there_and_says_so(tmp_path):
    whole = write_picture(tmp_path / "a.mov", noise(50), codec="v210", options={"movflags": "+faststart"})
    with_index_first = tmp_path / "first.mov"
    remux_index_first(whole, with_index_first)
    cut = tmp_path / "cut.mov"
    octets = with_index_first.read_bytes()
    cut.write_bytes(octets[: len(octets) * 6 // 10])
    frames, reader, notes = read(cut)
    assert 20 < len(frames) < 40
    assert reader.expected == 50
    assert any("cut short: it says it has 50 frames" in note for note in notes)


def remux_index_first(path, to):
    """The same with the index before the frames, so that a part of it can be read."""
    with av.open(str(path)) as source, av.open(str(to), "w", options={"movflags": "+faststart"}) as sink:
        stream = sink.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                sink.mux(packet)


def test_a_damaged_frame_costs_itself(tmp_path):
    path = write_picture(tmp_path / "a.mkv", noise(10), options={"slicecrc": "1", "level": "3"})
    octets = bytearray(path.read_bytes())
    middle = len(octets) // 2
    octets[middle : middle + 40] = bytes(40)
    path.write_bytes(bytes(octets))
    frames, _, _ = read(path)
    assert len(frames) >= 9


def test_the_sound_of_a_file_begins_with_its_picture(tmp_path):
    sound = np.zeros(9600, np.float32)
    sound[4800] = 0.5
    path = write_picture(tmp_path / "a.mkv", noise(5), sound=sound)
    own = OwnSound(path)
    assert own.channels == 1
    taken = np.concatenate([own.take(1920)[0] for _ in range(6)])
    assert int(np.abs(taken).argmax()) == 4800
    assert not taken[9600:].any()
    own.close()


def test_the_sound_may_begin_later(tmp_path):
    sound = np.zeros(9600, np.float32)
    sound[4800] = 0.5
    own = OwnSound(write_picture(tmp_path / "a.mkv", noise(5), sound=sound), skip=Fraction(80, 1000))
    assert int(np.abs(own.take(3000)[0]).argmax()) == 4800 - 3840
    own.close()


def test_a_file_without_sound_has_no_channels(tmp_path):
    own = OwnSound(write_picture(tmp_path / "a.mkv", noise(1)))
    assert own.channels == 0
    own.close()
