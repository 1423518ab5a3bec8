"""Which frames are speech, and how loud each is: what the baseline knows, by rules that use no net.

From the words where there are any; else from the sound, by its level over the clip's own noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import AudioBlock
from relip.essence.tai import AUDIO_CLOCK_HZ, grain_ticks
from relip.evaluation.measures import Mask, Track
from relip.evaluation.sidecars import Transcript
from relip.speech.listener import Listener
from relip.speech.mel import BANDS, FLOOR

START = 1000
"""Seconds at which a sound is laid on the listener's time line: what is before it was not heard."""
COLUMNS_A_SECOND = 100
STRETCH_S = 10
"""Columns are worked out for so long a stretch at a time."""
SPEECH_DB = 0.35
"""Share of the way from a clip's noise to its loudest, in decibels, from which a frame counts as speech."""
LEAST_RANGE_DB = 10.0
"""A sound that does not rise so far above its own floor holds no speech that level could tell."""
PAUSE_S, BURST_S = 0.16, 0.08
"""A shorter pause is part of the speech; a shorter burst is none."""
NOISE_PERCENT, LOUD_PERCENT = 10, 95

Columns = NDArray[np.float32]


def columns_of(voice: NDArray[np.float32]) -> Columns:
    """The whole sound as log-mel: (80, n), column c centred on 48 kHz sample 480·c of it."""
    parts = list(_stretches(voice))
    return np.concatenate(parts, axis=1) if parts else np.full((BANDS, 0), FLOOR, np.float32)


def _stretches(voice: NDArray[np.float32]) -> Iterator[Columns]:
    listener = Listener(history_s=STRETCH_S + 4)
    ahead = AUDIO_CLOCK_HZ // 10  # a column reaches for 14 ms of what follows it
    total, heard = len(voice) * COLUMNS_A_SECOND // AUDIO_CLOCK_HZ, 0
    for first in range(0, total, STRETCH_S * COLUMNS_A_SECOND):
        last = min(first + STRETCH_S * COLUMNS_A_SECOND, total)
        upto = min(last * AUDIO_CLOCK_HZ // COLUMNS_A_SECOND + ahead, len(voice))
        listener.hear(AudioBlock(START * AUDIO_CLOCK_HZ + heard, voice[heard:upto]))
        heard = upto
        yield listener.mel(START * COLUMNS_A_SECOND + first, last - first).copy()


def loudness(columns: Columns, frames: int, rate: Fraction) -> Track:
    """The logarithm of the energy in each frame: the baseline that a net has to beat. NaN beyond the sound's end."""
    energy = np.log(np.exp(columns.astype(np.float64)).sum(axis=0) + np.exp(FLOOR))
    edges = [grain_ticks(k, rate, COLUMNS_A_SECOND) for k in range(frames + 1)]
    parts = [energy[a : max(b, a + 1)] for a, b in pairwise(edges)]
    return np.array([part.mean() if part.size else np.nan for part in parts])


def spoken(transcript: Transcript | None, level: Track, rate: Fraction) -> Mask:
    """Which frames are speech: those whose middle lies in a word (or phone), else those loud enough."""
    if transcript is None:
        return heard(level, rate)
    middle = (np.arange(len(level)) + 0.5) / float(rate)
    inside = np.zeros(len(level), np.bool_)
    for label in transcript.spoken:
        inside |= (middle >= label.start) & (middle < label.end)
    return inside


def heard(level: Track, rate: Fraction) -> Mask:
    """Speech by level alone: far enough above the clip's noise, without short gaps and short bursts."""
    known = level[np.isfinite(level)]
    decibels = 10 / np.log(10)
    if not known.size:
        return np.zeros(len(level), np.bool_)
    low, high = np.percentile(known, [NOISE_PERCENT, LOUD_PERCENT])
    if (high - low) * decibels < LEAST_RANGE_DB:
        return np.zeros(len(level), np.bool_)
    loud = np.nan_to_num(level, nan=low) > low + SPEECH_DB * (high - low)
    filled = ~_without_short(~loud, PAUSE_S * float(rate))
    return _without_short(filled, BURST_S * float(rate))


def _without_short(mask: Mask, least: float) -> Mask:
    """The mask without its runs of fewer than `least` frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    out = mask.copy()
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first < least:
            out[first:last] = False
    return out
