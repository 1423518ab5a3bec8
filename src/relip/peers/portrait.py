"""The portrait that ships inside the scikit-image wheel: the one file that imports scikit-image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ResourceError


@dataclass(frozen=True, slots=True)
class Portrait:
    """A still of one person.

    `picture`: (h, w, 3) uint8 R'G'B'. `eyes`: the point between the eyes, x and y in pixels. `iod`: distance of the
    outer eye corners in pixels.
    """

    picture: NDArray[np.uint8]
    eyes: tuple[float, float]
    iod: float


def astronaut() -> Portrait:
    """Eileen Collins as photographed by NASA (public domain), 512×512. Raises ResourceError without scikit-image."""
    try:
        from skimage import data  # noqa: PLC0415 -- an extra, imported only where it is used
    except ImportError as cause:
        raise ResourceError("the default presenter needs scikit-image: install relip[demo]") from cause
    return Portrait(np.asarray(data.astronaut(), np.uint8), eyes=(226.0, 101.0), iod=66.0)
