"""Replay of a capture file (pcap or pcapng), as if its packets came from the network now, as fast as they are asked for.

The file is read once, into columns. Ethernet (VLAN tags included), raw IP and Linux cooked captures are known; fragments
and packets the capture cut short are left out and counted. Capture times are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from ipaddress import IPv4Address
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np

from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.ports import PACKET_STRIDE, Chunk

_UDP_HEADER_OCTETS = 8


class _Ip(Protocol):
    """What is used of dpkt's IPv4 packet."""

    src: bytes
    dst: bytes
    mf: int
    offset: int
    data: bytes


_Unpack = Callable[[bytes], object]


class PcapSource:
    """PacketSource over the UDP packets of `path` that go to the leg's destination and port (and come from its source).

    `skipped`: packets of the leg that were fragments or cut short. Raises ResourceError for a file that cannot be
    read or is no capture, and where the `pcap` extra is not installed.
    """

    def __init__(self, path: str | Path, leg: Leg) -> None:
        self.skipped = 0
        payloads = [payload[:PACKET_STRIDE] for payload in self._payloads(Path(path), leg)]
        self._octets = np.frombuffer(b"".join(payloads), np.uint8)
        self._kept = np.array([len(payload) for payload in payloads], np.int64)
        self._starts = np.concatenate(([0], np.cumsum(self._kept)))
        self._lengths = np.array(self._true_lengths, np.int32)
        self._next = 0
        self._open = True

    def receive(self, chunk: Chunk, wait_ns: int) -> int:  # noqa: ARG002 - a file never waits
        """See PacketSource; 0 at once when the capture is exhausted."""
        if not self._open:
            raise ResourceError("the source is closed")
        n = min(len(chunk.lengths), len(self._lengths) - self._next)
        packets = slice(self._next, self._next + n)
        stride = chunk.octets.shape[1]
        assert stride >= PACKET_STRIDE, "a chunk is at least as wide as a packet that is kept"
        filled = np.arange(stride) < self._kept[packets, None]
        chunk.octets[:n][filled] = self._octets[self._starts[packets.start] : self._starts[packets.stop]]
        chunk.lengths[:n] = self._lengths[packets]
        self._next += n
        chunk.count = n
        return n

    def close(self) -> None:
        """See PacketSource."""
        self._open = False

    def _payloads(self, path: Path, leg: Leg) -> Iterator[bytes]:
        """UDP payloads in the order of the file, noting their true lengths."""
        self._true_lengths: list[int] = []
        destination = IPv4Address(leg.destination).packed
        source = IPv4Address(leg.source).packed if leg.source else None
        for ip in _ip_packets(path):
            if ip.dst != destination or (source and ip.src != source):
                continue
            datagram = bytes(ip.data)
            if ip.mf or ip.offset or len(datagram) < _UDP_HEADER_OCTETS:
                self.skipped += 1
                continue
            if int.from_bytes(datagram[2:4], "big") != leg.port:
                continue
            length = int.from_bytes(datagram[4:6], "big")
            if not _UDP_HEADER_OCTETS <= length <= len(datagram):
                self.skipped += 1
                continue
            self._true_lengths.append(length - _UDP_HEADER_OCTETS)
            yield datagram[_UDP_HEADER_OCTETS:length]


def _ip_packets(path: Path) -> Iterator[_Ip]:
    """The IPv4 packets of a file that carry UDP, as dpkt values; what is something else is passed over."""
    dpkt = _dpkt()
    try:
        with path.open("rb") as file:
            reader = dpkt.pcap.UniversalReader(file)
            frame_of = _link_layers(dpkt).get(reader.datalink())
            if frame_of is None:
                raise ResourceError(f"{path}: link type {reader.datalink()} is not Ethernet, raw IP or Linux cooked")
            for _, octets in reader:
                ip = _ip_of(dpkt, frame_of, octets)
                if ip is not None:
                    yield ip
    except (OSError, ValueError, dpkt.Error) as cause:
        raise ResourceError(f"{path}: cannot be read as a capture: {cause}") from cause


def _ip_of(dpkt: ModuleType, frame_of: _Unpack, octets: bytes) -> _Ip | None:
    """The IPv4 packet with UDP inside a frame, or None. The payload stays octets: its port is not yet known to be ours."""
    try:
        frame = frame_of(octets)
    except dpkt.UnpackError:
        return None
    ip = frame if isinstance(frame, dpkt.ip.IP) else getattr(frame, "data", None)
    return ip if isinstance(ip, dpkt.ip.IP) and ip.p == dpkt.ip.IP_PROTO_UDP else None


def _link_layers(dpkt: ModuleType) -> dict[int, _Unpack]:
    raw = 101  # LINKTYPE_RAW, which dpkt names after its BSD number
    return {
        dpkt.pcap.DLT_EN10MB: dpkt.ethernet.Ethernet,
        dpkt.pcap.DLT_RAW: dpkt.ip.IP,
        raw: dpkt.ip.IP,
        dpkt.pcap.DLT_LINUX_SLL: dpkt.sll.SLL,
    }


def _dpkt() -> ModuleType:
    try:
        return import_module("dpkt")
    except ModuleNotFoundError as cause:
        raise ResourceError("reading captures needs the extra `pcap`: pip install 'relip[pcap]'") from cause
