"""A clock that moves only when told to: the sibling of clock.ptp for tests and for offline work."""

from __future__ import annotations

from relip.essence.tai import Tai


class ManualClock:
    """Clock that stands still between `advance` and `wait_until`."""

    def __init__(self, start: Tai) -> None:
        self._now = start

    def now(self) -> Tai:
        """The instant it was last moved to."""
        return self._now

    def advance(self, ns: int) -> Tai:
        """Move on by `ns`, which is not negative; the new instant."""
        assert ns >= 0, "TAI never goes back"
        self._now = self._now.after(ns)
        return self._now

    def wait_until(self, due: Tai) -> None:
        """Jump to `due` when it is still to come."""
        self._now = max(self._now, due)
