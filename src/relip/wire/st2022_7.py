"""How far the two legs of a flow may lie apart in time (SMPTE ST 2022-7:2019 §6, classes of receivers).

A table, and nothing else: header and payload are the same octets on both legs, so there is nothing to parse.
"""

from __future__ import annotations

from enum import Enum

from relip.essence.formats import Format, VideoFormat

HIGH_BIT_RATE = 270_000_000
"""Bits a second from which a flow is of high bit rate."""
_NS_PER_MS = 1_000_000


class PathClass(Enum):
    """Classes of path differential, each with its limit for flows of standard and of high bit rate, in nanoseconds."""

    A = (10 * _NS_PER_MS, 10 * _NS_PER_MS)
    """Low skew: two networks in one building."""
    B = (50 * _NS_PER_MS, 50 * _NS_PER_MS)
    """Moderate skew: two ways through a country."""
    C = (450 * _NS_PER_MS, 150 * _NS_PER_MS)
    """High skew: two ways round the world."""
    D = (150_000, 150_000)
    """Ultra-low skew: two switches side by side."""

    def differential_ns(self, format: Format) -> int:  # noqa: A002  the essence's own word
        """By how much the later copy of a packet may follow the first."""
        standard, high = self.value
        return high if isinstance(format, VideoFormat) and _bits_per_second(format) >= HIGH_BIT_RATE else standard


def _bits_per_second(format: VideoFormat) -> int:  # noqa: A002  the essence's own word
    return int(8 * format.frame_octets * format.rate)
