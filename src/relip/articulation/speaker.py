"""From the net's scale to this speaker's: own range, own rest, smoothly, with lips that meet when they must.

The net hears how far a mouth opens; how far *this* mouth opens is learned from the picture, from the last minute of it, and
starts from what mouths in general do. Memory is bounded. No clock: frames are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from relip.articulation.scale import Scale
from relip.articulation.silence import SilenceSettings, SpeechGate
from relip.essence.errors import FormatError
from relip.essence.scene import Articulation, MouthShape

MEMORY_NS = 60_000_000_000
OBSERVATION_AXES = 2
REVIEW_FRAMES = 10
"""The range is worked out anew so often."""
TRUST = 150
"""Observations of a moving mouth after which they count as much as the prior."""
PRIOR_OPEN = (0.002, 0.055, 0.130)
"""3rd, 50th and 97th percentile of the opening of people who talk, in units of IOD."""
LEAST_RANGE = 0.06
"""However little a speaker was seen to open, speech opens so far: a mouth seen still says nothing of its range."""
PRIOR_WIDTH, PRIOR_WIDTH_SPREAD = 0.55, 0.022
WIDTH_TRUST = 5
WIDTH_LIMITS = 2.5
"""Standard deviations beyond which no width is asked for."""
MOVES = 0.008
"""A change of the opening from frame to frame that tells speech from the mesh's own noise."""
MOVES_HOLD_FRAMES = 4
REST_QUANTILE = 0.10
MOST_REST_OPEN = 0.008
"""A rest is a closed mouth, or nearly: who was only seen with an open one closes it in silence."""
REST_DRIFT = 0.01
REST_STEP = 0.001
"""A rest shape stays as it is until it is wrong by REST_DRIFT, then moves by REST_STEP a frame."""
APPROACH = 0.06
"""So far below the probability at which the lips meet they begin to approach: a closure is no switch."""
PARTED = 0.032
"""Lips that do not meet while somebody speaks keep so far apart, in units of IOD: nearer looks closed."""
LABIODENTAL_OPEN = 0.036
"""The gap between the lips in f and v, where the lower one touches the teeth."""
AMPLITUDES = (0.3, 2.0)
BEYOND = 1.15
"""How far above the 97th percentile the net's largest opening leads."""


@dataclass(frozen=True, slots=True)
class SpeakerSettings:
    """What an operator may turn, and the scale of the net that is heard.

    `amplitude`: factor on the opening. `max_open`: in units of IOD. `smoothing_ms`: time constant, 0 for none; a closure is
    never smoothed. `closure`: probability from which the lips meet, None for the net's own. `frame_ns`: one grain period.
    """

    amplitude: float = 1.0
    max_open: float = 0.22
    smoothing_ms: int = 20
    closure: float | None = None
    frame_ns: int = 40_000_000
    scale: Scale = field(default_factory=Scale)
    silence: SilenceSettings = field(default_factory=SilenceSettings)

    def __post_init__(self) -> None:
        least, most = AMPLITUDES
        if not least <= self.amplitude <= most:
            raise FormatError(f"amplitude={self.amplitude}: a factor from {least} to {most}")
        if not 0.0 < self.max_open <= 0.5:
            raise FormatError(f"max_open={self.max_open}: in units of IOD, up to 0.5")
        if self.smoothing_ms < 0 or self.frame_ns <= 0:
            raise FormatError(f"smoothing_ms={self.smoothing_ms} frame_ns={self.frame_ns}: times are positive")
        if self.closure is not None and not 0.0 < self.closure < 1.0:
            raise FormatError(f"closure={self.closure}: a probability in 0..1")


Observations = NDArray[np.float32]
"""(n, 3): opening and width in IOD, and 1 where the mouth was moving."""


@dataclass(frozen=True, slots=True)
class Range:
    """What is known of a mouth, in units of IOD: opening percentiles, mean width and its spread, the mouth at rest."""

    low: float
    middle: float
    top: float
    width: float
    width_spread: float
    rest: MouthShape


UNKNOWN = Range(*PRIOR_OPEN, PRIOR_WIDTH, PRIOR_WIDTH_SPREAD, MouthShape(open=0.0, width=PRIOR_WIDTH))


