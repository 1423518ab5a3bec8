"""What is learned of one speaker, and the shelf that keeps speakers apart."""

from dataclasses import replace

import numpy as np
import pytest

import drawn_face
from relip.device.host import HostDevice
from relip.essence.scene import NOBODY, MouthShape
from relip.mouth.gates import KNOWN_ENTRIES, Refusal
from relip.mouth.landmarks import BASIS
from relip.mouth.memory import Memory, OwnPixelsSettings, Shelf
from relip.mouth.own_pixels import OwnPixels

pytestmark = pytest.mark.unit

FORMAT = drawn_face.small_format()
DEVICE = HostDevice()
IOD = 100.0
SMALL = OwnPixelsSettings(capacity=8)


def teach(mouth, *openings, start=0):
    for k, opening in enumerate(openings):
        seen = drawn_face.face(opening=opening)
        mouth.learn(drawn_face.picture(seen, FORMAT), seen, (start + k) * 90_000)


def renderer(**kept):
    return OwnPixels(device=DEVICE, format=FORMAT, settings=SMALL, **kept)


def test_teeth_are_measured_between_the_lips():
    mouth = renderer()
    teach(mouth, 0.1)
    assert mouth.memory.gallery.measures[0, 2] > 0.9
    teach(mouth, 0.0, start=1)
    assert mouth.memory.gallery.measures[1, 2] == 0


def test_an_opening_without_teeth_shows_none():
    mouth, seen = renderer(), drawn_face.face(opening=0.1)
    dark = drawn_face.picture(seen, FORMAT, between=(120, 512, 520))
    mouth.learn(dark, seen, 0)
    red = drawn_face.picture(replace(seen, yaw=9.0), FORMAT, between=(500, 470, 680))
    mouth.learn(red, replace(seen, yaw=9.0), 3600)
    assert mouth.memory.gallery.measures[:2, 2].tolist() == [0, 0]


def test_refusals_are_counted_by_reason_and_teach_nothing():
    mouth = renderer()
    teach(mouth, 0.05)
    seen = replace(drawn_face.face(opening=0.1), yaw=38.0)
    mouth.learn(drawn_face.picture(seen, FORMAT), seen, 3600)
    rim = drawn_face.face(x=30.0)
    mouth.learn(drawn_face.picture(rim, FORMAT), rim, 10**6)
    assert mouth.memory.refused == {Refusal.TURNED: 1, Refusal.EDGE: 1}
    assert mouth.memory.gallery.count == 1


def test_a_tilted_head_does_not_make_the_pictures_grow():
    mouth = renderer()
    teach(mouth, 0.05)
    size = mouth.memory.gallery.size
    points = drawn_face.face().landmarks.copy()
    points[:, :2] = (points[:, :2] - 150)[:, ::-1] * (-1, 1) + 150
    mouth.learn(drawn_face.picture(drawn_face.face(), FORMAT), replace(drawn_face.face(), landmarks=points, roll=90.0), 3600)
    assert mouth.memory.gallery.size == size
    assert mouth.memory.refused == {Refusal.TURNED: 1}


def test_a_lower_face_that_slipped_is_refused_once_the_speaker_is_known():
    mouth = OwnPixels(device=DEVICE, format=FORMAT)
    teach(mouth, *np.linspace(0, 0.2, KNOWN_ENTRIES + 2))
    slipped = drawn_face.face(opening=0.21)
    slipped.landmarks[BASIS[20:], 0] += 0.07 * slipped.iod
    before = mouth.memory.gallery.count
    mouth.learn(drawn_face.picture(drawn_face.face(opening=0.21), FORMAT), slipped, 10**6)
    assert mouth.memory.refused == {Refusal.ODD: 1}
    assert mouth.memory.gallery.count == before


def test_who_returns_goes_on_where_they_were():
    mouth = renderer()
    mouth.turn_to(1, iod=IOD)
    teach(mouth, *[0.1] * 5)
    mouth.turn_to(2, iod=IOD)
    assert not mouth.warm
    assert mouth.cap == pytest.approx(0.10)
    mouth.turn_to(1, iod=IOD)
    assert mouth.warm
    assert mouth.cap == pytest.approx(0.13, abs=1e-3)


