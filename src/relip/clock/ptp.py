"""TAI from the kernel's clocks, which ptp4l and phc2sys discipline on the host (ST 2059-2).

A host nobody provisioned has no TAI offset (CLOCK_TAI equals CLOCK_REALTIME); then UTC plus a stated number of leap
seconds stands in, and `locked` is false. No PTP packet is read here, and no clock is ever set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relip.clock.kernel import Kernel, Steering
from relip.essence.tai import NS_PER_S, Tai

LEAP_SECONDS = 37
"""TAI − UTC since 2017-01-01 (IERS Bulletin C 52)."""
LEAST_OFFSET_S = 10
"""TAI − UTC has never been less since there are leap seconds (1972): a smaller number is none."""
STEP_NS = 100_000_000
"""A clock that has moved by so much against the monotonic one was set, not steered."""
_FINE_NS = 1_000_000
_COARSE_NS = 100_000_000
"""Longest single sleep: the clock may be stepped while we wait."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """How good the clock is, as the kernel says.

    `source`: which clock is read. `locked`: the kernel's own TAI is. `steering`: None where the kernel would not say.
    `offset_s`: TAI − UTC in use. `steps`: how often it was set while we looked; `step_ns`: by how much, the last time.
    """

    source: str
    locked: bool
    steering: Steering | None
    offset_s: int
    steps: int = 0
    step_ns: int = 0

    @property
    def traceable(self) -> bool:
        """Whether timestamps of this clock may be called TAI: the offset is known and somebody steers."""
        return self.locked and self.steering is not None and self.steering.synchronised

    @property
    def notes(self) -> tuple[str, ...]:
        """What an engineer should read, a sentence each; none while all is well."""
        steering = self.steering
        notes = []
        if not self.locked:
            notes.append(self.source)
        if steering is None:
            notes.append("the kernel does not say how its clock is steered: adjtimex is forbidden here")
        elif not steering.synchronised:
            notes.append("nothing steers this machine's clock: timestamps are only as good as its crystal")
        if steering is not None and steering.tai_offset_s >= LEAST_OFFSET_S and steering.tai_offset_s != self.offset_s:
            notes.append(
                f"the kernel's TAI offset is {steering.tai_offset_s} s, {self.offset_s} s stay in use: start anew to take it"
            )
        if steering is not None and steering.leap:
            notes.append(f"a leap second is {'inserted' if steering.leap > 0 else 'deleted'} at the end of this day (UTC)")
        if self.steps:
            notes.append(f"the clock was set {self.steps} times, last by {self.step_ns / NS_PER_S:+.3f} s")
        return tuple(notes)


class TaiClock:
    """Clock of this host. The offset from UTC is chosen once: nothing that the kernel is told later makes this clock jump."""

    def __init__(self, *, leap_seconds: int = LEAP_SECONDS, kernel: Kernel | None = None) -> None:
        """`leap_seconds`: TAI − UTC where the kernel knows none."""
        self._kernel = kernel or Kernel()
        told = self._kernel_offset_s()
        self._offset_s = told if told >= LEAST_OFFSET_S else leap_seconds
        self._read = self._reading(locked=told >= LEAST_OFFSET_S)
        self._steps = self._step_ns = 0
        self._ahead_ns = self._ahead()
        self.state = self.look()
        """As of the last look."""

    @property
    def locked(self) -> bool:
        """Whether the kernel's TAI is read."""
        return self._read[1] == 0

    @property
    def source(self) -> str:
        """Which clock it is, for the log."""
        if self.locked:
            return f"CLOCK_TAI (UTC + {self._offset_s} s)"
        return f"CLOCK_REALTIME + {self._offset_s} s: the kernel has no TAI offset, PTP does not steer this host"

    def now(self) -> Tai:
        """The present instant."""
        clock, add_ns = self._read
        return Tai(clock() + add_ns)

    def wait_until(self, due: Tai) -> None:
        """Sleep to within a millisecond, then the rest; some 60 µs late is usual.

        No longer than it would have taken: a clock that is set back meanwhile must not make anybody wait for it to come round.
        """
        left = due.since(self.now())
        end = self._kernel.monotonic() + left + _FINE_NS
        while left > 0 and self._kernel.monotonic() < end:
            self._kernel.sleep(left if left <= _FINE_NS else min(left - _FINE_NS, _COARSE_NS))
            left = due.since(self.now())

    def look(self) -> ClockState:
        """Ask the kernel anew, once a second or so, and see whether the clock was set since."""
        ahead_ns = self._ahead()
        moved_ns = ahead_ns - self._ahead_ns
        stepped = abs(moved_ns) >= STEP_NS
        if stepped:
            self._steps += 1
            self._step_ns = moved_ns
        self._choose(stepped=stepped)
        self._ahead_ns = self._ahead()
        self.state = ClockState(
            source=self.source,
            locked=self.locked,
            steering=self._steering(),
            offset_s=self._offset_s,
            steps=self._steps,
            step_ns=self._step_ns,
        )
        return self.state

    def _choose(self, *, stepped: bool) -> None:
        """Take the kernel's TAI up, or leave it, wherever this clock goes on without a jump."""
        told = self._kernel_offset_s()
        if told == self._offset_s:
            self._read = self._reading(locked=True)
        elif self.locked and not stepped:  # a leap second: UTC was set, TAI went on
            self._offset_s = told
        else:  # somebody told another number: UTC goes on, and so does ours
            self._read = self._reading(locked=False)

    def _reading(self, *, locked: bool) -> tuple[Callable[[], int], int]:
        """The kernel's TAI as it is, or its UTC and what to add; one value, since other threads read it meanwhile."""
        return (self._kernel.tai, 0) if locked else (self._kernel.utc, self._offset_s * NS_PER_S)

    def _steering(self) -> Steering | None:
        try:
            return self._kernel.steering()
        except OSError:
            return None

    def _ahead(self) -> int:
        """This clock less the monotonic one: constant, but for being set."""
        return self.now().ns - self._kernel.monotonic()

    def _kernel_offset_s(self) -> int:
        """Whole seconds between the kernel's TAI and UTC; 0 until something sets it."""
        return round((self._kernel.tai() - self._kernel.utc()) / NS_PER_S)
