"""What is before a drawn mouth and what is not; the real nets and real people are in tests/e2e/test_ladder_on_clips.py."""

from dataclasses import replace

import numpy as np
import pytest

import drawn_face
from relip.device.host import HostDevice
from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.mouth.occlusion import Cover, Occlusion, sample
from relip.signals import occluders

pytestmark = pytest.mark.unit

FORMAT = drawn_face.small_format()
DEVICE = HostDevice()
WHOLE = Region(0, 0, FORMAT.width, FORMAT.height)
MOUTH, CHIN = (200.0, 122.0), (200.0, 168.0)
NOTHING = Cover.NOTHING
SKIN = (600.0, 480.0, 570.0)


def planes_of(packed):
    planes = Planes.of(FORMAT.width, FORMAT.height)
    DEVICE.unpack(packed, WHOLE, planes)
    return planes


def packed_of(planes):
    packed = np.empty((FORMAT.height, FORMAT.row_octets), np.uint8)
    DEVICE.pack(planes, packed)
    return packed


class View:
    """An occlusion test that has watched a drawn speaker for some time."""

    def __init__(self, frames=40):
        self.occlusion = Occlusion()
        self.said = [self.see(opening=0.1 * abs(np.sin(k))) for k in range(frames)]

    def see(self, change=None, *, opening=0.0, identity=1):
        face = drawn_face.face(opening=opening, identity=identity)
        planes = planes_of(drawn_face.picture(face, FORMAT))
        if change:
            change(planes)
        return self.occlusion.see(packed_of(planes), face)


def thing(shape, place, unit=100.0, turned=0.0, skin=SKIN):
    return lambda planes: occluders.lay(shape, occluders.Place(*place, unit, turned), planes, skin) is None


def lit(gain, shift=(0, 0)):
    """All of the picture under another light."""

    def change(planes):
        light = np.broadcast_to(gain, planes.y.shape)
        planes.y[:] = np.clip(64 + (planes.y - 64.0) * light, 4, 1019)
        for plane, more in zip((planes.cb, planes.cr), shift, strict=True):
            plane[:] = np.clip(512 + (plane - 512.0) * light[:, ::2] + more, 4, 1019)

    return change


def test_somebody_who_speaks_covers_nothing():
    assert set(View(120).said) == {NOTHING}


@pytest.mark.parametrize("shape", [occluders.hand, occluders.microphone, occluders.paper, occluders.cup])
def test_a_thing_before_the_lips_is_seen_in_its_first_frame(shape):
    assert View().see(thing(shape, MOUTH)) is Cover.LIPS


def test_a_hand_of_exactly_the_skin_s_colour_is_seen_too():
    assert View().see(thing(occluders.hand, MOUTH, skin=(630.0, 480.0, 570.0))) is Cover.LIPS


def test_a_thing_at_the_chin_covers_the_chin_alone():
    view = View()
    assert view.see(thing(occluders.microphone, CHIN, unit=85)) is Cover.FACE
    assert view.see() is NOTHING


def test_a_thing_beside_the_face_covers_nothing():
    assert View().see(thing(occluders.cup, (340.0, 122.0))) is NOTHING


def test_what_stays_before_the_mouth_is_not_learned():
    view = View()
    assert {view.see(thing(occluders.microphone, MOUTH)) for _ in range(300)} == {Cover.LIPS}
    assert view.see() is NOTHING


def test_a_cup_that_was_there_from_the_first_frame_on_is_no_mouth():
    view, cup = View(0), thing(occluders.cup, MOUTH)
    assert {view.see(cup) for _ in range(30)} == {Cover.LIPS}
    assert view.see() is Cover.LIPS, "one frame proves nothing"
    assert [view.see() for _ in range(20)][-1] is NOTHING
    assert view.see(cup) is Cover.LIPS


