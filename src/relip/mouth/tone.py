"""Colours read round a mouth, and what makes one picture's lips agree with another's light.

Robust by medians over points, so that a hair, a highlight or a tooth among them does not matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import Planes
from relip.mouth.geometry import Complex
from relip.mouth.landmarks import INNER_LOWER, INNER_UPPER, OUTER, OUTER_LOWER, OUTER_UPPER

BLACK, NEUTRAL = 64.0, 512.0
"""10-bit narrow range (BT.709-6 §4.6)."""
RING = 0.035
"""How far outside the lips the ring of skin lies, in IOD."""
GAIN_LIMIT = 1.4
UNLIT, UNLIT_CHROMA = 0.25, 0.35
"""Share of the lips' luma and chroma that an unlit mouth keeps, where none has been seen yet."""
DEEP = (0.5, 0.65, 0.8)
"""Where an opening is searched for its dark, from the upper lip to the lower."""
PARTED, VALLEY, LIT_BELOW = 0.04, 0.7, 0.25
"""IOD from which an opening is searched for the jaw's teeth; the most light of the dark above them, and how much more they
have, in the lips' luma."""
DOWN = np.linspace(0.1, 0.9, 9)
SEEN_OPENING, DARK_ENOUGH = 0.06, 0.5
"""IOD from which an opening shows its dark, and the share of the lips' luma below which it is one."""
ROWS_OF_TEETH = np.linspace(0.12, 0.88, 6)
"""Where an opening is searched for teeth, from the upper lip to the lower."""
BRIGHT, PALE = 0.9, 0.6
"""Shares of the lips' luma and redness: what is brighter and paler is tooth, what is darker is depth, what is redder tongue."""
SHUT, PARTED = 0.006, 0.02
"""IOD of opening up to which nothing lies between the lips, and from which it counts in full: in between, lips and shadow get
into the samples."""

CALM, FLASH = 0.3, 10.0
"""What a new look at the ring counts against those before, and the codes of luma beyond which only the new one counts."""

Colours = NDArray[np.float64]


class Ring:
    """Remembers the skin's colours round the lips: noise is averaged away, a change of light is not. New for each shot."""

    def __init__(self) -> None:
        self._colours: Colours | None = None

    def follow(self, seen: Colours) -> Colours:
        """The colours to match after another look, (n, 3)."""
        last = self._colours
        if last is None or abs(float(np.median(seen[:, 0] - last[:, 0]))) > FLASH:
            self._colours = seen
        else:
            self._colours = last + CALM * (seen - last)
        return self._colours


