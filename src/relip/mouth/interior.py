"""What lies between lips that were never seen parted: teeth that hang from the skull, a tongue, and the dark behind.

Drawn, not remembered: a few soft shapes in the colours of this speaker's skin and light. It is nobody's teeth, and gives way as
soon as the speaker has shown their own.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from relip.mouth.tone import BLACK, NEUTRAL, Colours

ROWS, COLUMNS = 24, 65
STEP = 0.00125
"""IOD of opening from one drawing to the next: a twentieth of what a tooth's edge is soft."""
GAPS = np.array((0.0, 0.34, 0.60, 0.80))
"""Where upper teeth meet, from the middle, in half widths of the mouth: two incisors, a canine and what is left of the arch."""
BARE, HANG = 0.004, 0.36
"""Teeth that show, in IOD: a little at rest, and what the upper lip's rise lays bare (`shape.UPPER_SHARE`)."""
ARCH, POINT = 0.45, 0.005
"""Share by which teeth at the corners show less, and IOD by which their edges are rounded off."""
EDGE = 0.008
"""Softness of edges, IOD: a mouth is seldom what a lens is focused on."""
TOOTH = np.array((0.80, 0.55, 0.35))
TONGUE = np.array((0.50, 0.56, 1.20))
"""Luma, blue and red difference of both, in those of the skin beside the mouth."""
TONGUE_SHARE = 0.6


def unseen(opening: float, *, dark: Colours, skin: Colours, shown: float) -> NDArray[np.float32]:
    """Y, Cb, Cr from corner to corner and lip to lip: (3, ROWS, COLUMNS), as `ports.LipLayer` takes it.

    `opening`: IOD. `dark`, `skin`: Y, Cb, Cr of the unlit mouth and of the skin beside it. `shown`: 0..1, how far the speaker's
    own teeth are seen anyway; then none are drawn below them.
    """
    teeth, light, tongue = _drawing(round(max(opening, 0.0) / STEP))
    origin = np.array((BLACK, NEUTRAL, NEUTRAL))
    tooth, flesh = (origin + (skin - origin) * share for share in (TOOTH, TONGUE))
    picture = dark[:, None, None] + (flesh - dark)[:, None, None] * tongue
    lit = np.stack((origin[0] + (tooth[0] - origin[0]) * light, *np.broadcast_to(tooth[1:, None, None], (2, *light.shape))))
    return np.asarray(picture + (lit - picture) * teeth * (1 - shown), np.float32)


@lru_cache(maxsize=160)
def _drawing(steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Share of teeth, their light, and share of tongue for an opening of so many STEPs: (ROWS, COLUMNS) each."""
    opening = steps * STEP
    down, across = np.linspace(0, 1, ROWS)[:, None], np.abs(np.linspace(-1, 1, COLUMNS))[None]
    beside = np.abs(across[..., None] - GAPS).min(axis=-1)
    edge = (BARE + HANG * opening) * (1 - ARCH * across**2) - POINT * (1 - _rise(beside, 0, 0.06))
    teeth = (1 - _rise(down * opening, edge - EDGE, edge + EDGE)) * (1 - _rise(across, 0.55, 0.85))
    light = (1 - 0.55 * _rise(across, 0.15, 0.8)) * (1 - 0.15 * np.exp(-((beside / 0.035) ** 2)))
    light = light * (0.7 + 0.3 * _rise(down * opening, 0, 0.02))
    tongue = TONGUE_SHARE * _rise(down, 0.25, 0.95) * (1 - _rise(across, 0.35, 0.9)) * _rise(np.array(opening), 0.02, 0.08)
    return teeth, light, tongue


def _rise(
    value: NDArray[np.float64], low: NDArray[np.float64] | float, high: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """The smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (np.asarray(high) - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
