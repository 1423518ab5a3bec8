"""Regions: even, inside the raster, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn_face
from relip.mouth.geometry import region_of

pytestmark = pytest.mark.unit


@given(st.floats(-50, 450), st.floats(-100, 300), st.floats(20, 200))
def test_a_region_never_splits_a_pgroup_nor_leaves_the_raster(x, y, iod):
    region = region_of(drawn_face.face(x=x, y=y, iod=iod), 400, 260)
    assert region is None or (region.within(400, 260) and region.x % 2 == region.width % 2 == 0)


def test_the_region_holds_lips_chin_and_room_for_the_jaw():
    seen = drawn_face.face()
    region = region_of(seen, 400, 260)
    chin = seen.landmarks[152]
    assert region.x < seen.landmarks[61, 0] - 10
    assert region.y + region.height > chin[1] + 20


def test_jitter_of_the_face_does_not_resize_the_region():
    sizes = {(r.width, r.height) for r in (region_of(drawn_face.face(x=200 + d), 400, 260) for d in (-0.9, 0, 0.4, 0.9))}
    assert len(sizes) == 1


def test_a_chin_below_the_raster_is_no_region():
    assert region_of(drawn_face.face(y=155.0), 400, 260) is None
