"""The lip layer against its reference."""

from dataclasses import replace

import numpy as np
import pytest

from relip.device.lips import lay, lay_reference
from relip.essence.grains import Planes
from relip.ports import Lattice, LipLayer

pytestmark = pytest.mark.unit

NODES = 16


def smooth(width, height, seed):
    """Planes without hard edges, so that one ulp of position is less than a code."""
    planes, rng = Planes.of(width, height), np.random.default_rng(seed)
    for plane in (planes.y, planes.cb, planes.cr):
        y, x = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]]
        a, b = rng.uniform(0.05, 0.2, 2)
        plane[:] = 500 + 200 * np.sin(a * x) + 200 * np.cos(b * y)
    return planes


def layer(opening=12.0, gap=8.0, **changes):
    u = np.sin(np.linspace(0, np.pi, NODES))
    curves = np.stack((-14 * u, -opening / 2 * u, opening / 2 * u, 16 * u, gap * u, 1.0 * u)).astype(np.float32)
    rng = np.random.default_rng(9)
    bend = [rng.normal(4, 0.5, (8, 12)).astype(np.float32) for _ in range(4)]
    made = LipLayer(
        source=smooth(96, 72, 2),
        box=(10, 8, 80, 48),
        upper=Lattice(8, bend[0], bend[1]),
        lower=Lattice(8, bend[2], bend[3]),
        origin=(20.3, 30.6),
        axis=(np.cos(0.1), np.sin(0.1)),
        length=58.0,
        contours=curves,
        down=(-0.1, 0.99),
        inset=1.0,
        stretch=1.3,
        valley=1.0,
        feather=(1.5, 2.5),
        soft=1.0,
        seam=0.2,
        shade=0.3,
        gain=1.1,
        offset=(0.0, 3.0, -4.0),
        unseen=(np.array([120.0, 500, 530])[:, None, None] + rng.normal(0, 20, (3, 5, 7))).astype(np.float32),
        grain=3.0,
        seed=0xDEADBEEF,
        weight=0.9,
    )
    return replace(made, **changes)


@pytest.mark.parametrize("valley", [1.0, 0.4])
@pytest.mark.parametrize(("opening", "gap"), [(12.0, 8.0), (12.0, 0.0), (6.0, 16.0), (0.0, 16.0), (1.5, 1.0)])
def test_the_compiled_layer_equals_its_reference_within_a_code(opening, gap, valley):
    fast, slow = smooth(100, 70, 5), smooth(100, 70, 5)
    lay(layer(opening, gap, valley=valley), fast)
    lay_reference(layer(opening, gap, valley=valley), slow)
    for name in ("y", "cb", "cr"):
        assert np.abs(getattr(fast, name).astype(int) - getattr(slow, name)).max() <= 1
    assert (fast.y != smooth(100, 70, 5).y).sum() > 500


def test_a_layer_of_no_weight_changes_nothing():
    out = smooth(100, 70, 5)
    lay(layer(weight=0.0), out)
    np.testing.assert_array_equal(out.y, smooth(100, 70, 5).y)


def test_nothing_outside_the_box_is_written():
    out, before = smooth(100, 70, 5), smooth(100, 70, 5)
    lay(layer(), out)
    out.y[8:56, 10:90] = before.y[8:56, 10:90]
    np.testing.assert_array_equal(out.y, before.y)
