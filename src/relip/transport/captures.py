"""The records of a capture file as columns: where each frame's octets lie, how it was framed and when it came.

Both kinds of file are known in both byte orders: pcap with microseconds or nanoseconds, and pcapng, whose interfaces each
say how fine their stamps are. The file is mapped, not read: gigabytes cost what is looked at. What a frame holds is not
looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.errors import ResourceError
from relip.essence.tai import NS_PER_S

_PCAP_MAGIC = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
"""Nanoseconds of one unit of the fraction of a second."""
_PCAP_HEADER, _PCAP_RECORD = 24, 16
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _STATISTICS, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6
_RESOLUTION, _OFFSET = 9, 14
"""Options of an interface: if_tsresol and if_tsoffset."""
_DROPS = (5, 7)
"""Options of an interface's statistics: isb_ifdrop and isb_osdrop."""
_BINARY = 0x80
_MOST_OFFSET_S = 1 << 33
"""Two and a half centuries; more is damage, and has no nanoseconds in 64 bits."""
Octets = NDArray[np.uint8]
Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Records:
    """Frames in the order of the file, int64 columns (n,): first octet, octets kept, stamp in ns (UTC; 0: none), link type.

    `resolution_ns`: the coarsest step of the stamps. `ends_early`: the file stops inside its last record, which is left out.
    `dropped`: packets that the capturing machine says it lost, which only pcapng can tell.
    """

    octets: Octets
    start: NDArray[np.int64]
    kept: NDArray[np.int64]
    stamp: NDArray[np.int64]
    link: NDArray[np.int64]
    resolution_ns: int
    ends_early: bool
    dropped: int = 0


def read(path: Path) -> Records:
    """Map a file and find its records; ResourceError for one that cannot be read, is no capture or holds no whole record."""
    try:
        octets = np.asarray(np.memmap(path, np.uint8, "r"))
    except (OSError, ValueError) as cause:
        raise ResourceError(f"{path}: cannot be read as a capture: {cause}") from cause
    magic = octets[:4].tobytes()
    orders: tuple[Order, ...] = ("little", "big")
    for order in orders:
        number = int.from_bytes(magic, order)
        if len(octets) >= _PCAP_HEADER and number in _PCAP_MAGIC:
            return _whole(path, _pcap(octets, order, unit_ns=_PCAP_MAGIC[number]))
    if len(octets) >= 12 and int.from_bytes(magic, "little") == _SECTION:
        return _whole(path, _pcapng(octets))
    raise ResourceError(f"{path}: cannot be read as a capture: it begins like neither pcap nor pcapng")


def _whole(path: Path, records: Records) -> Records:
    if records.ends_early and not len(records.start):
        raise ResourceError(f"{path}: cannot be read as a capture: it ends before its first packet does")
    return records


def _pcap(octets: Octets, order: Order, *, unit_ns: int) -> Records:
    big = int(order == "big")
    starts = np.zeros(_walk_pcap(octets, np.zeros(0, np.int64), big)[0], np.int64)
    count, end = _walk_pcap(octets, starts, big)
    swapped = np.full(count, order == "big")
    seconds, fraction, kept = (_field32(octets, starts + at, swapped) for at in (0, 4, 8))
    link = int.from_bytes(octets[20:24].tobytes(), order) & 0xFFFF
    return Records(
        octets=octets,
        start=starts + _PCAP_RECORD,
        kept=kept,
        stamp=seconds * NS_PER_S + fraction * unit_ns,
        link=np.full(count, link),
        resolution_ns=unit_ns,
        ends_early=end < len(octets),
    )


