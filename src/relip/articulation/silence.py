"""Silence as a state: entered and left with hysteresis, never inferred frame by frame.

Counts frames, reads no clock: the length of a frame is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass

from relip.essence.errors import FormatError


@dataclass(frozen=True, slots=True)
class SilenceSettings:
    """When somebody counts as speaking, and how fast the mouth comes and goes.

    `speak_above`, `silent_below`: probability of speech at which the state changes. `hold_ms`: how long it must stay below,
    so that a stop consonant or a short pause is no silence. `rise_ms`, `settle_ms`: from rest into speech, and back.
    """

    speak_above: float = 0.35
    silent_below: float = 0.2
    hold_ms: int = 80
    rise_ms: int = 60
    settle_ms: int = 160

    def __post_init__(self) -> None:
        if not 0.0 < self.silent_below < self.speak_above < 1.0:
            raise FormatError(f"silent_below={self.silent_below} must lie under speak_above={self.speak_above}, both in 0..1")
        if self.hold_ms < 0 or self.rise_ms <= 0 or self.settle_ms <= 0:
            raise FormatError(f"hold_ms={self.hold_ms} rise_ms={self.rise_ms} settle_ms={self.settle_ms}: times are positive")


class SpeechGate:
    """Whether somebody speaks, and how far the mouth has come out of rest."""

    def __init__(self, settings: SilenceSettings, *, frame_ns: int) -> None:
        self._settings = settings
        self._frame_ms = frame_ns / 1e6
        self._speaking = False
        self._below_ms = 0.0
        self._presence = 0.0

    @property
    def speaking(self) -> bool:
        """The state after the last frame."""
        return self._speaking

    def advance(self, speech: float) -> float:
        """Take the next frame's probability of speech; returns the weight of speech over rest, 0 and 1 exactly at the ends."""
        settings = self._settings
        self._below_ms = self._below_ms + self._frame_ms if speech < settings.silent_below else 0.0
        if speech > settings.speak_above:
            self._speaking = True
        elif self._below_ms > settings.hold_ms:
            self._speaking = False
        step = self._frame_ms / settings.rise_ms if self._speaking else -self._frame_ms / settings.settle_ms
        self._presence = min(1.0, max(0.0, self._presence + step))
        return self._presence * self._presence * (3.0 - 2.0 * self._presence)
