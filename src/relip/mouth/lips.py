"""A gallery entry made into a layer of lips for one target: contours, fields, light and edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.mouth.fields import lip_lattices
from relip.mouth.gallery import Gallery
from relip.mouth.geometry import Complex
from relip.mouth.landmarks import CORNERS, INNER_LOWER, INNER_UPPER, NOSE, OUTER, OUTER_LOWER, OUTER_UPPER
from relip.ports import Device, LipLayer

NODES = 48
FEATHER_OUT, FEATHER_IN = 0.012, 0.022
"""Ramp of the layer about the lips' outline, in IOD."""
SOFT = 0.006
"""Half width of the lips' inner edges, in IOD; twice that where the inside is painted, which has no edge of its own."""
STRETCH = 1.3
INSET, SEAM, SHADE = 0.010, 0.22, 0.4
"""When lips close over a source that was open: IOD kept off its inner edges, how dark the new seam is, and the teeth by it."""
CLOSING = 0.03
"""IOD of closing at which these are at full."""
MEETING = (0.010, 0.020)
"""IOD of opening up to which the inset is whole, and from which there is none: lips that stay parted hide no teeth, and would
look closer together than was asked for."""


def layer_of(
    device: Device,
    gallery: Gallery,
    index: int,
    *,
    target: Complex,
    size: tuple[int, int],
    iod: float,
    ring_match: tuple[float, tuple[float, float, float]],
    unseen: NDArray[np.float32],
    valley: float,
    grain: tuple[float, int],
    weight: float,
) -> LipLayer:
    """The lips of entry `index` fitted to landmarks `target`.

    `target`: in pixels of the planes to be laid on, which have `size` (width, height). `iod`: of the face there.
    `ring_match`: luma gain and offsets as `tone.match` gives them. `unseen`, `valley`: see `ports.LipLayer`. `grain`: deviation
    and seed.
    """
    places = gallery.landmarks[index].astype(np.float64)
    source = places[:, 0] + 1j * places[:, 1]
    scale = iod / gallery.iod[index]
    had = abs(source[13] - source[14]) / gallery.iod[index]
    opening = abs(target[13] - target[14]) / iod
    closing = had - opening
    closed = float(np.clip(closing / CLOSING, 0, 1))
    meeting = float(np.clip((MEETING[1] - opening) / (MEETING[1] - MEETING[0]), 0, 1))
    box = _box(target, (FEATHER_OUT + 0.02) * iod, size)
    inset = INSET * closed * meeting * gallery.iod[index]
    upper, lower = lip_lattices(device, source, target, box=box, iod=iod, inset=inset)
    line = target[CORNERS[1]] - target[CORNERS[0]]
    source_line = source[CORNERS[1]] - source[CORNERS[0]]
    down = 1j * source_line / abs(source_line) / scale
    start, axis = target[CORNERS[0]], line / abs(line)
    gain, offset = ring_match
    return LipLayer(
        source=gallery.picture(index),
        box=box,
        upper=upper,
        lower=lower,
        origin=(start.real, start.imag),
        axis=(axis.real, axis.imag),
        length=abs(line),
        contours=_contours(device, target, source, scale),
        down=(down.real, down.imag),
        inset=inset * scale,
        stretch=STRETCH,
        valley=valley,
        feather=(FEATHER_OUT * iod, FEATHER_IN * iod),
        soft=max(SOFT * (1 + float(np.clip(-closing / CLOSING, 0, 1))) * iod, 0.5),
        seam=SEAM * closed,
        shade=SHADE * min(max(closing / max(had, CLOSING), 0.0), 1.0),
        gain=gain,
        offset=offset,
        unseen=unseen,
        grain=grain[0],
        seed=grain[1],
        weight=weight,
    )


def _box(target: Complex, room: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Even pixels round the lips, as far as the planes go."""
    lips = target[OUTER]
    x, y = max(int(lips.real.min() - room), 0) // 2 * 2, max(int(lips.imag.min() - room), 0)
    right, bottom = min(int(lips.real.max() + room + 2), size[0]), min(int(lips.imag.max() + room + 1), size[1])
    return x, y, max(right - x, 0) // 2 * 2, max(bottom - y, 0)


def _contours(device: Device, target: Complex, source: Complex, scale: float) -> NDArray[np.float32]:
    """The six curves of `ports.LipLayer` at NODES steps along the mouth line.

    The teeth hold to the skull, so the source is brought to the target by the base of the nose: where the upper lip has come
    down over them, the space begins further down in the source.
    """
    line, own = target[list(CORNERS)], source[list(CORNERS)]
    turn = (line[1] - line[0]) / abs(line[1] - line[0]) * abs(own[1] - own[0]) / (own[1] - own[0]) * scale
    skull = (source[INNER_UPPER] - source[NOSE].mean()) * turn + target[NOSE].mean()
    outer_up, outer_low = _curves(device, target[[OUTER_UPPER, OUTER_LOWER]], line)
    inner = np.stack((*target[[INNER_UPPER, INNER_LOWER]], skull, *source[[INNER_UPPER, INNER_LOWER]]))
    lines = np.stack((line, line, line, own, own))
    inner = np.concatenate((lines[:, :1], inner, lines[:, 1:]), axis=1)
    inner_up, inner_low, teeth, had_up, had_low = _curves(device, inner, lines.T)
    inner_low = np.maximum(inner_low, inner_up)
    gap = np.maximum(had_low - had_up, 0) * scale
    hang = np.clip(inner_up - teeth, 0, np.maximum(gap - (inner_low - inner_up), 0))
    return np.stack((outer_up, inner_up, inner_low, outer_low, gap, hang)).astype(np.float32)


def _curves(device: Device, contours: Complex, line: Complex) -> NDArray[np.float64]:
    """Heights of contours (k, m) over the line between two points (2,) or (2, k), at NODES even steps of it: (k, NODES)."""
    right, left = line[..., None]
    along = (contours - right) / (left - right)
    x = np.maximum.accumulate(np.clip(along.real, 0, 1) + np.arange(along.shape[1]) * 1e-6, axis=1)
    heights = np.empty((len(contours), NODES))
    device.trace(x, along.imag * np.abs(left - right), heights)
    return heights
