"""LSE-D and LSE-C by a SyncNet that the user brings: the face crops and cepstra it expects, and the curve of its distances.

As in the public scoring script: 25 frames a second; lips of 5 frames, sound of 20 columns of 13 cepstra; the sound shifted
by −15 to 15 frames. Values depend on crops and rates, so only those of one pipeline compare: the original's stand beside.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ModelError
from relip.essence.scene import Face
from relip.evaluation.measures import Track
from relip.evaluation.rig import Rig, Voice
from relip.evaluation.sync import SHIFTS
from relip.evaluation.voiced import Voiced
from relip.graph.take import Take
from relip.ports import Model
from relip.speech.resample import REACH, decimate

RATE = 25
FRAMES, COLUMNS, CEPSTRA = 5, 20, 13
COLUMNS_A_FRAME = 4
SIDE = 224
PAD = 0.4
"""The crop is the face's square, wider by this share on each side and deeper by twice as much below."""
INPUTS = {"video": (-1, 3, FRAMES, SIDE, SIDE), "audio": (-1, 1, CEPSTRA, COLUMNS)}
_HZ, _WINDOW, _HOP, _FFT, _FILTERS, _LIFTER, _EMPHASIS = 16_000, 400, 160, 512, 26, 22, 0.97
_SCALE = 32768
"""The cepstra are those of 16-bit samples."""


def check(model: Model, rate: float) -> None:
    """FormatError when this is no SyncNet as docs/how-to/evaluate.md describes it, or the rate is not 25."""
    if rate != RATE:
        raise FormatError(f"--syncnet: LSE is defined at 25 frames a second, not {rate:g}")
    given = {spec.name: spec.shape for spec in model.signature.inputs}
    fits = given.keys() == INPUTS.keys() and all(
        len(given[name]) == len(shape) and all(n in (-1, 1, m) or m == -1 for n, m in zip(given[name], shape, strict=True))
        for name, shape in INPUTS.items()
    )
    if not fits or len(model.signature.outputs) != 2:
        raise FormatError(f"--syncnet: inputs {given}; wanted are {INPUTS} and two outputs, the embeddings of video and audio")


