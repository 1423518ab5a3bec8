"""Joined datagrams are taken apart as the specification says, however the chunk is cut, and no octet is written beside it."""

import numpy as np

from fences import fenced, untouched
from relip.transport import aggregates

ROWS, STRIDE = 8, 96
_held = fenced((aggregates.MESSAGES, aggregates.MESSAGE_OCTETS))
_held[:] = np.arange(_held.size, dtype=np.uint32).astype(np.uint8).reshape(_held.shape)
_rows = fenced((ROWS, STRIDE))


def check(data: bytes) -> None:
    """Four octets are a message: its length and that of its datagrams, as the kernel may say them."""
    words = np.frombuffer(data[: len(data) // 4 * 4], ">u2").astype(np.int64).reshape(-1, 2)[: aggregates.MESSAGES]
    sizes, segments = np.zeros(aggregates.MESSAGES, np.int64), np.ones(aggregates.MESSAGES, np.int64)
    sizes[: len(words)] = words[:, 0]
    segments[: len(words)] = np.maximum(words[:, 1], sizes[: len(words)] // 64 + 1)  # else millions of rows
    held = (_held, sizes, segments, np.array([0, len(words), 0], np.int64))
    expected = aggregates.split_reference(_held[: len(words)], sizes[: len(words)], segments[: len(words)])
    got, lengths = [], np.zeros(ROWS, np.int32)
    while held[3][0] < held[3][1]:
        count = aggregates.split((_rows, lengths), held, 0)
        assert 0 < count <= ROWS
        got += [(int(lengths[i]), _rows[i, : min(lengths[i], STRIDE)].tobytes()) for i in range(count)]
    assert got == [(len(datagram), datagram[:STRIDE]) for datagram in expected]
    assert untouched(_rows)


def seeds() -> list[bytes]:
    """A single datagram, equal ones, a shorter last one, none at all, a full message."""
    messages = [(40, 40), (480, 48), (500, 48), (0, 1), (65535, 1460)]
    words = [value.to_bytes(2) for message in messages for value in message]
    return [b"".join(words), b"".join(words[:4])]
