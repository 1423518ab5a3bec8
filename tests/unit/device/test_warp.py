"""Displacement lattices: the reference, its twin, and what must not move."""

import numpy as np
import pytest

from relip.device.warp import warp, warp_reference
from relip.essence.grains import Planes
from relip.ports import Lattice

pytestmark = pytest.mark.unit

STEP = 8


def noise(width=48, height=32, low=0, high=1024):
    rng = np.random.default_rng(3)
    planes = Planes.of(width, height)
    for plane in (planes.y, planes.cb, planes.cr):
        plane[:] = rng.integers(low, high, plane.shape)
    return planes


def lattice(dx, dy, width=48, height=32):
    shape = (height // STEP + 1, width // STEP + 1)
    return Lattice(STEP, np.full(shape, dx, np.float32), np.full(shape, dy, np.float32))


def test_the_compiled_warp_equals_its_reference_within_a_code():
    rng, source = np.random.default_rng(4), noise()
    bent = Lattice(STEP, *rng.normal(0, 4, (2, 5, 7)).astype(np.float32))
    fast, slow = Planes.of(48, 32), Planes.of(48, 32)
    warp(source, bent, fast)
    warp_reference(source, bent, slow)
    for name in ("y", "cb", "cr"):
        difference = np.abs(getattr(fast, name).astype(int) - getattr(slow, name))
        assert difference.max() <= 1


def test_a_still_lattice_copies_even_codes_outside_the_legal_range():
    source, out = noise(), Planes.of(48, 32)
    warp(source, lattice(0, 0), out)
    np.testing.assert_array_equal(out.y, source.y)
    np.testing.assert_array_equal(out.cr, source.cr)


def test_a_whole_displacement_moves_luma_by_pixels_and_chroma_by_half_as_many():
    source, out = noise(low=64, high=940), Planes.of(48, 32)
    warp(source, lattice(4, 3), out)
    np.testing.assert_array_equal(out.y[:-4, :-4], source.y[3:-1, 4:])
    np.testing.assert_array_equal(out.cb[:-4, :-2], source.cb[3:-1, 2:])


def test_beyond_the_source_its_edge_goes_on():
    source, out = noise(low=64, high=940), Planes.of(48, 32)
    warp(source, lattice(0, 100), out)
    np.testing.assert_array_equal(out.y, np.repeat(source.y[-1:], 32, axis=0))


def test_overshoot_at_a_hard_edge_stays_legal():
    source, out = Planes.of(48, 32), Planes.of(48, 32)
    source.y[:, 24:] = 1019
    source.y[:, :24] = 4
    warp(source, lattice(0.5, 0), out)
    assert out.y.min() == 4
    assert out.y.max() == 1019
