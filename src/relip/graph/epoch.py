"""What is wrong with a sender's timestamps, named for the engineer on shift. Nothing is put right here."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from relip.essence.tai import NS_PER_S
from relip.graph.timeline import Timeline

NEAR_NS = NS_PER_S // 2
"""An epoch that is wrong by a number of leap seconds is wrong by it to within this."""
PACES_APART = Fraction(1, 8)
"""Timestamps that go faster or slower than time by more than jitter can make of it."""
NTSC_PPM = (Fraction(900), Fraction(1100))
"""1001/1000 is 1000 ppm, and no crystal is so far off."""


@dataclass(frozen=True, slots=True)
class Note:
    """`cause`: one word or two that stay the same while the numbers in the `sentence` change."""

    cause: str
    sentence: str


def note(sender: Timeline, *, leap_seconds: int) -> Note | None:
    """What is wrong, or None when the sender keeps TAI, or nothing has come yet."""
    if not sender.known:
        return None
    if abs(sender.pace - 1) > PACES_APART:
        pace = f"{float(sender.pace):.1f}"
        return Note("pace", f"the timestamps go {pace} times as fast as time: they count another media clock than they should")
    if sender.locked:
        return None
    ppm = sender.drift_ppm
    if ppm is not None and NTSC_PPM[0] < abs(ppm) < NTSC_PPM[1]:
        way = "faster" if ppm > 0 else "slower"
        return Note(
            "1001/1000",
            f"the sender's time goes by 1001/1000 {way}: is a rate such as 60 declared as 60000/1001, or the reverse?",
        )
    return _epoch(sender.behind_ns, leap_seconds)


def _epoch(behind_ns: int, leap_seconds: int) -> Note:
    leap_ns = leap_seconds * NS_PER_S
    if abs(behind_ns - leap_ns) < NEAR_NS:
        return Note("UTC", f"the sender's timestamps are UTC, not TAI: {leap_seconds} s behind; followed by its own clock")
    if abs(behind_ns + leap_ns) < NEAR_NS:
        return Note(
            "leap seconds",
            f"the sender's timestamps are {leap_seconds} s ahead: leap seconds were added twice there, or our clock lacks them;"
            " followed by its own clock",
        )
    if not behind_ns:
        return Note("drift", "the sender's clock has drifted from ours: followed by its own clock")
    direction = "behind" if behind_ns > 0 else "ahead"
    seconds = f"{abs(behind_ns) / NS_PER_S:.2f}"
    return Note("not locked", f"the sender is not locked to our clock: {seconds} s {direction}; followed by its own clock")
