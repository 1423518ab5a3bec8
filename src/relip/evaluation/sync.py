"""A4: whether lips and sound belong together, by a small net that was taught to tell pairs that do from pairs that do not.

The curve is LSE's: mean distance of the two embeddings over shifts of the sound. The net sees two numbers of a mouth, its
opening and its width, so it judges movement, not pixels; the score of the untouched original belongs beside every other.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ModelError
from relip.evaluation.measures import Mask, Track
from relip.ports import Model, TensorSpec

RATE = 25
"""Frames a second that the net looks at; other rates are brought to it."""
FRAMES = 11
"""0.44 s of mouth, and of sound."""
COLUMNS_A_FRAME = 4
BANDS = 80
SHIFTS = range(-15, 16)
"""Frames by which the sound is shifted against the picture, as LSE does."""
LEAST_OPEN, LEAST_WIDTH = 0.03, 0.01
"""IOD by which a mouth at least counts as moving: a still one is not blown up."""
SPREAD = 3.0
INPUTS = (TensorSpec("lips", (-1, 2, FRAMES), "float32"), TensorSpec("mel", (-1, BANDS, FRAMES * COLUMNS_A_FRAME), "float32"))

Windows = NDArray[np.float32]


def lips_of(opening: Track, width: Track) -> NDArray[np.float32]:
    """(2, frames): a mouth in its own range, so that the talker does not count. NaN stays where nothing was measured."""
    low, middle, high = _quantiles(opening, (10, 50, 90))
    narrow, straight, wide = _quantiles(width, (10, 50, 90))
    tall = (opening - middle) / max(high - low, LEAST_OPEN)
    broad = (width - straight) / max(wide - narrow, LEAST_WIDTH)
    return np.asarray(np.stack([tall, broad]).clip(-SPREAD, SPREAD), np.float32)


def _quantiles(track: Track, at: tuple[int, int, int]) -> tuple[float, float, float]:
    known = track[np.isfinite(track)]
    if not known.size:
        return 0.0, 0.0, 0.0
    low, middle, high = np.percentile(known, at)
    return float(low), float(middle), float(high)


def sound_of(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """(80, columns): log-mel without the microphone's colour and the level."""
    return np.asarray((columns - columns.mean(axis=1, keepdims=True)) / SPREAD, np.float32)


def at_net_rate(track: Track, rate: Fraction) -> Track:
    """A track of one number a frame at 25 frames a second; NaN where a neighbour is."""
    if rate == RATE:
        return track
    middles = (np.arange(int(len(track) * RATE / rate)) + 0.5) / RATE * float(rate) - 0.5
    return np.interp(middles, np.arange(len(track)), track)


def windows_of(tracks: NDArray[np.float32], size: int, step: int) -> Windows:
    """(n, rows, size): every window of (rows, columns), `step` columns apart."""
    if tracks.shape[1] < size:
        return np.zeros((0, tracks.shape[0], size), np.float32)
    found = np.lib.stride_tricks.sliding_window_view(tracks, size, axis=1)[:, ::step]
    return np.ascontiguousarray(found.transpose(1, 0, 2))


def curve(model: Model, lips: NDArray[np.float32], sound: NDArray[np.float32], counted: Mask) -> Track | None:
    """Mean distance at each of SHIFTS over the windows whose middle frame counts and whose mouth was measured throughout.

    None when there are none, or the sound is too short to be shifted. Raises ModelError for a net of another shape.
    """
    frames = min(lips.shape[1], sound.shape[1] // COLUMNS_A_FRAME)
    mouths = windows_of(lips[:, :frames], FRAMES, 1)
    sounds = windows_of(sound[:, : frames * COLUMNS_A_FRAME], FRAMES * COLUMNS_A_FRAME, COLUMNS_A_FRAME)
    middle = counted[FRAMES // 2 : FRAMES // 2 + len(mouths)]
    chosen = np.flatnonzero(middle & np.isfinite(mouths).all(axis=(1, 2)))
    if not chosen.size:
        return None
    seen, heard = _embedded(model, np.nan_to_num(mouths), sounds)
    distances = []
    for shift in SHIFTS:
        pairs = chosen[(chosen + shift >= 0) & (chosen + shift < len(heard))]
        if not pairs.size:
            return None
        distances.append(float(np.linalg.norm(seen[pairs] - heard[pairs + shift], axis=1).mean()))
    return np.array(distances)


def _embedded(model: Model, mouths: Windows, sounds: Windows) -> tuple[Windows, Windows]:
    if tuple(model.signature.inputs) != INPUTS:
        raise ModelError(f"a sync net takes {INPUTS}, not {model.signature.inputs}")
    seen, heard = model.infer([mouths, sounds])
    if not (np.isfinite(seen).all() and np.isfinite(heard).all()):
        raise ModelError("the sync net gave something that is not a number")
    return seen, heard


def reading(curves: Sequence[Track], frame_ms: float = 1000 / RATE) -> tuple[float | None, float | None, float | None]:
    """D = min, C = median − min, and where the least is: sound that fits when taken later is a picture that is early."""
    if not curves:
        return None, None, None
    mean = np.mean(curves, axis=0)
    return float(mean.min()), float(np.median(mean) - mean.min()), -SHIFTS[int(mean.argmin())] * frame_ms
