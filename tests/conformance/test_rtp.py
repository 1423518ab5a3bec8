"""RFC 3550 §5.1 by hand.

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
|V=2|P|X|  CC   |M|     PT      |       sequence number         |
|                           timestamp                           |
|           synchronization source (SSRC) identifier            |
|            contributing source (CSRC) identifiers             |
"""

import pytest

from relip.wire import rtp
from wirebytes import columns_of, octets_of

pytestmark = pytest.mark.conformance

PLAIN = octets_of("""
    80 e0 fffe      # V=2, M=1, PT=96, sequence 65534
    ffffffff        # timestamp
    deadbeef        # SSRC
    01 02 03        # payload
""")


def test_the_fixed_header_is_read_field_by_field():
    columns = rtp.parse(*columns_of(PLAIN))
    assert columns.valid.tolist() == [True]
    assert columns.marker.tolist() == [True]
    assert columns.payload_type.tolist() == [96]
    assert columns.sequence.tolist() == [0xFFFE]
    assert columns.timestamp.tolist() == [0xFFFFFFFF]
    assert columns.ssrc.tolist() == [0xDEADBEEF]
    assert (columns.payload_offset[0], columns.payload_end[0]) == (12, 15)


def test_contributing_sources_stand_before_the_payload():
    packet = octets_of("""
        82 60 0001 00000002 00000003    # CC=2
        11111111 22222222               # CSRC
        99
    """)
    columns = rtp.parse(*columns_of(packet))
    assert (columns.valid[0], columns.payload_offset[0], columns.payload_end[0]) == (True, 20, 21)


def test_all_fifteen_contributing_sources_are_stepped_over():
    columns = rtp.parse(*columns_of(octets_of("8f 60 0001 00000002 00000003") + bytes(60) + b"\x99"))
    assert (columns.valid[0], columns.payload_offset[0], columns.payload_end[0]) == (True, 72, 73)


def test_an_extension_is_stepped_over_by_its_own_length():
    packet = octets_of("""
        91 60 0001 00000002 00000003    # X=1, CC=1
        11111111                        # CSRC
        bede 0002 00000000 00000000     # profile, two words (§5.3.1)
        99 98
    """)
    columns = rtp.parse(*columns_of(packet))
    assert (columns.valid[0], columns.payload_offset[0], columns.payload_end[0]) == (True, 28, 30)


def test_padding_counts_itself_and_is_left_out_of_the_payload():
    packet = octets_of("""
        a0 60 0001 00000002 00000003    # P=1
        99
        00 00 03                        # three octets of padding, the last is the count
    """)
    columns = rtp.parse(*columns_of(packet))
    assert (columns.valid[0], columns.payload_offset[0], columns.payload_end[0]) == (True, 12, 13)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("version 1", "40 60 0001 00000002 00000003 99"),
        ("eleven octets", "80 60 0001 00000002 000000"),
        ("nothing at all", ""),
        ("contributing sources cut", "8f 60 0001 00000002 00000003 11111111"),
        ("extension header cut", "90 60 0001 00000002 00000003 bede"),
        ("extension body cut", "90 60 0001 00000002 00000003 bede 0002 00000000"),
        ("padding of nothing", "a0 60 0001 00000002 00000003 99 00"),
        ("padding longer than the payload", "a0 60 0001 00000002 00000003 99 03"),
    ],
)
def test_a_broken_header_is_masked_and_its_neighbours_are_not(what, text):
    columns = rtp.parse(*columns_of(PLAIN, octets_of(text), PLAIN))
    assert columns.valid.tolist() == [True, False, True], what
    assert columns.payload_offset[1] == columns.payload_end[1] == 0


def test_a_written_header_is_the_one_of_the_diagram():
    headers = rtp.template(2, 12, payload_type=96, ssrc=0xDEADBEEF)
    fields = rtp.fixed_header(headers)
    fields["sequence"] = 0xFFFE
    fields["timestamp"] = 0xFFFFFFFF
    headers[:, 1] |= rtp.MARKER
    assert headers[0].tobytes() == headers[1].tobytes() == PLAIN[:12]
