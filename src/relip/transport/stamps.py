"""Datagrams one by one, each with the instant at which the kernel took it from the interface (SO_TIMESTAMPNS).

The stamp is the kernel's own, made in software before the packet waits in any socket: it does not depend on when it is
read. Packets that one segmented send put on the loopback interface, or that the interface joined, share a stamp.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.transport import datagrams

SO_TIMESTAMPNS = 35
"""Socket option and control message of asm-generic/socket.h, with 64-bit seconds on 64-bit machines."""
_SOL_SOCKET = 1
_CONTROL_OCTETS = 32
_NS_PER_S = 1_000_000_000

StampedRows = tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int64]]
"""A Chunk's octets, lengths and arrivals."""
Work = tuple[NDArray[np.int32], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]
"""pollfd, mmsghdr and iovec as words of 64 bits, cmsghdr with its timespec as words of 64, timespec."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _drain(columns: StampedRows, work: Work) -> int:
    """As `datagrams`: read batches until one comes back short or the chunk is full; packets read."""
    octets, lengths, arrivals = columns
    poll, messages, vectors, controls, _ = work
    capacity, stride = octets.shape
    got = 0
    while got < capacity:
        room = min(capacity - got, datagrams.BATCH)
        for i in range(room):
            vectors[i, 0] = octets.ctypes.data + (got + i) * stride
            vectors[i, 1] = stride
            messages[i, 5] = _CONTROL_OCTETS
        flags = datagrams.MSG_DONTWAIT | datagrams.MSG_TRUNC
        count = datagrams.recvmmsg(poll[0], messages.ctypes.data, room, flags, 0)
        for i in range(count):
            lengths[got + i] = messages[i, 7] & 0xFFFFFFFF
            told = messages[i, 5] > 0 and controls[i, 1] == _SOL_SOCKET | SO_TIMESTAMPNS << 32
            arrivals[got + i] = controls[i, 2] * _NS_PER_S + controls[i, 3] if told else 0
        got += max(count, 0)
        if count < room:
            break
    return got


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _receive(columns: StampedRows, work: Work, closed: NDArray[np.uint8], waits: tuple[int, int]) -> int:
    """Wait, gather, drain."""
    wait_ns, gather_ns = waits
    poll, _, _, _, times = work
    if not datagrams.wait_readable(poll, times, closed, wait_ns):
        return datagrams.CLOSED if closed[0] else 0
    datagrams.gather(gather_ns)
    got = _drain(columns, work)
    return got if got > 0 else datagrams.FAILED


class StampedReader:
    """Reads a socket on which `SO_TIMESTAMPNS` is set; the counterpart of `datagrams.DatagramReader`."""

    def __init__(self, fd: int) -> None:
        self._vectors = np.zeros((datagrams.BATCH, 2), np.uint64)
        controls = np.zeros((datagrams.BATCH, _CONTROL_OCTETS // 8), np.int64)
        messages = np.zeros((datagrams.BATCH, 8), np.uint64)
        each = np.arange(datagrams.BATCH, dtype=np.uint64)
        messages[:, 2] = self._vectors.ctypes.data + each * 16
        messages[:, 3] = 1
        messages[:, 4] = controls.ctypes.data + each * _CONTROL_OCTETS
        poll = np.array([fd, datagrams.POLLIN], np.int32)
        self._work: Work = (poll, messages, self._vectors, controls, np.zeros(2, np.int64))

    def receive(self, columns: StampedRows, closed: NDArray[np.uint8], *, wait_ns: int, gather_ns: int) -> int:
        """Datagrams now in the chunk, 0 when none came in time, or `FAILED` or `CLOSED`."""
        return int(_receive(columns, self._work, closed, (wait_ns, gather_ns)))
