"""How far picture and sound are apart, measured from the test picture and the test sound themselves.

Works on what a receiver shows, at any size and depth: the bar of `signals.bars` and the pips of `signals.pips` each tell
when the nearest whole second was; the difference is the skew. It is known modulo a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S, Tai
from relip.signals.bars import BAR_PART, SWEEP_PART
from relip.signals.pips import PIP_HALF

CONTRAST = 0.3
"""Least part of the luma range by which the bar must stand out to be believed."""
FAINT = 0.06
"""Below this part of the bar's height a sample is the codec's noise; the shaded edges count, they carry the sub-pixel."""
QUIET = 0.05
"""Sound below this amplitude is not a pip."""


def skew_ns(pictures: Iterable[tuple[Tai, NDArray[Any]]], sound_from: Tai, sound: NDArray[np.float32]) -> int:
    """Nanoseconds by which the picture is later than the sound, in −½ s..½ s; negative when it is early.

    `pictures`: when each is shown, and its luma (h, w) of any integer depth. `sound`: 48 kHz, its first sample is heard
    at `sound_from`. The median over all pictures and all pips. Raises FormatError when there is no bar or no pip.
    """
    seen = [phase for at, luma in pictures if (phase := _picture_phase(at, luma)) is not None]
    heard = _pip_phases(sound_from, sound)
    if not seen:
        raise FormatError("no picture with a moving bar in its middle")
    if not heard:
        raise FormatError("no whole pip in the sound")
    return _wrap(_median(seen) - _median(heard))


def bar_centre(luma: NDArray[Any]) -> float | None:
    """The middle of the moving bar in pixels from the left edge; None when there is none or it touches an edge."""
    height, width = luma.shape
    row = luma[height - height // SWEEP_PART // 2 - 1].astype(np.float64)
    low, high = float(np.median(row)), float(row.max())
    full = 255.0 if luma.dtype == np.uint8 else 1023.0
    if high - low < CONTRAST * full:
        return None
    weight = (row - low) / (high - low)
    weight[weight < FAINT] = 0.0
    lit = np.flatnonzero(weight)
    if lit[0] < 2 or lit[-1] >= width - 2 or lit[-1] - lit[0] > 3 * width / BAR_PART:
        return None
    return float((weight * (np.arange(width) + 0.5)).sum() / weight.sum())


def _picture_phase(at: Tai, luma: NDArray[Any]) -> int | None:
    """When, modulo a second, this picture says the second was."""
    centre = bar_centre(luma)
    if centre is None:
        return None
    return _wrap(at.ns - round((centre / luma.shape[1] - 0.5) * NS_PER_S))


def _pip_phases(sound_from: Tai, sound: NDArray[np.float32]) -> list[int]:
    """When, modulo a second, each whole pip has its centre of energy."""
    loud = np.flatnonzero(np.abs(sound) > QUIET)
    phases = []
    for group in np.split(loud, np.flatnonzero(np.diff(loud) > 2 * PIP_HALF) + 1):
        if not len(group) or group[0] < PIP_HALF or group[-1] >= len(sound) - PIP_HALF:
            continue
        energy = np.square(sound[group].astype(np.float64))
        centre = float((energy * group).sum() / energy.sum())
        phases.append(_wrap(sound_from.ns + round(centre * NS_PER_S / AUDIO_CLOCK_HZ)))
    return phases


def _median(phases: list[int]) -> int:
    """The median of phases that may lie on either side of the wrap."""
    first = phases[0]
    return first + sorted(_wrap(phase - first) for phase in phases)[len(phases) // 2]


def _wrap(ns: int) -> int:
    """The same phase within −½ s..½ s."""
    half = NS_PER_S // 2
    return (ns + half) % NS_PER_S - half