class Speaker:
    """Aims the mouth of one speaker. Call `observe` and `aim` once a frame, in order."""

    def __init__(self, settings: SpeakerSettings) -> None:
        self._settings = settings
        self._seen = np.zeros((max(1, MEMORY_NS // settings.frame_ns), 3), np.float32)
        self.forget()

    def forget(self) -> None:
        """Somebody else, perhaps: start from what mouths in general do."""
        self._count = 0
        self._moving_frames = 0
        self._last_open = math.nan
        self._range = UNKNOWN
        self._gate = SpeechGate(self._settings.silence, frame_ns=self._settings.frame_ns)
        self._rest: MouthShape | None = None
        self._drifting = False
        self._shape: MouthShape | None = None

    @property
    def range(self) -> Range:
        """What is known of this mouth so far."""
        return self._range

    def observe(self, shape: MouthShape) -> None:
        """Take the mouth as the picture shows it. A shape that is not a number is left out."""
        if not (math.isfinite(shape.open) and math.isfinite(shape.width)):
            return
        if abs(shape.open - self._last_open) > MOVES:
            self._moving_frames = MOVES_HOLD_FRAMES
        self._last_open = shape.open
        self._seen[self._count % len(self._seen)] = shape.open, shape.width, float(self._moving_frames > 0)
        self._moving_frames = max(0, self._moving_frames - 1)
        self._count += 1
        if self._count % REVIEW_FRAMES == 1:
            self._range = measure(self._seen[: self._count])

    def known(self) -> Observations:
        """(n, 3) float32: what was observed in the last minute, oldest first: opening, width, and 1 where the mouth moved."""
        place = self._count % len(self._seen)
        newest = self._seen[:place]
        return np.concatenate([self._seen[place:], newest]) if self._count >= len(self._seen) else newest.copy()

    def recall(self, observations: Observations) -> None:
        """Start from what `known` gave of the same person. Raises FormatError for anything else."""
        if observations.ndim != OBSERVATION_AXES or observations.shape[1] != self._seen.shape[1]:
            raise FormatError(f"observations of shape {observations.shape}: (n, {self._seen.shape[1]}) is due")
        if not np.isfinite(observations).all():
            raise FormatError("observations hold something that is not a number")
        self.forget()
        kept = observations[-len(self._seen) :]
        self._seen[: len(kept)] = kept
        self._count = len(kept)
        if len(kept) > 0:
            self._last_open = float(kept[-1, 0])
            self._range = measure(self._seen[: self._count])

    def aim(self, articulation: Articulation) -> MouthShape:
        """The mouth that this speaker would have for it."""
        weight = self._gate.advance(articulation.speech)
        rest = self._at_rest()
        if weight == 0.0:
            self._shape = None
            return rest
        shape = self._smooth(_mix(rest, self._wanted(articulation), weight))
        if self._gate.speaking:
            shape = replace(shape, open=shape.open * self._apart(articulation.closure))
        self._shape = shape
        return shape

    def _apart(self, closure: float) -> float:
        """1 for lips that may part, 0 for lips that must meet."""
        meet = self._settings.closure or self._settings.scale.closure
        return min(1.0, max(0.0, (meet - closure) / APPROACH))

    def _wanted(self, articulation: Articulation) -> MouthShape:
        settings, known = self._settings, self._range
        scale = settings.scale
        opening = float(
            np.interp(
                articulation.open,
                (0.0, *scale.open, 1.0),
                (0.0, known.low, known.middle, known.top, known.top * BEYOND),
            )
        )
        opening = min(max(opening, PARTED) * settings.amplitude, settings.max_open)
        if articulation.labiodental >= scale.labiodental:
            opening = min(opening, LABIODENTAL_OPEN)
        mean, spread = scale.width
        deviation = min(WIDTH_LIMITS, max(-WIDTH_LIMITS, (articulation.width - mean) / spread))
        width = known.width + deviation * known.width_spread
        return MouthShape(open=opening, width=width, round=articulation.round, labiodental=articulation.labiodental)

    def _smooth(self, shape: MouthShape) -> MouthShape:
        """One pole; twice as fast towards closed as towards open, as lips are."""
        last, time_ns = self._shape, self._settings.smoothing_ms * 1_000_000
        if last is None or time_ns == 0:
            return shape
        keep = math.exp(-self._settings.frame_ns / time_ns)
        return MouthShape(
            open=_towards(last.open, shape.open, keep if shape.open > last.open else keep * keep),
            width=_towards(last.width, shape.width, keep),
            round=_towards(last.round, shape.round, keep),
            labiodental=shape.labiodental,
        )

    def _at_rest(self) -> MouthShape:
        """The rest shape, the same object as long as it is right."""
        known = self._range.rest
        if self._rest is None:
            self._rest = known
        apart = max(abs(known.open - self._rest.open), abs(known.width - self._rest.width))
        if apart > REST_DRIFT:
            self._drifting = True
        if self._drifting:
            self._drifting = apart > REST_STEP
            self._rest = MouthShape(_step(self._rest.open, known.open), _step(self._rest.width, known.width))
        return self._rest


def measure(seen: NDArray[np.float32]) -> Range:
    """What some observations tell: (n, 3) float32 of opening, width, and 1 where the mouth was moving, n ≥ 1.

    Only a moving mouth tells of the range; every one tells of rest and width.
    """
    moving = seen[seen[:, 2] > 0.5]
    low, middle, top = PRIOR_OPEN
    spread = PRIOR_WIDTH_SPREAD
    if len(moving) > 0:
        trust = len(moving) / (len(moving) + TRUST)
        own = np.quantile(moving[:, 0], (0.03, 0.50, 0.97))
        low, middle, top = (float(trust * o + (1.0 - trust) * p) for o, p in zip(own, PRIOR_OPEN, strict=True))
        spread = float(trust * moving[:, 1].std() + (1.0 - trust) * PRIOR_WIDTH_SPREAD)
    low = min(low, MOST_REST_OPEN)
    top = max(top, low + LEAST_RANGE)
    middle = min(max(middle, low + 0.2 * (top - low)), low + 0.7 * (top - low))
    trust = len(seen) / (len(seen) + WIDTH_TRUST)
    width = trust * float(seen[:, 1].mean()) + (1.0 - trust) * float(seen[0, 1])
    return Range(low, middle, top, width, spread, _rest(seen))


def _rest(seen: NDArray[np.float32]) -> MouthShape:
    opening = float(np.quantile(seen[:, 0], REST_QUANTILE))
    closed = seen[seen[:, 0] <= opening + 0.005]
    return MouthShape(open=min(opening, MOST_REST_OPEN), width=float(np.median(closed[:, 1])))


def _mix(rest: MouthShape, live: MouthShape, weight: float) -> MouthShape:
    return MouthShape(
        open=_towards(live.open, rest.open, weight),
        width=_towards(live.width, rest.width, weight),
        round=live.round * weight,
        labiodental=live.labiodental * weight,
    )


def _towards(keep: float, other: float, weight: float) -> float:
    """`weight` of the first, the rest of the second."""
    return weight * keep + (1.0 - weight) * other


def _step(value: float, goal: float) -> float:
    return value + min(REST_STEP, max(-REST_STEP, goal - value))
