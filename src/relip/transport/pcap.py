"""Replay of a capture file (pcap or pcapng), as if its packets came from the network now, as fast as they are asked for.

Ethernet (VLAN tags included), raw IP and Linux cooked captures are known; fragments and packets the capture cut short
are left out and counted. The stamps are the file's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.ports import PACKET_STRIDE, Chunk
from relip.transport import captures

_IP_HEADER_OCTETS = 20
_UDP_HEADER_OCTETS = 8
_UDP = 17
_FRAGMENT = 0x3FFF
"""More fragments, and the fragment's offset."""
_ETHERTYPE_IPV4 = 0x0800
_ETHERTYPES_VLAN = (0x8100, 0x88A8)
_VLAN_TAGS = 2
_TYPE_AT = {1: 12, 113: 14, 276: 0}
"""Link type (Ethernet, Linux cooked 1 and 2) → where the type of what follows stands."""
_HEADER_OCTETS = {1: 14, 113: 16, 276: 20}
_RAW_LINKS = (12, 14, 101, 228)
"""Link types of frames that begin with the IP header: BSD's numbers, LINKTYPE_RAW and LINKTYPE_IPV4."""


@dataclass(frozen=True, slots=True)
class CapturedFlow:
    """UDP packets of a capture that go to one destination and port, whoever sent them: how many, and the senders."""

    leg: Leg
    packets: int
    senders: tuple[str, ...]


class Capture:
    """The UDP packets over IPv4 in a capture file, as columns (n,) of int64; the octets stay in the file.

    `destination`, `source`: addresses as numbers. `port`. `payload`: its first octet in the file. `length`: of the whole
    payload. `stamp`: ns, UTC; 0 where the file has none. `broken`: fragments and packets cut short, whose other columns
    but the addresses may say nothing. `resolution_ns`: step of the stamps. `ends_early`: the file stops inside a packet.
    `dropped`: packets that the capturing machine says it lost.
    Raises ResourceError for a file that cannot be read or is no capture.
    """

    def __init__(self, path: str | Path) -> None:
        records = captures.read(Path(path))
        at = _ip_begins(records, Path(path))
        self.octets, self.resolution_ns, self.ends_early = records.octets, records.resolution_ns, records.ends_early
        self.dropped = records.dropped
        end = records.start + records.kept
        first = _field8(self.octets, at)
        inside = (at >= 0) & (at + _IP_HEADER_OCTETS <= end)
        is_udp = inside & (first >> 4 == 4) & (_field8(self.octets, at + 9) == _UDP)
        at, end, first, self.stamp = (column[is_udp] for column in (at, end, first, records.stamp))
        self.source, self.destination = _field32(self.octets, at + 12), _field32(self.octets, at + 16)
        udp = at + 4 * (first & 0x0F)
        end = np.minimum(end, at + _field16(self.octets, at + 2))
        self.port = _field16(self.octets, udp + 2)
        self.length = _field16(self.octets, udp + 4) - _UDP_HEADER_OCTETS
        self.payload = udp + _UDP_HEADER_OCTETS
        fragment = _field16(self.octets, at + 6) & _FRAGMENT != 0
        self.headless = fragment | (self.payload > end)
        self.broken = self.headless | (self.length < 0) | (self.payload + self.length > end)

    def flows(self) -> tuple[CapturedFlow, ...]:
        """The flows with whole packets, by destination and port."""
        whole = ~self.broken & (self.port > 0)
        keys = zip(*(column[whole].tolist() for column in (self.destination, self.port, self.source)), strict=True)
        counts = Counter(keys)
        flows = sorted({key[:2] for key in counts})
        return tuple(
            CapturedFlow(
                leg=Leg(str(IPv4Address(destination)), port),
                packets=sum(count for key, count in counts.items() if key[:2] == (destination, port)),
                senders=tuple(str(IPv4Address(key[2])) for key in sorted(counts) if key[:2] == (destination, port)),
            )
            for destination, port in flows
        )


class PcapSource:
    """PacketSource over the UDP packets of a capture that go to the leg's destination and port (and come from its source).

    `skipped`: packets of the leg that were fragments or cut short. Raises ResourceError as `Capture` does, to which a path
    is opened.
    """

    def __init__(self, capture: Capture | str | Path, leg: Leg) -> None:
        self._capture = capture if isinstance(capture, Capture) else Capture(capture)
        of = self._capture
        own = of.destination == int(IPv4Address(leg.destination))
        if leg.source:
            own &= of.source == int(IPv4Address(leg.source))
        own &= of.headless | (of.port == leg.port)
        self.skipped = int((own & of.broken).sum())
        self._packets = np.flatnonzero(own & ~of.broken)
        self._next = 0
        self._open = True

    def receive(self, chunk: Chunk, wait_ns: int) -> int:  # noqa: ARG002 - a file never waits
        """See PacketSource; 0 at once when the capture is exhausted."""
        if not self._open:
            raise ResourceError("the source is closed")
        packets = self._packets[self._next : self._next + len(chunk.lengths)]
        n = chunk.count = len(packets)
        length = self._capture.length[packets]
        assert chunk.octets.shape[1] >= PACKET_STRIDE, "a chunk is at least as wide as a packet that is kept"
        _copy(self._capture.octets, self._capture.payload[packets], np.minimum(length, PACKET_STRIDE), chunk.octets)
        chunk.lengths[:n] = length
        if chunk.arrivals is not None:
            chunk.arrivals[:n] = self._capture.stamp[packets]
        self._next += n
        return n

    def close(self) -> None:
        """See PacketSource."""
        self._open = False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _copy(octets: NDArray[np.uint8], begins: NDArray[np.int64], sizes: NDArray[np.int64], rows: NDArray[np.uint8]) -> None:
    """Copy a run of octets to each row."""
    for row in range(len(begins)):
        rows[row, : sizes[row]] = octets[begins[row] : begins[row] + sizes[row]]


def _ip_begins(records: captures.Records, path: Path) -> NDArray[np.int64]:
    """Where the IPv4 header of each frame begins, −1 where it has none; ResourceError for an unknown link type."""
    begins = np.full(len(records.start), -1, np.int64)
    for link in np.unique(records.link).tolist():
        own = records.link == link
        if link in _RAW_LINKS:
            begins[own] = records.start[own]
        elif link in _TYPE_AT:
            begins[own] = _behind_tags(records.octets, records.start[own], link)
        else:
            raise ResourceError(f"{path}: link type {link} is not Ethernet, raw IP or Linux cooked")
    return begins


def _behind_tags(octets: NDArray[np.uint8], start: NDArray[np.int64], link: int) -> NDArray[np.int64]:
    """Where the IPv4 header begins behind a link header and its VLAN tags, −1 where something else follows."""
    kind = _field16(octets, start + _TYPE_AT[link])
    at = start + _HEADER_OCTETS[link]
    for _ in range(_VLAN_TAGS):
        tagged = np.isin(kind, _ETHERTYPES_VLAN)
        kind = np.where(tagged, _field16(octets, at + 2), kind)
        at = np.where(tagged, at + 4, at)
    return np.where(kind == _ETHERTYPE_IPV4, at, -1)


def _field8(octets: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The octet at each place; a place outside the file reads some other octet and must be masked."""
    return octets[np.clip(at, 0, len(octets) - 1)].astype(np.int64)


def _field16(octets: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    return _field8(octets, at) << 8 | _field8(octets, at + 1)


def _field32(octets: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    return _field16(octets, at) << 16 | _field16(octets, at + 2)
