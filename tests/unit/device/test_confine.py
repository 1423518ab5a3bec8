"""Fields that end at an outline."""

import numpy as np
import pytest

from relip.device.confine import confine, confine_reference
from relip.ports import Lattice, Outline

pytestmark = pytest.mark.unit

RAYS = 17


def outline(inner=40.0, outer=60.0, angle=0.2):
    bumps = np.linspace(0, 4, RAYS, dtype=np.float32)
    return Outline((60.0, 10.0), (float(np.cos(angle)), float(np.sin(angle))), inner + bumps, outer + bumps)


def field():
    moved = Lattice.over(128, 96, 12)
    rng = np.random.default_rng(5)
    moved.dx[:], moved.dy[:] = rng.normal(0, 3, (2, *moved.dx.shape))
    return moved


def test_the_compiled_field_equals_its_reference():
    fast, slow = Lattice.over(128, 96, 4), Lattice.over(128, 96, 4)
    confine(field(), outline(), fast)
    confine_reference(field(), outline(), slow)
    np.testing.assert_allclose(fast.dx, slow.dx, atol=1e-3)
    np.testing.assert_allclose(fast.dy, slow.dy, atol=1e-3)
    assert np.abs(fast.dx).max() > 3


def test_an_even_field_is_whole_inside_and_nought_outside_and_falls_between():
    moved, out = Lattice.over(128, 96, 12), Lattice.over(128, 96, 4)
    moved.dy[:] = 5
    confine(moved, outline(angle=0.0), out)
    column = out.dy[:, 15]
    assert column[11] == 5
    assert not column[20:].any()
    assert (np.diff(column[12:20]) < 0).any()
    assert (np.diff(column) <= 0).all()


def test_beyond_the_outline_the_field_is_that_of_the_outline():
    moved, out = Lattice.over(128, 96, 12), Lattice.over(128, 96, 4)
    moved.dy[:] = np.arange(moved.dy.shape[0], dtype=np.float32)[:, None]
    confine(moved, outline(inner=36.0, outer=1e4, angle=0.0), out)
    assert out.dy[20, 15] == pytest.approx((10 + 36) / 12, abs=0.3)
