"""How much of a mouth may be drawn at each grain: all of it, its lips alone, or nothing (the fail-safe ladder).

The engines say what they see in one frame; here it is made to last. A viewer forgives a mouth that is left alone for a while,
but not one that flickers between two: a rung that was left is not taken again before its reason has been gone for a while, and
when the same happens again soon, not for twice as long. All times are ticks of grains, so that files and live flows agree.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from relip.essence.scene import Bypass, Sighting
from relip.essence.tai import VIDEO_CLOCK_HZ

DWELL_TICKS = VIDEO_CLOCK_HZ * 2 // 5
"""0.4 s: with a ramp out before and a ramp in after it, a mouth that comes back has been away for a second."""
MOST_DWELL_TICKS = 4 * VIDEO_CLOCK_HZ
SOON_TICKS = 3 * VIDEO_CLOCK_HZ
"""What comes back within this time after the last reason had ended is restless, and is waited out for longer."""
STALL_TICKS = VIDEO_CLOCK_HZ * 16 // 100
"""Late results no further apart are of one stall: when a machine pauses, all that waited meanwhile is late."""
STALLS, STALLS_TICKS = 4, 2 * VIDEO_CLOCK_HZ
"""So many stalls within two seconds are no accident but a machine that cannot keep up."""
LONGEST_STALL_TICKS = VIDEO_CLOCK_HZ
"""Nor is a single one that lasts so long."""
REST_TICKS, MOST_REST_TICKS = 2 * VIDEO_CLOCK_HZ, 32 * VIDEO_CLOCK_HZ
"""How long it is then not asked to: twice as long each time that it fails again soon."""


class Rung(IntEnum):
    """How much may be drawn."""

    NONE = 0
    LIPS = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a grain stands on the ladder: the rung, why it is not the highest, and whose face it is about.

    `drawable`: whether there is a face to draw, if only for the last frames of a way out. `cut`: another shot begins with it.
    """

    rung: Rung
    reason: Bypass | None = None
    drawable: bool = True
    cut: bool = False
    identity: int | None = None


class Dwell:
    """Keeps a reason for a while after it has gone."""

    def __init__(
        self, least_ticks: int = DWELL_TICKS, most_ticks: int = MOST_DWELL_TICKS, soon_ticks: int = SOON_TICKS
    ) -> None:
        self._least, self._most, self._soon = least_ticks, most_ticks, soon_ticks
        self._ticks = least_ticks
        self._reason: Bypass | None = None
        self._last = 0
        self._ended: int | None = None

    def keep(self, reason: Bypass | None, ticks: int) -> Bypass | None:
        """The reason that holds at `ticks`: the given one, or the last one until it has been gone for long enough."""
        if reason is not None:
            if self._reason is None:
                restless = self._ended is not None and ticks - self._ended < self._soon
                self._ticks = min(2 * self._ticks, self._most) if restless else self._least
            self._reason, self._last = reason, ticks
        elif self._reason is not None and ticks - self._last >= self._ticks:
            self._reason, self._ended = None, ticks
        return self._reason


class Ladder:
    """Remembers what was refused in this shot. Sees the sighting of every grain, in order."""

    def __init__(self) -> None:
        self._identity = -1
        self._begin()

    def _begin(self) -> None:
        self._refusals, self._limits = Dwell(), Dwell()

    def stand(self, sighting: Sighting | None, ticks: int) -> Standing:
        """Where the grain at `ticks` (90 kHz) stands. Another shot or another person begins with a clean record."""
        if sighting is None:
            return Standing(Rung.NONE, Bypass.FAILED, drawable=False)
        face = sighting.face
        if sighting.cut or (face is not None and face.identity != self._identity):
            self._begin()
        if face is not None:
            self._identity = face.identity
        if sighting.absent is Bypass.DEADLINE:  # says nothing of the picture, and `Overload` sees to it
            return Standing(Rung.NONE, Bypass.DEADLINE, drawable=False, cut=sighting.cut)
        refused, limited = self._refusals.keep(sighting.absent, ticks), self._limits.keep(sighting.limit, ticks)
        return Standing(
            rung=Rung.NONE if refused else Rung.LIPS if limited else Rung.FULL,
            reason=refused or limited,
            drawable=face is not None,
            cut=sighting.cut,
            identity=None if face is None else face.identity,
        )


class Overload:
    """Notices results that come too late again and again. Threads: `missed` (the last stage), `rests` (an earlier one)."""

    def __init__(self) -> None:
        self._stalls: deque[int] = deque(maxlen=STALLS)
        """When the last ones began."""
        self._last = 0
        self._rest: tuple[int, int] | None = None
        """When it begins and ends; one value, since one thread writes it and another reads it."""

    def missed(self, ticks: int) -> None:
        """The result for the grain at `ticks` came too late."""
        if not self._stalls or not 0 <= ticks - self._last <= STALL_TICKS:
            self._stalls.append(ticks)
        self._last = ticks
        many = len(self._stalls) == STALLS and 0 <= ticks - self._stalls[0] <= STALLS_TICKS
        if self.rests(ticks) or not (many or ticks - self._stalls[-1] >= LONGEST_STALL_TICKS):
            return
        self._stalls.clear()
        length = REST_TICKS
        if self._rest is not None:
            begin, end = self._rest
            if 0 <= ticks - end < end - begin:  # it did not hold for as long as it rested
                length = min(2 * (end - begin), MOST_REST_TICKS)
        self._rest = ticks, ticks + length

    def rests(self, ticks: int) -> bool:
        """Whether the grain at `ticks` is to be left alone so that the machine can recover."""
        rest = self._rest
        return rest is not None and rest[0] < ticks < rest[1]
