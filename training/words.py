"""The phones of a GRID sentence with their times: each word as flite says it, laid over the recording by time warping.

The corpus says when each word begins and ends; where its phones lie inside is found by comparing log-mel columns with those of
synthetic voices that say the same word and know.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from coarticulation import Phone
from numpy.typing import NDArray
from scipy.fft import dct
from voices import flite

from relip.speech.mel import COLUMN_SAMPLES, WINDOW_SAMPLES, log_mel

ALIGN_HZ = 25_000
"""Unit of the corpus' alignments."""
SILENT = ("sil", "sp")
VOICES = ("rms", "slt", "awb")
SPELLINGS = {
    "a": "ay", "b": "bee", "c": "sea", "d": "dee", "e": "ee", "f": "ef", "g": "gee", "h": "aitch", "i": "eye", "j": "jay",
    "k": "kay", "l": "el", "m": "em", "n": "en", "o": "owe", "p": "pea", "q": "queue", "r": "are", "s": "ess", "t": "tea",
    "u": "you", "v": "vee", "x": "ex", "y": "why", "z": "zed",
}  # fmt: skip
"""How a letter's name is spelt for a synthesiser."""

Mel = NDArray[np.float32]
Word = tuple[float, float, str]


def read_words(text: str) -> list[Word]:
    """The lines of an alignment as (start s, end s, word)."""
    rows = (line.split() for line in text.splitlines() if line.strip())
    return [(int(start) / ALIGN_HZ, int(end) / ALIGN_HZ, word) for start, end, word in rows]


def phones_of(words: list[Word], mel: NDArray[np.floating]) -> list[Phone]:
    """The phones of a sentence. `mel`: (80, n), column c at c·10 ms, of the whole recording."""
    found: list[Phone] = []
    for start, end, word in words:
        if word not in SILENT:
            found += _within(word, start, end, mel)
    return found


def _within(word: str, start: float, end: float, mel: NDArray[np.floating]) -> list[Phone]:
    first, last = round(start * 100), max(round(start * 100) + 4, round(end * 100))
    heard = _features(mel[:, first:last])
    bounds = []
    for voice in VOICES:
        said, _, edges = _spoken(word, voice)
        bounds.append(np.interp(edges, np.arange(said.shape[1]), _warp(said, heard)) / 100)
    edges = start + np.mean(bounds, axis=0)
    edges[0], edges[-1] = start, end
    poses = [phone.pose for phone in _spoken(word, VOICES[0])[1]]
    return [Phone(pose, float(a), float(b)) for pose, a, b in zip(poses, edges[:-1], edges[1:], strict=True)]


@lru_cache(maxsize=256)
def _spoken(word: str, voice: str) -> tuple[Mel, list[Phone], NDArray[np.float64]]:
    """A synthetic word: its features, phones, and the phones' edges in columns from the word's first."""
    said = flite(SPELLINGS.get(word, word), voice=voice, stretch=1.0, shift=1.0)
    first = round(said.phones[0].start * 100)
    edges = np.array([p.start for p in said.phones] + [said.phones[-1].end]) * 100 - first
    columns = columns_of(said.samples)[:, first : first + round(edges[-1])]
    return _features(columns), said.phones, edges


def columns_of(samples: NDArray[np.float32]) -> Mel:
    """(80, n // 160): log-mel of 16 kHz sound, column c centred on sample 160·c."""
    count = samples.size // COLUMN_SAMPLES
    padded = np.pad(samples, (WINDOW_SAMPLES // 2, WINDOW_SAMPLES))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::COLUMN_SAMPLES][:count]
    return np.ascontiguousarray(log_mel(windows).T)


def _features(mel: NDArray[np.floating]) -> Mel:
    """Smooth spectra and their slopes, free of the voice's own level and colour."""
    cepstra = dct(np.maximum(mel.astype(np.float64), mel.max() - 9.0), axis=0, norm="ortho")[:13]
    cepstra -= cepstra.mean(axis=1, keepdims=True)
    cepstra /= cepstra.std(axis=1, keepdims=True).mean() + 1e-3
    slopes = np.gradient(cepstra, axis=1) if cepstra.shape[1] > 1 else np.zeros_like(cepstra)
    return np.concatenate([cepstra, 2.0 * slopes]).astype(np.float32)


def _warp(said: Mel, heard: Mel) -> NDArray[np.float64]:
    """For each column of `said` the column of `heard` that is the same moment of the word."""
    cost = np.linalg.norm(said[:, :, None] - heard[:, None, :], axis=0)
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    penalty = 0.3 * float(cost.mean())
    for i in range(rows):
        for j in range(columns):
            total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1] + penalty, total[i + 1, j] + penalty)
    sums, counts = np.zeros(rows), np.zeros(rows)
    i, j = rows, columns
    while i > 0 and j > 0:
        sums[i - 1] += j - 1
        counts[i - 1] += 1
        step = int(np.argmin((total[i - 1, j - 1], total[i - 1, j] + penalty, total[i, j - 1] + penalty)))
        i, j = (i - 1, j - 1) if step == 0 else (i - 1, j) if step == 1 else (i, j - 1)
    return np.maximum.accumulate(sums / np.maximum(counts, 1))
