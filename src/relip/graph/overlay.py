"""What was done to a frame, drawn into it: the region's outline and a word, for whoever looks at a monitor.

Only where an operator asked for it: it changes samples outside the mouth, which nothing else does. Drawn when the grain leaves
and straight into its pgroups; the engines never see it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS
from relip.essence.grains import VideoGrain
from relip.essence.scene import Region, Verdict
from relip.signals.letters import dots

ALTERED = (691, 167, 105)
UNTOUCHED = (877, 64, 553)
SHADOW = (64, 512, 512)
"""Y, Cb, Cr of green, yellow and black at 100 % (BT.709-6, 10-bit narrow range)."""
LINES = 360
"""A dot of a letter, and a line of the outline, is two pixels in pictures up to so many rows, then grows with them."""
AT = 24
"""Where the word stands when there is no region: pixels from the upper left corner in a picture of LINES rows."""


def draw(grain: VideoGrain, verdict: Verdict) -> None:
    """Outline the altered region of a grain and name it, or say in the corner why the grain was left alone."""
    packed, dot = grain.packed, dot_of(grain.format.height)
    if verdict.patch is not None:
        region = verdict.patch.region
        outline(packed, region, dot, ALTERED)
        write(packed, "ALTERED", at=(region.x + 2 * dot, region.y + 2 * dot), dot=dot, colour=ALTERED)
    else:
        assert verdict.bypass is not None, "a grain is either altered or bypassed"
        corner = AT * dot // 2
        write(packed, verdict.bypass.value, at=(corner, corner), dot=dot, colour=UNTOUCHED)


def dot_of(height: int) -> int:
    """Pixels of a dot, even, in a picture of so many rows."""
    return 2 * max(1, round(height / LINES / 2))


def outline(packed: NDArray[np.uint8], region: Region, dot: int, colour: tuple[int, int, int]) -> None:
    """A frame `dot` pixels thick along the inside of a region of a packed picture (height, row_octets)."""
    thick, wide = min(dot, region.height), min(dot, region.width)
    groups, code = _groups(packed), _pgroup(colour)
    left, right = region.x // PGROUP_PIXELS, (region.x + region.width) // PGROUP_PIXELS
    rows = slice(region.y, region.y + region.height)
    groups[region.y : region.y + thick, left:right] = code
    groups[region.y + region.height - thick : region.y + region.height, left:right] = code
    groups[rows, left : left + wide // PGROUP_PIXELS] = code
    groups[rows, right - wide // PGROUP_PIXELS : right] = code


def write(packed: NDArray[np.uint8], word: str, *, at: tuple[int, int], dot: int, colour: tuple[int, int, int]) -> None:
    """A word on black from pixel `at` (x, y; x even) on, each dot `dot` pixels wide and high; cut at the raster's edge."""
    ink = np.pad(dots(word), 1)
    ink = np.kron(ink, np.ones((dot, dot // PGROUP_PIXELS), np.bool_))
    groups = _groups(packed)
    box = groups[at[1] : at[1] + ink.shape[0], at[0] // PGROUP_PIXELS : at[0] // PGROUP_PIXELS + ink.shape[1]]
    box[:] = np.where(ink[: box.shape[0], : box.shape[1], None], _pgroup(colour), _pgroup(SHADOW))


def _groups(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same octets as (height, pgroups, 5)."""
    groups = packed.view()
    groups.shape = (packed.shape[0], packed.shape[1] // PGROUP_OCTETS, PGROUP_OCTETS)
    return groups


def _pgroup(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Two pixels of one colour: Cb, Y, Cr, Y of ten bits each (ST 2110-20 table 2)."""
    luma, blue, red = colour
    octets = (blue << 30 | luma << 20 | red << 10 | luma).to_bytes(PGROUP_OCTETS, "big")
    return np.frombuffer(octets, np.uint8)
