"""A header that is valid reads as RFC 3550 says, its payload lies inside its datagram, and one that is not has no payload."""

from columns import ROWS, columns
from mutation import joined, records
from relip.ports import PACKET_STRIDE
from relip.wire import rtp

FRAMED = True


def check(data: bytes) -> None:
    """Read the records as one chunk, and each by hand."""
    packets = records(data)[:ROWS]
    read = rtp.parse(*columns(packets))
    for i, packet in enumerate(packets):
        expected = by_hand(packet) if len(packet) <= PACKET_STRIDE else None
        assert bool(read.valid[i]) == (expected is not None)
        assert (int(read.payload_offset[i]), int(read.payload_end[i])) == (expected or (0, 0))
        if expected:
            assert 12 <= expected[0] <= expected[1] <= len(packet)
            assert read.timestamp[i] == int.from_bytes(packet[4:8])
            assert read.sequence[i] == int.from_bytes(packet[2:4])


def by_hand(packet: bytes) -> tuple[int, int] | None:
    """Payload offset and end of one packet, or None: RFC 3550 §5.1 and §5.3.1, line by line."""
    if len(packet) < 12 or packet[0] >> 6 != 2:
        return None
    at = 12 + 4 * (packet[0] & 15)
    if packet[0] & 16:
        if at + 4 > len(packet):
            return None
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4])
    padding = packet[-1] if packet[0] & 32 else 0
    if at + padding > len(packet) or (packet[0] & 32 and not padding):
        return None
    return at, len(packet) - padding


def seeds() -> list[bytes]:
    """Plain, with contributing sources, extended, padded."""
    head = bytes.fromhex("0001 00000e10 0000002a")
    plain = b"\x80\x60" + head + b"payload"
    sources = b"\x82\xe0" + head + bytes(8) + b"payload"
    extended = b"\x90\x60" + head + bytes.fromhex("bede 0001 01020304") + b"payload"
    padded = b"\xa0\x60" + head + b"payload" + bytes.fromhex("000003")
    return [joined([plain, sources, extended, padded]), joined([plain])]
