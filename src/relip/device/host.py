"""The pixel kernels on the CPU: numba twins of the numpy references beside them.

A device holds no picture of its own: everything it reads and writes belongs to the caller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.device import blend, confine, crop, curves, lips, pgroup, spline, warp
from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.ports import Lattice, LipLayer, Outline


class HostDevice:
    """Implements `ports.Device`; stateless, so that one may serve several threads."""

    def unpack(self, packed: NDArray[np.uint8], region: Region, out: Planes) -> None:
        """See `ports.Device.unpack`."""
        pgroup.unpack(pgroup.region_octets(packed, region), out.y, out.cb, out.cr)

    def pack(self, planes: Planes, out: NDArray[np.uint8]) -> None:
        """See `ports.Device.pack`."""
        pgroup.pack(planes.y, planes.cb, planes.cr, out)

    def crop(self, packed: NDArray[np.uint8], affine: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """See `ports.Device.crop`."""
        crop.crop(packed, affine, out)

    def spread(
        self, at: NDArray[np.float64], moves: NDArray[np.float64], *, unit: float, stiffness: float, lattice: Lattice
    ) -> None:
        """See `ports.Device.spread`."""
        spline.spread(at, moves, unit=unit, stiffness=stiffness, lattice=lattice)

    def trace(self, x: NDArray[np.float64], y: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        """See `ports.Device.trace`."""
        curves.trace(x, y, out)

    def confine(self, field: Lattice, outline: Outline, out: Lattice) -> None:
        """See `ports.Device.confine`."""
        confine.confine(field, outline, out)

    def warp(self, source: Planes, lattice: Lattice, out: Planes) -> None:
        """See `ports.Device.warp`."""
        warp.warp(source, lattice, out)

    def lay(self, layer: LipLayer, out: Planes) -> None:
        """See `ports.Device.lay`."""
        lips.lay(layer, out)

    def blend(self, under: NDArray[np.uint8], over: Planes, alpha: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
        """See `ports.Device.blend`."""
        blend.blend(under, over.y, over.cb, over.cr, alpha, out)
