"""Instants and media clocks in exact integers (SMPTE ST 2059-1, ST 2110-10).

No float ever holds a time or a rate: at today's TAI a float64 of seconds has a step of 238 ns, and
59.94 for 60000/1001 is 28 minutes wrong since the epoch. Nothing here asks what time it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

NS_PER_S = 1_000_000_000
VIDEO_CLOCK_HZ = 90_000
"""Media clock of video and ancillary flows (ST 2110-20 §6.1.3, RFC 8331 §2)."""
AUDIO_CLOCK_HZ = 48_000
"""Media clock of the audio flows Relip takes (ST 2110-30 §6.1)."""
RTP_WRAP = 1 << 32


@dataclass(frozen=True, slots=True, order=True)
class Tai:
    """An instant: whole nanoseconds since the SMPTE epoch, on the TAI scale."""

    ns: int

    def after(self, ns: int) -> Tai:
        """The instant `ns` nanoseconds later (earlier when negative)."""
        return Tai(self.ns + ns)

    def since(self, other: Tai) -> int:
        """Nanoseconds from `other` to this instant."""
        return self.ns - other.ns

    def grain_index(self, rate: Fraction) -> int:
        """Whole grains since the epoch; exact for 60000/1001, which floats are not."""
        return self.ns * rate.numerator // (NS_PER_S * rate.denominator)

    def ticks(self, clock_hz: int) -> int:
        """Whole media-clock ticks since the epoch, not wrapped (ST 2110-10 §7.3)."""
        return self.ns * clock_hz // NS_PER_S


def grain_start(index: int, rate: Fraction) -> Tai:
    """The first nanosecond that belongs to grain `index`, so that `grain_index` gives `index` back."""
    return Tai(-(-index * NS_PER_S * rate.denominator // rate.numerator))


def grain_ticks(index: int, rate: Fraction, clock_hz: int) -> int:
    """The media-clock tick at which grain `index` starts: ⌊index·clock/rate⌋, never an accumulated sum."""
    return index * clock_hz * rate.denominator // rate.numerator


def shift_grains(ticks: int, grains: int, *, rate: Fraction, clock_hz: int) -> int:
    """The tick `grains` grain periods later, on the grid of `rate`; what a timestamp lay beside the grid, it keeps."""
    nearest = (2 * ticks * rate.numerator + clock_hz * rate.denominator) // (2 * clock_hz * rate.denominator)
    return ticks - grain_ticks(nearest, rate, clock_hz) + grain_ticks(nearest + grains, rate, clock_hz)


def tai_of_ticks(ticks: int, clock_hz: int) -> Tai:
    """The first nanosecond of a tick, so that `Tai.ticks` gives `ticks` back."""
    return Tai(-(-ticks * NS_PER_S // clock_hz))


def convert_ticks(ticks: int, from_hz: int, to_hz: int) -> int:
    """The tick of another media clock at the same instant, rounded down."""
    return ticks * to_hz // from_hz


def wrap_rtp(ticks: int) -> int:
    """The 32 bits of a tick count that travel in an RTP header (RFC 3550 §5.1)."""
    return ticks % RTP_WRAP


def unwrap_rtp(rtp: int, near_ticks: int) -> int:
    """The tick count nearest to `near_ticks` whose low 32 bits are `rtp`."""
    half = RTP_WRAP >> 1
    return near_ticks + (rtp - near_ticks + half) % RTP_WRAP - half


def period_ns(rate: Fraction) -> int:
    """One grain period in nanoseconds, rounded down; for waits and budgets, never for timestamps."""
    return NS_PER_S * rate.denominator // rate.numerator
