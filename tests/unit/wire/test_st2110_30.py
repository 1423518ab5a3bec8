"""Samples to code values and back, and chunks of nonsense."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.errors import FormatError
from relip.essence.formats import AudioFormat
from relip.wire import st2110_30
from relip.wire.st2110_30 import AudioPackets
from wirebytes import columns_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("depth", [16, 24])
def test_every_tested_code_value_survives_unpacking_and_packing(depth):
    full = 1 << (depth - 1)
    code = np.unique(np.concatenate([np.arange(-full, full, 257), [-full, -full + 1, -1, 0, 1, full - 2, full - 1]]))
    octets = (code[:, None] >> np.arange(depth - 8, -8, -8) & 0xFF).astype(np.uint8).reshape(1, -1)
    samples = st2110_30.unpack(octets, depth=depth)
    assert (samples[0] * full == code).all()
    assert (st2110_30.pack(samples, depth=depth) == octets).all()


@given(st.integers(-(1 << 23), (1 << 23) - 1))
def test_any_l24_code_value_survives(code):
    octets = np.frombuffer(code.to_bytes(3, signed=True), np.uint8).reshape(1, 3)
    assert (st2110_30.pack(st2110_30.unpack(octets, depth=24), depth=24) == octets).all()


def test_beyond_full_scale_is_clipped_and_nonsense_is_silence():
    samples = np.array([[1.0, 1.5, -1.5, np.inf, -np.inf, np.nan]], np.float32)
    packed = st2110_30.pack(samples, depth=24)
    assert packed.tobytes().hex(" ", 3) == "7fffff 7fffff 800000 7fffff 800000 000000"


def test_between_two_codes_the_nearer_is_taken():
    samples = (np.array([[0.4, 0.6, -0.4, -0.6]]) / (1 << 15)).astype(np.float32)
    assert st2110_30.pack(samples, depth=16).tobytes().hex(" ", 2) == "0000 0001 0000 ffff"


@pytest.mark.parametrize("depth", [16, 24])
@pytest.mark.parametrize("packet_time", [Fraction(1, 1000), Fraction(1, 8000)])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_packets_read_back_as_the_samples_they_were_made_of(depth, packet_time, channels):
    format_ = AudioFormat(channels=channels, depth=depth, packet_time=packet_time)
    codes = np.random.default_rng(3).integers(-(1 << 15), 1 << 15, (480, channels))
    samples = (codes / (1 << 15)).astype(np.float32)
    packets = AudioPackets(format_, payload_type=97, ssrc=10).packets(samples, 1000, 65_530)
    octets, lengths = columns_of(*(row.tobytes() for row in packets))
    spans = st2110_30.parse(octets, lengths, format=format_, payload_type=97)
    assert spans.valid.all()
    assert (spans.samples == samples).all()
    step = format_.packet_samples
    assert spans.timestamp.tolist() == list(range(1000, 1480, step))
    assert spans.sequence.tolist() == [n % 65_536 for n in range(65_530, 65_530 + 480 // step)]


def test_samples_that_leave_a_packet_unfilled_are_refused():
    packets = AudioPackets(AudioFormat(), payload_type=97, ssrc=10)
    with pytest.raises(FormatError, match="49"):
        packets.packets(np.zeros((49, 1), np.float32), 0, 0)
    with pytest.raises(FormatError, match="2"):
        packets.packets(np.zeros((48, 2), np.float32), 0, 0)


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda b: b"\x80\x61" + b)), max_size=6),
    st.sampled_from([AudioFormat(), AudioFormat(depth=16), AudioFormat(channels=3)]),
    st.integers(1, 64),
)
def test_random_octets_never_raise(packets, format_, stride):
    octets, lengths = columns_of(*packets, stride=stride)
    spans = st2110_30.parse(octets, lengths, format=format_, payload_type=97)
    assert spans.faults.sum() == len(packets)
    assert len(spans.samples) == spans.count.sum()
    assert ((spans.count > 0) == spans.valid).all()
