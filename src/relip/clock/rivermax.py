"""TAI from the PTP clock of a network card, as Rivermax reads it: the clock by which the card itself sends.

Something else must steer that clock: Rivermax speaks no PTP, so ptp4l runs on the host. A card's clock says nothing of
whether it is steered well; `rmx_check_clock_steady` only says that it may be read.
"""

from __future__ import annotations

import time

import pyrivermax
from relip.essence.errors import ResourceError
from relip.essence.tai import NS_PER_S, Tai

STEADY_NS = 5 * NS_PER_S
"""How long the clock may take to be steady after it was chosen."""
_FINE_NS = 1_000_000
_COARSE_NS = 100_000_000
"""Longest single sleep: the clock may be stepped while we wait."""


class RivermaxClock:
    """Clock of the card whose address `interface` is. `source`: which clock it is, for the log. Raises ResourceError."""

    locked = True

    def __init__(self, interface: str) -> None:
        try:
            self._clock = pyrivermax.Clock(nic=interface, patience_ns=STEADY_NS)
        except (pyrivermax.Unavailable, pyrivermax.RivermaxError) as cause:
            raise ResourceError(f"no PTP clock at {interface} by Rivermax: {cause}") from cause
        self._open = True
        self.source = f"PTP clock of the card at {interface}, by Rivermax"

    def now(self) -> Tai:
        """The present instant. Raises ResourceError when the card no longer answers."""
        try:
            return Tai(self._clock.now_ns())
        except pyrivermax.RivermaxError as cause:
            raise ResourceError(f"the card's clock cannot be read: {cause}") from cause

    def wait_until(self, due: Tai) -> None:
        """Sleep to within a millisecond, then the rest; some 60 µs late is usual."""
        while (left := due.since(self.now())) > 0:
            sleep_ns = left if left <= _FINE_NS else min(left - _FINE_NS, _COARSE_NS)
            time.sleep(sleep_ns / NS_PER_S)

    def close(self) -> None:
        """Need the card no longer. Idempotent; a process that ends need not ask."""
        if self._open:
            self._open = False
            self._clock.close()
