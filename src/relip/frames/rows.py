"""One ST 2110-20 packet read in compiled code: the fast twin of `wire.st2110_20.parse`, which is the specification.

Same faults in the same order, same spans. It reads one packet at a time, so that the assembler can copy while the
octets are in the cache. Nothing is copied here and no raster is known.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS
from relip.wire import rtp, st2110_20
from relip.wire.st2110_20 import EXTENDED_SEQUENCE_OCTETS, MAX_SRD, SRD_OCTETS, Fault

_FIXED_OCTETS = rtp.HEADER_OCTETS
_VERSION = rtp.VERSION

ROW, OFFSET, LENGTH, DATA = range(4)
"""Columns of a span: sample row, octets into the packed row, octets, first octet in the packet."""
SPAN_FIELDS = 4
_NO_PAYLOAD = (np.int64(1), np.int64(0))
MAX_SPANS = st2110_20.MAX_SRD


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def field16(octets: NDArray[np.uint8], packet: int, at: int | np.int64) -> np.int64:
    """The 16 bits at `at`, big-endian."""
    return np.int64(octets[packet, at]) << 8 | np.int64(octets[packet, at + 1])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def field32(octets: NDArray[np.uint8], packet: int, at: int) -> np.int64:
    """The 32 bits at `at`, big-endian, unsigned."""
    value: np.int64 = field16(octets, packet, at) << 16 | field16(octets, packet, at + 2)
    return value


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _payload(octets: NDArray[np.uint8], packet: int, length: int) -> tuple[np.int64, np.int64]:
    """First and end of the RTP payload; (1, 0) when the header breaks RFC 3550 §5.1."""
    if length < _FIXED_OCTETS or length > octets.shape[1] or octets[packet, 0] >> 6 != _VERSION:
        return _NO_PAYLOAD
    first = np.int64(octets[packet, 0])
    begin = _FIXED_OCTETS + 4 * (first & 0x0F)
    if first & 0x10:
        if begin + 4 > length:
            return _NO_PAYLOAD
        begin += 4 + 4 * field16(octets, packet, begin + 2)
    padding = np.int64(octets[packet, length - 1]) if first & 0x20 else np.int64(0)
    if begin + padding > length or (first & 0x20 and padding == 0):
        return _NO_PAYLOAD
    return begin, length - padding


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _chain(octets: NDArray[np.uint8], packet: int, begin: int, end: int, spans: NDArray[np.int64]) -> tuple[int, int, bool]:
    """Follow the SRD headers into `spans`: fault, how many, and whether one is of a second field or segment."""
    second_field = False
    at = begin + EXTENDED_SEQUENCE_OCTETS
    for count in range(MAX_SRD):
        if at + SRD_OCTETS > end:
            return Fault.HEADERS_CUT.value, 0, False
        row = field16(octets, packet, at + 2)
        offset = field16(octets, packet, at + 4)
        spans[count, LENGTH] = field16(octets, packet, at)
        spans[count, ROW] = row & 0x7FFF
        spans[count, OFFSET] = offset & 0x7FFF
        second_field |= row >= 0x8000
        at += SRD_OCTETS
        if offset < 0x8000:
            return Fault.NONE.value, count + 1, second_field
    return Fault.CHAIN.value, 0, False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _lay_out(spans: NDArray[np.int64], count: int, begin: int, end: int) -> int:
    """Turn pixels into octets and say where each span's data begin; the fault."""
    data = begin + EXTENDED_SEQUENCE_OCTETS + SRD_OCTETS * count
    splits = False
    for i in range(count):
        if spans[i, LENGTH] % PGROUP_OCTETS:
            return Fault.LENGTH.value
        splits |= spans[i, OFFSET] % PGROUP_PIXELS != 0
        spans[i, OFFSET] = spans[i, OFFSET] // PGROUP_PIXELS * PGROUP_OCTETS
        spans[i, DATA] = data
        data += spans[i, LENGTH]
    if splits:
        return Fault.OFFSET.value
    return Fault.DATA_CUT.value if data > end else Fault.NONE.value


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def read(
    octets: NDArray[np.uint8], packet: int, length: int, payload_type: int, spans: NDArray[np.int64]
) -> tuple[int, int, bool, int]:
    """Read row `packet` of `octets` (n, stride), a datagram of `length` octets, into `spans` (MAX_SPANS, SPAN_FIELDS).

    Gives the `Fault`, the number of spans, whether it is of an interlaced or segmented picture (F=1), and the 32-bit
    sequence number; where there is a fault the rest says nothing.
    """
    begin, end = _payload(octets, packet, length)
    if begin > end:
        return Fault.RTP.value, 0, False, 0
    if octets[packet, 1] & 0x7F != payload_type:
        return Fault.PAYLOAD_TYPE.value, 0, False, 0
    fault, count, second_field = _chain(octets, packet, begin, end, spans)
    if fault == Fault.NONE.value:
        fault = _lay_out(spans, count, begin, end)
    if fault != Fault.NONE.value:
        return fault, 0, False, 0
    return fault, count, second_field, field16(octets, packet, begin) << 16 | field16(octets, packet, 2)
