"""Curves through points."""

import numpy as np
import pytest

from relip.device.curves import trace, trace_reference

pytestmark = pytest.mark.unit


def points(rows=40, count=13):
    rng = np.random.default_rng(6)
    x = np.sort(rng.uniform(0, 1, (rows, count)), axis=1)
    x[::2, 0], x[::2, -1] = 0, 1
    return x, rng.normal(0, 10, (rows, count))


def test_the_compiled_curves_equal_their_reference():
    fast, slow = np.empty((40, 48)), np.empty((40, 48))
    trace(*points(), fast)
    trace_reference(*points(), slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9)


def test_a_curve_goes_through_its_points_and_never_beyond_them():
    x, out = np.linspace(0, 1, 9)[None], np.empty((1, 81))
    y = np.array([[0.0, 3, 3, 5, 4, 4, -2, -2, 0]])
    trace(x, y, out)
    np.testing.assert_allclose(out[0, ::10], y[0], atol=1e-9)
    for k in range(8):
        between = out[0, 10 * k : 10 * k + 11]
        assert between.min() >= min(y[0, k : k + 2]) - 1e-9
        assert between.max() <= max(y[0, k : k + 2]) + 1e-9
