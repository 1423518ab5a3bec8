"""The articulation net: log-mel columns round a frame → what the voice asks of a mouth over that frame.

Stateless, as the net is: a frame's answer depends on its window of columns alone. What the net says of itself (context,
order of outputs, scale) is read from its metadata and checked once; a net that does not say it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.articulation.scale import Scale, read_scale
from relip.essence.errors import ModelError
from relip.essence.scene import Articulation
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S
from relip.ports import Model, Signature

BANDS = 80
COLUMN_SAMPLES = 480
"""Column c sits on 48 kHz sample 480·c since the epoch and stands for the 10 ms that follow."""
COLUMNS_PER_SECOND = AUDIO_CLOCK_HZ // COLUMN_SAMPLES
OUTPUTS = ("open", "width", "round", "closure", "labiodental", "teeth", "tongue", "speech", "doubt")
EVENTS = ("closure", "labiodental")
"""A closure of 60 ms must survive 25 frames a second: of these the frame's maximum counts, of the rest the mean."""
LONGEST_CONTEXT = 1000


@dataclass(frozen=True, slots=True)
class _Card:
    """What a net says of itself. `rows`: where each of OUTPUTS lies; `logits`: which rows still lack their sigmoid."""

    scale: Scale
    past: int
    future: int
    rows: tuple[int, ...]
    logits: tuple[int, ...]


class ArticulationNet:
    """Asks a net of the kind that `training/train_articulation.py` makes."""

    def __init__(self, model: Model) -> None:
        """Raises ModelError, naming what is wrong, for a net of another shape or without the metadata."""
        self._model = model
        self._card = _read_card(model.signature)

    @property
    def look_ahead_ns(self) -> int:
        """How far beyond a frame's last column the net looks; the half window of that column (12.5 ms) comes on top."""
        return self._card.future * COLUMN_SAMPLES * NS_PER_S // AUDIO_CLOCK_HZ

    @property
    def scale(self) -> Scale:
        """What its tracks range over in speech."""
        return self._card.scale

    def columns(self, start_sample: int, end_sample: int) -> tuple[int, int]:
        """The log-mel columns needed for a frame that lasts [start_sample, end_sample): the first, and how many."""
        first, last = start_sample // COLUMN_SAMPLES, (end_sample - 1) // COLUMN_SAMPLES
        return first - self._card.past, last - first + 1 + self._card.past + self._card.future

    def articulate(self, mel: NDArray[np.float32], start_sample: int, end_sample: int) -> Articulation:
        """The mouth over a frame.

        `mel`: (80, count) float32, the columns that `columns` named. Shapes are the mean over the frame, weighted by how much
        of each column lies in it; closure and labiodental are the maximum over the columns that lie in it by half. Raises
        ModelError when the net fails, or answers with something that is not a number.
        """
        _, count = self.columns(start_sample, end_sample)
        if mel.shape != (BANDS, count):
            raise ModelError(f"log-mel of shape {mel.shape} where ({BANDS}, {count}) was asked for")
        outputs = self._model.infer([np.ascontiguousarray(mel[None], dtype=np.float32)])[0]
        wanted = count - self._card.past - self._card.future
        if outputs.shape != (1, len(OUTPUTS), wanted):
            raise ModelError(f"the articulation net gave {outputs.shape} where (1, {len(OUTPUTS)}, {wanted}) was due")
        if not np.isfinite(outputs).all():
            raise ModelError("the articulation net gave something that is not a number")
        return self._over_frame(outputs[0], start_sample, end_sample)

    def _over_frame(self, tracks: NDArray[np.float32], start_sample: int, end_sample: int) -> Articulation:
        starts = (start_sample // COLUMN_SAMPLES + np.arange(tracks.shape[1])) * COLUMN_SAMPLES
        inside = np.minimum(starts + COLUMN_SAMPLES, end_sample) - np.maximum(starts, start_sample)
        within = inside * 2 >= inside.max()
        values: dict[str, float] = {}
        for name, row in zip(OUTPUTS, self._card.rows, strict=True):
            track = tracks[row].astype(np.float64)
            if row in self._card.logits:
                track = 1.0 / (1.0 + np.exp(-np.clip(track, -60.0, 60.0)))
            values[name] = float(track[within].max() if name in EVENTS else track @ inside / inside.sum())
        return Articulation(**values)


def _read_card(signature: Signature) -> _Card:
    if len(signature.inputs) != 1 or len(signature.outputs) != 1:
        raise ModelError(
            f"an articulation net has one input and one output, not {len(signature.inputs)} and {len(signature.outputs)}"
        )
    for spec, rows in ((signature.inputs[0], BANDS), (signature.outputs[0], len(OUTPUTS))):
        if spec.dtype != "float32" or spec.shape != (1, rows, -1):
            raise ModelError(f"{spec.name} is {spec.dtype} {spec.shape}; an articulation net has float32 (1, {rows}, any)")
    said = signature.metadata
    if said.get("columns_per_second") != str(COLUMNS_PER_SECOND):
        raise ModelError(f"columns_per_second={said.get('columns_per_second')!r}: only {COLUMNS_PER_SECOND} is known")
    names = said.get("outputs", "").split()
    if sorted(names) != sorted(OUTPUTS):
        raise ModelError(f"outputs={said.get('outputs')!r}: an articulation net gives {' '.join(OUTPUTS)}")
    logits = said.get("logits", "").split()
    if not set(logits) <= set(OUTPUTS):
        raise ModelError(f"logits={said.get('logits')!r} names what is no output")
    rows_of = {name: row for row, name in enumerate(names)}
    return _Card(
        scale=read_scale(said.get("scale")),
        past=_context(said, "past_columns"),
        future=_context(said, "future_columns"),
        rows=tuple(rows_of[name] for name in OUTPUTS),
        logits=tuple(rows_of[name] for name in logits),
    )


def _context(metadata: dict[str, str], name: str) -> int:
    value = metadata.get(name, "")
    if not value.isascii() or not value.isdigit() or int(value) > LONGEST_CONTEXT:
        raise ModelError(f"{name}={value!r}: the net has to say its context, 0 to {LONGEST_CONTEXT} columns")
    return int(value)
