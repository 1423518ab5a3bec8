"""Ancillary data packets as 10-bit words: parity, checksum and the bit stream (SMPTE ST 291-1).

    DID  SDID  DC  UDW × DC  checksum        b0–b7 value, b8 even parity of b0–b7, b9 = not b8

User data words are taken to hold 8 bits each. Where a packet lies in the raster is the carriage's business (RFC 8331).
"""

from __future__ import annotations

from collections.abc import Sequence

from relip.essence.errors import FormatError
from relip.essence.grains import AncPacket

WORD_BITS = 10
MAX_USER_WORDS = 255
HEADER_WORDS = 3
"""DID, SDID (or data block number) and DC."""


def with_parity(octet: int) -> int:
    """The 10-bit word of an 8-bit value: b8 makes the ones of b0–b8 even, b9 is its complement."""
    parity = octet.bit_count() & 1
    return (1 - parity) << 9 | parity << 8 | octet


def keeps_parity(word: int) -> bool:
    """Whether b8 and b9 are those of its lower eight bits."""
    return word == with_parity(word & 0xFF)


def checksum(words: Sequence[int]) -> int:
    """The checksum word over DID up to the last user data word: the sum of their nine lower bits, b9 = not b8."""
    total = sum(word & 0x1FF for word in words) & 0x1FF
    return (~total & 0x100) << 1 | total


def words_of(packet: AncPacket) -> tuple[int, ...]:
    """DID to checksum as 10-bit words; FormatError when a field has no room for its value."""
    if len(packet.words) > MAX_USER_WORDS:
        raise FormatError(f"{len(packet.words)} user data words: an ANC packet has at most {MAX_USER_WORDS}")
    for name, value in (("DID", packet.did), ("SDID", packet.sdid)):
        if not 0 <= value <= 0xFF:
            raise FormatError(f"{name}={value:#x} does not fit 8 bits")
    words = [with_parity(octet) for octet in (packet.did, packet.sdid, len(packet.words), *packet.words)]
    return (*words, checksum(words))


def pack(words: Sequence[int]) -> bytes:
    """10-bit words as a bit stream, most significant bit first, zero-filled to 32 bits (RFC 8331 §2.1, word_align)."""
    bits = len(words) * WORD_BITS
    aligned = -(-bits // 32) * 32
    stream = 0
    for word in words:
        stream = stream << WORD_BITS | word
    return (stream << (aligned - bits)).to_bytes(aligned // 8)


def unpack(octets: bytes, count: int) -> tuple[int, ...] | None:
    """The first `count` 10-bit words of a bit stream, None when it is shorter than that."""
    need = -(-count * WORD_BITS // 8)
    if len(octets) < need:
        return None
    stream = int.from_bytes(octets[:need])
    top = need * 8 - WORD_BITS
    return tuple(stream >> (top - WORD_BITS * i) & 0x3FF for i in range(count))
