"""The figures a run is judged by, on speech of voices that training never heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from coarticulation import PARAMETERS
from corpus import Example
from numpy.typing import NDArray

from relip.speech.mel import FLOOR

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
OPEN, WIDTH, CLOSURE, LABIODENTAL, SPEECH = (PARAMETERS.index(n) for n in ("open", "width", "closure", "labiodental", "speech"))
TOLERANCE = 3


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


def scale(predict: Predict, examples: Sequence[Example], *, past: int, future: int) -> dict[str, list[float]]:
    """What the net's own outputs range over in speech: percentiles 3, 50 and 97 of `open`, mean and deviation of `width`."""
    openings, widths = [], []
    for example in examples:
        mel = np.pad(example.mel.astype(np.float32), ((0, 0), (past, future)), constant_values=FLOOR)
        out = predict(mel)[:, example.targets[SPEECH] > 0.5]
        openings.append(out[OPEN])
        widths.append(out[WIDTH])
    opening, width = np.concatenate(openings), np.concatenate(widths)
    return {
        "open": [round(float(v), 3) for v in np.percentile(opening, [3, 50, 97])],
        "width": [round(float(v), 3) for v in (width.mean(), width.std())],
    }


def _r(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _detection(name: str, found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> dict[str, float]:
    """Columns right within 30 ms, and the share of events in which some column was found."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.astype(np.int8), [0]])))
    events = list(zip(edges[::2], edges[1::2], strict=True))
    return {
        f"{name}_precision": float(_widen(wanted)[found].mean()) if found.any() else 0.0,
        f"{name}_recall": float(_widen(found)[wanted].mean()),
        f"{name}_events": float(np.mean([found[a:b].any() for a, b in events])),
    }


def _widen(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.convolve(mask, np.ones(2 * TOLERANCE + 1), "same") > 0.5
