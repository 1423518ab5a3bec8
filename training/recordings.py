"""A talker's clips as sentences: sound, words, phones and the mouth that Relip's own face engine measures.

The GRID corpus (Cooke, Barker, Cunningham and Shao 2006, CC BY 4.0) is laid out as NAME.mpg with NAME.align beside it.
Nothing of it is kept but measured mouths, in a folder of the caller's choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mouths
import numpy as np
from coarticulation import Phone
from numpy.typing import NDArray
from scipy.signal import resample_poly
from words import Word, columns_of, phones_of, read_words

from relip.offline.container import read_voice

FRAME_S = 0.040
OPEN_SCALE = 5.0
"""Openings in units of IOD times this are the net's scale: 0.2 IOD is 1."""
WIDTH_SPREADS = 7.0
"""So many standard deviations of width, centred, fill the net's scale."""
EVERY = 14
"""Of a talker's clips in order of their names, beside those named, one in so many is held out."""

Track = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One clip. `samples` at 16 kHz; `mouth`: (2, columns) opening and width in the net's scale, at 100 Hz."""

    name: str
    samples: Track
    words: list[Word]
    phones: list[Phone]
    mouth: Track


def split(folder: Path, development: Path | None) -> tuple[list[Path], list[Path]]:
    """The clips to learn from and those held out: the ones that also lie in `development`, and one in EVERY of the rest."""
    clips = sorted(p for p in folder.glob("*.mpg") if p.with_suffix(".align").exists())
    named = {p.stem for p in development.glob("*.mpg")} if development else set()
    others = [p for p in clips if p.stem not in named]
    held = named | {p.stem for p in others[::EVERY]}
    return [p for p in clips if p.stem not in held], [p for p in clips if p.stem in held]


def measured(path: Path, kept: Path) -> Track:
    """(frames, 2): opening and width in units of IOD, from the folder `kept` or measured and put there."""
    saved = kept / f"{path.stem}.npy"
    if not saved.exists():
        kept.mkdir(parents=True, exist_ok=True)
        np.save(saved, mouths.openings(path))
    return np.asarray(np.load(saved), np.float32)


def read(paths: Sequence[Path], kept: Path) -> Iterator[Sentence]:
    """The sentences of some clips, in order; a clip in which no mouth could be measured is left out."""
    width = _widths([measured(path, kept) for path in paths])
    for path in paths:
        mouth = measured(path, kept)
        if np.isfinite(mouth[:, 0]).mean() < 0.9:
            continue
        samples = resample_poly(read_voice(path), 1, 3).astype(np.float32)
        words = read_words(path.with_suffix(".align").read_text())
        columns = columns_of(samples)
        yield Sentence(path.stem, samples, words, phones_of(words, columns), _tracks(mouth, columns.shape[1], width))


def _widths(mouths_seen: list[Track]) -> tuple[float, float]:
    widths = np.concatenate([m[:, 1] for m in mouths_seen])
    return float(np.nanmean(widths)), float(np.nanstd(widths))


def _tracks(mouth: Track, columns: int, width: tuple[float, float]) -> Track:
    """A frame's mouth holds at its middle; between frames lips move straight on."""
    there = np.isfinite(mouth[:, 0])
    at = (np.arange(len(mouth))[there] + 0.5) * FRAME_S
    times = np.arange(columns) / 100 + 0.005
    opening = np.interp(times, at, mouth[there, 0]) * OPEN_SCALE
    spread = 0.5 + (np.interp(times, at, mouth[there, 1]) - width[0]) / (width[1] * WIDTH_SPREADS)
    return np.stack([opening, spread]).clip(0.0, 1.0).astype(np.float32)
