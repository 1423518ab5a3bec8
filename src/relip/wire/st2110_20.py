"""Which sample rows the packets of a chunk carry, and the headers of the packets of a frame (RFC 4175, ST 2110-20 §6).

    octet  0        12         14                20
           RTP      extended   SRD header ×1..3  sample data of all headers, back to back
                    sequence   Length16 F1 Row15 C1 Offset15

Sent is the general packing mode with one SRD header and whole rows; read is every packing mode. Only pgroups of
4:2:2 10 bit are known (5 octets, 2 pixels). No sample is touched or copied here, and no raster is known to `parse`:
`within_raster` is the second half of its masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS, VideoFormat
from relip.wire import rtp

EXTENDED_SEQUENCE_OCTETS = 2
SRD_OCTETS = 6
MAX_SRD = 3
"""SRD headers a packet may have (ST 2110-20 §6.1.4)."""
MAX_DATA_OCTETS = 1430
"""Sample octets under the Standard UDP Size Limit of 1460: less UDP 8, RTP 12, one SRD 8, in whole pgroups
(ST 2110-10 §6.3)."""
MIN_DATA_OCTETS = 180
"""Smallest packet that is planned: a block of the block packing mode (ST 2110-20 §6.3.3). Below it the headers win."""
FRAME_HEADER = np.dtype(
    [
        *((name, rtp.HEADER[name]) for name in rtp.HEADER.names or ()),
        ("extended_sequence", ">u2"),
        ("length", ">u2"),
        ("row", ">u2"),
        ("offset", ">u2"),
    ]
)
"""RTP header, high half of the sequence number and one SRD header, as a record."""


class Fault(IntEnum):
    """Why a packet is masked. Where several apply, the lowest number is the one that is given."""

    NONE = 0
    RTP = 1
    """The fixed header breaks RFC 3550 (see `rtp.parse`)."""
    PAYLOAD_TYPE = 2
    """Another payload type: not ours to read."""
    HEADERS_CUT = 3
    """The payload ends inside the extended sequence number or an SRD header."""
    CHAIN = 4
    """The third SRD header announces a fourth."""
    LENGTH = 5
    """A Length is not a whole number of pgroups."""
    OFFSET = 6
    """An Offset falls inside a pgroup."""
    DATA_CUT = 7
    """The Lengths add up to more octets than the payload has."""


@dataclass(frozen=True, slots=True)
class RowSpans:
    """What a chunk says: columns of packets (n,), and columns of spans (m,), a span for each SRD header that is valid.

    Packets: `fault` (uint8, a `Fault`); and, only where it is NONE, `marker`, `timestamp` (32 bits), `sequence` (32 bits:
    extended sequence number in the high half), `ssrc`, and `interlaced` (an SRD header has F=1: a field or segment,
    which is for the assembler to refuse).
    Spans, in the order of packets and of SRD headers: `packet` the index of their packet, `row`, `offset_octets` in the
    packed row, `length_octets` (0 is legal and carries nothing), `data` the first octet in the packet's row of the chunk.
    Octets after the last span's data are ignored. Integers are int64.
    """

    fault: NDArray[np.uint8]
    marker: NDArray[np.bool_]
    timestamp: NDArray[np.int64]
    sequence: NDArray[np.int64]
    ssrc: NDArray[np.int64]
    interlaced: NDArray[np.bool_]
    packet: NDArray[np.int64]
    row: NDArray[np.int64]
    offset_octets: NDArray[np.int64]
    length_octets: NDArray[np.int64]
    data: NDArray[np.int64]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which packets have no fault."""
        return np.equal(self.fault, Fault.NONE)

    @property
    def faults(self) -> NDArray[np.int64]:
        """How many packets have each fault, indexed by `Fault`."""
        return np.bincount(self.fault, minlength=len(Fault))


def parse(octets: NDArray[np.uint8], lengths: NDArray[np.int32], *, payload_type: int) -> RowSpans:
    """Read `octets` (n, stride) uint8, one datagram of `lengths` (n,) octets a row; never raises for what it reads."""
    headers = rtp.parse(octets, lengths)
    octets = rtp.at_least(octets, rtp.HEADER_OCTETS)
    chain = _read_chain(octets, headers)
    sizes = np.where(chain.present, chain.length, 0)
    begins = chain.end[:, None] + np.cumsum(sizes, axis=1) - sizes
    fault = np.select(
        [
            ~headers.valid,
            headers.payload_type != payload_type,
            chain.cut,
            chain.endless,
            (sizes % PGROUP_OCTETS != 0).any(axis=1),
            (chain.present & (chain.offset % PGROUP_PIXELS != 0)).any(axis=1),
            chain.end + sizes.sum(axis=1) > headers.payload_end,
        ],
        [fault.value for fault in Fault if fault],
        Fault.NONE.value,
    ).astype(np.uint8)
    present = chain.present & (fault == Fault.NONE)[:, None]
    return RowSpans(
        fault=fault,
        marker=headers.marker,
        timestamp=headers.timestamp,
        sequence=rtp.field16(octets, headers.payload_offset) << 16 | headers.sequence,
        ssrc=headers.ssrc,
        interlaced=(present & chain.second_field).any(axis=1),
        packet=np.nonzero(present)[0],
        row=chain.row[present],
        offset_octets=chain.offset[present] // PGROUP_PIXELS * PGROUP_OCTETS,
        length_octets=chain.length[present],
        data=begins[present],
    )


