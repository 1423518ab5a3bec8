"""TAI from the kernel's clocks, which ptp4l and phc2sys discipline on the host (ST 2059-2).

A host nobody provisioned has no TAI offset (CLOCK_TAI equals CLOCK_REALTIME); then UTC plus a stated number of leap
seconds stands in, and `locked` is false. No PTP packet is read here, and no clock is ever set.
"""

from __future__ import annotations

import time

from relip.essence.tai import NS_PER_S, Tai

LEAP_SECONDS = 37
"""TAI − UTC since 2017-01-01 (IERS Bulletin C 52)."""
_FINE_NS = 1_000_000
_COARSE_NS = 100_000_000
"""Longest single sleep: the clock may be stepped while we wait."""


class TaiClock:
    """Clock of this host. `locked`: the kernel knows the TAI offset. `source`: which clock it is, for the log."""

    def __init__(self, *, leap_seconds: int = LEAP_SECONDS) -> None:
        kernel_offset = _kernel_offset_s()
        self.locked = kernel_offset != 0
        if self.locked:
            self._clock = time.CLOCK_TAI
            self._offset_ns = 0
            self.source = f"CLOCK_TAI (UTC + {kernel_offset} s)"
        else:
            self._clock = time.CLOCK_REALTIME
            self._offset_ns = leap_seconds * NS_PER_S
            self.source = f"CLOCK_REALTIME + {leap_seconds} s: the kernel has no TAI offset, PTP does not steer this host"

    def now(self) -> Tai:
        """The present instant."""
        return Tai(time.clock_gettime_ns(self._clock) + self._offset_ns)

    def wait_until(self, due: Tai) -> None:
        """Sleep to within a millisecond, then the rest; some 60 µs late is usual."""
        while (left := due.since(self.now())) > 0:
            sleep_ns = left if left <= _FINE_NS else min(left - _FINE_NS, _COARSE_NS)
            time.sleep(sleep_ns / NS_PER_S)


def _kernel_offset_s() -> int:
    """Whole seconds between the kernel's TAI and UTC; 0 until something sets it."""
    utc = time.clock_gettime_ns(time.CLOCK_REALTIME)
    return round((time.clock_gettime_ns(time.CLOCK_TAI) - utc) / NS_PER_S)
