"""Things before a mouth are drawn where they are said to be, and nowhere else."""

import numpy as np
import pytest

from relip.essence.grains import Planes
from relip.signals import occluders
from relip.signals.occluders import Place

pytestmark = pytest.mark.unit

SHAPES = [occluders.hand, occluders.microphone, occluders.paper, occluders.cup]
SKIN = (600.0, 480.0, 570.0)


def grey():
    planes = Planes.of(200, 160)
    planes.y[:], planes.cb[:], planes.cr[:] = 400, 512, 512
    return planes


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_covered_is_drawn_and_the_rest_is_untouched(shape):
    planes = grey()
    cover = occluders.lay(shape, Place(100, 80, 40), planes, SKIN)
    assert 0.02 < cover.mean() < 0.9
    assert (planes.y[cover == 0] == 400).all()
    assert (planes.y[cover == 1] != 400).mean() > 0.8
    assert planes.y.min() >= 4
    assert planes.y.max() <= 1019


def test_a_hand_has_the_colour_of_the_skin():
    planes = grey()
    cover = occluders.lay(occluders.hand, Place(100, 80, 40), planes, SKIN)
    inside = cover[:, ::2] == 1
    assert np.median(planes.cb[inside]) == 480
    assert np.median(planes.cr[inside]) == 570


def test_a_thing_is_turned_about_its_middle():
    upright, turned = (occluders.lay(occluders.paper, Place(100, 80, 20, angle), grey(), SKIN) for angle in (0, 90))
    assert upright[80, 100] == turned[80, 100] == 1
    assert upright[:, 100].sum() == pytest.approx(turned[80].sum(), abs=2)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_far_outside_covers_nothing(shape):
    assert occluders.lay(shape, Place(-4000, -4000, 40), grey(), SKIN).max() == 0
