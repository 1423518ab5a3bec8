"""Which pictures of a mouth may be learned from: what is in doubt never gets into a gallery.

Each gate compares a frame with fixed limits or with what is usual for this speaker in these pictures. No frame is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from relip.essence.scene import Face
from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.mouth.landmarks import CORNERS

LEAST_SCORE = 0.7
MOST_YAW, MOST_PITCH, MOST_ROLL = 35.0, 30.0, 30.0
"""Degrees beyond which the mesh guesses at half of the mouth, or an upright picture does not hold it."""
FASTEST_OPEN, FASTEST_WIDTH, FASTEST_TRAVEL = 5.0, 4.0, 2.0
"""IOD a second. Lips part by up to 0.12 IOD in 40 ms (3 a second); what is faster was mismeasured, or is smeared."""
SWIFT_OPEN = 0.5
"""IOD a second from which lips are smeared, and the mesh, which is smoothed, up to 0.02 behind: worth seeing, not keeping."""
APART_TICKS = VIDEO_CLOCK_HZ // 8
"""Frames further apart are not compared."""
FACES = 5
"""Frames before a speaker's usual light and sharpness are known."""
BLURRED = 0.6
"""Share of the usual sharpness below which a picture is out of focus or smeared."""
SHARPNESS_STEP = 0.01
"""By which the usual sharpness follows, as a natural logarithm a frame: a lens that stays soft is believed in seconds."""
FLASH = 0.25
"""Change against the usual luma, as a natural logarithm."""
LIGHT_FOLLOWS = 0.08
"""A light that stays is the usual one within a second."""
BLACK, DARKEST, CLIPPED = 64.0, 40.0, 935
"""10-bit codes: narrow-range black, the least mean above it that shows a mouth, and the luma from which white is cut off."""
MOST_CLIPPED = 0.02
ODD = 0.045
"""RMS distance in IOD of the lower face from where this speaker has it with such a mouth: a hand, or a mesh that slipped."""
KNOWN_ENTRIES = 12
"""Entries from which a speaker's lower face is known well enough for that."""


class Refusal(StrEnum):
    """Why a frame was not learned from. The value is the key in reports."""

    EDGE = "edge"
    UNSURE = "unsure"
    TURNED = "turned"
    SUDDEN = "sudden"
    BLURRED = "blurred"
    EXPOSURE = "exposure"
    ODD = "odd"


@dataclass(frozen=True, slots=True)
class _Mouth:
    """A mouth to compare the next with: opening and width in IOD, the middle between the corners and the IOD in pixels."""

    open: float
    width: float
    middle: complex
    iod: float

    @classmethod
    def of(cls, face: Face) -> _Mouth:
        shape = face.shape
        (x, y, _), (u, v, _) = (face.landmarks[corner].tolist() for corner in CORNERS)
        return cls(shape.open, shape.width, complex(x + u, y + v) / 2, face.iod)

    def jumped(self, before: _Mouth, seconds: float) -> bool:
        """Whether it changed or moved faster than mouths do."""
        return (
            abs(self.open - before.open) > FASTEST_OPEN * seconds
            or abs(self.width - before.width) > FASTEST_WIDTH * seconds
            or abs(self.middle - before.middle) > FASTEST_TRAVEL * seconds * self.iod
        )


class Gates:
    """Remembers the last face and what is usual; `forget` when the speaker or the shot changes.

    `swift`: whether the last face's lips were parting or closing too fast to be kept as a picture of their shape.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nothing is usual yet."""
        self.begin_shot()
        self._faces = 0
        self._sharpness = 0.0
        self._light = 0.0

    def begin_shot(self) -> None:
        """The next face is not compared with the last one."""
        self.swift = False
        self._last: _Mouth | None = None
        self._ticks = 0

    def face(self, face: Face, ticks: int) -> Refusal | None:
        """What speaks against a face by its landmarks alone; each frame's face is shown once, in order."""
        last, elapsed = self._last, ticks - self._ticks
        now = _Mouth.of(face)
        self._last, self._ticks = now, ticks
        near = last is not None and 0 < elapsed < APART_TICKS
        self.swift = near and last is not None and abs(now.open - last.open) > SWIFT_OPEN * elapsed / VIDEO_CLOCK_HZ
        if face.score < LEAST_SCORE:
            return Refusal.UNSURE
        if abs(face.yaw) > MOST_YAW or abs(face.pitch) > MOST_PITCH or abs(face.roll) > MOST_ROLL:
            return Refusal.TURNED
        if near and last is not None and now.jumped(last, elapsed / VIDEO_CLOCK_HZ):
            return Refusal.SUDDEN
        return None

    def picture(self, *, sharpness: float, luma: float, clipped: float) -> Refusal | None:
        """What speaks against the pixels: `luma` the mean code value, `clipped` the share of samples at white."""
        sharp, light = math.log(sharpness), math.log(max(luma - BLACK, 1.0))
        self._faces += 1
        if self._faces == 1:
            self._sharpness, self._light = sharp, light
        share = max(1.0 / self._faces, LIGHT_FOLLOWS)
        step = max(1.0 / self._faces**2, SHARPNESS_STEP)
        flash = abs(light - self._light) > FLASH
        blurred = sharp < self._sharpness + math.log(BLURRED)
        self._light += share * (light - self._light)
        self._sharpness += math.copysign(min(step, abs(sharp - self._sharpness)), sharp - self._sharpness)
        if luma - BLACK < DARKEST or clipped > MOST_CLIPPED or (flash and self._faces > FACES):
            return Refusal.EXPOSURE
        return Refusal.BLURRED if blurred and self._faces > FACES else None
