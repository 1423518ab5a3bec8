"""Packets as the columns of a chunk, whose last octet is the last of its memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fences import fenced
from relip.ports import PACKET_STRIDE, Chunk

ROWS = 64
_LAST_NS, _STEP_NS = 1_700_000_000_000_000_000, 9_000
_octets = fenced((ROWS, PACKET_STRIDE))


def columns(packets: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Octets (n, PACKET_STRIDE), valid until the next call, and lengths (n,), of at most ROWS packets; the rest is left out."""
    kept = packets[-ROWS:]
    octets = _octets[ROWS - len(kept) :]
    octets[:] = 0xAA
    for row, packet in zip(octets, kept, strict=True):
        part = packet[:PACKET_STRIDE]
        row[: len(part)] = np.frombuffer(part, np.uint8)
    return octets, np.array([len(packet) for packet in kept], np.int32)


def chunk(packets: Sequence[bytes]) -> Chunk:
    """The same as a chunk, from two legs in turn, stamped as if packets had come one by one."""
    octets, lengths = columns(packets)
    count = len(lengths)
    arrivals = np.arange(_LAST_NS - count * _STEP_NS, _LAST_NS, _STEP_NS)
    return Chunk(octets, lengths, np.arange(count, dtype=np.uint8) & 1, count, arrivals)