def test_somebody_new_gets_nothing_of_anybody():
    mouth, seen = renderer(), drawn_face.face()
    packed = drawn_face.picture(seen, FORMAT)
    for person in range(12):
        mouth.turn_to(person, iod=IOD)
        assert mouth.render(packed, seen, MouthShape(0.0, 0.5), 1.0) is None
        assert not mouth.warm
        teach(mouth, *np.linspace(0, 0.2, 6))
        assert mouth.render(packed, seen, MouthShape(0.0, 0.5), 1.0) is not None


def test_a_shelf_holds_so_many_and_takes_no_more_memory():
    shelf = Shelf(SMALL, places=2)
    first, second = shelf.of(1, IOD), shelf.of(2, IOD)
    first.worth, second.worth = 100.0, 20.0
    assert shelf.of(1, IOD) is first
    third = shelf.of(3, IOD)
    assert third is second, "the one that saw least is emptied and used again"
    assert third.worth == 0
    assert shelf.of(1, IOD) is first
    assert first.worth == 50, "what is long ago counts for less"
    assert {id(shelf.of(person, IOD)) for person in range(20)} == {id(first), id(second)}


def test_the_enrolled_are_never_given_up_and_start_warm():
    known = Memory(SMALL)
    teacher = renderer(enrolled={0: known})
    teacher.turn_to(0, iod=IOD)
    teach(teacher, *np.linspace(0, 0.2, 6))
    mouth = renderer(enrolled={0: known})
    assert not mouth.warm, "nobody is in the picture yet"
    for person in range(1, 9):
        mouth.turn_to(person, iod=IOD)
    mouth.turn_to(0, iod=IOD)
    assert mouth.warm
    assert mouth.memory is known


def test_a_speaker_does_not_move_faster_than_lips_across_a_cut():
    mouth = renderer()
    mouth.turn_to(1, iod=IOD)
    teach(mouth, 0.0)
    mouth.turn_to(NOBODY, iod=IOD)
    mouth.turn_to(1, iod=IOD)
    teach(mouth, 0.25, start=1)
    assert not mouth.memory.refused


def test_a_close_up_does_not_get_the_mouths_of_a_wide_shot_and_both_are_remembered():
    mouth = renderer()
    mouth.turn_to(1, iod=IOD)
    teach(mouth, *np.linspace(0, 0.2, 6))
    near = mouth.memory
    mouth.turn_to(1, iod=2.0 * IOD)
    assert not mouth.warm
    small = drawn_face.face(iod=50.0, opening=0.1)
    mouth.turn_to(1, iod=50.0)
    mouth.learn(drawn_face.picture(small, FORMAT), small, 10**6)
    far = mouth.memory
    mouth.turn_to(1, iod=1.2 * IOD)
    assert mouth.memory is near
    mouth.turn_to(1, iod=55.0)
    assert mouth.memory is far


def test_an_enrolment_far_from_the_size_of_the_face_is_not_drawn():
    known = Memory(SMALL)
    teacher = renderer(enrolled={0: known})
    teacher.turn_to(0, iod=IOD)
    teach(teacher, *np.linspace(0, 0.2, 6))
    mouth = renderer(enrolled={0: known})
    mouth.turn_to(0, iod=40.0)
    assert not mouth.warm
    mouth.turn_to(0, iod=90.0)
    assert mouth.warm


def test_a_memory_used_again_has_pictures_for_the_next_face_and_takes_no_more():
    gallery = Memory(SMALL).gallery
    gallery.region_for(drawn_face.face(), 400, 260)
    block, large = gallery._blocks[0], gallery.size
    gallery.forget()
    gallery.region_for(drawn_face.face(iod=50.0), 400, 260)
    assert gallery.size[0] == pytest.approx(large[0] / 2, abs=2)
    assert np.shares_memory(gallery.picture(0).y, block)
    gallery.forget()
    gallery.region_for(drawn_face.face(), 400, 260)
    assert gallery.size == large
    assert gallery._blocks[0] is block


def test_nothing_is_remembered_of_nobody_and_nobody_takes_the_place_of_somebody():
    mouth = renderer()
    for person in range(4):
        mouth.turn_to(person, iod=IOD)
        teach(mouth, *np.linspace(0, 0.2, 6))
    for _ in range(9):
        mouth.turn_to(NOBODY, iod=IOD)
        assert not mouth.warm
        teach(mouth, *np.linspace(0, 0.2, 6))
    for person in range(4):
        mouth.turn_to(person, iod=IOD)
        assert mouth.warm
