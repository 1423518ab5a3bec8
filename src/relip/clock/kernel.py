"""What the kernel knows of time: its clocks, and how well the one that is steered keeps it (adjtimex(2)).

Only read, never set: `modes` stays 0, for which the kernel asks no privilege.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time
from dataclasses import dataclass

_STA_INS, _STA_DEL, _STA_UNSYNC = 0x10, 0x20, 0x40
"""Status bits of linux/timex.h: a leap second is to be inserted, or deleted, at the end of the day; nobody steers."""


_TIMEX = struct.Struct("@I 4l i 7l l i 5l i 11i 0l")
"""struct timex of linux/timex.h as the compiler lays it out: modes, offset, freq, maxerror, esterror, status, seven numbers of
the loop with the time among them, jitter, shift, five counters, tai, and what is reserved."""
_MAX_ERROR, _EST_ERROR, _STATUS, _TAI = 3, 4, 5, 20


@dataclass(frozen=True, slots=True)
class Steering:
    """How the kernel says that its clock is steered.

    `synchronised`: somebody (phc2sys, chrony, ntpd) keeps it. `max_error_us`, `est_error_us`: in microseconds, 16 s when
    nobody does. `tai_offset_s`: TAI − UTC, 0 when nobody told it. `leap`: 1 when the end of this day inserts a second,
    −1 when it deletes one.
    """

    synchronised: bool
    max_error_us: int
    est_error_us: int
    tai_offset_s: int
    leap: int = 0


class Kernel:
    """The clocks of this host, in nanoseconds."""

    def __init__(self) -> None:
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex

    def utc(self) -> int:
        """Since the Unix epoch, without leap seconds."""
        return time.clock_gettime_ns(time.CLOCK_REALTIME)

    def tai(self) -> int:
        """UTC and the kernel's TAI offset."""
        return time.clock_gettime_ns(time.CLOCK_TAI)

    def monotonic(self) -> int:
        """Since some instant; steered like the others, but never set."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def sleep(self, ns: int) -> None:
        """Some 60 µs longer is usual."""
        time.sleep(ns / 1_000_000_000)

    def steering(self) -> Steering:
        """What adjtimex says. Raises OSError where a sandbox forbids the call."""
        timex = ctypes.create_string_buffer(_TIMEX.size)
        if self._adjtimex(timex) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        fields = _TIMEX.unpack(timex)
        status = fields[_STATUS]
        return Steering(
            synchronised=not status & _STA_UNSYNC,
            max_error_us=fields[_MAX_ERROR],
            est_error_us=fields[_EST_ERROR],
            tai_offset_s=fields[_TAI],
            leap=bool(status & _STA_INS) - bool(status & _STA_DEL),
        )
