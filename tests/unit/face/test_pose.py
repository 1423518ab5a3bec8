"""Angles have the sign the docstring says, and a turned head is not a smaller one."""

import pytest

from heads import head
from relip.face.pose import pose

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


def test_turning_does_not_shrink_the_eye_distance():
    assert pose(head(iod=80, yaw=40, pitch=10, roll=20)).iod == pytest.approx(80, rel=1e-4)


def test_speaking_does_not_nod():
    assert pose(head(opening=0.3)).pitch == pytest.approx(pose(head()).pitch, abs=1e-3)
