"""Log-mel bands of 16 kHz speech: 80 bands, a 25 ms window, a column every 10 ms.

The one definition that both the running service and the training use. Arrays in, arrays out: no stream, no cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
COLUMN_SAMPLES = 160
"""16 kHz samples from one column to the next: 100 columns a second."""
WINDOW_SAMPLES = 400
"""25 ms."""
BANDS = 80
FLOOR_POWER = 1e-10
"""Power below which a band counts as silent: −100 dB of a full-scale sine, below the noise of 16-bit samples."""
FLOOR = float(np.log(np.float32(FLOOR_POWER)))
"""What a band of a silent or unheard column holds."""

_FFT = 1024
_LOW_HZ, _HIGH_HZ = 50.0, 7000.0


def log_mel(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The columns of some windows of speech.

    `windows`: (n, 400) float32 at 16 kHz in −1..1. Returns (n, 80) float32: the natural logarithm of the power in each
    band, where a full-scale sine has about 0, and never below FLOOR.
    """
    spectra = np.fft.rfft(windows * _WINDOW, _FFT)
    power = spectra.real**2 + spectra.imag**2
    return np.asarray(np.log(np.maximum(power @ _FILTERS, np.float32(FLOOR_POWER))))


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mel of a frequency (O'Shaughnessy 1987)."""
    return np.asarray(1127.0 * np.log1p(hz / 700.0))


def _filters() -> NDArray[np.float32]:
    """(513, 80) triangles, equally spaced and equally wide in mel, each of sum 1 over the spectrum's lines."""
    low, high = _mel(np.array([_LOW_HZ, _HIGH_HZ]))
    edges = np.linspace(low, high, BANDS + 2)
    lines = _mel(np.arange(_FFT // 2 + 1) * RATE_HZ / _FFT)[:, None]
    rise = (lines - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - lines) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(np.minimum(rise, fall), 0.0)
    return np.asarray(triangles / triangles.sum(axis=0), dtype=np.float32)


_WINDOW = (np.hanning(WINDOW_SAMPLES + 1)[:-1] * 4.0 / WINDOW_SAMPLES).astype(np.float32)
_FILTERS = _filters()
