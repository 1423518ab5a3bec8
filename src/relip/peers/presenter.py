"""The default presenter: a portrait brought to life as a camera shot, rendered once before sending begins."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.offline.container import Pack
from relip.peers.camera import Shot
from relip.peers.portrait import Portrait, astronaut
from relip.peers.reel import Progress, Reel, lay

SHOT_S = Fraction(10)
"""Ten seconds: slow enough for the push to look like a camera, short enough to be rendered in a few seconds."""
MOST_OCTETS = 4_000_000_000
"""A shot that would be larger is made shorter, and so quicker: 12 GB of 2160p60 would fill many a temporary directory."""


def present(
    format: VideoFormat,  # noqa: A002  the essence's own word
    *,
    pack: Pack,
    seconds: Fraction = SHOT_S,
    portrait: Portrait | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Reel:
    """The shot as a reel that ends where it begins; the same pixels for the same arguments.

    About 20 ms a 1080p frame on one core: 5 s for ten seconds at 25 fps. Raises ResourceError when scikit-image or
    OpenCV is missing or there is no room.
    """
    frames = max(1, min(round(seconds * format.rate), MOST_OCTETS // format.frame_octets))
    shot = Shot(portrait or astronaut(), format, frames=frames, seed=seed)
    return lay(_packed(shot, format, pack), format=format, most=frames, progress=progress)


def _packed(shot: Shot, format: VideoFormat, pack: Pack) -> Iterator[NDArray[np.uint8]]:  # noqa: A002  the essence's word
    """Each frame of the shot once, packed; the array is reused."""
    planes = Planes.of(format.width, format.height)
    packed = np.zeros((format.height, format.row_octets), np.uint8)
    for index in range(shot.frames):
        shot.draw(index, planes)
        pack(planes, packed)
        yield packed
