"""ST 291-1 by hand: ten-bit words, parity, checksum.

61h = 0110 0001, three ones  b8=1 b9=0  01 0110 0001 = 161h
02h = 0000 0010, one         b8=1 b9=0  01 0000 0010 = 102h
96h = 1001 0110, four        b8=0 b9=1  10 1001 0110 = 296h
69h = 0110 1001, four        b8=0 b9=1  10 0110 1001 = 269h
161h + 102h + 102h + 096h + 069h = 464h, nine bits 064h, b8=0 b9=1  10 0110 0100 = 264h
"""

import pytest

from relip.essence.errors import FormatError
from relip.essence.grains import AncPacket
from relip.wire import st291

pytestmark = pytest.mark.conformance

WORDS = (0x161, 0x102, 0x102, 0x296, 0x269, 0x264)
STREAM = bytes.fromhex("58 50 24 0a 96 9a 66 40")


def test_parity_and_its_complement_stand_above_the_octet():
    assert [st291.with_parity(octet) for octet in (0x61, 0x02, 0x96, 0x69, 0x00, 0xFF)] == [
        *WORDS[:2],
        0x296,
        0x269,
        0x200,
        0x2FF,
    ]


def test_a_word_with_either_upper_bit_wrong_breaks_parity():
    assert st291.keeps_parity(0x161)
    assert not st291.keeps_parity(0x161 ^ 0x100)
    assert not st291.keeps_parity(0x161 ^ 0x200)
    assert not st291.keeps_parity(0x161 ^ 0x001)


def test_the_checksum_sums_nine_bits_and_complements_the_ninth():
    assert st291.checksum(WORDS[:-1]) == 0x264
    assert st291.checksum((0x200, 0x100)) == 0x100


def test_a_packet_becomes_the_words_of_the_table():
    assert st291.words_of(AncPacket(did=0x61, sdid=0x02, words=b"\x96\x69")) == WORDS


def test_words_are_a_bit_stream_filled_to_32_bits():
    assert st291.pack(WORDS) == STREAM
    assert st291.unpack(STREAM, 6) == WORDS


def test_a_stream_that_ends_too_soon_gives_no_words():
    assert st291.unpack(STREAM[:7], 6) is None
    assert st291.unpack(b"", 1) is None


def test_what_has_no_room_is_refused_by_name():
    with pytest.raises(FormatError, match="256"):
        st291.words_of(AncPacket(did=0x61, sdid=0x02, words=bytes(256)))
    with pytest.raises(FormatError, match="SDID=0x102"):
        st291.words_of(AncPacket(did=0x61, sdid=0x102, words=b""))
