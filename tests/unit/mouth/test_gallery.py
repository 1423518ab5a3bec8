"""What a gallery keeps, what it finds, what it forgets."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import drawn_face
from relip.essence.scene import MouthShape
from relip.mouth import gallery as galleries
from relip.mouth.gallery import REACH, STALE_TICKS, Gallery, measure_of, sharpness_of

pytestmark = pytest.mark.unit


def keep(gallery, seen, *, teeth=0.0, ticks=0, sharpness=10.0, in_use=()):
    """Offer one mouth; the index it was stored at, or None."""
    region = gallery.region_for(seen, 400, 260)
    measure = measure_of(seen, teeth)
    place = gallery.place_for(measure, ticks, sharpness, in_use)
    if place is not None:
        gallery.store(place, seen, measure, region=region, ticks=ticks, sharpness=sharpness)
    return place


def offer(gallery, measures):
    """Offer mouths by their measures alone, all as sharp."""
    for measure in measures:
        place = gallery.place_for(measure, 0, 10.0, ())
        if place is not None:
            gallery.count = max(gallery.count, place + 1)
            gallery.admit(place, measure, 10.0)


def radius(kept, measures):
    """The largest distance, in REACH, from a mouth to the nearest one kept."""
    return np.abs((measures[:, None] - kept[None]) / REACH).max(axis=2).min(axis=1).max()


def test_a_mouth_that_adds_nothing_is_not_kept():
    gallery = Gallery(4)
    assert keep(gallery, drawn_face.face(opening=0.05)) == 0
    assert keep(gallery, drawn_face.face(opening=0.051)) is None
    assert keep(gallery, drawn_face.face(opening=0.09)) == 1


def test_a_new_pose_of_a_known_shape_is_kept():
    gallery = Gallery(4)
    keep(gallery, drawn_face.face(opening=0.05))
    assert keep(gallery, replace(drawn_face.face(opening=0.05), yaw=12.0)) == 1


def test_the_same_shape_with_teeth_is_another_mouth():
    gallery = Gallery(4)
    keep(gallery, drawn_face.face(opening=0.05))
    assert keep(gallery, drawn_face.face(opening=0.05), teeth=0.2) is None
    assert keep(gallery, drawn_face.face(opening=0.05), teeth=0.5) == 1


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_covers_nearly_as_well_as_the_best_choice_would(seed):
    rng = np.random.default_rng(seed)
    measures = rng.random((14, 5)) * REACH * (20, 6, 2, 3, 3)
    gallery = Gallery(4)
    offer(gallery, measures)
    best = min(radius(measures[list(some)], measures) for some in combinations(range(14), 4))
    assert radius(gallery.measures[:4], measures) <= 2 * best


def test_a_minute_of_speech_is_covered_whatever_its_order():
    rng = np.random.default_rng(5)
    common = rng.normal((0.01, 0.55, 0.1, 0, 0), (0.01, 0.02, 0.1, 2, 2), (1400, 5))
    rare = rng.uniform((0.1, 0.45, 0.0, -10, -5), (0.2, 0.65, 1.0, 10, 5), (100, 5))
    measures = np.concatenate((common, rare))
    for order in (np.arange(1500), np.arange(1500)[::-1], rng.permutation(1500)):
        gallery = Gallery(96)
        offer(gallery, measures[order])
        first_come = radius(measures[order[:96]], measures)
        assert gallery.count == 96
        assert radius(gallery.measures, measures) <= 3.5
        assert radius(gallery.measures, measures) < 0.8 * first_come or first_come <= 3.5


def test_the_distances_that_are_kept_are_those_of_the_entries():
    rng = np.random.default_rng(2)
    gallery = Gallery(12)
    offer(gallery, rng.random((200, 5)) * REACH * 9)
    apart = np.abs((gallery.measures[:, None] - gallery.measures[None]) / REACH).max(axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(gallery._apart, apart)


def test_a_face_too_close_for_the_memory_keeps_the_entries_that_cover_most(monkeypatch):
    monkeypatch.setattr(galleries, "MOST_OCTETS", 4 * 260 * 230 * 3)
    gallery = Gallery(8)
    for opening in (0.0, 0.01, 0.1, 0.11, 0.2):
        place = keep(gallery, drawn_face.face(iod=60.0, opening=opening))
        gallery.picture(place).y[:] = int(1000 * opening)
    gallery.region_for(drawn_face.face(y=20.0, iod=200.0), 400, 260)
    assert gallery.count == 3
    kept = np.sort(gallery.measures[:3, 0])
    np.testing.assert_allclose(kept, (0.0, 0.1, 0.2), atol=0.011)
    for index in range(3):
        assert gallery.picture(index).y[0, 0] == round(1000 * gallery.measures[index, 0])


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


def test_barely_parted_lips_are_taken_from_lips_that_are_surely_parted():
    gallery, seen = Gallery(4), drawn_face.face()
    for opening in (0.0, 0.03, 0.045, 0.06):
        keep(gallery, drawn_face.face(opening=opening))
    assert gallery.best(MouthShape(0.03, 0.58), seen, None) == 2
    assert gallery.best(MouthShape(0.06, 0.58), seen, None) == 3
    assert gallery.best(MouthShape(0.005, 0.58), seen, None) == 0


def test_teeth_do_not_come_and_go_unasked():
    gallery, seen = Gallery(4), drawn_face.face()
    for opening, teeth in ((0.06, 0.6), (0.069, 0.0), (0.075, 0.6)):
        keep(gallery, drawn_face.face(opening=opening), teeth=teeth)
    assert gallery.best(MouthShape(0.07, 0.58), seen, None) == 1
    assert gallery.best(MouthShape(0.07, 0.58), seen, 0) in (0, 2)
    keep(gallery, drawn_face.face(opening=0.0))
    assert gallery.best(MouthShape(0.074, 0.58), seen, 3) == 2, "closed lips say nothing of teeth"
    assert gallery.best(MouthShape(0.0, 0.58), seen, 2) == 3, "and hide them"


def test_teeth_that_are_asked_for_are_found():
    gallery, seen = Gallery(4), drawn_face.face()
    for opening, teeth in ((0.06, 0.9), (0.07, 0.0)):
        keep(gallery, drawn_face.face(opening=opening), teeth=teeth)
    assert gallery.best(MouthShape(0.068, 0.58, teeth=0.9), seen, None) == 0
    assert gallery.best(MouthShape(0.062, 0.58, teeth=0.0), seen, None) == 1


def test_a_picture_taken_from_as_near_goes_before_one_from_afar():
    gallery, seen = Gallery(4), drawn_face.face()
    keep(gallery, drawn_face.face(opening=0.05, iod=50.0))
    keep(gallery, drawn_face.face(opening=0.059))
    assert gallery.best(MouthShape(0.05, 0.58), seen, None) == 1
    assert gallery.best(MouthShape(0.05, 0.58), drawn_face.face(iod=50.0), None) == 0


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
