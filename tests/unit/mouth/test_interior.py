"""What is drawn between lips that were never seen parted."""

from itertools import pairwise

import numpy as np
import pytest

from relip.mouth.interior import COLUMNS, ROWS, unseen

pytestmark = pytest.mark.unit

DARK, SKIN = np.array([150.0, 500.0, 525.0]), np.array([600.0, 450.0, 570.0])


def drawn(opening, shown=0.0):
    return unseen(opening, dark=DARK, skin=SKIN, shown=shown)


def teeth(picture):
    """Rows of the middle tooth (beside the gap in the very middle) that are brighter than half the skin."""
    return int((picture[0, :, COLUMNS // 2 + 4] > 64 + 0.45 * (SKIN[0] - 64)).sum()) / ROWS


def test_teeth_hang_above_and_take_less_of_a_wider_mouth():
    assert 0.2 < teeth(drawn(0.12)) < 0.6
    assert teeth(drawn(0.12)) <= teeth(drawn(0.04)) + 0.1
    assert drawn(0.12)[0, 3, COLUMNS // 2 + 4] > drawn(0.12)[0, ROWS // 2 + 4, COLUMNS // 2 + 4] + 60


def test_the_corners_are_dark_and_both_sides_alike():
    picture = drawn(0.1)
    np.testing.assert_allclose(picture[0, :, 0], DARK[0], atol=1)
    np.testing.assert_allclose(picture, picture[:, :, ::-1], atol=1e-3)


def test_a_speaker_whose_teeth_were_seen_gets_none_drawn():
    assert teeth(drawn(0.12, shown=1.0)) == 0


def test_it_takes_the_light_and_the_cast_of_the_picture():
    dim = unseen(0.1, dark=DARK, skin=np.array([300.0, 480.0, 540.0]), shown=0.0)
    assert dim[0].max() < 0.6 * drawn(0.1)[0].max()
    grey = unseen(0.1, dark=np.array([150.0, 512.0, 512.0]), skin=np.array([600.0, 512.0, 512.0]), shown=0.0)
    np.testing.assert_allclose(grey[1:], 512)


def test_a_hair_more_of_opening_changes_a_hair():
    openings = np.arange(0.0, 0.2, 0.001)
    steps = [np.abs(drawn(a) - drawn(b)).max() for a, b in pairwise(openings)]
    assert max(steps) < 40
