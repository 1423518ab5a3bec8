"""The limits of ST 2110-21 for the formats of broadcast, and Cinst and VRX worked out on paper."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import FormatError
from relip.essence.formats import RATES
from relip.wire.st2110_21 import Bucket, Limits, Schedule, SenderType, TrafficShape, cinst, judge, vrx

pytestmark = pytest.mark.conformance

US = 1000
TABLE = [
    # rows, rate, packets a frame | T_RS gapped, linear, TR offset in µs | C_MAX and VRX_FULL of N, NL, W
    (720, "25", 2880, ("13.333", "13.889", "1493.3"), ((4, 8), (4, 8), (16, 720))),
    (720, "59.94", 2880, ("5.561", "5.793", "622.8"), ((4, 8), (4, 8), (16, 720))),
    (1080, "23.98", 4320, ("9.269", "9.655", "1594.2"), ((4, 8), (4, 8), (16, 720))),
    (1080, "25", 4320, ("8.889", "9.259", "1528.9"), ((4, 8), (4, 8), (16, 720))),
    (1080, "25", 4115, ("9.332", "9.721", "1528.9"), ((4, 8), (4, 8), (16, 720))),
    (1080, "50", 4320, ("4.444", "4.630", "764.4"), ((5, 8), (5, 8), (16, 720))),
    (1080, "59.94", 4320, ("3.707", "3.862", "637.7"), ((6, 9), (5, 9), (16, 863))),
    (1080, "60", 4320, ("3.704", "3.858", "637.0"), ((6, 9), (6, 9), (16, 864))),
    (2160, "25", 17280, ("2.222", "2.315", "1528.9"), ((10, 16), (10, 16), (20, 1440))),
    (2160, "50", 17280, ("1.111", "1.157", "764.4"), ((20, 32), (20, 32), (40, 2880))),
    (2160, "59.94", 17280, ("0.927", "0.965", "637.7"), ((24, 38), (23, 38), (47, 3452))),
    (2160, "60", 17280, ("0.926", "0.965", "637.0"), ((25, 38), (24, 38), (48, 3456))),
]
HAND = TrafficShape(Fraction(1000, 11), 1080, 1000)
"""A period of 11 ms with 1000 packets: read every 10.56 µs or 11 µs, drained every 10 µs, and a TR offset of 420.444… µs."""


def us(of):
    return round(float(of) / US, 3)


@pytest.mark.parametrize(("height", "rate", "packets", "times", "limits"), TABLE)
def test_the_times_and_limits_of_a_format(height, rate, packets, times, limits):
    shape = TrafficShape(RATES[rate], height, packets)
    gapped, linear, offset = times
    assert f"{us(shape.spacing_ns(Schedule.GAPPED)):.3f}" == gapped
    assert f"{us(shape.spacing_ns(Schedule.LINEAR)):.3f}" == linear
    assert f"{us(shape.offset_ns):.1f}" == offset
    assert tuple(shape.limits(kind) for kind in SenderType) == tuple(Limits(*pair) for pair in limits)


@pytest.mark.parametrize(("rate", "packets", "allowed"), [("50", 17280, True), ("59.94", 17280, False), ("59.94", 14400, True)])
def test_a_wide_sender_stays_below_900_000_packets_a_second(rate, packets, allowed):
    shape = TrafficShape(RATES[rate], 2160, packets)
    assert [shape.allows(kind) for kind in SenderType] == [True, True, allowed]


def test_a_greater_maxudp_lowers_the_least_buffer_and_not_the_least_burst():
    shape = TrafficShape(Fraction(25), 1080, 600, max_udp_octets=8960)
    assert shape.limits(SenderType.N) == Limits(c_max=4, vrx_full=1)
    assert shape.limits(SenderType.W) == Limits(c_max=16, vrx_full=120)


def test_the_transport_files_offset_replaces_the_default():
    shape = TrafficShape(Fraction(25), 1080, 4320, troff_ns=Fraction(37 * US))
    assert shape.due_ns(2) == 80_037 * US


@pytest.mark.parametrize(
    "wrong",
    [{"rate": Fraction(0)}, {"packets": 0}, {"height": 0}, {"max_udp_octets": 1499}, {"troff_ns": Fraction(-1)}],
)
def test_what_is_no_flow_is_refused_by_name(wrong):
    with pytest.raises(FormatError, match=r"no flow|MAXUDP=1499|TROFF=-1"):
        TrafficShape(**{"rate": Fraction(25), "height": 1080, "packets": 4320, **wrong})


def test_the_bucket_by_hand():
    # drained at 10, 20, 30 … µs after the first packet
    arrivals = np.array([0, 0, 0, 9, 10, 11, 30, 31, 100, 100], np.int64) * US
    fill, bucket = cinst(arrivals, HAND, Bucket.before(0))
    assert fill.tolist() == [0, 1, 2, 3, 3, 4, 3, 4, 0, 1]
    assert bucket == Bucket(0, 10, 1)


def test_the_buffer_by_hand():
    # read at TVD = 420.444… µs, then every 11 µs
    arrivals = np.array([409_445, 420_445, 431_444, 431_445, 475_445], np.int64)
    assert vrx(arrivals, 0, HAND, Schedule.LINEAR).tolist() == [1, 1, 2, 2, -1]


def test_an_early_packet_counts_as_if_reading_had_gone_backwards():
    arrivals = np.array([420_445 - 3 * 11 * US, 420_445 - 3 * 11 * US], np.int64)
    assert vrx(arrivals, 0, HAND, Schedule.LINEAR).tolist() == [3, 4]


def test_a_frame_of_another_second_is_judged_against_its_own_instants():
    frame = 7
    base = 77_000_000
    arrivals = base + np.array([420_445 + 11 * US * i for i in range(1000)], np.int64)
    verdict, _ = judge(arrivals, frame, HAND, Bucket.before(int(arrivals[0])))
    assert (verdict.frame, verdict.packets, verdict.first_ns) == (7, 1000, 420_445)
    assert (verdict.cinst_max, verdict.linear) == (0, (0, 0))
    assert verdict.gapped[0] < 0
    assert verdict.met == (SenderType.NL, SenderType.W)
