"""The patch that replaces a region: rendered samples blended into the packed picture, in 10 bit.

What the mask leaves out keeps its octets; nothing is converted to another colour space on the way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS
from relip.essence.scene import Patch, Rendered
from relip.ports import Device


def composite(device: Device, packed: NDArray[np.uint8], rendered: Rendered) -> Patch:
    """Blend what was rendered into its region of a packed frame (height, row_octets).

    Samples whose alpha is 0 come out bit-identical. The patch's octets belong to the caller; `packed` is only read.
    Raises FormatError when the region leaves the raster.
    """
    region = rendered.region
    if not region.within(packed.shape[1] // PGROUP_OCTETS * PGROUP_PIXELS, packed.shape[0]):
        raise FormatError(f"{region} leaves a frame of {packed.shape[0]} rows of {packed.shape[1]} octets")
    first = region.x // PGROUP_PIXELS * PGROUP_OCTETS
    last = first + region.width // PGROUP_PIXELS * PGROUP_OCTETS
    under = packed[region.y : region.y + region.height, first:last]
    out = np.empty_like(under, order="C")
    device.blend(under, rendered.planes, rendered.alpha, out)
    return Patch(region, out)