def colours_at(planes: Planes, points: Complex) -> Colours:
    """Mean Y, Cb, Cr of 3 by 3 luma and 1 by 3 chroma samples about each point: (n, 3); clamped at the edge."""
    height, width = planes.y.shape
    x = np.clip(np.rint(points.real).astype(int), 1, width - 2)
    y = np.clip(np.rint(points.imag).astype(int), 1, height - 2)
    rows = y[:, None] + np.array((-1, 0, 1))
    luma = planes.y[rows[:, :, None], x[:, None, None] + np.array((-1, 0, 1))].mean(axis=(1, 2))
    chroma = (plane[rows, x[:, None] // 2].mean(axis=1) for plane in (planes.cb, planes.cr))
    return np.stack((luma, *chroma), axis=1)


def ring_points(points: Complex, iod: float) -> Complex:
    """Points on the skin just outside the lips, one for each of OUTER."""
    lips = points[OUTER]
    away = lips - lips.mean()
    return np.asarray(lips + away / np.abs(away) * RING * iod)


def match(here: Colours, there: Colours) -> tuple[float, tuple[float, float, float]]:
    """Luma gain about black and Y, Cb, Cr offsets that bring ring colours `there` to those `here`."""
    ratio = (here[:, 0] - BLACK) / np.maximum(there[:, 0] - BLACK, 1)
    ratio, blue, red = np.median(np.column_stack((ratio, here[:, 1:] - there[:, 1:])), axis=0)
    gain = float(np.clip(ratio, 1 / GAIN_LIMIT, GAIN_LIMIT))
    return gain, (0.0, float(blue), float(red))


def valley_of(planes: Planes, points: Complex, opening: float) -> float:
    """The part of an opening, from above, after which what is seen belongs to the lower jaw: 1 where nothing does.

    Between upper teeth and lower ones, or the tongue, it is darker than on either; above lower teeth alone it is dark at once,
    which the shadow of a lip on upper teeth is not.
    """
    if opening < PARTED:
        return 1.0
    upper, lower = points[INNER_UPPER[3:-3]], points[INNER_LOWER[3:-3]]
    luma = colours_at(planes, (upper + np.multiply.outer(DOWN, lower - upper)).ravel())[:, 0].reshape(len(DOWN), -1)
    profile = (np.median(luma, axis=1) - BLACK) / max(lip_of(planes, points)[0] - BLACK, 1)
    darkest = int(profile.argmin())
    parted = profile[darkest] < VALLEY and profile[darkest:].max() - profile[darkest] > LIT_BELOW
    return float(DOWN[darkest]) if parted else 1.0


def lip_of(planes: Planes, points: Complex) -> Colours:
    """Y, Cb, Cr of the middle of the lower lip."""
    return np.asarray(np.median(colours_at(planes, (points[OUTER_LOWER[2:-2]] + points[INNER_LOWER[2:-2]]) / 2), axis=0))


def dark_of(planes: Planes, points: Complex, opening: float) -> Colours:
    """Y, Cb, Cr of the unlit mouth: the darkest of what an open one shows, or a guess from the lips' own colour.

    A smile full of teeth shows no dark at all: what is not much darker than the lips does not count.
    """
    lip = lip_of(planes, points)
    if opening > SEEN_OPENING:
        upper, lower = points[INNER_UPPER[2:-2]], points[INNER_LOWER[2:-2]]
        inside = colours_at(planes, np.concatenate([upper + (lower - upper) * part for part in DEEP]))
        darkest = inside[np.argsort(inside[:, 0])[:3]].mean(axis=0)
        if darkest[0] - BLACK < DARK_ENOUGH * (lip[0] - BLACK):
            return np.asarray(darkest)
    return np.array((BLACK + (lip[0] - BLACK) * UNLIT, *(NEUTRAL + (lip[1:] - NEUTRAL) * UNLIT_CHROMA)))


def teeth_of(planes: Planes, points: Complex, opening: float) -> float:
    """The share of an opening in which teeth show, 0..1: what is about as bright as the lips, and much less red.

    `points`: landmarks in the planes' pixels. `opening`: IOD. Single samples: there are enough of them.
    """
    if opening <= SHUT:
        return 0.0
    outer_upper, upper, lower, outer_lower = points[_LIPS]
    at = np.concatenate((((outer_upper + upper) / 2)[None], ((outer_lower + lower) / 2)[None], upper + (lower - upper) * _ROWS))
    height, width = planes.y.shape
    x, y = np.rint(at.real).astype(np.intp), np.rint(at.imag).astype(np.intp)
    x, y = np.minimum(np.maximum(x, 0), width - 1), np.minimum(np.maximum(y, 0), height - 1)
    luma, red = planes.y[y, x] - BLACK, planes.cr[y, x // 2] - NEUTRAL
    lit, redness = (np.sort(plane[:2], axis=None)[plane.shape[1]] for plane in (luma, red))
    teeth = (luma[2:] > BRIGHT * lit) & (red[2:] < PALE * max(redness, 0.0))
    return float(teeth.mean()) * min(opening / PARTED, 1.0)


_LIPS = np.stack([contour[2:-2] for contour in (OUTER_UPPER, INNER_UPPER, INNER_LOWER, OUTER_LOWER)])
_ROWS = ROWS_OF_TEETH[:, None]
