"""Things that people hold before their mouths, drawn: made footage for what must notice them.

Sizes are in units of the outer eye distance, about 9 cm: a hand's palm is one wide, a microphone's ball a half. Edges are soft
over a pixel, and every thing has its own shading, so that a detector does not learn to find cut-out paper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import Planes

Plane = NDArray[np.float32]
Colour = tuple[float, float, float]
"""Y, Cb, Cr in 10-bit codes."""
Shape = Callable[[Plane, Plane, Colour], tuple[Plane, Plane, Colour]]
"""From x right and y down about the thing's middle, in its units, and the skin's colour: distance to its edge
(negative inside), luma about the colour's, and the colour."""

FINGERS = ((-0.36, 0.62), (-0.12, 0.78), (0.12, 0.74), (0.36, 0.55))
"""Where the four fingers stand on the palm, and how long they are."""


def hand(x: Plane, y: Plane, skin: Colour) -> tuple[Plane, Plane, Colour]:
    """A palm with four fingers up, a thumb and a forearm, in the colour of the face's own skin."""
    parts = [
        _ball(x / 1.0, y / 1.1, 0.48),
        _bar(x, y, (0.0, 0.4), (0.15, 2.6), 0.30),
        _bar(x, y, (0.4, 0.1), (0.72, -0.3), 0.11),
    ]
    fingers = [_bar(x, y, (at, -0.3), (at * 1.25, -0.3 - length), 0.105) for at, length in FINGERS]
    distance = np.minimum.reduce(parts + fingers)
    creases = np.minimum.reduce([np.abs(x - at) for at in (-0.24, 0.0, 0.24)])
    shade = (
        60 * np.clip(-distance / 0.1, 0, 1) - 70 * np.exp(-((creases / 0.03) ** 2)) * (y < -0.1) + 25 * np.sin(7 * x + 3 * y)
    )
    return distance, np.asarray(shade - 30, np.float32), skin


def microphone(x: Plane, y: Plane, _skin: Colour) -> tuple[Plane, Plane, Colour]:
    """A dark ball of foam on a stick that comes from below."""
    distance = np.minimum(_ball(x, y, 0.30), _bar(x, y, (0.0, 0.2), (0.1, 3.0), 0.11))
    shade = 40 * (-x - y) + 14 * np.sin(60 * x) * np.sin(57 * y)
    return distance, np.asarray(shade, np.float32), (150.0, 512.0, 512.0)


def paper(x: Plane, y: Plane, _skin: Colour) -> tuple[Plane, Plane, Colour]:
    """A white sheet with lines of writing."""
    distance = np.maximum(np.abs(x) - 1.1, np.abs(y) - 1.5)
    writing = (np.sin(40 * y) > 0.5) & (np.abs(x) < 0.9) & (np.sin(23 * x + np.round(y * 6.4)) > -0.3)
    return distance, np.where(writing, -450, 20 * x).astype(np.float32), (850.0, 508.0, 516.0)


def cup(x: Plane, y: Plane, _skin: Colour) -> tuple[Plane, Plane, Colour]:
    """A blue cup with a handle and a highlight."""
    body = np.maximum(np.abs(x) - 0.42 + 0.06 * y, np.abs(y) - 0.5)
    handle = np.abs(_ball(x - 0.5, y, 0.25)) - 0.06
    shade = 200 * np.exp(-(((x + 0.2) / 0.07) ** 2)) - 150 * x * x
    return np.minimum(body, handle), np.asarray(shade, np.float32), (330.0, 640.0, 450.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is in one frame: its middle in luma pixels, pixels for one of its units, degrees clockwise."""

    x: float
    y: float
    unit: float
    turned: float = 0.0


def lay(shape: Shape, place: Place, planes: Planes, skin: Colour) -> Plane:
    """Draw a thing over planes, in place; how much of each luma sample it covers, 0..1.

    `skin`: what a hand is coloured with.
    """
    rows, columns = np.indices(planes.y.shape, np.float32)
    angle = np.radians(place.turned)
    across, down = (columns - place.x) / place.unit, (rows - place.y) / place.unit
    x, y = across * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - across * np.sin(angle)
    distance, shade, colour = shape(x.astype(np.float32), y.astype(np.float32), skin)
    cover: Plane = np.clip(0.5 - distance * place.unit, 0, 1).astype(np.float32)
    _mix(planes.y, colour[0] + shade, cover)
    _mix(planes.cb, np.float32(colour[1]), cover[:, ::2])
    _mix(planes.cr, np.float32(colour[2]), cover[:, ::2])
    return cover


def _mix(plane: NDArray[np.uint16], over: Plane | np.float32, cover: Plane) -> None:
    plane[:] = np.clip(np.rint(plane + (over - plane) * cover), 4, 1019)


def _ball(x: Plane, y: Plane, radius: float) -> Plane:
    return np.asarray(np.hypot(x, y) - radius, np.float32)


def _bar(x: Plane, y: Plane, start: tuple[float, float], end: tuple[float, float], radius: float) -> Plane:
    """Distance to a bar with round ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.asarray(np.hypot(x - start[0] - along * dx, y - start[1] - along * dy) - radius, np.float32)