@dataclass(slots=True)
class _Side:
    """One picture's way through the net: the last crops, and the embeddings by the number of their first frame."""

    crops: deque[NDArray[np.float32]] = field(default_factory=lambda: deque(maxlen=FRAMES))
    seen: dict[int, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(slots=True)
class _Clip:
    made: Voiced
    cepstra: NDArray[np.float32]
    heard: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    sides: dict[str, _Side] = field(default_factory=lambda: {"dubbed": _Side(), "original": _Side()})


class Lse:
    """Looks on while clips are dubbed with their own sound."""

    def __init__(self, rig: Rig, model: Model) -> None:
        self._rig = rig
        self._model = model
        self._clips: list[_Clip] = []

    def see(
        self, number: int, made: Voiced, _: Take, before: NDArray[np.uint8], after: NDArray[np.uint8], face: Face | None
    ) -> None:
        """As `voiced.Watch`. Only frames that were dubbed in full and have a face before and after count, on both sides."""
        if not self._clips or self._clips[-1].made is not made:
            assert made.seen.voice is not None, "who is dubbed with the own sound has one"
            self._clips.append(_Clip(made, cepstra(made.seen.voice)))
        clip, own = self._clips[-1], made.seen.faces[number]
        if face is None or own is None or not made.full[number]:
            for side in clip.sides.values():
                side.crops.clear()
            return
        for side, picture, at in zip(clip.sides.values(), (after, before), (face, own), strict=True):
            side.crops.append(self._crop(picture, at))
            if len(side.crops) == FRAMES:
                self._embed(clip, side, number - FRAMES + 1)

    def _crop(self, packed: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        """(3, 224, 224): blue, green, red in 0..255."""
        low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
        (x, y), half = (low + high) / 2, float((high - low).max() / 2)
        scale = 2 * half * (1 + PAD) / SIDE
        affine = np.array([[scale, 0, x - half * (1 + PAD)], [0, scale, y - half]], np.float32)
        out = np.zeros((SIDE, SIDE, 3), np.float32)
        self._rig.device.crop(packed, affine, out)
        return np.asarray(out.clip(0, 1)[..., ::-1].transpose(2, 0, 1) * 255)

    def _embed(self, clip: _Clip, side: _Side, first: int) -> None:
        sound = clip.cepstra[:, first * COLUMNS_A_FRAME : first * COLUMNS_A_FRAME + COLUMNS]
        if sound.shape[1] < COLUMNS:
            return
        video = np.stack(list(side.crops), axis=1)[None]
        found = self._model.infer(
            [video if spec.name == "video" else sound[None, None] for spec in self._model.signature.inputs]
        )
        if not all(np.isfinite(part).all() for part in found):
            raise ModelError("the SyncNet gave something that is not a number")
        side.seen[first], clip.heard[first] = found[0].reshape(-1), found[1].reshape(-1)

    def curves(self, side: str) -> list[Track]:
        """The mean distance at each of SHIFTS, a curve a clip; clips too short for every shift are left out."""
        found = [_curve(clip.sides[side].seen, clip.heard) for clip in self._clips]
        return [curve for curve in found if curve is not None]


def _curve(seen: dict[int, NDArray[np.float32]], heard: dict[int, NDArray[np.float32]]) -> Track | None:
    rows = [
        [float(np.linalg.norm(lips - heard[first + shift])) for first, lips in seen.items() if first + shift in heard]
        for shift in SHIFTS
    ]
    return np.array([np.mean(row) for row in rows]) if all(rows) else None


def cepstra(voice: Voice) -> NDArray[np.float32]:
    """(13, columns) of a 48 kHz voice, 100 a second: log energy, then 12 liftered cepstra (Davis, Mermelstein 1980)."""
    signal = decimate(np.pad(voice, (REACH, REACH))) * _SCALE
    signal = np.append(signal[:1], signal[1:] - _EMPHASIS * signal[:-1]).astype(np.float64)
    columns = max(1, 1 + -(-max(0, len(signal) - _WINDOW) // _HOP))
    padded = np.pad(signal, (0, max(0, (columns - 1) * _HOP + _WINDOW - len(signal))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:columns]
    power = np.abs(np.fft.rfft(windows, _FFT)) ** 2 / _FFT
    least = np.finfo(np.float64).eps
    bands = np.log(np.maximum(power @ _triangles().T, least))
    out = bands @ _cosines().T * (1 + _LIFTER / 2 * np.sin(np.pi * np.arange(CEPSTRA) / _LIFTER))
    out[:, 0] = np.log(np.maximum(power.sum(axis=1), least))
    return np.asarray(out.T, np.float32)


def _triangles() -> NDArray[np.float64]:
    """(26, 257) mel filters of height 1, edges on whole lines of the spectrum."""
    mel = np.linspace(0, 2595 * np.log10(1 + _HZ / 2 / 700), _FILTERS + 2)
    edges = np.floor((_FFT + 1) * 700 * (10 ** (mel / 2595) - 1) / _HZ)
    lines = np.arange(_FFT // 2 + 1)[None]
    left, middle, right = (edges[i : i + _FILTERS, None] for i in range(3))
    rise, fall = (lines - left) / np.maximum(middle - left, 1), (right - lines) / np.maximum(right - middle, 1)
    return np.asarray(
        np.where((lines >= left) & (lines < middle), rise, np.where((lines >= middle) & (lines < right), fall, 0.0))
    )


def _cosines() -> NDArray[np.float64]:
    """(13, 26): the orthonormal DCT-II."""
    rows, at = np.arange(CEPSTRA)[:, None], (np.arange(_FILTERS) + 0.5)[None]
    scale = np.where(rows == 0, np.sqrt(1 / _FILTERS), np.sqrt(2 / _FILTERS))
    return np.asarray(scale * np.cos(np.pi * rows * at / _FILTERS))
