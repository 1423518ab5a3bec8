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


def layer_of(
    device: Device,
    gallery: Gallery,
    index: int,
    *,
    target: Complex,
    iod: float,
    ring_match: tuple[float, tuple[float, float, float]],
    dark: NDArray[np.float64],
    weight: float,
) -> LipLayer:
    """The lips of entry `index` fitted to landmarks `target`, which are in pixels of the planes to be laid on."""
    places = gallery.landmarks[index].astype(np.float64)
    source = places[:, 0] + 1j * places[:, 1]
    scale = iod / gallery.iod[index]
    had = abs(source[13] - source[14]) / gallery.iod[index]
    closing = had - abs(target[13] - target[14]) / iod
    closed = float(np.clip(closing / CLOSING, 0, 1))
    box = _box(target, (FEATHER_OUT + 0.02) * iod)
    inset = INSET * closed * gallery.iod[index]
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
        contours=_contours(target, source, scale),
        down=(down.real, down.imag),
        inset=inset * scale,
        stretch=STRETCH,
        feather=(FEATHER_OUT * iod, FEATHER_IN * iod),
        soft=max(SOFT * (1 + float(np.clip(-closing / CLOSING, 0, 1))) * iod, 0.5),
        seam=SEAM * closed,
        shade=SHADE * min(max(closing / max(had, CLOSING), 0.0), 1.0),
        gain=gain,
        offset=offset,
        dark=(float(dark[0]), float(dark[1]), float(dark[2])),
        weight=weight,
    )


def _box(target: Complex, room: float) -> tuple[int, int, int, int]:
    """Even pixels round the lips."""
    lips = target[OUTER]
    x, y = int(lips.real.min() - room) // 2 * 2, int(lips.imag.min() - room)
    return x, y, int(lips.real.max() + room + 2 - x) // 2 * 2, int(lips.imag.max() + room + 1 - y)


def _contours(target: Complex, source: Complex, scale: float) -> NDArray[np.float32]:
    """The six curves of `ports.LipLayer` at NODES steps along the mouth line.

    The teeth hold to the skull, so the source is brought to the target by the base of the nose: where the upper lip has come
    down over them, the space begins further down in the source.
    """
    line = target[list(CORNERS)]
    edges = [_curve(target[contour], line) for contour in (OUTER_UPPER, INNER_UPPER, INNER_LOWER, OUTER_LOWER)]
    edges[2] = np.maximum(edges[2], edges[1])
    own = source[list(CORNERS)]
    upper, lower = (_curve(source[inner], own) for inner in (INNER_UPPER, INNER_LOWER))
    gap = np.maximum(lower - upper, 0) * scale
    turn = (line[1] - line[0]) / abs(line[1] - line[0]) * abs(own[1] - own[0]) / (own[1] - own[0]) * scale
    skull = (source[INNER_UPPER] - source[NOSE].mean()) * turn + target[NOSE].mean()
    hang = np.clip(edges[1] - _curve(skull, line), 0, np.maximum(gap - (edges[2] - edges[1]), 0))
    return np.stack((*edges, gap, hang)).astype(np.float32)


def _curve(contour: Complex, line: Complex) -> NDArray[np.float64]:
    """Height of a contour over the line between two points at NODES even steps of it: a smooth curve."""
    right, left = line
    along = (contour - right) / (left - right)
    if along[0] != 0:
        along = np.concatenate(((0,), along, (1,)))
    u = np.maximum.accumulate(np.clip(along.real, 0, 1) + np.arange(len(along)) * 1e-6)
    height = along.imag * abs(left - right)
    return _through(u, height, np.linspace(0, 1, NODES))


def _through(x: NDArray[np.float64], y: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic Hermite interpolation with harmonic slopes: smooth, and never beyond its points (Fritsch–Carlson)."""
    step, rise = np.diff(x), np.diff(y)
    slope = rise / step
    product = slope[1:] * slope[:-1]
    inner = np.where(product > 0, 2 * product / np.where(product > 0, slope[1:] + slope[:-1], 1), 0)
    tangent = np.concatenate((slope[:1], inner, slope[-1:]))
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    t = np.clip((at - x[i]) / step[i], 0, 1)
    line = y[i] + t * rise[i]
    bend = t * (1 - t) * step[i] * ((1 - t) * (tangent[i] - slope[i]) - t * (tangent[i + 1] - slope[i]))
    return np.asarray(line + bend)
