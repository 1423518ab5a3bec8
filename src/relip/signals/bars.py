"""Colour bars with a moving bar: a test picture that is a pure function of the instant.

The upper two thirds are 75 % colour bars (ITU-R BT.471-1) in BT.709 narrow range; a white bar sweeps the black lower
third from left to right once a second and stands in the middle of the raster on every whole TAI second, when
`signals.pips` sounds. No file, no clock, no random number.
"""

from __future__ import annotations

import numpy as np

from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.tai import NS_PER_S, Tai

BLACK_Y = 64
WHITE_Y = 940
NEUTRAL_C = 512
BARS = (
    (721, 512, 512),
    (674, 176, 543),
    (581, 589, 176),
    (534, 253, 207),
    (251, 771, 817),
    (204, 435, 848),
    (111, 848, 481),
    (64, 512, 512),
)
"""White, yellow, cyan, green, magenta, red, blue, black at 75 %: Y', Cb, Cr in ten bits (BT.709-6 §3, §4)."""
SWEEP_PART = 3
"""The lower third of the raster is the sweep's."""
BAR_PART = 32
"""The moving bar is this part of the raster's width."""


def draw_bars(out: Planes) -> None:
    """Fill planes of a whole raster with the parts of the picture that do not move."""
    height, width = out.y.shape
    top = height - height // SWEEP_PART
    edges = np.linspace(0, width // 2, len(BARS) + 1).astype(int)
    for (y, cb, cr), first, last in zip(BARS, edges[:-1], edges[1:], strict=True):
        out.y[:top, 2 * first : 2 * last] = y
        out.cb[:top, first:last] = cb
        out.cr[:top, first:last] = cr
    out.y[top:] = BLACK_Y
    out.cb[top:] = NEUTRAL_C
    out.cr[top:] = NEUTRAL_C


def draw_sweep(at: Tai, out: Planes) -> None:
    """Draw the lower third as it stands at an instant; the bar's edges are shaded so that it moves by parts of a pixel."""
    height, width = out.y.shape
    centre = sweep_centre(at, width)
    distance = np.abs((np.arange(width) + 0.5 - centre + width / 2) % width - width / 2)
    cover = np.clip(width / BAR_PART / 2 + 0.5 - distance, 0.0, 1.0)
    out.y[height - height // SWEEP_PART :] = np.rint(BLACK_Y + (WHITE_Y - BLACK_Y) * cover).astype(np.uint16)


def sweep_centre(at: Tai, width: int) -> float:
    """Where the middle of the bar stands, in pixels from the left edge; the middle of the raster on a whole second."""
    return (at.ns + NS_PER_S // 2) % NS_PER_S * width / NS_PER_S


def bars(format: VideoFormat, at: Tai) -> Planes:  # noqa: A002  the essence's own word
    """The whole picture at an instant, in planes of its own."""
    planes = Planes.of(format.width, format.height)
    draw_bars(planes)
    draw_sweep(at, planes)
    return planes
