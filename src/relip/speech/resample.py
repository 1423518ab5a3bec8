"""From 48 to 16 kHz by one symmetric polyphase FIR on an absolute grid: output sample n sits on input sample 3·n.

Stateless: the caller brings the neighbours that the filter reaches for. No stream, no clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FACTOR = 3
"""48 kHz over 16 kHz."""
REACH = 60
"""Input samples the filter looks to either side: 1.25 ms."""
CUTOFF_HZ = 7600.0
"""Middle of the transition: 0.25 dB down at 7.0 kHz, where the highest mel band ends, and more than 70 dB from 8.6 kHz on;
what could fold into the bands lies above 9.0 kHz."""
KAISER_BETA = 6.8


def _taps() -> NDArray[np.float32]:
    """The filter: a Kaiser-windowed sinc of 2·REACH + 1 taps, gain 1 at DC."""
    at = np.arange(-REACH, REACH + 1)
    width = 2.0 * CUTOFF_HZ / 48_000.0
    taps = width * np.sinc(width * at) * np.kaiser(2 * REACH + 1, KAISER_BETA)
    return np.asarray(taps / taps.sum(), dtype=np.float32)


TAPS = _taps()


def decimate(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every third sample, filtered.

    `samples`: (3·n + 2·REACH,) float32 at 48 kHz, starting REACH samples before the input sample that output 0 sits on.
    Returns (n,) float32 at 16 kHz. The same samples in an array of the same length give the same bits.
    """
    windows = np.lib.stride_tricks.sliding_window_view(samples, TAPS.size)[::FACTOR]
    return np.asarray(windows[: (samples.size - 2 * REACH) // FACTOR] @ TAPS)
