"""Tone pips: a test sound that is a pure function of the sample's number since the epoch.

A 1 kHz pip of 20 ms is centred on every whole TAI second, when the bar of `signals.bars` stands in the middle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.tai import AUDIO_CLOCK_HZ

PIP_HZ = 1000
PIP_HALF = 480
"""Samples on either side of the second, 10 ms."""
PIP_PEAK = 0.5


def pips(first_sample: int, samples: int) -> NDArray[np.float32]:
    """Samples `first_sample` … of the sound at 48 kHz, (samples,) float32 in −1..1."""
    number = np.arange(samples, dtype=np.int64) + first_sample
    offset = (number + AUDIO_CLOCK_HZ // 2) % AUDIO_CLOCK_HZ - AUDIO_CLOCK_HZ // 2
    window = np.where(np.abs(offset) <= PIP_HALF, 0.5 + 0.5 * np.cos(np.pi * offset / PIP_HALF), 0.0)
    return (PIP_PEAK * window * np.cos(2 * np.pi * PIP_HZ * offset / AUDIO_CLOCK_HZ)).astype(np.float32)
