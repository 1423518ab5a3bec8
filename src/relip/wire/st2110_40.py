"""Ancillary data packets of a frame in RTP (RFC 8331 §2, ST 2110-40).

    octet  0                   2         4          5
           extended sequence   Length16  ANC_Count8 F2 reserved22
    then for each ANC packet   C1 Line11 HOffset12 S1 StreamNum7 | 10-bit words of ST 291-1 | zeros to 32 bits

An ANC packet with bad parity, a bad checksum or a missing end is dropped and counted; the others of its RTP
packet are kept. Which RTP packets make a frame is decided elsewhere, by their timestamp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from relip.essence.errors import FormatError, WireError
from relip.essence.grains import AncGrain, AncPacket
from relip.essence.tai import wrap_rtp
from relip.wire import rtp, st291

HEADER_OCTETS = 8
PLACE_OCTETS = 4
"""C, line, horizontal offset, S and stream number of one ANC packet."""
MAX_PAYLOAD_OCTETS = 1440
"""RTP payload under the Standard UDP Size Limit of 1460: less UDP 8, RTP 12 (ST 2110-10 §6.3)."""
MAX_ANC_COUNT = 255

LINE_NONE = 0x7FF
"""Without a specific line (RFC 8331 §2.1)."""
LINE_VANC = 0x7FE
"""On any line of the vertical ancillary space."""
LINE_TOO_LARGE = 0x7FD
"""On a line whose number does not fit 11 bits."""
OFFSET_NONE = 0xFFF
"""Without a specific horizontal place."""
OFFSET_HANC = 0xFFE
"""In the horizontal ancillary space."""
OFFSET_ACTIVE = 0xFFD
"""Between SAV and EAV."""
OFFSET_TOO_LARGE = 0xFFC
"""At a place whose number does not fit 12 bits."""


class Field(IntEnum):
    """The F bits. INVALID is on the wire now and then and harms nobody: it is told, not refused."""

    PROGRESSIVE = 0b00
    INVALID = 0b01
    FIRST = 0b10
    SECOND = 0b11


@dataclass(frozen=True, slots=True)
class AncPayload:
    """One RTP packet's ancillary data.

    `extended_sequence`: the high 16 bits of the sequence number. `packets`: those that were whole, in order. `octets`: of
    each, and of those with a wrong parity or checksum, every bit as it came, filled up to 32 bits where the payload ended
    before. Dropped ones are counted by cause: `bad_parity` of any word before the checksum, `bad_checksum`, and
    `truncated` for those that ANC_Count announces beyond the end of the payload.
    """

    extended_sequence: int
    field: Field
    packets: tuple[AncPacket, ...]
    bad_parity: int = 0
    bad_checksum: int = 0
    truncated: int = 0
    octets: tuple[bytes, ...] = ()


def parse(payload: bytes) -> AncPayload:
    """Read an RTP payload (header and padding already taken off); WireError when its own header is cut short.

    Length is trusted as far as the payload goes: what is beyond either of the two is not read.
    """
    if len(payload) < HEADER_OCTETS:
        raise WireError(f"an ANC payload of {len(payload)} octets has no header (RFC 8331 §2.1)")
    length = int.from_bytes(payload[2:4])
    count = payload[4]
    reader = _Reader(payload[HEADER_OCTETS : HEADER_OCTETS + length])
    for done in range(count):
        if not reader.step():
            reader.truncated = count - done
            break
    return AncPayload(
        extended_sequence=int.from_bytes(payload[:2]),
        field=Field(payload[5] >> 6),
        packets=tuple(reader.packets),
        bad_parity=reader.bad_parity,
        bad_checksum=reader.bad_checksum,
        truncated=reader.truncated,
        octets=tuple(reader.whole),
    )


def pack(grain: AncGrain, *, payload_type: int, ssrc: int, sequence: int, max_octets: int = MAX_PAYLOAD_OCTETS) -> list[bytes]:
    """The RTP packets of one progressive frame, the marker on the last; an empty grain gives one keep-alive.

    `sequence`: 32 bits, of the first packet; the next frame's is `sequence + len(result)`. Raises FormatError for an
    ANC packet whose fields have no room, or that alone is larger than an RTP payload of `max_octets`.
    """
    octets = [pack_one(packet) for packet in grain.packets]
    return pack_octets(
        octets, ticks=grain.ticks, payload_type=payload_type, ssrc=ssrc, sequence=sequence, max_octets=max_octets
    )


def pack_octets(
    octets: list[bytes], *, ticks: int, payload_type: int, ssrc: int, sequence: int, max_octets: int = MAX_PAYLOAD_OCTETS
) -> list[bytes]:
    """The same of ANC packets that are packed already, as `pack_one` or AncPayload.octets have them."""
    groups = _grouped(octets, max_octets - HEADER_OCTETS)
    headers = rtp.template(len(groups), rtp.HEADER_OCTETS, payload_type=payload_type, ssrc=ssrc)
    headers[-1, 1] |= rtp.MARKER
    fields = rtp.fixed_header(headers)
    fields["timestamp"] = wrap_rtp(ticks)
    fields["sequence"] = [(sequence + i) & 0xFFFF for i in range(len(groups))]
    packets = []
    for i, (header, group) in enumerate(zip(headers, groups, strict=True)):
        body = b"".join(group)
        extended = (sequence + i >> 16 & 0xFFFF).to_bytes(2)
        packets.append(header.tobytes() + extended + len(body).to_bytes(2) + bytes([len(group), 0, 0, 0]) + body)
    return packets


@dataclass(slots=True)
class _Reader:
    """Walks the ANC packets of a payload from the first C bit on."""

    octets: bytes
    at: int = 0
    packets: list[AncPacket] = field(default_factory=list)
    whole: list[bytes] = field(default_factory=list)
    bad_parity: int = 0
    bad_checksum: int = 0
    truncated: int = 0

    def step(self) -> bool:
        """Take one ANC packet, keep or count it; False when the octets end inside it."""
        stream = self.octets[self.at + PLACE_OCTETS :]
        header = st291.unpack(stream, st291.HEADER_WORDS)
        if header is None:
            return False
        count = st291.HEADER_WORDS + (header[2] & 0xFF) + 1
        words = st291.unpack(stream, count)
        if words is None:
            return False
        if not all(map(st291.keeps_parity, words[:-1])):
            self.bad_parity += 1
        elif words[-1] != st291.checksum(words[:-1]):
            self.bad_checksum += 1
        else:
            self.packets.append(_placed(self.octets[self.at : self.at + PLACE_OCTETS], words))
        size = PLACE_OCTETS + -(-count * st291.WORD_BITS // 32) * 4
        self.whole.append(self.octets[self.at : self.at + size].ljust(size, b"\0"))
        self.at += size
        return True


def _placed(place: bytes, words: tuple[int, ...]) -> AncPacket:
    """The ANC packet of checked words, at the place its first 32 bits name."""
    bits = int.from_bytes(place)
    return AncPacket(
        did=words[0] & 0xFF,
        sdid=words[1] & 0xFF,
        words=bytes(word & 0xFF for word in words[st291.HEADER_WORDS : -1]),
        line=bits >> 20 & 0x7FF,
        horizontal_offset=bits >> 8 & 0xFFF,
        stream=bits & 0x7F if bits & 0x80 else None,
        c_channel=bool(bits >> 31),
    )


def pack_one(packet: AncPacket) -> bytes:
    """One ANC packet from its C bit to the end of its word_align. Raises FormatError for a field that has no room."""
    stream = 0 if packet.stream is None else packet.stream
    for name, value, bits in (("line", packet.line, 11), ("offset", packet.horizontal_offset, 12), ("stream", stream, 7)):
        if not 0 <= value < 1 << bits:
            raise FormatError(f"ANC {name}={value} does not fit {bits} bits (RFC 8331 §2.1)")
    numbered = packet.stream is not None
    place = packet.c_channel << 31 | packet.line << 20 | packet.horizontal_offset << 8 | numbered << 7 | stream
    return place.to_bytes(4) + st291.pack(st291.words_of(packet))


def _grouped(packed: list[bytes], room: int) -> list[list[bytes]]:
    """ANC packets in order, as many to an RTP packet as fit `room` octets; at least one group."""
    groups: list[list[bytes]] = [[]]
    used = 0
    for one in packed:
        if len(one) > room:
            raise FormatError(f"an ANC packet of {len(one)} octets does not fit the {room} of an RTP packet")
        if used + len(one) > room or len(groups[-1]) == MAX_ANC_COUNT:
            groups.append([])
            used = 0
        groups[-1].append(one)
        used += len(one)
    return groups
