"""What a probe keeps of each packet: one record of 36 octets, filled by compiled code, so that watching costs little.

A record says what every kind of flow has in common, and for video what its SRD headers say. The octets are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import PGROUP_OCTETS
from relip.frames import rows
from relip.ports import Chunk
from relip.wire import rtp
from relip.wire.st2110_20 import Fault

MOST_PACKETS = 40_000_000
"""Of one leg: two and a half minutes of 1080p60, which need about 6 GB while they are worked out."""
BLOCK_OCTETS = 180
"""Sample data in the block packing mode come in whole blocks (ST 2110-20 §6.3.3)."""
PACKET = np.dtype(
    [
        ("arrival", "i8"),
        ("sequence", "u4"),
        ("timestamp", "u4"),
        ("ssrc", "u4"),
        ("octets", "u2"),
        ("payload_type", "u1"),
        ("valid", "?"),
        ("marker", "?"),
        ("spans", "u1"),
        ("blocks", "?"),
        ("interlaced", "?"),
        ("row", "u2"),
        ("data", "u2"),
        ("row_octets", "u4"),
    ]
)
"""One packet: arrival in ns, UTC, 0 where unknown; sequence number as wide as the flow has it; UDP payload octets; whether it
is well formed; `data`: octets behind the headers, of video those of samples. Of video: SRD headers, whether all their lengths
are whole blocks, greatest row, and how far into a packed row they reach."""
Packets = NDArray[np.void]


@dataclass(slots=True)
class Kept:
    """Records in the order of arrival, kept chunk by chunk."""

    parts: list[Packets] = field(default_factory=list)
    count: int = 0

    def add(self, packets: Packets) -> None:
        """Keep some more. Raises FormatError beyond MOST_PACKETS."""
        self.count += len(packets)
        if self.count > MOST_PACKETS:
            raise FormatError(f"more than {MOST_PACKETS} packets of one leg: look at a shorter time")
        self.parts.append(packets)

    def all(self) -> Packets:
        """All of them, (n,) of PACKET."""
        return np.concatenate([np.zeros(0, PACKET), *self.parts])


def of_chunk(chunk: Chunk) -> Packets:
    """What RTP alone says of a chunk's packets; the sequence number has 16 bits."""
    n = chunk.count
    read = rtp.parse(chunk.octets[:n], chunk.lengths[:n])
    packets = np.zeros(n, PACKET)
    packets["arrival"] = 0 if chunk.arrivals is None else chunk.arrivals[:n]
    packets["octets"] = chunk.lengths[:n]
    packets["data"] = read.payload_end - read.payload_offset
    for name in ("sequence", "timestamp", "ssrc", "payload_type", "marker", "valid"):
        packets[name] = getattr(read, name)
    return packets


def of_video(chunk: Chunk, payload_type: int) -> Packets:
    """What RTP and the SRD headers say of a chunk's packets; the sequence number has 32 bits."""
    packets = of_chunk(chunk)
    spans = np.zeros((rows.MAX_SPANS, rows.SPAN_FIELDS), np.int64)
    _read_video(chunk.octets, chunk.lengths, payload_type, spans, packets)
    return packets


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _read_video(
    octets: NDArray[np.uint8], lengths: NDArray[np.int32], payload_type: int, spans: NDArray[np.int64], packets: Packets
) -> None:
    """Fill in what the SRD headers say; a packet that breaks their rules is not valid."""
    for i in range(len(packets)):
        if not packets[i].valid or packets[i].payload_type != payload_type:
            continue
        fault, count, interlaced, sequence = rows.read(octets, i, lengths[i], payload_type, spans)
        packets[i].valid = fault == Fault.NONE.value
        packets[i].sequence = sequence
        packets[i].spans = count
        packets[i].interlaced = interlaced
        packets[i].blocks = count > 0
        packets[i].data = 0
        for span in range(count):
            length = spans[span, rows.LENGTH]
            packets[i].row = max(packets[i].row, spans[span, rows.ROW])
            packets[i].data += length
            packets[i].row_octets = max(packets[i].row_octets, spans[span, rows.OFFSET] + length)
            packets[i].blocks &= length % BLOCK_OCTETS == 0


def pixels_of(octets: int) -> int:
    """Pixels in so many octets of a packed row."""
    return octets // PGROUP_OCTETS * 2
