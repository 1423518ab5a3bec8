"""Octets to samples and back, against the standard's diagram."""

import numpy as np
import pytest

from relip.device import pgroup
from relip.essence.grains import Planes
from relip.essence.scene import Region

pytestmark = pytest.mark.unit

CB, Y0, CR, Y1 = 0b1100000001, 0b0111111110, 0b1010101010, 0b0101010101
BITS = "1100000001011111111010101010100101010101"
GROUP = np.frombuffer(int(BITS, 2).to_bytes(5, "big"), np.uint8)


def unpack(octets):
    planes = Planes.of(octets.shape[1] // 5 * 2, octets.shape[0])
    pgroup.unpack(octets, planes.y, planes.cb, planes.cr)
    return planes


def noise(rows, octets):
    return np.random.default_rng(7).integers(0, 256, (rows, octets), dtype=np.uint8)


def test_a_pgroup_holds_blue_first_luma_red_second_luma():
    planes = unpack(GROUP.reshape(1, 5))
    assert planes.cb[0, 0] == CB
    assert planes.y[0].tolist() == [Y0, Y1]
    assert planes.cr[0, 0] == CR


def test_the_compiled_unpacking_equals_its_reference():
    octets, reference = noise(5, 40), Planes.of(16, 5)
    pgroup.unpack_reference(octets, reference)
    planes = unpack(octets)
    for name in ("y", "cb", "cr"):
        np.testing.assert_array_equal(getattr(planes, name), getattr(reference, name))


def test_any_octets_survive_both_directions():
    octets, fast, slow = noise(5, 40), np.zeros((5, 40), np.uint8), np.zeros((5, 40), np.uint8)
    planes = unpack(octets)
    pgroup.pack(planes.y, planes.cb, planes.cr, fast)
    pgroup.pack_reference(planes, slow)
    np.testing.assert_array_equal(fast, octets)
    np.testing.assert_array_equal(slow, octets)


def test_a_region_is_a_view_of_whole_pgroups():
    packed = noise(6, 50)
    view = pgroup.region_octets(packed, Region(4, 1, 6, 3))
    np.testing.assert_array_equal(view, packed[1:4, 10:25])
    assert view.base is packed
