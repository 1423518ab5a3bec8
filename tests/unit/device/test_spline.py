"""Thin-plate splines on lattices."""

import numpy as np
import pytest

from relip.device.spline import equations, solve, spread
from relip.ports import Lattice

pytestmark = pytest.mark.unit


def points(count=30):
    rng = np.random.default_rng(8)
    return rng.uniform(0, 200, (count, 2)), rng.normal(0, 5, (count, 2))


def test_the_compiled_solver_equals_the_library():
    at, moves = points()
    system, right = equations(at / 100, moves, 1e-3)
    expected = np.linalg.solve(system, right)
    solve(system, right)
    np.testing.assert_allclose(right, expected, rtol=1e-8, atol=1e-10)


def test_the_field_goes_through_its_points():
    lattice = Lattice.over(200, 200, 10)
    _, moves = points()
    at = np.random.default_rng(1).permutation(21 * 21)[:30]
    nodes = np.stack((at % 21, at // 21), axis=1) * 10.0
    spread(nodes, moves, unit=100.0, stiffness=0.0, lattice=lattice)
    np.testing.assert_allclose(lattice.dx.ravel()[at], moves[:, 0], atol=2e-2)
    np.testing.assert_allclose(lattice.dy.ravel()[at], moves[:, 1], atol=2e-2)


def test_an_even_motion_is_even_everywhere():
    at, _ = points()
    lattice = Lattice.over(300, 100, 16)
    spread(at, np.tile([3.0, -2.0], (len(at), 1)), unit=100.0, stiffness=1e-3, lattice=lattice)
    np.testing.assert_allclose(lattice.dx, 3, atol=1e-3)
    np.testing.assert_allclose(lattice.dy, -2, atol=1e-3)