def within_raster(spans: RowSpans, format: VideoFormat) -> NDArray[np.bool_]:  # noqa: A002  the essence's own word
    """Which spans lie wholly inside the raster, (m,); the wire may name any 15-bit row and offset."""
    return (spans.row < format.height) & (spans.offset_octets + spans.length_octets <= format.row_octets)


class FrameHeaders:
    """The packets of a frame: planned once for a flow, stamped for each frame (ST 2110-20 §6.3.2, general packing mode).

    All packets are equal: the row is cut into the fewest equal parts of whole pgroups that fit a packet.
    `headers` (n, 20) uint8 belongs to this object and changes with `stamp`; packet i carries
    `lengths[i]` octets from `offsets[i]` of the packed frame, both (n,) int64, read-only and the same for every frame.
    Raises FormatError when the row has no such parts of at least MIN_DATA_OCTETS.
    """

    def __init__(self, format: VideoFormat, *, payload_type: int, ssrc: int) -> None:  # noqa: A002  the essence's own word
        parts = _parts(format)
        data_octets = format.row_octets // parts
        self.packets = format.height * parts
        octets = rtp.HEADER_OCTETS + EXTENDED_SEQUENCE_OCTETS + SRD_OCTETS
        self.headers = rtp.template(self.packets, octets, payload_type=payload_type, ssrc=ssrc)
        self.headers[-1, 1] |= rtp.MARKER
        index = np.arange(self.packets)
        self.offsets = index * data_octets
        self.lengths = np.full(self.packets, data_octets, np.int64)
        self.offsets.flags.writeable = self.lengths.flags.writeable = False
        self._fields = self.headers.view(FRAME_HEADER)[:, 0]
        self._fields["length"] = data_octets
        self._fields["row"] = index // parts
        self._fields["offset"] = index % parts * (data_octets // PGROUP_OCTETS * PGROUP_PIXELS)
        self._index = index.astype(np.uint32)
        self._sequence = np.empty(self.packets, np.uint32)
        self._half = np.empty(self.packets, np.uint32)

    def stamp(self, sequence: int, rtp: int) -> int:
        """Write the 32-bit sequence numbers from `sequence` on and the timestamp `rtp`; returns the next frame's first."""
        np.add(self._index, np.uint32(sequence & 0xFFFFFFFF), out=self._sequence)
        np.bitwise_and(self._sequence, 0xFFFF, out=self._half)
        self._fields["sequence"] = self._half
        np.right_shift(self._sequence, 16, out=self._half)
        self._fields["extended_sequence"] = self._half
        self._fields["timestamp"] = rtp & 0xFFFFFFFF
        return (sequence + self.packets) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Chain:
    """The SRD headers of each packet, (n, MAX_SRD), and what was wrong with the chain, (n,)."""

    present: NDArray[np.bool_]
    length: NDArray[np.int64]
    second_field: NDArray[np.bool_]
    row: NDArray[np.int64]
    offset: NDArray[np.int64]
    cut: NDArray[np.bool_]
    endless: NDArray[np.bool_]
    end: NDArray[np.int64]


def _read_chain(octets: NDArray[np.uint8], headers: rtp.RtpColumns) -> _Chain:
    """Follow the continuation bits; `end` is where the sample data begin."""
    at = headers.payload_offset[:, None] + EXTENDED_SEQUENCE_OCTETS + SRD_OCTETS * np.arange(MAX_SRD)
    length, row, offset = (np.stack([rtp.field16(octets, column + field) for column in at.T], axis=1) for field in (0, 2, 4))
    continued = (offset & 0x8000) != 0
    announced = np.ones_like(continued)
    announced[:, 1:] = np.logical_and.accumulate(continued[:, :-1], axis=1)
    fits = at + SRD_OCTETS <= headers.payload_end[:, None]
    return _Chain(
        present=announced & fits,
        length=length,
        second_field=(row & 0x8000) != 0,
        row=row & 0x7FFF,
        offset=offset & 0x7FFF,
        cut=(announced & ~fits).any(axis=1),
        endless=continued.all(axis=1),
        end=at[:, 0] + SRD_OCTETS * announced.sum(axis=1),
    )


def _parts(format: VideoFormat) -> int:  # noqa: A002  the essence's own word
    """The fewest equal parts of a row that fit a packet; FormatError when there are none worth sending."""
    pgroups = format.row_octets // PGROUP_OCTETS
    fewest = -(-format.row_octets // MAX_DATA_OCTETS)
    parts = next(n for n in range(fewest, pgroups + 1) if pgroups % n == 0)
    if parts > 1 and format.row_octets // parts < MIN_DATA_OCTETS:
        raise FormatError(f"width={format.width}: a row of {pgroups} pgroups has no equal parts that fill a packet")
    return parts
