"""What a gallery keeps, what it finds, what it forgets."""

from dataclasses import replace

import numpy as np
import pytest

import drawn_face
from relip.essence.scene import MouthShape
from relip.mouth.gallery import STALE_TICKS, Gallery, sharpness_of

pytestmark = pytest.mark.unit


def keep(gallery, seen, *, ticks=0, sharpness=10.0, in_use=()):
    """Offer one mouth; the index it was stored at, or None."""
    region = gallery.region_for(seen, 400, 260)
    place = gallery.place_for(seen, ticks, sharpness, in_use)
    if place is not None:
        gallery.store(place, seen, region=region, ticks=ticks, sharpness=sharpness)
    return place


def test_a_mouth_that_adds_nothing_is_not_kept():
    gallery = Gallery(4)
    assert keep(gallery, drawn_face.face(opening=0.05)) == 0
    assert keep(gallery, drawn_face.face(opening=0.051)) is None
    assert keep(gallery, drawn_face.face(opening=0.09)) == 1


def test_a_new_pose_of_a_known_shape_is_kept():
    gallery = Gallery(4)
    keep(gallery, drawn_face.face(opening=0.05))
    assert keep(gallery, replace(drawn_face.face(opening=0.05), yaw=12.0)) == 1


def test_a_sharper_picture_takes_the_place_of_a_dull_one():
    gallery = Gallery(4)
    keep(gallery, drawn_face.face(opening=0.05))
    assert keep(gallery, drawn_face.face(opening=0.05), sharpness=11.0) is None
    assert keep(gallery, drawn_face.face(opening=0.05), sharpness=12.0) == 0


def test_an_entry_in_use_is_never_replaced():
    gallery = Gallery(4)
    keep(gallery, drawn_face.face(opening=0.05))
    assert keep(gallery, drawn_face.face(opening=0.05), sharpness=20.0, in_use=(0,)) is None


def test_an_old_picture_makes_way_for_a_new_one_as_good():
    gallery = Gallery(4)
    keep(gallery, drawn_face.face(opening=0.05))
    assert keep(gallery, drawn_face.face(opening=0.05), ticks=STALE_TICKS) is None
    assert keep(gallery, drawn_face.face(opening=0.05), ticks=STALE_TICKS + 1) == 0


def test_a_full_gallery_gives_up_its_most_crowded_for_what_is_far_from_all():
    gallery = Gallery(3)
    for opening in (0.0, 0.01, 0.1):
        keep(gallery, drawn_face.face(opening=opening))
    assert keep(gallery, drawn_face.face(opening=0.2)) in (0, 1)
    assert gallery.count == 3
    assert gallery.widest == pytest.approx(0.2, abs=1e-4)


def test_the_nearest_shape_is_found_and_kept_until_another_is_clearly_better():
    gallery, seen = Gallery(4), drawn_face.face()
    for opening in (0.0, 0.02, 0.1):
        keep(gallery, drawn_face.face(opening=opening))
    assert gallery.best(MouthShape(0.09, 0.58), seen, None) == 2
    assert gallery.best(MouthShape(0.013, 0.58), seen, None) == 1
    assert gallery.best(MouthShape(0.008, 0.58), seen, 1) == 1
    assert gallery.best(MouthShape(0.0, 0.58), seen, 1) == 0


def test_a_face_that_comes_closer_keeps_what_was_learnt():
    gallery = Gallery(4)
    place = keep(gallery, drawn_face.face(opening=0.1))
    gallery.picture(place).y[:] = 300
    small = gallery.picture(place).y.shape
    gallery.region_for(drawn_face.face(y=20.0, iod=200.0), 400, 260)
    assert gallery.count == 1
    assert gallery.picture(place).y.shape[0] > small[0]
    assert (gallery.picture(place).y[: small[0], : small[1]] == 300).all()


def test_a_mouth_at_the_rim_is_not_learnt():
    assert Gallery(4).region_for(drawn_face.face(x=30.0), 400, 260) is None


def test_forgetting_empties_it():
    gallery = Gallery(4)
    keep(gallery, drawn_face.face(opening=0.1))
    gallery.forget()
    assert gallery.count == 0
    assert gallery.widest == 0.0


def test_blur_lowers_the_sharpness():
    picture = np.random.default_rng(3).integers(64, 940, (40, 60)).astype(np.uint16)
    blurred = ((picture[:, :-1].astype(int) + picture[:, 1:]) // 2).astype(np.uint16)
    assert sharpness_of(blurred) < 0.7 * sharpness_of(picture)
