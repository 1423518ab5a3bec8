"""RFC 8331 §2.1 by hand.

|    Extended Sequence Number   |           Length              |
| ANC_Count     | F |                reserved                   |
|C|   Line_Number=9     |   Horizontal_Offset   |S| StreamNum=0 |
|         DID       |        SDID       |  Data_Count           | …
"""

import pytest

from relip.essence.errors import FormatError, WireError
from relip.essence.grains import AncGrain, AncPacket
from relip.wire import rtp, st2110_40
from relip.wire.st2110_40 import Field
from wirebytes import columns_of, octets_of

pytestmark = pytest.mark.conformance

CAPTION = AncPacket(did=0x61, sdid=0x02, words=b"\x96\x69", line=9, horizontal_offset=0)
CAPTION_OCTETS = "00900000 5850240a969a6640"
ANYWHERE = AncPacket(did=0x61, sdid=0x02, words=b"\x96\x69", line=0x7FF, horizontal_offset=0xFFF, stream=5, c_channel=True)
ANYWHERE_OCTETS = "ffffff85 5850240a969a6640"
# 250h 101h 200h, no user data; 050h + 101h + 000h = 151h, b8=1 b9=0: 10 0101 0000  01 0000 0001  10 0000 0000  01 0101 0001
EMPTY_OCTETS = "7feffe00 9410180151 000000"


def payload(count, *anc, field="00", length=None):
    body = octets_of("".join(anc))
    size = len(body) if length is None else length
    return octets_of(f"0007 {size:04x} {count:02x} {field}0000") + body


def test_a_packet_is_read_word_by_word():
    read = st2110_40.parse(payload(1, CAPTION_OCTETS))
    assert read.extended_sequence == 7
    assert read.field is Field.PROGRESSIVE
    assert read.packets == (CAPTION,)
    assert (read.bad_parity, read.bad_checksum, read.truncated) == (0, 0, 0)


def test_several_packets_each_start_on_32_bits():
    read = st2110_40.parse(payload(3, CAPTION_OCTETS, EMPTY_OCTETS, ANYWHERE_OCTETS))
    assert read.packets == (
        CAPTION,
        AncPacket(did=0x50, sdid=0x01, words=b"", line=st2110_40.LINE_VANC, horizontal_offset=st2110_40.OFFSET_HANC),
        ANYWHERE,
    )


def test_a_keep_alive_has_no_packets_and_may_be_padded():
    packet = octets_of("a0 e4 0001 00000002 00000003 0000 0000 00 000000 00000004")
    headers = rtp.parse(*columns_of(packet))
    read = st2110_40.parse(packet[headers.payload_offset[0] : headers.payload_end[0]])
    assert headers.marker[0]
    assert read.packets == ()
    assert read.truncated == 0


@pytest.mark.parametrize(("bits", "field"), [("00", 0), ("40", 1), ("80", 2), ("c0", 3)])
def test_the_f_bits_are_told_as_they_are(bits, field):
    read = st2110_40.parse(payload(1, CAPTION_OCTETS, field=bits))
    assert read.field is Field(field)
    assert read.packets == (CAPTION,)


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("bad_parity", "00900000 1850240a969a6640"),  # DID: b8 cleared
        ("bad_parity", "00900000 d850240a969a6640"),  # DID: b9 set
        ("bad_parity", "00900000 5850240a979a6640"),  # first user data word: a bit flipped
        ("bad_checksum", "00900000 5850240a969a4640"),  # b9 of the checksum alone
        ("bad_checksum", "00900000 5850240a969a6650"),  # b0 of the checksum
    ],
)
def test_a_damaged_packet_is_counted_and_its_neighbours_are_kept(cause, text):
    read = st2110_40.parse(payload(3, CAPTION_OCTETS, text, ANYWHERE_OCTETS))
    assert read.packets == (CAPTION, ANYWHERE)
    assert {name: getattr(read, name) for name in ("bad_parity", "bad_checksum", "truncated")} == {
        "bad_parity": 0,
        "bad_checksum": 0,
        "truncated": 0,
        cause: 1,
    }


@pytest.mark.parametrize("octets", range(12, 24))
def test_a_cut_packet_is_counted_and_the_ones_before_it_are_kept(octets):
    whole = payload(2, CAPTION_OCTETS, ANYWHERE_OCTETS)
    read = st2110_40.parse(whole[: 8 + octets])
    assert read.packets == (CAPTION,)
    assert read.truncated == 1


def test_what_lies_beyond_length_is_not_read():
    read = st2110_40.parse(payload(2, CAPTION_OCTETS, ANYWHERE_OCTETS, length=12))
    assert read.packets == (CAPTION,)
    assert read.truncated == 1


def test_a_payload_without_its_own_header_is_a_wire_error():
    with pytest.raises(WireError, match="7 octets"):
        st2110_40.parse(bytes(7))


def test_written_packets_are_those_of_the_diagram():
    (packet,) = st2110_40.pack(
        AncGrain(ticks=(1 << 32) + 2, packets=(CAPTION, ANYWHERE)), payload_type=100, ssrc=3, sequence=0x7FFFE
    )
    assert packet == octets_of(f"""
        80 e4 fffe 00000002 00000003        # marker
        0007 0018 02 000000                 # high half, 24 octets, two packets, F=00
        {CAPTION_OCTETS}
        {ANYWHERE_OCTETS}
    """)


def test_a_frame_without_packets_still_sends_one_with_the_marker():
    (packet,) = st2110_40.pack(AncGrain(ticks=2, packets=()), payload_type=100, ssrc=3, sequence=1)
    assert packet == octets_of("80 e4 0001 00000002 00000003 0000 0000 00 000000")


def test_what_does_not_fit_goes_on_in_the_next_packet_and_the_marker_comes_last():
    grain = AncGrain(ticks=2, packets=(CAPTION, ANYWHERE, CAPTION))
    packets = st2110_40.pack(grain, payload_type=100, ssrc=3, sequence=0xFFFF, max_octets=8 + 24)
    assert [packet[:4].hex() for packet in packets] == ["8064ffff", "80e40000"]
    assert [packet[12:17].hex() for packet in packets] == ["0000001802", "0001000c01"]


def test_a_packet_larger_than_any_payload_is_refused():
    large = AncPacket(did=0x50, sdid=0x01, words=bytes(255))
    with pytest.raises(FormatError, match="328 octets"):
        st2110_40.pack(AncGrain(ticks=0, packets=(large,)), payload_type=100, ssrc=3, sequence=0, max_octets=335)


def test_a_line_that_has_no_room_is_refused_by_name():
    with pytest.raises(FormatError, match="line=2048"):
        st2110_40.pack(
            AncGrain(ticks=0, packets=(AncPacket(did=0x50, sdid=1, words=b"", line=2048),)),
            payload_type=100,
            ssrc=3,
            sequence=0,
        )
