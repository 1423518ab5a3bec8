"""What lies behind the jaw stands still."""

import numpy as np
import pytest

import drawn_face
from relip.device.host import HostDevice
from relip.essence.grains import Planes
from relip.essence.scene import MouthShape, Region
from relip.mouth.geometry import pairs, plane_points
from relip.mouth.landmarks import CHIN, OVAL
from relip.mouth.own_pixels import OwnPixels, OwnPixelsSettings
from relip.mouth.shape import LowerFace
from relip.mouth.silhouette import EVERY, FILL, SHORTEST, STEPS, Silhouette, room_of

pytestmark = pytest.mark.unit

FORMAT = drawn_face.small_format()
DEVICE = HostDevice()
CHIN_AT = int(np.flatnonzero(OVAL == CHIN)[0])
FAR = 0.28
"""An opening at which the generic chin drops by a tenth of an IOD."""


def planes_of(packed):
    planes = Planes.of(FORMAT.width, FORMAT.height)
    DEVICE.unpack(packed, Region(0, 0, FORMAT.width, FORMAT.height), planes)
    return planes


def dubbed_before_stripes(had, gets):
    """A drawn face before stripes, dubbed from one opening to another: face, samples before, samples after."""
    seen, mouth = (
        drawn_face.face(opening=had),
        OwnPixels(device=DEVICE, format=FORMAT, settings=OwnPixelsSettings(cold_open=FAR)),
    )
    mouth.learn(drawn_face.picture(seen, FORMAT), seen, 0)
    striped = drawn_face.before_stripes(drawn_face.picture(seen, FORMAT, noise=1), seen, FORMAT)
    rendered = mouth.render(striped, seen, MouthShape(gets, 0.58), 1.0)
    before, after, region = planes_of(striped), planes_of(striped), rendered.region
    after.y[region.y : region.y + region.height, region.x : region.x + region.width] = rendered.planes.y
    return seen, before.y.astype(int), after.y.astype(int)


def jaw_at(luma, column):
    """The row below the mouth where the stripes begin."""
    return 165 + int((np.abs(luma[165:, column] - drawn_face.SKIN[0]) > 100).argmax())


def test_backdrop_and_collar_keep_every_sample_while_the_chin_drops_over_them():
    seen, before, after = dubbed_before_stripes(0.0, FAR)
    places = seen.landmarks.copy()
    places[:, :2] = pairs(LowerFace().aim(seen, MouthShape(FAR, 0.58)))
    behind = ~drawn_face.inside_jaw(places, FORMAT, grow=SHORTEST * seen.iod + 3)
    np.testing.assert_array_equal(after[behind], before[behind])
    assert 8 <= jaw_at(after, 200) - jaw_at(before, 200) <= 13


def test_a_chin_that_rises_bares_no_more_than_it_covered():
    seen, before, after = dubbed_before_stripes(FAR, 0.0)
    behind = ~drawn_face.inside_jaw(seen.landmarks, FORMAT, grow=(FILL - 1) * 0.1 * seen.iod + SHORTEST * seen.iod + 3)
    np.testing.assert_array_equal(after[behind], before[behind])
    assert np.abs(after[165:, 200] - drawn_face.SKIN[0]).max() > 200, "the stripes are still there"


def test_bare_skin_has_room_and_stripes_have_none():
    seen = drawn_face.face()
    picture, points = drawn_face.picture(seen, FORMAT), plane_points(seen.landmarks)
    assert room_of(planes_of(picture), points, seen.iod)[CHIN_AT] > 0.2
    striped = drawn_face.before_stripes(picture, seen, FORMAT)
    assert abs(room_of(planes_of(striped), points, seen.iod)[CHIN_AT]) < 0.025


def test_a_picture_without_colour_is_judged_by_light():
    seen = drawn_face.face()
    grey = planes_of(drawn_face.before_stripes(drawn_face.picture(seen, FORMAT), seen, FORMAT))
    grey.cb[:] = grey.cr[:] = 512
    points = plane_points(seen.landmarks)
    assert room_of(grey, points, seen.iod)[CHIN_AT] > STEPS[0]
    grey.y[int(points[CHIN].imag) + 1 :] = 70
    assert room_of(grey, points, seen.iod)[CHIN_AT] < 0.03


def test_room_follows_what_is_seen_slowly():
    seen, memory = drawn_face.face(), Silhouette()
    picture, points = drawn_face.picture(seen, FORMAT), plane_points(seen.landmarks)
    striped = planes_of(drawn_face.before_stripes(picture, seen, FORMAT))

    def reach():
        return float(memory.outline(points, points, seen.iod).outer.max())

    for _ in range(EVERY):
        memory.look(planes_of(picture), points, seen.iod)
    wide = reach()
    memory.look(striped, points, seen.iod)
    after_one = reach()
    for _ in range(10 * EVERY):
        memory.look(striped, points, seen.iod)
    assert wide > after_one > reach() + 5
