"""Where a sender's timeline lies on ours.

A sender locked to TAI needs no mapping. One that is not (a wrong epoch, no PTP) is followed by its own clock: its
first grain is taken to have been captured one period before it was complete. Nothing here asks what time it is.
"""

from __future__ import annotations

from fractions import Fraction

from relip.essence.grains import VideoGrain
from relip.essence.tai import NS_PER_S, Tai

EARLY_NS = 2_000_000
"""A locked sender's grain cannot be complete before its own timestamp, but for clock error."""
PATIENCE_GRAINS = 5
"""An offset is left after so many grains in a row that do not fit it: a stall of this machine is no jump of the sender."""
LATE_PERIODS = 4
"""A locked sender's grain is complete within this many periods (ST 2110-21 wide senders, 2022-7 class A)."""


class Timeline:
    """Remembers the offset from origin timestamps to local TAI; zero while the sender is locked."""

    def __init__(self, rate: Fraction) -> None:
        self._period_ns = NS_PER_S * rate.denominator // rate.numerator
        self._offset_ns: int | None = None
        self._misfits = 0
        self.relocks = 0
        """How often the offset had to be found anew; the first time does not count."""

    @property
    def locked(self) -> bool:
        """Whether origin timestamps are taken as TAI."""
        return self._offset_ns == 0

    def local(self, grain: VideoGrain) -> Tai:
        """The local instant of a grain's origin timestamp; finds the offset anew when the old one no longer fits."""
        if self._fits(grain, 0):
            self._misfits, self._offset_ns = 0, 0
        elif self._offset_ns is None or not self._fits(grain, self._offset_ns):
            self._misfits += 1
            if self._offset_ns is None or self._misfits > PATIENCE_GRAINS:
                self.relocks += self._offset_ns is not None
                self._misfits, self._offset_ns = 0, grain.arrived.since(grain.origin) - self._period_ns
        else:
            self._misfits = 0
        return grain.origin.after(self._offset_ns)

    def _fits(self, grain: VideoGrain, offset_ns: int) -> bool:
        age_ns = grain.arrived.since(grain.origin) - offset_ns
        return -EARLY_NS <= age_ns <= LATE_PERIODS * self._period_ns
