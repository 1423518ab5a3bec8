"""Targets of the lower face: exact where it counts, still where it must be."""

import numpy as np
import pytest

import drawn_face
from relip.essence.scene import MouthShape
from relip.mouth.landmarks import BASIS, INNER_LOWER, INNER_UPPER, NOSE
from relip.mouth.shape import LowerFace, basis_in_head

pytestmark = pytest.mark.unit


def measured(points, iod=100.0):
    return abs(points[13] - points[14]) / iod, abs(points[61] - points[291]) / iod


@pytest.mark.parametrize(("opening", "width"), [(0.0, 0.58), (0.14, 0.5), (0.05, 0.66)])
def test_lips_get_exactly_the_opening_and_the_width_asked_for(opening, width):
    for had in (0.0, 0.03, 0.14):
        points = LowerFace().aim(drawn_face.face(opening=had), MouthShape(opening, width))
        assert measured(points) == (pytest.approx(opening, abs=1e-6), pytest.approx(width, abs=1e-6))


def test_a_closed_target_closes_the_whole_contour():
    points = LowerFace().aim(drawn_face.face(opening=0.14), MouthShape(0.0, 0.58))
    np.testing.assert_allclose(points[INNER_UPPER].imag, points[INNER_LOWER].imag, atol=1e-6)


def test_opening_drops_the_chin_less_than_the_lip_and_leaves_the_nose():
    seen = drawn_face.face(opening=0.0)
    points = LowerFace().aim(seen, MouthShape(0.14, 0.58))
    drop = points.imag - seen.landmarks[:, 1]
    assert 0 < drop[152] < drop[17] < 14
    assert not drop[NOSE].any()


def test_without_the_jaw_only_the_lips_move():
    seen = drawn_face.face(opening=0.0)
    points = LowerFace().aim(seen, MouthShape(0.14, 0.58), 0.0)
    assert points[152].imag == pytest.approx(seen.landmarks[152, 1])
    assert abs(points[13] - points[14]) == pytest.approx(14, rel=0.01)


def test_the_measured_shape_moves_nothing():
    seen = drawn_face.face(opening=0.07)
    points = LowerFace().aim(seen, seen.shape)
    np.testing.assert_allclose(points, seen.landmarks[:, 0] + 1j * seen.landmarks[:, 1], atol=1e-3)


def test_a_speaker_whose_chin_drops_further_is_learnt():
    rng = np.random.default_rng(2)
    shapes = np.stack((rng.uniform(0, 0.15, 60), np.full(60, 0.58)), axis=1)
    chin = int(np.flatnonzero(BASIS == 152)[0])
    heads = np.tile(basis_in_head(drawn_face.face()), (60, 1))
    heads[:, chin] += 1j * 0.8 * shapes[:, 0]
    model, seen = LowerFace(), drawn_face.face(opening=0.0)
    generic = model.aim(seen, MouthShape(0.1, 0.58))[152].imag
    model.fit(shapes, np.zeros((60, 2)), heads)
    assert model.aim(seen, MouthShape(0.1, 0.58))[152].imag > generic + 2
    model.forget()
    assert model.aim(seen, MouthShape(0.1, 0.58))[152].imag == pytest.approx(generic)
