"""The figures a run is judged by, on speech of voices that training never heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from coarticulation import PARAMETERS
from corpus import Example, rendition
from numpy.typing import NDArray
from recordings import Sentence
from words import SILENT

from relip.speech.mel import FLOOR

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
OPEN, WIDTH, CLOSURE, LABIODENTAL, SPEECH = (PARAMETERS.index(n) for n in ("open", "width", "closure", "labiodental", "speech"))
TOLERANCE = 3
FRAME = 4
"""Columns of a video frame at 25 Hz."""
MISSED = (0.07, 0.3)
"""Shares of closures and of labiodentals that may go unseen in the disturbed speech of the figures, so that few are seen
where there are none."""
THRESHOLDS = (0.3, 0.57)
"""Between these a threshold lies."""
LAGS = range(-8, 9, 2)


def measure(predict: Predict, examples: Sequence[Example], *, past: int, future: int) -> dict[str, float]:
    """Correlations and detections over all examples together; `predict` takes (80, past + n + future) and gives (8, n)."""
    found, wanted = [], []
    for example in examples:
        mel = np.pad(example.mel.astype(np.float32), ((0, 0), (past, future)), constant_values=FLOOR)
        found.append(predict(mel))
        wanted.append(example.targets.astype(np.float32))
    out, target = np.concatenate(found, axis=1), np.concatenate(wanted, axis=1)
    speech = target[SPEECH] > 0.5
    figures = {
        "open_r": _r(out[OPEN], target[OPEN]),
        "open_r_speech": _r(out[OPEN][speech], target[OPEN][speech]),
        "width_r_speech": _r(out[WIDTH][speech], target[WIDTH][speech]),
        "open_mae_speech": float(np.abs(out[OPEN] - target[OPEN])[speech].mean()),
        "silence_open_p99": float(np.percentile(out[OPEN][~speech], 99)),
        "speech_accuracy": float(((out[SPEECH] > 0) == speech).mean()),
    }
    for name, row in (("closure", CLOSURE), ("labiodental", LABIODENTAL)):
        figures |= _detection(name, out[row] > 0, target[row] > 0.5)
    return {name: round(value, 4) for name, value in figures.items()}


def follow(predict: Predict, sentences: Sequence[Sentence], shift: float, *, past: int, future: int) -> dict[str, float]:
    """How a talker's mouth is followed: r in speech, frames of 40 ms, mean of the sentences, replayed `shift` times as fast.

    `at_lag` is the common lag in milliseconds at which the opening fits best: positive is late.
    """
    opening: dict[int, list[float]] = {lag: [] for lag in LAGS}
    width: list[float] = []
    for sentence in sentences:
        out, target, speech = _natural(predict, sentence, shift, past, future)
        real = _frames(target[OPEN])
        for lag, found in opening.items():
            found.append(_r(_frames(np.roll(out[OPEN], lag))[speech], real[speech]))
        width.append(_r(_frames(out[WIDTH])[speech], _frames(target[WIDTH])[speech]))
    best = max(LAGS, key=lambda lag: float(np.mean(opening[lag])))
    figures = {
        "open_r": np.mean(opening[0]),
        "width_r": np.mean(width),
        "at_lag": best * 10,
        "open_r_at_lag": np.mean(opening[best]),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def scale(
    predict: Predict, examples: Sequence[Example], sentences: Sequence[Sentence], *, past: int, future: int
) -> dict[str, object]:
    """What the net's own outputs range over in speech, synthetic and natural in equal parts, frames of 40 ms.

    `open`: percentiles 3, 50 and 97; `width`: mean and deviation; `closure`, `labiodental`: probabilities that all events but
    a share of MISSED reach.
    """
    kinds: list[list[_Heard]] = [[], []]
    for example in examples:
        mel = np.pad(example.mel.astype(np.float32), ((0, 0), (past, future)), constant_values=FLOOR)
        target = example.targets.astype(np.float32)
        kinds[0].append(_heard(predict(mel), target, _frames(target[SPEECH]) > 0.5))
    for sentence in sentences:
        kinds[1].append(_heard(*_natural(predict, sentence, 1.0, past, future)))
    heard = [kind for kind in kinds if kind]
    opening = np.mean([np.percentile(np.concatenate([h.open for h in kind]), [3, 50, 97]) for kind in heard], axis=0)
    widths = [np.concatenate([h.width for h in kind]) for kind in heard]
    reached = [
        [np.percentile(np.concatenate([h.events[row] for h in kind]), 100 * missed) for kind in heard]
        for row, missed in enumerate(MISSED)
    ]
    closure, labiodental = (round(float(np.clip(np.mean(values), *THRESHOLDS)), 3) for values in reached)
    return {
        "open": [round(max(float(v), 0.001), 3) for v in opening],
        "width": [round(float(np.mean([f(w) for w in widths])), 3) for f in (np.mean, np.std)],
        "closure": closure,
        "labiodental": labiodental,
    }


@dataclass(frozen=True, slots=True)
class _Heard:
    """Opening and width in the frames of speech; the greatest probability of each closure and each labiodental."""

    open: NDArray[np.float32]
    width: NDArray[np.float32]
    events: tuple[NDArray[np.float64], NDArray[np.float64]]


def _heard(out: NDArray[np.float32], target: NDArray[np.float32], speech: NDArray[np.bool_]) -> _Heard:
    return _Heard(
        open=_frames(out[OPEN])[speech],
        width=_frames(out[WIDTH])[speech],
        events=(_greatest(out[CLOSURE], target[CLOSURE] > 0.5), _greatest(out[LABIODENTAL], target[LABIODENTAL] > 0.5)),
    )


def _greatest(logit: NDArray[np.float32], wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each event the greatest probability in it and 40 ms round it."""
    spans = ((max(0, first - FRAME), last + FRAME) for first, last in _events(wanted))
    return np.array([1.0 / (1.0 + np.exp(-float(logit[first:last].max()))) for first, last in spans])


def _events(wanted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First column, and the one after the last, of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _natural(
    predict: Predict, sentence: Sentence, shift: float, past: int, future: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Output, target, and which frames lie in a word."""
    example = rendition(sentence, shift, lambda samples: samples)
    mel = np.pad(example.mel.astype(np.float32), ((0, 0), (past, future)), constant_values=FLOOR)
    at = (np.arange(mel.shape[1] // FRAME) + 0.5) * 0.04 * shift
    inside = np.zeros(at.size, np.bool_)
    for start, end, word in sentence.words:
        if word not in SILENT:
            inside |= (at >= start) & (at < end)
    return predict(mel), example.targets.astype(np.float32), inside[: example.mel.shape[1] // FRAME]


def _frames(track: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(track[: track.size // FRAME * FRAME].reshape(-1, FRAME).mean(axis=1))


def _r(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _detection(name: str, found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> dict[str, float]:
    """Columns right within 30 ms, and the share of events in which some column was found."""
    events = _events(wanted)
    return {
        f"{name}_precision": float(_widen(wanted)[found].mean()) if found.any() else 0.0,
        f"{name}_recall": float(_widen(found)[wanted].mean()),
        f"{name}_events": float(np.mean([found[a:b].any() for a, b in events])),
    }


def _widen(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.convolve(mask, np.ones(2 * TOLERANCE + 1), "same") > 0.5
