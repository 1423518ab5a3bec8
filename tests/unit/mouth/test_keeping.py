"""A memory as arrays and back: nothing is lost, a larger raster gets larger pictures, nonsense is refused."""

from dataclasses import replace

import numpy as np
import pytest

import drawn_face
from relip.device.host import HostDevice
from relip.essence.errors import FormatError
from relip.essence.scene import MouthShape
from relip.mouth.keeping import Mouths, memory_of, mouths_of
from relip.mouth.memory import OwnPixelsSettings
from relip.mouth.own_pixels import OwnPixels

pytestmark = pytest.mark.unit

FORMAT = drawn_face.small_format()
DEVICE = HostDevice()
IOD = 80.0
OPENINGS = np.linspace(0, 0.2, 18)


@pytest.fixture(scope="module")
def taught():
    mouth = OwnPixels(device=DEVICE, format=FORMAT)
    for k, opening in enumerate(OPENINGS):
        seen = drawn_face.face(opening=opening, iod=80.0)
        mouth.learn(drawn_face.picture(seen, FORMAT), seen, 3600 * k)
    return mouth.memory


def test_what_comes_back_is_what_was_kept(taught):
    back = memory_of(mouths_of(taught), OwnPixelsSettings())
    have, had = back.gallery, taught.gallery
    assert have.count == had.count == len(OPENINGS)
    for column in ("measures", "landmarks", "iod", "ring", "dark"):
        np.testing.assert_allclose(getattr(have, column)[: have.count], getattr(had, column)[: had.count])
    np.testing.assert_allclose(have.heads[: have.count], had.heads[: had.count], atol=1e-4)
    for index in range(have.count):
        for plane in ("y", "cb", "cr"):
            np.testing.assert_array_equal(getattr(have.picture(index), plane), getattr(had.picture(index), plane))
    assert back.warm
    assert back.cap == taught.cap == 1.0


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5, 2.0])
def test_another_raster_gets_pictures_of_its_size(taught, scale):
    back = memory_of(mouths_of(taught), OwnPixelsSettings(), scale)
    assert back.gallery.iod[0] == pytest.approx(80.0 * scale)
    index = int(np.argmax(back.gallery.measures[:18, 0]))
    picture, had = back.gallery.picture(index), taught.gallery.picture(index)
    at, was = (gallery.landmarks[index, 13] for gallery in (back.gallery, taught.gallery))
    np.testing.assert_allclose(at, was * scale)
    teeth = tuple(round(float(v)) for v in (at[1] + 4 * scale, at[0]))
    before = tuple(round(float(v)) for v in (was[1] + 4, was[0]))
    assert picture.y[teeth] == pytest.approx(int(had.y[before]), abs=12)
    assert picture.y.mean() == pytest.approx(had.y.mean(), rel=0.02)
    assert picture.cb.mean() == pytest.approx(had.cb.mean(), rel=0.02)
    assert picture.y.max() <= 1019


def test_a_kept_mouth_of_another_size_is_drawn_like_one_of_the_right_size(taught):
    seen = drawn_face.face(opening=0.0, iod=80.0)
    packed = drawn_face.picture(seen, FORMAT)
    drawn = []
    for scale in (1.0, 1.4):
        mouth = OwnPixels(device=DEVICE, format=FORMAT, enrolled={0: memory_of(mouths_of(taught), OwnPixelsSettings(), scale)})
        mouth.turn_to(0, iod=IOD)
        drawn.append(mouth.render(packed, seen, MouthShape(0.12, 0.58), 1.0).planes.y.astype(int).copy())
    assert np.abs(drawn[0] - drawn[1]).mean() < 6


@pytest.mark.parametrize("scale", [0.4, 2.1])
def test_a_raster_far_off_is_refused(taught, scale):
    with pytest.raises(FormatError, match="times as large"):
        memory_of(mouths_of(taught), OwnPixelsSettings(), scale)


def test_live_pictures_soon_take_the_place_of_kept_ones(taught):
    known = memory_of(mouths_of(taught), OwnPixelsSettings())
    mouth = OwnPixels(device=DEVICE, format=FORMAT, enrolled={0: known})
    mouth.turn_to(0, iod=IOD)
    serial = known.gallery.serial[:18].copy()
    live = 10**12
    for k in range(8):
        seen = drawn_face.face(opening=OPENINGS[3], iod=80.0)
        mouth.learn(drawn_face.picture(seen, FORMAT), seen, live + 3600 * k)
    assert (known.gallery.serial[:18] != serial).sum() == 1
    assert known.gallery.count == 18


@pytest.mark.parametrize(
    "wrong",
    [
        {"measures": np.zeros((17, 5))},
        {"measures": np.full((18, 5), np.nan)},
        {"landmarks": np.full((18, 478, 2), np.inf, np.float32)},
        {"landmarks": np.full((18, 478, 2), 1e6, np.float32)},
        {"iod": np.zeros(18)},
        {"cb": np.zeros((18, 4, 4), np.uint16)},
        {"y": np.zeros((0, 92, 104), np.uint16)},
        {"y": np.full((18, 92, 104), 1024, np.uint16)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_arrays_that_are_no_mouths_are_refused(taught, wrong):
    good = mouths_of(taught)
    assert isinstance(replace(good), Mouths)
    with pytest.raises(FormatError):
        replace(good, **wrong)
