"""Packets written by hand, laid into the columns of a chunk."""

import numpy as np
from numpy.typing import NDArray


def octets_of(text: str) -> bytes:
    """Hex digits with `#` comments, as the conformance tests write them."""
    return bytes.fromhex("".join(line.split("#")[0] for line in text.splitlines()))


def columns_of(*packets: bytes, stride: int = 1536) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The packets as a chunk's columns; rows are filled up with 0xAA, which no parser may take for data."""
    octets = np.full((len(packets), stride), 0xAA, np.uint8)
    for row, packet in enumerate(packets):
        kept = packet[:stride]
        octets[row, : len(kept)] = np.frombuffer(kept, np.uint8)
    return octets, np.array([len(packet) for packet in packets], np.int32)
