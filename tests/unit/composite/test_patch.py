"""Patches: exact outside the mask, legal inside."""

import numpy as np
import pytest

from relip.composite.patch import composite
from relip.device.host import HostDevice
from relip.essence.errors import FormatError
from relip.essence.grains import Planes
from relip.essence.scene import Region, Rendered

pytestmark = pytest.mark.unit

PACKED = np.random.default_rng(4).integers(0, 256, (20, 100), dtype=np.uint8)


def rendered(region, alpha, value=500):
    planes = Planes.of(region.width, region.height)
    planes.y[:], planes.cb[:], planes.cr[:] = value, value, value
    return Rendered(region, planes, np.full((region.height, region.width), alpha, np.float32))


def test_a_mask_of_nought_gives_the_input_back():
    region = Region(4, 3, 8, 6)
    patch = composite(HostDevice(), PACKED, rendered(region, 0.0))
    assert patch.region == region
    np.testing.assert_array_equal(patch.packed, PACKED[3:9, 10:30])


def test_a_full_mask_gives_what_was_rendered():
    patch = composite(HostDevice(), PACKED, rendered(Region(0, 0, 4, 2), 1.0))
    planes = Planes.of(4, 2)
    HostDevice().unpack(patch.packed, Region(0, 0, 4, 2), planes)
    assert set(planes.y.ravel()) == set(planes.cb.ravel()) == set(planes.cr.ravel()) == {500}


def test_the_input_is_only_read():
    before = PACKED.copy()
    composite(HostDevice(), PACKED, rendered(Region(4, 3, 8, 6), 0.5))
    np.testing.assert_array_equal(PACKED, before)


def test_a_region_beyond_the_raster_is_refused():
    with pytest.raises(FormatError, match="leaves a frame"):
        composite(HostDevice(), PACKED, rendered(Region(36, 0, 8, 4), 1.0))
