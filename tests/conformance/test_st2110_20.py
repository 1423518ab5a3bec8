"""RFC 4175 §4.1 / ST 2110-20 §6.1.4 by hand.

|           extended sequence   |            Length             |
|F|          Row No             |C|           Offset            |
"""

import pytest

from relip.essence.formats import video_format
from relip.wire import st2110_20
from relip.wire.st2110_20 import Fault
from wirebytes import columns_of, octets_of

pytestmark = pytest.mark.conformance

ONE_SRD = octets_of("""
    80 60 0001 00000002 00000003
    0007                        # high half of the sequence number
    000a 0437 077c              # 10 octets, row 1079, C=0, pixel 1916
    01 02 03 04 05 06 07 08 09 0a
""")
TWO_SRD = octets_of("""
    80 e0 ffff 00000002 00000003
    0007
    0005 0000 877e              # 5 octets, row 0, C=1, pixel 1918
    000a 0001 0000              # 10 octets, row 1, C=0, pixel 0
    01 02 03 04 05
    11 12 13 14 15 16 17 18 19 1a
""")
THREE_SRD = octets_of("""
    80 60 0001 00000002 00000003
    0000
    0005 0003 8000              # rows 3, 4 and 5; C=1, C=1, C=0
    0005 0004 8002
    0005 0005 0004
    01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f
""")


def parse(*packets):
    return st2110_20.parse(*columns_of(*packets), payload_type=96)


def test_one_segment_names_its_row_and_its_octets():
    spans = parse(ONE_SRD)
    assert spans.fault.tolist() == [Fault.NONE]
    assert (spans.sequence[0], spans.timestamp[0], spans.ssrc[0], spans.marker[0]) == (0x70001, 2, 3, False)
    assert (spans.row[0], spans.offset_octets[0], spans.length_octets[0], spans.data[0]) == (1079, 4790, 10, 20)
    assert st2110_20.within_raster(spans, video_format("1080p25")).tolist() == [True]
    assert st2110_20.within_raster(spans, video_format("720p25")).tolist() == [False]


def test_a_segment_may_run_into_the_next_row():
    spans = parse(TWO_SRD)
    assert spans.marker.tolist() == [True]
    assert spans.sequence.tolist() == [0x7FFFF]
    assert spans.row.tolist() == [0, 1]
    assert spans.offset_octets.tolist() == [4795, 0]
    assert spans.length_octets.tolist() == [5, 10]
    assert spans.data.tolist() == [26, 31]


def test_spans_keep_the_order_of_packets_and_of_their_headers():
    spans = parse(TWO_SRD, ONE_SRD, THREE_SRD)
    assert spans.packet.tolist() == [0, 0, 1, 2, 2, 2]
    assert spans.row.tolist() == [0, 1, 1079, 3, 4, 5]
    assert spans.data.tolist() == [26, 31, 20, 32, 37, 42]
    assert spans.offset_octets[3:].tolist() == [0, 5, 10]


def test_the_second_field_is_told_and_not_hidden():
    packet = bytearray(ONE_SRD)
    packet[16] |= 0x80  # F
    spans = parse(ONE_SRD, bytes(packet))
    assert spans.interlaced.tolist() == [False, True]
    assert spans.valid.all()
    assert spans.row.tolist() == [1079, 1079]


def test_sample_data_are_not_taken_for_a_field_bit():
    assert parse(ONE_SRD[:20] + b"\xff" * 10).interlaced.tolist() == [False]


def test_a_segment_beyond_the_end_of_the_row_is_outside_the_raster():
    spans = parse(ONE_SRD, ONE_SRD[:18] + octets_of("077e") + ONE_SRD[20:])
    assert spans.offset_octets.tolist() == [4790, 4795]
    assert st2110_20.within_raster(spans, video_format("1080p25")).tolist() == [True, False]


def test_contributing_sources_extension_and_padding_move_the_segments():
    packet = octets_of("""
        b1 60 0001 00000002 00000003        # P=1, X=1, CC=1
        11111111
        bede 0001 00000000
        0007
        0005 0001 0002
        01 02 03 04 05
        00 02                               # padding
    """)
    spans = parse(packet)
    assert (spans.fault[0], spans.row[0], spans.offset_octets[0], spans.data[0]) == (Fault.NONE, 1, 5, 32)


def test_block_packing_is_read_like_any_other():
    # 1260 octets, 7 blocks of 180: the end of row 0 and the start of row 1 (ST 2110-20 §6.3.3)
    packet = octets_of("80 60 0001 00000002 00000003 0000  0438 0000 85d0  00b4 0001 0000") + bytes(1260)
    spans = parse(packet)
    assert spans.length_octets.tolist() == [1080, 180]
    assert spans.offset_octets.tolist() == [3720, 0]
    assert st2110_20.within_raster(spans, video_format("1080p25")).all()


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault.RTP, "00 60 0001 00000002 00000003 0000 0005 0000 0000 0102030405"),
        (Fault.PAYLOAD_TYPE, "80 61 0001 00000002 00000003 0000 0005 0000 0000 0102030405"),
        (Fault.HEADERS_CUT, "80 60 0001 00000002 00000003"),
        (Fault.HEADERS_CUT, "80 60 0001 00000002 00000003 0000 0005 0000 00"),
        (Fault.HEADERS_CUT, "80 60 0001 00000002 00000003 0000 0000 0000 8000 0000"),
        (Fault.CHAIN, "80 60 0001 00000002 00000003 0000" + "0000 0000 8000" * 3 + "0000 0000 0000"),
        (Fault.LENGTH, "80 60 0001 00000002 00000003 0000 0004 0000 0000 01020304"),
        (Fault.OFFSET, "80 60 0001 00000002 00000003 0000 0005 0000 0001 0102030405"),
        (Fault.DATA_CUT, "80 60 0001 00000002 00000003 0000 000a 0000 0000 0102030405060708 09"),
        (Fault.DATA_CUT, "a0 60 0001 00000002 00000003 0000 0005 0000 0000 010203 0002"),
    ],
)
def test_each_fault_is_named_and_leaves_no_span(fault, text):
    spans = parse(ONE_SRD, octets_of(text), TWO_SRD)
    assert spans.fault.tolist() == [Fault.NONE, fault, Fault.NONE]
    assert spans.packet.tolist() == [0, 2, 2]
    assert spans.faults[fault] == 1
    assert spans.faults[Fault.NONE] == 2


def test_a_stamped_header_is_the_one_of_the_diagram():
    headers = st2110_20.FrameHeaders(video_format("1080p25"), payload_type=96, ssrc=0xDEADBEEF)
    following = headers.stamp(0x0001FFFF, 0x12345678)
    assert headers.headers[0].tobytes() == octets_of("""
        80 60 ffff 12345678 deadbeef
        0001
        04b0 0000 0000              # 1200 octets, row 0, pixel 0
    """)
    assert headers.headers[1].tobytes() == octets_of("""
        80 60 0000 12345678 deadbeef
        0002                        # the low half wrapped
        04b0 0000 01e0              # pixel 480
    """)
    assert headers.headers[-1].tobytes() == octets_of("""
        80 e0 10de 12345678 deadbeef    # M=1
        0002
        04b0 0437 05a0              # row 1079, pixel 1440
    """)
    assert following == 0x1FFFF + 4320