def _pcapng(octets: Octets) -> Records:
    count, _ = _walk_pcapng(octets, np.zeros((0, 3), np.int64))
    blocks = np.zeros((count, 3), np.int64)
    _, end = _walk_pcapng(octets, blocks)
    at, kind, swapped = blocks[:, 0], blocks[:, 1], blocks[:, 2] != 0
    size = _field32(octets, at + 4, swapped)
    interfaces, dropped = _Interfaces.of(octets, at, kind, swapped), _dropped(octets, at, kind, swapped)
    section = np.cumsum(kind == _SECTION)
    packets = (kind == _ENHANCED) | (kind == _PACKET) | (kind == _SIMPLE)
    at, kind, swapped, size, section = (column[packets] for column in (at, kind, swapped, size, section))
    simple = kind == _SIMPLE
    number = np.where(kind == _PACKET, _field16(octets, at + 8, swapped), _field32(octets, at + 8, swapped))
    which = interfaces.find(section, np.where(simple, 0, number))
    stamp = interfaces.stamp(which, _field32(octets, at + 12, swapped), _field32(octets, at + 16, swapped))
    kept = np.where(simple, np.minimum(_field32(octets, at + 8, swapped), size - 16), _field32(octets, at + 20, swapped))
    known = (which >= 0) & (kept <= size - np.where(simple, 16, 32))
    return Records(
        octets=octets,
        start=(at + np.where(simple, 12, 28))[known],
        kept=kept[known],
        stamp=np.where(simple, 0, stamp)[known],
        link=interfaces.link[which[known]],
        resolution_ns=interfaces.coarsest_ns,
        ends_early=end < len(octets),
        dropped=dropped,
    )


