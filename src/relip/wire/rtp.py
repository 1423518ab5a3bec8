"""The RTP fixed header of a whole chunk of packets, as columns (RFC 3550 §5.1).

Columns in, columns out: a packet that breaks the header's rules is masked and never raises. Nothing here knows
what a payload means, keeps anything between calls or touches the octets it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError

HEADER_OCTETS = 12
"""The fixed header, without contributing sources and extension (RFC 3550 §5.1)."""
VERSION = 2
MARKER = 0x80
"""The M bit in the second octet, above the payload type."""
HEADER = np.dtype(
    [
        ("first", "u1"),
        ("marker_type", "u1"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
    ]
)
"""The fixed header as a record: `first` is V2 P1 X1 CC4, `marker_type` is M1 PT7."""


@dataclass(frozen=True, slots=True)
class RtpColumns:
    """One fixed header for each packet; every column is (n,), integers are int64.

    `valid`: the header keeps RFC 3550. Where it is false the other columns say nothing and the payload is empty.
    `sequence`: the 16 bits on the wire. `timestamp`, `ssrc`: 32 bits, unsigned. `payload_offset`, `payload_end`: the
    octets between header and padding, as a half-open range of the packet's row.
    """

    valid: NDArray[np.bool_]
    marker: NDArray[np.bool_]
    payload_type: NDArray[np.int64]
    sequence: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    ssrc: NDArray[np.int64]
    payload_offset: NDArray[np.int64]
    payload_end: NDArray[np.int64]


def parse(octets: NDArray[np.uint8], lengths: NDArray[np.int32]) -> RtpColumns:
    """Read the headers of `octets` (n, stride) uint8, whose datagrams are `lengths` (n,) octets long.

    Masked: a datagram shorter than its own header or longer than the stride (it was cut on receipt), a version other
    than 2, and padding that is empty or longer than the payload (§5.1: the count includes itself).
    """
    stride = octets.shape[1]
    octets = at_least(octets, HEADER_OCTETS)
    length = lengths.astype(np.int64)
    first = octets[:, 0].astype(np.int64)
    offset = HEADER_OCTETS + 4 * (first & 0x0F)
    extended = (first & 0x10) != 0
    extension = 4 + 4 * field16(octets, offset + 2)
    offset = offset + np.where(extended, extension, 0)
    padded = (first & 0x20) != 0
    padding = np.where(padded, field8(octets, length - 1), 0)
    valid = (length <= stride) & (first >> 6 == VERSION) & (offset + padding <= length) & ((padding > 0) | ~padded)
    return RtpColumns(
        valid=valid,
        marker=(octets[:, 1] & MARKER) != 0,
        payload_type=(octets[:, 1] & 0x7F).astype(np.int64),
        sequence=field16(octets, 2),
        timestamp=field32(octets, 4),
        ssrc=field32(octets, 8),
        payload_offset=np.where(valid, offset, 0),
        payload_end=np.where(valid, length - padding, 0),
    )


def template(packets: int, header_octets: int, *, payload_type: int, ssrc: int) -> NDArray[np.uint8]:
    """Headers for `packets` packets, (packets, header_octets) uint8: version, payload type and SSRC set, the rest zero.

    Raises FormatError for a payload type or SSRC that has no room in its field.
    """
    if not 0 <= payload_type < MARKER:
        raise FormatError(f"payload type {payload_type} does not fit 7 bits (RFC 3550 §5.1)")
    if not 0 <= ssrc < 1 << 32:
        raise FormatError(f"SSRC {ssrc} does not fit 32 bits (RFC 3550 §5.1)")
    headers = np.zeros((packets, header_octets), np.uint8)
    fields = fixed_header(headers)
    fields["first"] = VERSION << 6
    fields["marker_type"] = payload_type
    fields["ssrc"] = ssrc
    return headers


def fixed_header(headers: NDArray[np.uint8]) -> NDArray[np.void]:
    """The first twelve octets of each row as HEADER records, (n,); a view that writes through."""
    assert headers.strides[1] == 1, "an RTP header lies in consecutive octets"
    return headers[:, :HEADER_OCTETS].view(HEADER)[:, 0]


def field8(octets: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The octet at `at` (n,) of each row; a place outside the row reads some other octet and must be masked."""
    rows = np.arange(len(octets))
    return octets[rows, np.clip(at, 0, octets.shape[1] - 1)].astype(np.int64)


def field16(octets: NDArray[np.uint8], at: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """The 16 bits at `at`, big-endian; outside the row as in `field8`."""
    place = np.broadcast_to(at, len(octets))
    return field8(octets, place) << 8 | field8(octets, place + 1)


def field32(octets: NDArray[np.uint8], at: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """The 32 bits at `at`, big-endian, unsigned; outside the row as in `field8`."""
    place = np.broadcast_to(at, len(octets))
    return field16(octets, place) << 16 | field16(octets, place + 2)


def at_least(octets: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """The chunk itself, or a zero-filled wider copy when its stride is so short that no header fits."""
    missing = stride - octets.shape[1]
    return np.pad(octets, ((0, 0), (0, missing))) if missing > 0 else octets
