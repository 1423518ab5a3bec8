"""What the kernel knows of time: its clocks, and how well the one that is steered keeps it (adjtimex(2)).

Only read, never set: `modes` stays 0, for which the kernel asks no privilege.
"""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass

_STA_INS, _STA_DEL, _STA_UNSYNC = 0x10, 0x20, 0x40
"""Status bits of linux/timex.h: a leap second is to be inserted, or deleted, at the end of the day; nobody steers."""


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h; only some of its fields are looked at."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("statistics", ctypes.c_long * 5),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


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
        timex = _Timex()
        if self._adjtimex(ctypes.byref(timex)) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        status = timex.status
        return Steering(
            synchronised=not status & _STA_UNSYNC,
            max_error_us=timex.maxerror,
            est_error_us=timex.esterror,
            tai_offset_s=timex.tai,
            leap=bool(status & _STA_INS) - bool(status & _STA_DEL),
        )
