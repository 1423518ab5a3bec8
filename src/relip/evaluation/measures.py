"""The arithmetic of the protocol: tracks in, figures out.

A track is one number a frame, NaN where nothing was measured. No picture, no file, no net; a figure that a track does not
allow is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_FRAMES = 8
"""Frames below which a correlation says nothing."""
LEAST_SPREAD = 0.003
"""Standard deviation of a truth below which there is nothing to follow: a still mouth trembles by a third of this, IOD."""
LAGS_MS = 160
"""How far to either side a common lag is looked for."""
SHUT = 0.02
"""IOD of opening below which lips count as met, in the picture that leaves."""

Track = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in frames, first and one past the last."""

    first: int
    last: int


def correlation(found: Track, real: Track) -> float | None:
    """Pearson's r over the frames in which both were measured; 0 for what does not move at all.

    None for too few frames, or a truth that does not move.
    """
    there = np.isfinite(found) & np.isfinite(real)
    if there.sum() < LEAST_FRAMES or real[there].std() < LEAST_SPREAD:
        return None
    return float(np.corrcoef(found[there], real[there])[0, 1]) if np.ptp(found[there]) > 0 else 0.0


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are there; None when none is."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else None


def mean_error(a: Track, b: Track) -> float | None:
    """Mean absolute difference over the frames in which both were measured."""
    there = np.isfinite(a) & np.isfinite(b)
    return float(np.abs(a[there] - b[there]).mean()) if there.any() else None


def leakage(output: Track, original: Track, target: Track) -> float | None:
    """R2: how much more the output resembles the original mouth than the target already does."""
    there = np.isfinite(output) & np.isfinite(original) & np.isfinite(target)
    seen, asked = correlation(output[there], original[there]), correlation(target[there], original[there])
    return None if seen is None or asked is None else seen - asked


def shake(track: Track) -> float | None:
    """Mean absolute second difference: how much a track trembles."""
    steps = np.abs(np.diff(track, 2))
    return float(np.nanmean(steps)) if np.isfinite(steps).any() else None


def jitter(outputs: Sequence[Track], targets: Sequence[Track]) -> float | None:
    """R4: the outputs' tremble over that of the targets, over the same frames."""
    seen, asked = [], []
    for output, target in zip(outputs, targets, strict=True):
        there = np.isfinite(output) & np.isfinite(target)
        seen.append(shake(np.where(there, output, np.nan)))
        asked.append(shake(np.where(there, target, np.nan)))
    above, below = mean(seen), mean(asked)
    return above / below if above is not None and below else None


def shifted(found: Track, real: Track, counted: Mask, lag: int) -> float | None:
    """Correlation over the counted frames of `real`, with `found` as it was `lag` frames later."""
    frames = np.flatnonzero(counted)
    frames = frames[(frames + lag >= 0) & (frames + lag < len(found))]
    return correlation(found[frames + lag], real[frames])


def best_lag_ms(curves: Sequence[Sequence[float | None]], frame_ms: float) -> float | None:
    """A2: where the mean of some r curves is highest, in ms; each curve runs over the same lags, −n..n frames.

    Between frames the peak is that of the parabola through the highest value and its neighbours.
    """
    whole = [curve for curve in curves if all(value is not None for value in curve)]
    if not whole:
        return None
    curve = np.array(whole, np.float64).mean(axis=0)
    top = int(curve.argmax())
    at = float(top - len(curve) // 2)
    if 0 < top < len(curve) - 1:
        before, peak, after = curve[top - 1 : top + 2]
        at += 0.5 * (before - after) / (before - 2 * peak + after)
    return at * frame_ms


def lags(frame_ms: float) -> range:
    """The lags in frames that lie within LAGS_MS."""
    reach = int(LAGS_MS / frame_ms + 0.5)
    return range(-reach, reach + 1)


def closed(track: Track, windows: Iterable[Window], *, below: float = SHUT) -> list[bool]:
    """For each window with a measured frame in it, whether the lips met there."""
    found = []
    for window in windows:
        part = track[max(0, window.first) : max(0, window.last)]
        part = part[np.isfinite(part)]
        if part.size:
            found.append(bool(part.min() < below))
    return found


def share(flags: Sequence[bool]) -> float | None:
    """The part that is true; None of nothing."""
    return float(np.mean(flags)) if flags else None


def spread(track: Track) -> float | None:
    """Standard deviation over the measured frames."""
    known = track[np.isfinite(track)]
    return float(known.std()) if known.size >= LEAST_FRAMES else None
