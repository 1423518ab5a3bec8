"""Angles have the sign the docstring says, and a turned head is not a smaller one."""

import numpy as np
import pytest

from heads import head
from relip.face.pose import outline_yaw, pose

pytestmark = pytest.mark.unit


def test_a_head_that_looks_into_the_camera_has_no_angles():
    found = pose(head((400, 300), 80))
    assert (found.iod, found.yaw, found.pitch, found.roll) == pytest.approx((80, 0, 0, 0), abs=1e-3)


@pytest.mark.parametrize("angle", [-35, -10, 20, 45])
@pytest.mark.parametrize("axis", ["yaw", "pitch", "roll"])
def test_one_angle_is_measured_alone(axis, angle):
    found = pose(head((400, 300), 80, **{axis: angle}))
    assert getattr(found, axis) == pytest.approx(angle, abs=0.1)
    assert all(getattr(found, other) == pytest.approx(0, abs=0.1) for other in {"yaw", "pitch", "roll"} - {axis})


@pytest.mark.parametrize("angle", [-60, -20, 0, 35, 50])
@pytest.mark.parametrize("roll", [-30, 0, 15])
def test_the_outline_tells_of_a_turn_too(angle, roll):
    assert outline_yaw(head((400, 300), 80, yaw=angle, roll=roll)) == pytest.approx(angle, abs=3)


def test_a_face_without_sides_has_not_turned():
    assert outline_yaw(np.zeros((478, 3), np.float32)) == 0


def test_turning_does_not_shrink_the_eye_distance():
    assert pose(head(iod=80, yaw=40, pitch=10, roll=20)).iod == pytest.approx(80, rel=1e-4)


def test_speaking_does_not_nod():
    assert pose(head(opening=0.3)).pitch == pytest.approx(pose(head()).pitch, abs=1e-3)
