"""Colours: what is matched, what counts as dark."""

import numpy as np
import pytest

import drawn_face
from relip.essence.grains import Planes
from relip.mouth import tone
from relip.mouth.geometry import plane_points

pytestmark = pytest.mark.unit


def flat(y, cb, cr):
    planes = Planes.of(400, 260)
    planes.y[:], planes.cb[:], planes.cr[:] = y, cb, cr
    return planes


def test_the_colour_of_an_even_picture_is_its_codes():
    points = np.array([10 + 10j, -5 - 5j, 999 + 999j])
    np.testing.assert_array_equal(tone.colours_at(flat(500, 400, 600), points), [[500, 400, 600]] * 3)


def test_a_darker_and_tinted_source_is_brought_to_the_picture():
    here, there = np.tile([564.0, 500.0, 560.0], (20, 1)), np.tile([464.0, 510.0, 540.0], (20, 1))
    gain, offset = tone.match(here, there)
    assert gain == pytest.approx(500 / 400)
    assert offset == (0.0, -10.0, 20.0)


def test_outliers_on_the_ring_do_not_count():
    here, there = np.tile([564.0, 512.0, 512.0], (20, 1)), np.tile([564.0, 512.0, 512.0], (20, 1))
    there[:6] = (100.0, 900.0, 100.0)
    assert tone.match(here, there) == (pytest.approx(1.0), (0.0, 0.0, 0.0))


def test_a_mouth_full_of_teeth_is_not_taken_for_dark():
    seen = drawn_face.face(opening=0.14)
    planes = flat(*drawn_face.LIP)
    dark = tone.dark_of(planes, plane_points(seen.landmarks), 0.14)
    assert dark[0] < 64 + 0.3 * (drawn_face.LIP[0] - 64)


def test_the_dark_of_an_open_mouth_is_the_one_seen():
    seen = drawn_face.face(opening=0.14)
    points, planes = plane_points(seen.landmarks), flat(*drawn_face.LIP)
    planes.y[int(points[13].imag) + 3 : int(points[14].imag), 180:220] = 90
    assert tone.dark_of(planes, points, 0.14)[0] == pytest.approx(90, abs=1)


def test_noise_on_the_ring_is_averaged_and_a_change_of_light_is_followed_at_once():
    ring, still = tone.Ring(), np.tile([500.0, 500.0, 560.0], (20, 1))
    ring.follow(still)
    assert np.abs(ring.follow(still + 6) - still).max() < 2
    np.testing.assert_array_equal(ring.follow(still + 60), still + 60)


def opening_with(rows):
    """An open drawn mouth whose inside shows luma `rows`, from lip to lip."""
    seen = drawn_face.face(opening=0.14)
    points, planes = plane_points(seen.landmarks), flat(*drawn_face.LIP)
    high, low = int(points[13].imag), int(points[14].imag) + 1
    for row in range(high, low):
        planes.y[row, 160:240] = rows[(row - high) * len(rows) // (low - high)]
    return tone.valley_of(planes, points, 0.14)


def test_teeth_below_the_dark_go_with_the_jaw_and_teeth_without_dark_do_not():
    assert 0.3 <= opening_with((420, 420, 420, 150, 150, 420, 420, 420)) <= 0.7
    assert opening_with((150, 150, 420, 420, 420, 420, 420, 420)) < 0.3
    assert opening_with((330, 420, 420, 420, 420, 420, 420, 420)) == 1
    assert opening_with((420, 420, 420, 420, 150, 150, 150, 150)) == 1
