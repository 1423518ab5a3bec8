"""How strongly the dub shows at each grain: the way in and out of bypass (DESIGN invariant 5).

Because grains wait for the voice, the next few are already known: the ramp out ends just before the grain that
cannot be altered, not just after it. A cut needs no ramp, since nobody compares pictures across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

RAMP_GRAINS = 6
"""Grains from none to full at 25 fps, the lower end of the 6 to 8 that looks soft (reference: fail-safe ladder)."""


class Outlook(Enum):
    """What a coming grain allows."""

    WORKABLE = auto()
    BLOCKED = auto()
    CUT = auto()


class Ramp:
    """Remembers the strength of the last grain, 0..1."""

    def __init__(self, grains: int = RAMP_GRAINS) -> None:
        self._step = 1.0 / grains
        self.strength = 0.0

    def advance(self, *, wanted: bool, coming: Sequence[Outlook]) -> float:
        """Strength for a grain that has a face. `coming` holds the grains after it, nearest first."""
        aim = self.strength + (self._step if wanted else -self._step)
        self.strength = min(1.0, max(0.0, aim), _room_before_block(coming))
        return self.strength

    def rise(self) -> None:
        """Be at full strength at once: a cut lies before the grain."""
        self.strength = 1.0

    def drop(self) -> None:
        """Fall to none at once: the grain cannot be altered, or a cut lies before it."""
        self.strength = 0.0


def _room_before_block(coming: Sequence[Outlook]) -> float:
    """The most strength that can still be ramped out before the next blocked grain."""
    for distance, outlook in enumerate(coming):
        if outlook is Outlook.CUT:
            return 1.0
        if outlook is Outlook.BLOCKED:
            return (distance + 1) / (len(coming) + 1)
    return 1.0
