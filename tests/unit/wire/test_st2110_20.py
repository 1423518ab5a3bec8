"""Frames cut into packets and read back, and chunks of nonsense."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat, video_format
from relip.wire import st2110_20
from relip.wire.st2110_20 import Fault, FrameHeaders
from wirebytes import columns_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "octets", "packets"), [("720p25", 800, 2880), ("1080p50", 1200, 4320), ("2160p25", 1200, 17280)]
)
def test_the_named_rasters_get_the_usual_packets(name, octets, packets):
    headers = FrameHeaders(video_format(name), payload_type=96, ssrc=1)
    assert headers.packets == len(headers.headers) == packets
    assert (headers.lengths == octets).all()
    assert headers.headers.shape[1] + octets <= 1440


def test_a_small_raster_sends_a_row_a_packet():
    headers = FrameHeaders(VideoFormat(360, 288, Fraction(25)), payload_type=96, ssrc=1)
    assert headers.packets == 288
    assert (headers.lengths == 900).all()


def test_a_tiny_raster_may_send_tiny_packets():
    assert FrameHeaders(VideoFormat(16, 2, Fraction(25)), payload_type=96, ssrc=1).lengths.tolist() == [40, 40]


@pytest.mark.parametrize("width", [1994, 1426])  # rows of 997 (a prime) and 23 × 31 pgroups
def test_a_raster_without_equal_packets_is_refused_by_name(width):
    with pytest.raises(FormatError, match=f"width={width}"):
        FrameHeaders(VideoFormat(width, 8, Fraction(25)), payload_type=96, ssrc=1)


def test_planned_packets_cover_the_frame_once_and_read_back_as_planned():
    format_ = VideoFormat(1280, 4, Fraction(50))
    frame = np.random.default_rng(7).integers(0, 256, format_.frame_octets, np.uint8)
    headers = FrameHeaders(format_, payload_type=100, ssrc=5)
    headers.stamp(0xFFFFFFFE, 90_000)
    packets = [
        header.tobytes() + frame[offset : offset + length].tobytes()
        for header, offset, length in zip(headers.headers, headers.offsets, headers.lengths, strict=True)
    ]
    octets, lengths = columns_of(*packets)
    spans = st2110_20.parse(octets, lengths, payload_type=100)
    assert spans.valid.all()
    assert st2110_20.within_raster(spans, format_).all()
    assert spans.sequence.tolist() == [0xFFFFFFFE, 0xFFFFFFFF, *range(14)]
    assert spans.timestamp.tolist() == [90_000] * 16
    assert spans.marker.tolist() == [False] * 15 + [True]
    back = np.zeros_like(frame).reshape(4, -1)
    for i in range(len(spans.packet)):
        length, at = spans.length_octets[i], spans.offset_octets[i]
        data = spans.data[i]
        back[spans.row[i], at : at + length] = octets[spans.packet[i], data : data + length]
    assert (back.ravel() == frame).all()


def test_the_sequence_runs_on_across_frames():
    headers = FrameHeaders(VideoFormat(360, 288, Fraction(25)), payload_type=96, ssrc=1)
    sequence = 0xFFFFFF00
    seen = []
    for ticks in (0, 3600, 7200):
        sequence = headers.stamp(sequence, ticks)
        fields = headers.headers.view(st2110_20.FRAME_HEADER)[:, 0]
        seen += (fields["extended_sequence"].astype(int) << 16 | fields["sequence"]).tolist()
    assert seen == [n % (1 << 32) for n in range(0xFFFFFF00, 0xFFFFFF00 + 3 * 288)]


def test_a_timestamp_beyond_32_bits_is_wrapped():
    headers = FrameHeaders(VideoFormat(360, 288, Fraction(25)), payload_type=96, ssrc=1)
    headers.stamp(0, (1 << 40) + 5)
    assert headers.headers[0, 4:8].tobytes() == bytes.fromhex("00000005")


def _srd(length, row, offset):
    return length.to_bytes(2) + row.to_bytes(2) + offset.to_bytes(2)


SRD = st.builds(
    _srd,
    st.one_of(st.sampled_from([0, 5, 10, 40]), st.integers(0, 0xFFFF)),
    st.integers(0, 0xFFFF),
    st.one_of(st.integers(0, 0x7FFF).map(lambda n: n * 2), st.integers(0, 0xFFFF)),
)
PACKET = st.builds(
    lambda first, srds, data: bytes([first, 96]) + bytes(12) + b"".join(srds) + data,
    st.sampled_from([0x80, 0x80, 0x81, 0x90, 0xA0]),
    st.lists(SRD, max_size=4),
    st.binary(max_size=60),
)


@given(st.lists(st.one_of(PACKET, st.binary(max_size=90)), max_size=8), st.integers(1, 128))
def test_random_octets_never_raise_and_every_span_lies_in_its_packet(packets, stride):
    octets, lengths = columns_of(*packets, stride=stride)
    spans = st2110_20.parse(octets, lengths, payload_type=96)
    assert spans.faults.sum() == len(packets)
    assert spans.valid[spans.packet].all()
    assert (spans.data + spans.length_octets <= np.minimum(lengths, stride)[spans.packet]).all()
    assert (spans.length_octets % 5 == 0).all()
    assert (spans.offset_octets % 5 == 0).all()
    assert set(spans.packet) == set(np.nonzero(spans.fault == Fault.NONE)[0])