def test_a_hand_that_was_learned_as_the_mouth_is_unlearned_when_it_goes():
    view = View(0)
    assert {view.see(thing(occluders.hand, MOUTH)) for _ in range(60)} == {NOTHING}
    assert [view.see() for _ in range(20)][-1] is NOTHING
    assert view.see(thing(occluders.hand, MOUTH)) is Cover.LIPS


@pytest.mark.parametrize(
    "light",
    [lit(0.6), lit(1.5), lit(1.0, (-14, 10)), lit(np.linspace(0.85, 1.15, FORMAT.width)[None])],
    ids=["darker", "brighter", "warmer", "from the side"],
)
def test_another_light_covers_nothing(light):
    view = View()
    assert {view.see(light, opening=0.05) for _ in range(10)} == {NOTHING}


def test_a_shadow_on_the_lower_face_covers_nothing():
    rows = np.where(np.arange(FORMAT.height) > 70, 0.65, 1.0)[:, None]
    assert View().see(lit(rows)) is NOTHING


def test_in_a_flash_nothing_is_judged_and_after_it_all_is_as_before():
    def flash(planes):
        planes.y[:] = np.clip(planes.y * 1.2 + 300, 4, 1019)

    view = View()
    assert [view.see(flash), view.see(flash), view.see()] == [NOTHING] * 3
    view.see(thing(occluders.cup, MOUTH))
    assert view.see(flash) is Cover.LIPS


def test_a_light_that_stays_brighter_is_no_flash_for_long():
    view = View()
    said = [view.see(lambda planes: (lit(1.5)(planes), thing(occluders.cup, MOUTH)(planes))) for _ in range(8)]
    assert said[-1] is Cover.LIPS


def test_a_face_that_was_hidden_by_something_dark_is_no_flash_when_it_is_back():
    def wall(planes):
        planes.y[:], planes.cb[:], planes.cr[:] = 200, 530, 500

    view = View()
    assert view.see(wall) is Cover.LIPS
    assert view.see() is NOTHING


def other_lips(planes):
    """Lips of the same hue, but much darker."""
    lips = planes.cr > 600
    planes.y[lips.repeat(2, axis=1)] = 230
    planes.cb[lips], planes.cr[lips] = 505, 579


def test_after_a_cut_somebody_else_is_somebody_else():
    view = View()
    assert view.see(other_lips) is Cover.LIPS
    view.occlusion.forget()
    assert view.see(other_lips, identity=2) is NOTHING


def test_somebody_else_in_the_same_shot_is_taken_for_covered_for_half_a_second():
    view = View()
    said = [view.see(other_lips, identity=2) for _ in range(20)]
    assert said[0] is Cover.LIPS
    assert said[-1] is NOTHING


def test_who_is_found_again_behind_a_hand_is_still_covered():
    view = View()
    assert {view.see(thing(occluders.hand, MOUTH), identity=2) for _ in range(40)} == {Cover.LIPS}


def test_a_face_that_hangs_out_of_the_raster_is_looked_at_as_far_as_it_goes():
    face = drawn_face.face(x=0.0, y=200.0)
    assert Occlusion().see(drawn_face.picture(face, FORMAT), face) is NOTHING
    beyond = replace(face, landmarks=face.landmarks + np.float32(1e5))
    assert Occlusion().see(drawn_face.picture(face, FORMAT), beyond) is NOTHING


def test_samples_are_means_of_nine_pgroups():
    rng = np.random.default_rng(3)
    planes = Planes.of(FORMAT.width, FORMAT.height)
    for plane in (planes.y, planes.cb, planes.cr):
        plane[:] = rng.integers(4, 1020, plane.shape)
    (got,) = sample(packed_of(planes), np.array([[101.0, 60.0]]), 4)
    rows, columns = np.ix_([56, 60, 64], [97 // 2, 101 // 2, 105 // 2])
    luma = (planes.y[rows, 2 * columns] + planes.y[rows, 2 * columns + 1].astype(float)) / 2
    assert got == pytest.approx(
        [luma.mean() - 64, planes.cb[rows, columns].mean() - 512, planes.cr[rows, columns].mean() - 512]
    )
