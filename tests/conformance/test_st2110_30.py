"""L24 and L16 by hand: big-endian two's complement, channels interleaved (ST 2110-30, RFC 3190)."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import AudioFormat
from relip.wire import st2110_30
from relip.wire.st2110_30 import Fault
from wirebytes import columns_of, octets_of

pytestmark = pytest.mark.conformance

L24_STEREO = octets_of("""
    80 61 fffe fffffff0 0000000a
    7fffff 800000               # full scale, left and right
    000001 ffffff               # the smallest step, up and down
    400000 c00000               # half scale
""")


def test_l24_codes_are_signed_and_interleaved():
    spans = st2110_30.parse(*columns_of(L24_STEREO), format=AudioFormat(channels=2), payload_type=97)
    assert spans.fault.tolist() == [Fault.NONE]
    assert (spans.sequence[0], spans.timestamp[0], spans.ssrc[0]) == (0xFFFE, 0xFFFFFFF0, 10)
    step = 2.0**-23
    assert spans.samples.tolist() == [[1 - step, -1.0], [step, -step], [0.5, -0.5]]


def test_l16_codes_are_signed():
    packet = octets_of("80 61 0001 00000000 0000000a 7fff 8000 0001 ffff")
    spans = st2110_30.parse(*columns_of(packet), format=AudioFormat(depth=16), payload_type=97)
    assert spans.samples[:, 0].tolist() == [1 - 2.0**-15, -1.0, 2.0**-15, -(2.0**-15)]


def test_the_payload_says_how_many_samples_there_are():
    # 1 ms, 125 µs and 5 ms in one chunk, the last behind an extension as AES67 senders put it
    packets = [
        octets_of("80 61 0001 00000000 0000000a") + bytes(144),
        octets_of("80 61 0002 00000030 0000000a") + bytes(18),
        octets_of("90 61 0003 00000036 0000000a bede 0001 00000000") + bytes([0, 0, 1] * 240),
    ]
    spans = st2110_30.parse(*columns_of(*packets), format=AudioFormat(), payload_type=97)
    assert spans.count.tolist() == [48, 6, 240]
    assert spans.first.tolist() == [0, 48, 54]
    assert (spans.samples[54:] == np.float32(2.0**-23)).all()
    assert not spans.samples[:54].any()


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault.RTP, "80 61 0001"),
        (Fault.PAYLOAD_TYPE, "80 62 0001 00000000 0000000a 000000 000000"),
        (Fault.LENGTH, "80 61 0001 00000000 0000000a"),
        (Fault.LENGTH, "80 61 0001 00000000 0000000a 000000 0000"),
        (Fault.LENGTH, "a0 61 0001 00000000 0000000a 000000 000001"),
    ],
)
def test_each_fault_is_named_and_brings_no_sample(fault, text):
    spans = st2110_30.parse(
        *columns_of(L24_STEREO, octets_of(text), L24_STEREO), format=AudioFormat(channels=2), payload_type=97
    )
    assert spans.fault.tolist() == [Fault.NONE, fault, Fault.NONE]
    assert spans.count.tolist() == [3, 0, 3]
    assert (spans.samples[:3] == spans.samples[3:]).all()
    assert spans.faults[fault] == 1


def test_written_packets_are_those_of_the_diagram():
    format_ = AudioFormat(channels=2, packet_time=Fraction(1, 8000))
    samples = np.zeros((12, 2), np.float32)
    samples[0] = 1.0, -1.0
    samples[6] = 0.5, -(2.0**-23)
    packets = st2110_30.AudioPackets(format_, payload_type=97, ssrc=10).packets(samples, (1 << 32) - 3, 0xFFFF)
    assert packets[0].tobytes() == octets_of("80 61 ffff fffffffd 0000000a 7fffff 800000") + bytes(30)
    assert packets[1].tobytes() == octets_of("80 61 0000 00000003 0000000a 400000 ffffff") + bytes(30)
