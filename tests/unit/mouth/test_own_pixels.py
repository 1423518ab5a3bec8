"""The renderer on a drawn face: identity, closing, caps, memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drawn_face
from relip.composite.patch import composite
from relip.device.host import HostDevice
from relip.essence.grains import Planes
from relip.essence.scene import MouthShape, Region
from relip.mouth.own_pixels import OwnPixels, OwnPixelsSettings

pytestmark = pytest.mark.unit

FORMAT = drawn_face.small_format()
DEVICE = HostDevice()


def renderer(**settings):
    return OwnPixels(device=DEVICE, format=FORMAT, settings=OwnPixelsSettings(**settings))


def taught(*openings, **settings):
    mouth = renderer(**settings)
    for tick, opening in enumerate(openings):
        seen = drawn_face.face(opening=opening)
        mouth.learn(drawn_face.picture(seen, FORMAT), seen, tick * 90_000)
    return mouth


def dubbed(mouth, seen, target, strength=1.0):
    """The whole raster after the dub, and its planes."""
    packed = drawn_face.picture(seen, FORMAT)
    patch = composite(DEVICE, packed, mouth.render(packed, seen, target, strength))
    region, out = patch.region, packed.copy()
    out[region.y : region.y + region.height, region.x // 2 * 5 : (region.x + region.width) // 2 * 5] = patch.packed
    planes = Planes.of(FORMAT.width, FORMAT.height)
    DEVICE.unpack(out, Region(0, 0, FORMAT.width, FORMAT.height), planes)
    return packed, out, planes


def teeth_rows(planes, x=200):
    """Bright luma samples in the column through the middle of the mouth."""
    return int((planes.y[80:180, x] > 720).sum())


def test_nothing_known_renders_nothing():
    seen = drawn_face.face()
    assert renderer().render(drawn_face.picture(seen, FORMAT), seen, MouthShape(0.05, 0.58), 1.0) is None


def test_strength_nought_is_the_input_bit_for_bit():
    packed, out, _ = dubbed(taught(0.0, 0.1), drawn_face.face(opening=0.1), MouthShape(0.0, 0.5), strength=0.0)
    np.testing.assert_array_equal(out, packed)


def test_the_measured_shape_gives_nearly_the_input():
    packed, _, planes = dubbed(taught(0.1), drawn_face.face(opening=0.1), MouthShape(0.1, 0.58))
    original = Planes.of(FORMAT.width, FORMAT.height)
    DEVICE.unpack(packed, Region(0, 0, FORMAT.width, FORMAT.height), original)
    assert np.abs(planes.y.astype(int) - original.y).max() <= 8


def test_samples_outside_the_region_are_not_in_the_patch_and_its_edge_is_untouched():
    mouth, seen = taught(0.0, 0.1), drawn_face.face(opening=0.1)
    rendered = mouth.render(drawn_face.picture(seen, FORMAT), seen, MouthShape(0.0, 0.5), 1.0)
    edge = rendered.alpha.copy()
    edge[1:-1, 2:-2] = 0
    assert not edge.any()
    assert rendered.alpha.max() == 1
    assert rendered.region.within(FORMAT.width, FORMAT.height)


def test_a_closed_target_leaves_nothing_of_a_drawn_opening():
    seen = drawn_face.face(opening=0.14)
    assert teeth_rows(dubbed(taught(0.14), seen, MouthShape(0.14, 0.58))[2]) >= 10
    assert teeth_rows(dubbed(taught(0.14), seen, MouthShape(0.0, 0.58))[2]) == 0
    assert teeth_rows(dubbed(taught(0.0, 0.14), seen, MouthShape(0.0, 0.58))[2]) == 0


def test_lips_that_nearly_close_over_an_open_source_stay_as_far_apart_as_asked():
    closed = drawn_face.face(opening=0.0)
    _, _, planes = dubbed(taught(0.14), closed, MouthShape(0.04, 0.58))
    tooth, lip = 740, drawn_face.LIP[0]
    shown = np.clip((planes.y[116:128, 200].astype(float) - lip) / (tooth - lip), 0, 1)
    assert shown.sum() == pytest.approx(4.0, abs=0.5), "rows of teeth, at 100 pixels between the eyes"


def test_an_open_target_shows_the_teeth_that_were_seen():
    closed = drawn_face.face(opening=0.0)
    rows = teeth_rows(dubbed(taught(0.0, 0.14), closed, MouthShape(0.12, 0.58))[2])
    assert 8 <= rows <= 14


def two_rows_of_teeth(opening):
    """A drawn mouth whose teeth part in the middle: face and packed picture."""
    seen, planes = drawn_face.face(opening=opening), Planes.of(FORMAT.width, FORMAT.height)
    DEVICE.unpack(drawn_face.picture(seen, FORMAT, noise=1), Region(0, 0, FORMAT.width, FORMAT.height), planes)
    high, low = seen.landmarks[13, 1], seen.landmarks[14, 1]
    planes.y[int(high + 0.4 * (low - high)) : int(high + 0.6 * (low - high)) + 1, 170:230] = 120
    packed = np.empty((FORMAT.height, FORMAT.row_octets), np.uint8)
    DEVICE.pack(planes, packed)
    return seen, packed


def test_lower_teeth_go_with_the_jaw_and_upper_teeth_stay_with_the_skull():
    seen, packed = two_rows_of_teeth(0.14)
    closed, rows = drawn_face.face(opening=0.0), {}
    for opening in (0.10, 0.14, 0.20):
        mouth = renderer(cold_open=0.3)
        mouth.learn(packed, seen, 0)
        _, _, planes = dubbed(mouth, closed, MouthShape(opening, 0.58))
        bright = np.flatnonzero(planes.y[100:180, 190] > 720) + 100
        gap = np.flatnonzero(np.diff(bright) > 2)
        assert len(gap) == 1, "two rows of teeth with dark between them"
        upper_lip, lower_lip = 122 - 24 * opening, 122 + 76 * opening
        rows[opening] = (bright[0] - upper_lip, lower_lip - bright[-1], bright[gap[0] + 1] - bright[gap[0]])
    assert all(abs(top - rows[0.14][0]) < 2.5 and abs(bottom - rows[0.14][1]) < 2.5 for top, bottom, _ in rows.values())
    assert rows[0.10][2] < rows[0.14][2] < rows[0.20][2]


def test_the_ramp_opens_the_mouth_step_by_step():
    closed, mouth = drawn_face.face(opening=0.0), taught(0.0, 0.14)
    rows = [teeth_rows(dubbed(mouth, closed, MouthShape(0.14, 0.58), step / 6)[2]) for step in range(7)]
    assert rows == sorted(rows)
    assert rows[0] == 0
    assert rows[-1] >= 10


def test_a_cold_renderer_opens_no_wider_than_its_cap_and_draws_teeth_above_and_dark_below():
    mouth, closed = taught(0.0, 0.0), drawn_face.face(opening=0.0)
    assert mouth.cap == pytest.approx(0.10)
    _, _, planes = dubbed(mouth, closed, MouthShape(0.3, 0.58))
    inside = planes.y[120:128, 200].astype(int)
    assert inside[:2].max() > inside.min() + 60, "a tooth's edge"
    assert (inside[3:] < drawn_face.LIP[0] - 60).sum() >= 3, "and the dark below it"


def test_the_cap_grows_with_what_was_seen_and_ends_when_enough_was():
    assert taught(0.0, 0.1).cap == pytest.approx(0.13, abs=1e-4)
    assert taught(*np.linspace(0, 0.2, 20)).cap == 1.0


def test_the_gallery_is_bounded():
    mouth = taught(*np.linspace(0, 0.3, 60), capacity=8)
    assert mouth._gallery.count == 8


def test_forgetting_leaves_nothing_of_the_speaker():
    mouth, seen = taught(*[0.1] * 5), drawn_face.face(opening=0.1)
    assert mouth.warm
    mouth.forget()
    assert not mouth.warm
    assert mouth.cap == pytest.approx(0.10)
    assert mouth.render(drawn_face.picture(seen, FORMAT), seen, MouthShape(0, 0.5), 1.0) is None


def test_two_results_in_a_row_do_not_share_memory():
    mouth, seen = taught(0.0, 0.1), drawn_face.face(opening=0.1)
    packed = drawn_face.picture(seen, FORMAT)
    first = mouth.render(packed, seen, MouthShape(0.0, 0.5), 1.0)
    kept = first.planes.y.copy()
    second = mouth.render(packed, seen, MouthShape(0.1, 0.6), 1.0)
    np.testing.assert_array_equal(first.planes.y, kept)
    assert not np.shares_memory(first.alpha, second.alpha)


def test_an_entry_change_fades_over_two_frames():
    mouth, seen = taught(0.0, 0.14), drawn_face.face(opening=0.0)
    for target in (0.0, 0.0, 0.0):
        dubbed(mouth, seen, MouthShape(target, 0.58))
    weights = []
    for _ in range(3):
        face, wanted = seen, MouthShape(0.14, 0.58)
        weights.append([weight for _, weight in mouth._choice.advance(mouth._gallery, wanted, face)])
    assert weights == [[1.0, pytest.approx(1 / 3)], [1.0, pytest.approx(2 / 3)], [1.0]]


def lips_of(mouth, seen, target, *, noise, seed):
    """Luma of the even middle of a dubbed lower lip and of skin below it."""
    packed = drawn_face.picture(seen, FORMAT, noise=noise, seed=seed)
    rendered = mouth.render(packed, seen, target, 1.0)
    rows, columns, y = 120 - rendered.region.y, 200 - rendered.region.x, rendered.planes.y.astype(float)
    return y[rows + 6 : rows + 9, columns - 12 : columns + 12], y[rows + 25 : rows + 35, columns - 12 : columns + 12]


def seen_noisy(noise):
    """A renderer that saw twenty frames of a closed mouth, each with noise of its own."""
    mouth, seen = renderer(), drawn_face.face()
    for tick in range(20):
        mouth.learn(drawn_face.picture(seen, FORMAT, noise=noise, seed=tick), seen, tick * 3600)
    return mouth, seen


def test_lips_have_the_grain_of_the_skin_and_it_lives():
    mouth, seen = seen_noisy(24)
    lips, skin = lips_of(mouth, seen, MouthShape(0.0, 0.58), noise=24, seed=100)
    later, _ = lips_of(mouth, seen, MouthShape(0.0, 0.58), noise=24, seed=101)
    assert 0.7 < lips.std() / skin.std() < 1.4
    assert (later - lips).std() > 0.8 * skin.std()
    again, _ = lips_of(mouth, seen, MouthShape(0.0, 0.58), noise=24, seed=100)
    np.testing.assert_allclose(again, lips, atol=1)


def test_a_picture_without_grain_gets_none():
    mouth, seen = seen_noisy(1)
    lips, _ = lips_of(mouth, seen, MouthShape(0.0, 0.58), noise=1, seed=100)
    assert lips.std() == 0


def test_another_shot_knows_nothing_of_the_grain_before():
    mouth, seen = seen_noisy(24)
    mouth.forget()
    for tick in range(6):
        mouth.learn(drawn_face.picture(seen, FORMAT, noise=1), seen, (100 + tick) * 3600)
    lips, _ = lips_of(mouth, seen, MouthShape(0.0, 0.58), noise=1, seed=100)
    assert lips.std() == 0


def test_no_step_of_light_where_another_entry_takes_over():
    mouth, seen = renderer(), drawn_face.face()
    for tick, light in enumerate((0, 90)):  # the second entry was learnt in brighter light
        face = drawn_face.face(opening=0.05 * tick)
        planes = Planes.of(FORMAT.width, FORMAT.height)
        DEVICE.unpack(drawn_face.picture(face, FORMAT, noise=1), Region(0, 0, FORMAT.width, FORMAT.height), planes)
        planes.y[:] = 64 + (planes.y.astype(int) - 64) * (600 - 64 + light) // (600 - 64)
        packed = np.empty((FORMAT.height, FORMAT.row_octets), np.uint8)
        DEVICE.pack(planes, packed)
        mouth.learn(packed, face, tick * 90_000)
    used, lips = [], []
    for opening in (0.0, 0.0, 0.0, 0.03, 0.03, 0.03, 0.03):
        lip, _ = lips_of(mouth, seen, MouthShape(opening, 0.58), noise=1, seed=1)
        used.append(mouth._choice.in_use[0])
        lips.append(lip.mean())
    assert len(set(used)) == 2, "the entries were changed"
    assert np.abs(np.diff(lips)).max() < 3


def test_a_face_at_the_rim_of_the_raster_is_refused():
    mouth, seen = taught(0.0), drawn_face.face(x=40.0)
    assert mouth.render(drawn_face.picture(seen, FORMAT), seen, MouthShape(0, 0.5), 1.0) is None


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 400), st.floats(-60, 220), st.floats(25, 150), st.floats(0, 0.5), st.floats(0.2, 1.2))
def test_no_place_size_or_target_makes_a_layer_leave_its_planes(x, y, iod, opening, width):
    mouth, seen = taught(*np.linspace(0, 0.2, 16)), drawn_face.face(x=x, y=y, iod=iod)
    rendered = mouth.render(drawn_face.picture(seen, FORMAT), seen, MouthShape(opening, width), 1.0)
    assert rendered is None or rendered.planes.y.shape == (rendered.region.height, rendered.region.width)
