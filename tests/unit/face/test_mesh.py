"""A crop fits the face, level with the eyes, and the way through it and back is the identity."""

import numpy as np
import pytest

from heads import head
from relip.essence.errors import ModelError
from relip.face.detector import Box
from relip.face.mesh import MARGIN, SIZE, crop_of_box, crop_of_landmarks, to_raster

pytestmark = pytest.mark.unit


def through(affine, points):
    """Raster points as the net would give them."""
    linear, shift = affine[:, :2].astype(np.float64), affine[:, 2]
    planar = (points[:, :2] - shift) @ np.linalg.inv(linear).T
    return np.column_stack([planar, points[:, 2] / np.hypot(*linear[:, 0])]).astype(np.float32)[None]


def test_a_level_box_is_enlarged_round_its_middle():
    eyes = np.array([[120, 110], [180, 110]], np.float32)
    affine = crop_of_box(Box(100, 80, 100, 90, eyes, 1.0))
    assert affine[:, :2].tolist() == pytest.approx(np.eye(2) * MARGIN * 100 / SIZE)
    assert affine @ (SIZE / 2, SIZE / 2, 1) == pytest.approx((150, 125))


@pytest.mark.parametrize("roll", [0, 30, -80])
def test_a_crop_is_level_with_the_eyes_and_holds_every_point_with_a_margin(roll):
    points = head((500, 400), 90, roll=roll)
    seen = through(crop_of_landmarks(points), points)[0]
    assert seen[33, 1] == pytest.approx(seen[263, 1], abs=1e-3)
    assert seen[33, 0] < seen[263, 0]
    extent = np.ptp(seen[:, :2], axis=0).max()
    assert extent == pytest.approx(SIZE / MARGIN, rel=1e-4)
    assert (seen[:, :2].max(axis=0) + seen[:, :2].min(axis=0)) / 2 == pytest.approx((SIZE / 2, SIZE / 2), abs=1e-2)


def test_there_and_back_is_the_identity_in_depth_too():
    points = head((500, 400), 90, roll=12, yaw=20)
    affine = crop_of_landmarks(points)
    assert np.abs(to_raster(through(affine, points), affine) - points).max() < 1e-2


def test_what_is_not_a_number_is_a_model_error():
    landmarks = np.zeros((1, 478, 3), np.float32)
    landmarks[0, 477, 2] = np.nan
    with pytest.raises(ModelError):
        to_raster(landmarks, np.eye(2, 3, dtype=np.float32))
