"""Where the lower face ends in the picture: the mesh's jaw, and how much skin goes on beyond it.

A neck may give when the chin moves; a backdrop, a collar or hair may not. Nothing is segmented: colours are compared with the
skin's along a few rays, and the answer is low-passed over frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import Planes
from relip.mouth.geometry import Complex, head_scale
from relip.mouth.landmarks import OVAL, RIGID
from relip.mouth.tone import BLACK, NEUTRAL, Colours, colours_at
from relip.ports import Outline

STEPS = np.array((-0.06, -0.03, -0.01, 0.01, 0.03, 0.05, 0.08, 0.12, 0.17, 0.22))
"""Places on a ray where skin is looked for, in IOD from the mesh's jaw outwards: the mesh may be off by a few hundredths."""
WIDTHS = np.gradient(STEPS)
SKIN_AT = np.array((-0.16, -0.12, -0.09))
"""Places that are taken for skin."""
HUE, SATURATION, SHADE = (0.25, 0.45), (0.35, 0.65), (0.08, 0.25)
"""Where skin ends: hue off the skin's, share of its saturation, share of its luma; from surely skin to surely not."""
PALE = 12.0
"""Codes of chroma below which a picture has no hue that could tell skin from anything."""
SHORTEST = 0.03
"""IOD in which a field dies away at least: less would be a cut, and the mesh's jaw is not exact enough for one."""
FILL = 1.6
"""A jaw that draws in leaves a gap: the field reaches out by so much of the gap, or the skin beside it would fold."""
EVERY, BRISK = 4, 0.6
"""Every so many frames the rays are looked at again, and so much counts what they show then."""
RAYS = 65


class Silhouette:
    """Remembers how far the skin reaches beyond one person's jaw; make a new one for another shot."""

    def __init__(self) -> None:
        self._room: NDArray[np.float64] | None = None
        self._frames = 0

    def look(self, picture: Planes, points: Complex, iod: float) -> None:
        """Take what a picture shows beside the jaw; `points`: landmarks in its pixels."""
        self._frames += 1
        if self._frames % EVERY != 1:
            return
        room = room_of(picture, points, iod)
        self._room = room if self._room is None else self._room + BRISK * (room - self._room)

    def outline(self, before: Complex, after: Complex, iod: float) -> Outline:
        """The limits of a field that takes the face from `before` to `after`, in the pixels of both."""
        assert self._room is not None, "the silhouette was never looked at"
        scale = head_scale(before, iod)
        centre = before[RIGID].mean()
        axis = scale / abs(scale)
        had, gets = (points[OVAL] - centre for points in (before, after))
        room = self._room * iod
        inner = np.abs(gets) + np.minimum(room, 0)
        least = np.maximum(SHORTEST * iod, FILL * (np.abs(had) - np.abs(gets)))
        outer = np.maximum(np.abs(had) + room, inner + least)
        turned = gets / axis
        angle = turned.real / (np.abs(turned.real) + np.maximum(turned.imag, 1e-3))
        order = np.argsort(angle)
        rays = np.linspace(-1, 1, RAYS)
        limits = (np.interp(rays, angle[order], limit[order]).astype(np.float32) for limit in (inner, outer))
        return Outline((centre.real, centre.imag), (axis.real, axis.imag), *limits)


def room_of(picture: Planes, points: Complex, iod: float) -> NDArray[np.float64]:
    """IOD of skin beyond each point of OVAL, from −0.06 (the mesh's jaw lies on something else) to 0.22."""
    jaw, centre = points[OVAL], points[RIGID].mean()
    away = (jaw - centre) / np.abs(jaw - centre) * iod
    places = np.concatenate((SKIN_AT, STEPS))
    seen = colours_at(picture, (jaw[:, None] + away[:, None] * places).ravel()).reshape(len(jaw), len(places), 3)
    skin = np.median(seen[:, : len(SKIN_AT)], axis=1)
    reach = np.minimum.accumulate(_likeness(seen[:, len(SKIN_AT) :], skin[:, None]), axis=1)
    return np.asarray(STEPS[0] + reach @ WIDTHS)


def _likeness(seen: Colours, skin: Colours) -> NDArray[np.float64]:
    """1 for what may be skin in whatever light, 0 for what is not."""
    colour, hue = seen[..., 1:] - NEUTRAL, skin[..., 1:] - NEUTRAL
    strength = np.maximum((hue**2).sum(axis=-1), PALE**2)
    along = (colour * hue).sum(axis=-1) / strength
    off = np.abs(colour[..., 0] * hue[..., 1] - colour[..., 1] * hue[..., 0]) / strength
    light = (seen[..., 0] - BLACK) / np.maximum(skin[..., 0] - BLACK, 1)
    coloured = np.minimum(1 - _ramp(off, HUE), _ramp(along, SATURATION))
    coloured = np.where((hue**2).sum(axis=-1) < PALE**2, 1.0, coloured)
    return np.asarray(np.minimum(coloured, _ramp(light, SHADE)))


def _ramp(value: NDArray[np.float64], ends: tuple[float, float]) -> NDArray[np.float64]:
    """From 0 at the first end to 1 at the second."""
    return np.clip((value - ends[0]) / (ends[1] - ends[0]), 0, 1)
