"""Takes the tremble out of landmarks without making lips late (one-euro filter: Casiez et al., CHI 2012).

A head and a mouth move for different reasons, so they are smoothed apart: the landmarks are split into a similarity
that carries the skull, and what is left, seen from the skull. The skull is smoothed well; of the rest, everything
below the nose is smoothed only when it is almost at rest, so that lips that meet for one frame still meet.
Times come in as ticks and never become a float of seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.face.mesh import OUTER_EYES
from relip.face.pose import RIGID

NOSE_BASE = 2


@dataclass(frozen=True, slots=True)
class Strength:
    """`rest_hz`: cut-off of what does not move. `gain`: how much it rises, in Hz for each IOD a second."""

    rest_hz: float
    gain: float


SKULL = Strength(rest_hz=2.0, gain=15.0)
"""A fast head (0.5 IOD a second) is 0.4 frames late at 25 fps; a still one loses more than half of its tremble."""
FAST_SKULL = Strength(rest_hz=6.0, gain=60.0)
"""For a head that nods and shakes: a third of the lag, and nearly as little tremble."""
UPPER = Strength(rest_hz=2.0, gain=15.0)
LOWER = Strength(rest_hz=10.0, gain=40.0)
"""Lips that fall from 0.1 IOD to closed within one frame of 40 ms keep less than 0.01 of it."""


class _OneEuro:
    """One filter for a column of points: each has its own cut-off, from its own speed. Points are complex numbers."""

    def __init__(self, strengths: NDArray[np.float64]) -> None:
        """`strengths`: (n, 2), rest_hz and gain of each point."""
        self._rest, self._gain = strengths.T
        self._last: NDArray[np.complex128] | None = None

    def smooth(self, points: NDArray[np.complex128], iod: float, elapsed_ticks: int) -> NDArray[np.complex128]:
        """`iod`: in the points' unit. The speed is from the last result to this value: a jump is followed at once."""
        if self._last is None or elapsed_ticks <= 0:
            self._last = points
            return points
        step = points - self._last
        cutoff_hz = self._rest + self._gain * np.abs(step) / iod * (VIDEO_CLOCK_HZ / elapsed_ticks)
        turns = 2 * np.pi * cutoff_hz * elapsed_ticks / VIDEO_CLOCK_HZ
        self._last = self._last + step * (turns / (1 + turns))
        return self._last


class LandmarkSmoother:
    """Smooths the landmarks of one face from frame to frame; make a new one for another face."""

    def __init__(self, head_speed: float = 0.0) -> None:
        """`head_speed`: 0 for a head that keeps still or moves slowly, 1 for a fast one, or between."""
        self._reference: NDArray[np.complex128] | None = None
        self._ticks = 0
        skull = _between(SKULL, FAST_SKULL, head_speed)
        self._skull = _OneEuro(np.array([[skull.rest_hz, skull.gain]] * 2))
        self._rest: _OneEuro | None = None
        self._depth: _OneEuro | None = None

    def smooth(self, landmarks: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
        """(478, 3) landmarks of the frame at `ticks` (90 kHz) → smoothed, a new array. The first come back as they are."""
        flat = landmarks[:, 0].astype(np.float64) + 1j * landmarks[:, 1]
        if self._reference is None:
            self._start(flat)
        assert self._reference is not None
        assert self._rest is not None
        assert self._depth is not None
        elapsed, self._ticks = ticks - self._ticks, ticks
        turn, shift = _similarity(self._reference[RIGID], flat[RIGID])
        rest = self._rest.smooth((flat - shift) / turn, 1.0, elapsed)
        depth = self._depth.smooth((landmarks[:, 2] / abs(turn)).astype(np.complex128), 1.0, elapsed)
        shift, turn = self._skull.smooth(np.array([shift, turn]), abs(turn), elapsed)
        carried = rest * turn + shift
        return np.column_stack([carried.real, carried.imag, depth.real * abs(turn)]).astype(np.float32)

    def _start(self, flat: NDArray[np.complex128]) -> None:
        """Take the first frame as the reference: origin in the skull's middle, the outer eyes 1 apart."""
        iod = abs(flat[OUTER_EYES[1]] - flat[OUTER_EYES[0]])
        self._reference = (flat - flat[RIGID].mean()) / iod
        lower = self._reference.imag > self._reference.imag[NOSE_BASE]
        strengths = np.where(lower[:, None], (LOWER.rest_hz, LOWER.gain), (UPPER.rest_hz, UPPER.gain))
        self._rest, self._depth = _OneEuro(strengths), _OneEuro(strengths)


def _between(slow: Strength, fast: Strength, part: float) -> Strength:
    """The strength at a part 0..1 of the way, in equal ratios."""
    return Strength(
        rest_hz=slow.rest_hz * (fast.rest_hz / slow.rest_hz) ** part, gain=slow.gain * (fast.gain / slow.gain) ** part
    )


def _similarity(source: NDArray[np.complex128], target: NDArray[np.complex128]) -> tuple[complex, complex]:
    """`turn`, `shift` so that turn · source + shift fits target best: rotation and scale are one complex factor."""
    middle = source.mean()
    centred = source - middle
    turn = complex(np.vdot(centred, target) / np.vdot(centred, centred))
    return turn, complex(target.mean() - turn * middle)
