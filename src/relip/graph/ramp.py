"""How strongly the dub shows at each grain: the way from rung to rung of the ladder (DESIGN invariant 5).

Because grains wait for the voice, the next few are already known: a ramp out ends before the grain in which nothing can be
drawn, not just after it, and as near as it can to one that is merely refused. A cut needs no ramp, since nobody compares
pictures across it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum, auto
from fractions import Fraction

RAMP_MS = 240
"""From none to full: 6 grains at 25 fps, 12 at 50. The lower end of what looks soft (reference: fail-safe ladder)."""


class Outlook(Enum):
    """What a grain allows: all, the lips alone, nothing but the rest of a way out, nothing at all; or another shot begins."""

    FULL = auto()
    LIPS = auto()
    REFUSED = auto()
    BLOCKED = auto()
    CUT = auto()


def ramp_grains(rate: Fraction) -> int:
    """Grains from none to full."""
    return math.ceil(rate * RAMP_MS / 1000)


class Ramp:
    """Remembers the last grain's `strength`, 0..1 of the whole dub, and `jaw`, 0..1 of what moves besides the lips."""

    def __init__(self, rate: Fraction) -> None:
        self._step = 1 / ramp_grains(rate)
        self.strength = 0.0
        self.jaw = 0.0

    def advance(self, here: Outlook, coming: Sequence[Outlook]) -> float:
        """Strength for a grain that has a face. `coming` holds the grains after it, nearest first."""
        shot = coming[: coming.index(Outlook.CUT)] if Outlook.CUT in coming else coming
        refused = _first(shot, Outlook.REFUSED, Outlook.BLOCKED)
        limited = _first(shot, Outlook.LIPS, Outlook.REFUSED, Outlook.BLOCKED)
        blocked = _first(shot, Outlook.BLOCKED)
        unseen = self.strength == 0
        self.strength = self._towards(self.strength, wanted=here in {Outlook.FULL, Outlook.LIPS}, until=refused)
        if blocked is not None:  # whatever the step: over so many grains as are left
            self.strength = min(self.strength, blocked / (len(coming) + 1))
        self.jaw = self._towards(self.jaw, wanted=here is Outlook.FULL, until=limited)
        if unseen:  # a jaw that nobody saw needs no way
            self.jaw = float(here is Outlook.FULL and limited is None)
        return self.strength

    def enter(self, here: Outlook) -> None:
        """Be where this grain allows to be, at once: another shot begins with it."""
        self.strength, self.jaw = 1.0, float(here is Outlook.FULL)

    def drop(self) -> None:
        """Fall to none at once: the grain cannot be altered, or a cut lies before it."""
        self.strength = 0.0

    def _towards(self, value: float, *, wanted: bool, until: int | None) -> float:
        """The next value, a step at the most from the last: never up when it must be nought `until` grains later."""
        if not wanted:
            return max(0.0, value - self._step)
        if until is None:
            return min(1.0, value + self._step)
        return max(value - self._step, min(value, until * self._step))


def _first(coming: Sequence[Outlook], *which: Outlook) -> int | None:
    """How many grains from now the first of some outlooks is; None when it is not in sight."""
    return next((distance for distance, outlook in enumerate(coming, 1) if outlook in which), None)
