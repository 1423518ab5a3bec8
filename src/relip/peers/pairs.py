"""Which dubbed grain belongs to which original and to which disclosure: by origin timestamp, and by nothing else.

A dubbed grain waits a little for what belongs to it and is given out in the order in which it came. No thread, no clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from relip.essence.grains import VideoGrain
from relip.wire.disclosure import Disclosure

HOLD = 5
"""So many newer dubbed grains may come before one is given out without what it waits for."""
KEEP = 64
"""Originals and disclosures kept at most; the oldest is dropped. Twice the largest latency that is configurable."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A dubbed grain with what travelled beside it; None for what did not come."""

    dubbed: VideoGrain
    original: VideoGrain | None
    disclosure: Disclosure | None


@dataclass(slots=True)
class Pairing:
    """Grains that wait for each other.

    `with_original`, `with_disclosure`: whether such a flow is received at all; nothing is waited for otherwise.
    `room`: originals kept at most. What is dropped is in `dropped`, for its owner to give back.
    """

    with_original: bool
    with_disclosure: bool
    room: int = KEEP
    dropped: list[VideoGrain] = field(default_factory=list)
    _originals: dict[int, VideoGrain] = field(default_factory=dict)
    _disclosures: dict[int, Disclosure] = field(default_factory=dict)
    _dubbed: deque[VideoGrain] = field(default_factory=deque)

    def original(self, grain: VideoGrain) -> None:
        """An original grain has come; a second one of the same timestamp replaces the first."""
        former = self._originals.pop(grain.ticks, None)
        if former is not None:
            self.dropped.append(former)
        self._originals[grain.ticks] = grain
        while len(self._originals) > self.room:
            self.dropped.append(self._originals.pop(next(iter(self._originals))))

    def disclosed(self, ticks: int, disclosure: Disclosure) -> None:
        """The disclosure of a frame has come."""
        self._disclosures[ticks] = disclosure
        while len(self._disclosures) > KEEP:
            self._disclosures.pop(next(iter(self._disclosures)))

    def dubbed(self, grain: VideoGrain) -> None:
        """A dubbed grain has come."""
        self._dubbed.append(grain)

    def settled(self, *, end: bool = False) -> list[Pair]:
        """Dubbed grains that need not wait any longer, with all that came for them; all of them at the end."""
        pairs = []
        while self._dubbed and (end or len(self._dubbed) > HOLD or self._is_whole(self._dubbed[0].ticks)):
            grain = self._dubbed.popleft()
            original = self._originals.pop(grain.ticks, None)
            pairs.append(Pair(grain, original, self._disclosures.pop(grain.ticks, None)))
            self._forget_before(grain.ticks)
        return pairs

    def _is_whole(self, ticks: int) -> bool:
        """Whether nothing that could still come is missing."""
        return (not self.with_original or ticks in self._originals) and (not self.with_disclosure or ticks in self._disclosures)

    def _forget_before(self, ticks: int) -> None:
        """Originals whose turn has passed: their dubbed grain did not come."""
        for passed in [of for of in self._originals if of < ticks]:
            self.dropped.append(self._originals.pop(passed))