@dataclass(frozen=True, slots=True)
class _Interfaces:
    """The interfaces of a pcapng file, by the section they stand in and their number there; columns (m,)."""

    section: NDArray[np.int64]
    number: NDArray[np.int64]
    link: NDArray[np.int64]
    resolution: NDArray[np.int64]
    offset_ns: NDArray[np.int64]

    @classmethod
    def of(cls, octets: Octets, at: NDArray[np.int64], kind: NDArray[np.int64], swapped: NDArray[np.bool_]) -> _Interfaces:
        """Read the interface blocks, of which a file has few."""
        rows: list[tuple[int, int, int, int, int]] = []
        section = number = 0
        for place in np.flatnonzero((kind == _SECTION) | (kind == _INTERFACE)).tolist():
            if kind[place] == _SECTION:
                section, number = section + 1, 0
                continue
            order: Order = "big" if swapped[place] else "little"
            body = _body(octets, int(at[place]), order)
            resolution, offset_s = _timing(body[8:], order)
            link = int.from_bytes(body[:2], order)
            rows.append((section, number, link, resolution, offset_s * NS_PER_S))
            number += 1
        columns = np.array(rows, np.int64).reshape(-1, 5).T
        return cls(*columns)

    @property
    def coarsest_ns(self) -> int:
        """The greatest step of all interfaces, rounded up to whole nanoseconds."""
        return max((-(-NS_PER_S // _units(resolution)) for resolution in self.resolution.tolist()), default=1)

    def find(self, section: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index of the interface of each packet, (n,); −1 where it was not described."""
        found = np.full(len(section), -1, np.int64)
        for index, (its_section, its_number) in enumerate(zip(self.section, self.number, strict=True)):
            found[(section == its_section) & (number == its_number)] = index
        return found

    def stamp(self, which: NDArray[np.int64], high: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.int64]:
        """Stamps in ns, (n,), exact to the nanosecond below."""
        raw = high.astype(np.uint64) << 32 | low.astype(np.uint64)
        stamp = np.zeros(len(raw), np.int64)
        for index, (resolution, offset) in enumerate(zip(self.resolution.tolist(), self.offset_ns.tolist(), strict=True)):
            own = which == index
            units = _units(resolution)
            seconds, fraction = (column.astype(np.int64) for column in np.divmod(raw[own], np.uint64(units)))
            # What lies below a nanosecond goes first, so that the product fits.
            below = max(1, units // (1 << 30 if resolution & _BINARY else NS_PER_S))
            stamp[own] = offset + seconds * NS_PER_S + fraction // below * NS_PER_S // (units // below)
        return stamp


def _units(resolution: int) -> int:
    """Units a second of an if_tsresol octet: a power of ten, or of two where its highest bit is set."""
    power = min(resolution & 0x7F, 60 if resolution & _BINARY else 18)
    return 1 << power if resolution & _BINARY else 10**power


def _timing(options: bytes, order: Order) -> tuple[int, int]:
    """if_tsresol, 6 where it is not said, and if_tsoffset, in seconds."""
    resolution, offset_s = 6, 0
    for code, value in _options(options, order):
        if code == _RESOLUTION and len(value) == 1:
            resolution = value[0]
        elif code == _OFFSET and len(value) == 8:
            said = int.from_bytes(value, order, signed=True)
            offset_s = said if abs(said) <= _MOST_OFFSET_S else 0
    return resolution, offset_s


def _dropped(octets: Octets, at: NDArray[np.int64], kind: NDArray[np.int64], swapped: NDArray[np.bool_]) -> int:
    """Packets lost by the capturing machine: the last word on each interface of each section, summed."""
    section = np.cumsum(kind == _SECTION)
    last: dict[tuple[int, int], int] = {}
    for place in np.flatnonzero(kind == _STATISTICS).tolist():
        order: Order = "big" if swapped[place] else "little"
        body = _body(octets, int(at[place]), order)
        drops = sum(int.from_bytes(value, order) for code, value in _options(body[12:], order) if code in _DROPS)
        last[int(section[place]), int.from_bytes(body[:4], order)] = drops
    return sum(last.values())


def _body(octets: Octets, at: int, order: Order) -> bytes:
    """What a block holds between its two sizes."""
    size = int.from_bytes(octets[at + 4 : at + 8].tobytes(), order)
    return octets[at + 8 : at + size - 4].tobytes()


def _options(octets: bytes, order: Order) -> Iterator[tuple[int, bytes]]:
    """Code and value of each whole option."""
    while len(octets) >= 4:
        code, length = (int.from_bytes(octets[at : at + 2], order) for at in (0, 2))
        if 4 + length > len(octets):
            break
        yield code, octets[4 : 4 + length]
        octets = octets[4 + length + -length % 4 :]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _number(octets: Octets, at: int, big: int) -> int:
    """Four octets as a number, little-endian where `big` is 0."""
    a, b, c, d = np.int64(octets[at]), np.int64(octets[at + 1]), np.int64(octets[at + 2]), np.int64(octets[at + 3])
    return int(a << 24 | b << 16 | c << 8 | d if big else d << 24 | c << 16 | b << 8 | a)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _walk_pcap(octets: Octets, starts: NDArray[np.int64], big: int) -> tuple[int, int]:
    """Note where whole records begin, as far as there is room; how many there are, and the octet after the last."""
    at, count = 24, 0
    while at + 16 <= len(octets):
        end = at + 16 + _number(octets, at + 8, big)
        if end > len(octets):
            break
        if count < len(starts):
            starts[count] = at
        at, count = end, count + 1
    return count, at


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _walk_pcapng(octets: Octets, blocks: NDArray[np.int64]) -> tuple[int, int]:
    """Note place, kind and byte order of whole blocks, as far as there is room; how many, and the octet after the last."""
    at, count, big = 0, 0, 0
    while at + 12 <= len(octets):
        if _number(octets, at, 0) == 0x0A0D0D0A:
            big = int(_number(octets, at + 8, 1) == 0x1A2B3C4D)
        size = _number(octets, at + 4, big)
        if size < 12 or size % 4 or at + size > len(octets):
            break
        if count < len(blocks):
            blocks[count, 0], blocks[count, 1], blocks[count, 2] = at, _number(octets, at, big), big
        at, count = at + size, count + 1
    return count, at


def _field16(octets: Octets, at: NDArray[np.int64], swapped: NDArray[np.bool_]) -> NDArray[np.int64]:
    first, second = (octets[np.minimum(at + i, len(octets) - 1)].astype(np.int64) for i in range(2))
    return np.where(swapped, first << 8 | second, second << 8 | first)


def _field32(octets: Octets, at: NDArray[np.int64], swapped: NDArray[np.bool_]) -> NDArray[np.int64]:
    low, high = _field16(octets, at, swapped), _field16(octets, at + 2, swapped)
    return np.where(swapped, low << 16 | high, high << 16 | low)
