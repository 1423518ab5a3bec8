"""Datagrams that the kernel hands over joined (UDP_GRO), taken apart into a chunk's rows.

A segmented send crosses the loopback interface whole, and an interface that aggregates joins equal datagrams of one
flow: one message then carries up to 64 KiB of them, each as long as the control message says, only the last may be
shorter. Reading these costs a fraction of reading datagrams one by one. What a chunk has no row for is kept for the next.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from relip.transport import datagrams
from relip.transport.datagrams import Rows

MESSAGE_OCTETS = 1 << 16
"""Room for one message: neither a datagram nor an aggregate is longer, so no message is ever cut."""
MESSAGES = 16
"""Messages of one recvmmsg: few, so that the octets are still in the processor's cache when they are taken apart."""
_CONTROL_OCTETS = 24
_SOL_UDP = 17
_UDP_GRO = 104

_memcpy = types.ExternalFunction("memcpy", types.uintp(types.intp, types.intp, types.intp))

Held = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Messages read and not yet taken apart: octets (n, MESSAGE_OCTETS); octets of each message; octets of each of its
datagrams, at least 1; and where to go on: message, messages held, octet of the message."""
Work = tuple[NDArray[np.int32], NDArray[np.uint64], NDArray[np.uint32], NDArray[np.int64]]
"""pollfd, mmsghdr as words of 64 bits, cmsghdr as words of 32, timespec."""


def split_reference(octets: NDArray[np.uint8], sizes: NDArray[np.int64], segments: NDArray[np.int64]) -> list[bytes]:
    """The datagrams that messages carry, in order: the specification of `split`, whose arguments these are."""
    return [
        message[first : min(first + segment, size)].tobytes()
        for message, size, segment in zip(octets, sizes, segments, strict=True)
        for first in range(0, max(size, 1), segment)
    ]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def split(columns: Rows, held: Held, got: int) -> int:
    """Fill rows from row `got` on with datagrams held, and move `held` on; rows filled.

    A datagram beyond the stride keeps its true length and a cut row.
    """
    octets, lengths = columns
    buffers, sizes, segments, cursor = held
    capacity, stride = octets.shape
    rows, messages = np.int64(octets.ctypes.data), np.int64(buffers.ctypes.data)
    message, offset = cursor[0], cursor[2]
    while got < capacity and message < cursor[1]:
        length = min(segments[message], sizes[message] - offset)
        _memcpy(rows + got * stride, messages + message * MESSAGE_OCTETS + offset, min(length, stride))
        lengths[got] = length
        got += 1
        offset += segments[message]
        if offset >= sizes[message]:
            message, offset = message + 1, 0
    cursor[0], cursor[2] = message, offset
    return got


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _read(work: Work, held: Held, room: int) -> int:
    """Hold up to `room` messages, when none is held any more; messages held."""
    poll, messages, controls, _ = work
    _, sizes, segments, cursor = held
    for i in range(room):
        messages[i, 5] = _CONTROL_OCTETS
    count: int = max(datagrams.recvmmsg(poll[0], messages.ctypes.data, room, datagrams.MSG_DONTWAIT, 0), 0)
    for i in range(count):
        sizes[i] = segments[i] = messages[i, 7] & 0xFFFFFFFF
        joined = messages[i, 5] > 0 and controls[i, 2] == _SOL_UDP and controls[i, 3] == _UDP_GRO
        segments[i] = max(controls[i, 4] if joined else segments[i], 1)
    cursor[0], cursor[1], cursor[2] = 0, count, 0
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _drain(columns: Rows, work: Work, held: Held) -> int:
    """Take apart what is held, then read until a batch comes back short or the chunk is full; datagrams in the chunk."""
    capacity = len(columns[1])
    got: int = split(columns, held, 0)
    while got < capacity:
        room = min(capacity - got, MESSAGES)
        count = _read(work, held, room)
        got = split(columns, held, got)
        if count < room:
            break
    return got


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _receive(columns: Rows, work: Work, held: Held, closed: NDArray[np.uint8], waits: tuple[int, int]) -> int:
    """As `datagrams.receive`; what is held is not waited for."""
    wait_ns, gather_ns = waits
    poll, _, _, times = work
    if held[3][0] == held[3][1]:
        if not datagrams.wait_readable(poll, times, closed, wait_ns):
            return datagrams.CLOSED if closed[0] else 0
        datagrams.gather(gather_ns)
    got = _drain(columns, work, held)
    return got if got > 0 else datagrams.FAILED


class AggregateReader:
    """Reads a socket on which `UDP_GRO` is set; the counterpart of `datagrams.DatagramReader`."""

    def __init__(self, fd: int) -> None:
        octets = np.zeros((MESSAGES, MESSAGE_OCTETS), np.uint8)
        sizes, segments = np.zeros(MESSAGES, np.int64), np.ones(MESSAGES, np.int64)
        self._held: Held = (octets, sizes, segments, np.zeros(3, np.int64))
        self._vectors = np.zeros((MESSAGES, 2), np.uint64)
        controls = np.zeros((MESSAGES, _CONTROL_OCTETS // 4), np.uint32)
        messages = np.zeros((MESSAGES, 8), np.uint64)
        each = np.arange(MESSAGES, dtype=np.uint64)
        self._vectors[:, 0] = octets.ctypes.data + each * MESSAGE_OCTETS
        self._vectors[:, 1] = MESSAGE_OCTETS
        messages[:, 2] = self._vectors.ctypes.data + each * 16
        messages[:, 3] = 1
        messages[:, 4] = controls.ctypes.data + each * _CONTROL_OCTETS
        poll = np.array([fd, datagrams.POLLIN], np.int32)
        self._work: Work = (poll, messages, controls, np.zeros(2, np.int64))

    def receive(self, columns: Rows, closed: NDArray[np.uint8], *, wait_ns: int, gather_ns: int) -> int:
        """Datagrams now in the chunk, 0 when none came in time, or `FAILED` or `CLOSED`."""
        return int(_receive(columns, self._work, self._held, closed, (wait_ns, gather_ns)))
