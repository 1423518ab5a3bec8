"""What is measured in pixels, on drawn faces and made samples."""

import numpy as np
import pytest

from drawn_face import face, picture, small_format
from relip.device import pgroup
from relip.device.host import HostDevice
from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.evaluation import pixels
from relip.evaluation.pixels import Stillness

pytestmark = pytest.mark.unit

DEVICE, FORMAT = HostDevice(), small_format()
REGION = Region(100, 50, 64, 40)


def planes_of(packed):
    planes = Planes.of(FORMAT.width, FORMAT.height)
    DEVICE.unpack(packed, Region(0, 0, FORMAT.width, FORMAT.height), planes)
    return planes


def packed_of(planes):
    out = np.zeros((FORMAT.height, FORMAT.row_octets), np.uint8)
    pgroup.pack(planes.y, planes.cb, planes.cr, out)
    return out


def noisy(seed=1, spread=80):
    """A packed frame of luma noise about mid grey."""
    planes = Planes.of(FORMAT.width, FORMAT.height)
    planes.y[:] = 500 + np.random.default_rng(seed).integers(-spread, spread, planes.y.shape)
    planes.cb[:], planes.cr[:] = 512, 512
    return packed_of(planes)


@pytest.mark.parametrize(
    ("row", "column", "outside"), [(0, 0, 1), (49, 120, 1), (90, 120, 1), (60, 99, 1), (60, 164, 1), (60, 120, 0), (50, 100, 0)]
)
def test_one_luma_sample_counts_when_it_lies_outside_the_region(row, column, outside):
    before = noisy()
    planes = planes_of(before)
    planes.y[row, column] ^= 1
    assert pixels.changed(before, packed_of(planes), REGION) == outside
    assert pixels.changed(before, packed_of(planes), None) == 1


def test_samples_are_counted_not_octets():
    before = noisy()
    planes = planes_of(before)
    planes.y[0, :3] += 300
    planes.cb[1, 5] += 1
    planes.cr[200, 7] += 1
    assert pixels.changed(before, packed_of(planes), REGION) == 5


def test_the_same_frame_is_like_itself_in_every_respect():
    seen = face(opening=0.05)
    frame = picture(seen, FORMAT)
    row = pixels.likeness(DEVICE, frame, frame, face=seen, seen=seen)
    assert (row.ssim, row.sharpness, row.lmd) == pytest.approx((1, 1, 0))
    assert row.psnr_db > 100


def test_half_the_contrast_is_half_the_sharpness():
    planes = planes_of(noisy())
    planes.y[:] = 500 + (planes.y.astype(int) - 500) // 2
    row = pixels.likeness(DEVICE, noisy(), packed_of(planes), face=face(), seen=face())
    assert row.sharpness == pytest.approx(0.5, abs=0.01)


def test_an_offset_of_8_76_codes_is_40_db_and_costs_no_sharpness():
    planes = planes_of(noisy())
    planes.y[:] += 9
    row = pixels.likeness(DEVICE, noisy(), packed_of(planes), face=face(), seen=face())
    assert row.psnr_db == pytest.approx(20 * np.log10(876 / 9))
    assert row.sharpness == pytest.approx(1)


def test_landmarks_that_lie_elsewhere_are_so_far_away():
    row = pixels.likeness(DEVICE, noisy(), noisy(), face=face(x=200, iod=100), seen=face(x=202, iod=100))
    assert row.lmd == pytest.approx(0.02, abs=1e-4)


def test_another_picture_is_not_alike():
    row = pixels.likeness(DEVICE, noisy(1), noisy(2), face=face(), seen=face())
    assert row.ssim < 0.2


def test_a_mouth_box_that_leaves_the_picture_is_not_measured():
    seen = face(x=20)
    assert pixels.likeness(DEVICE, noisy(), noisy(), face=seen, seen=seen) is None


def stillness(frames, faces):
    still = Stillness(DEVICE)
    for frame, seen in zip(frames, faces, strict=True):
        still.see(frame, seen)
    return still.ratio


def mixed(seed, *, mouth):
    """Noise of one strength on the cheek's side of the picture, of another about the mouth."""
    planes = planes_of(noisy(seed, 20))
    loud = planes_of(noisy(seed + 1000, int(20 * mouth)))
    planes.y[102:142, 180:220] = loud.y[102:142, 180:220]
    return packed_of(planes)


@pytest.mark.parametrize("mouth", [1, 2, 4])
def test_a_mouth_that_flickers_so_much_more_than_the_cheek_has_that_ratio(mouth):
    frames = [mixed(seed, mouth=mouth) for seed in range(8)]
    assert stillness(frames, [face()] * 8) == pytest.approx(mouth, rel=0.06)


def test_a_head_that_moves_by_parts_of_a_pixel_does_not_count_as_flicker():
    at = np.arange(FORMAT.height)[:, None] / 9 + np.arange(FORMAT.width) / 7
    planes = Planes.of(FORMAT.width, FORMAT.height)
    planes.cb[:], planes.cr[:] = 512, 512
    frames, faces = [], []
    for k in range(6):
        planes.y[:] = 500 + 200 * np.sin(at - 0.3 * k / 7)
        frames.append(packed_of(planes))
        faces.append(face(x=200 + 0.3 * k))
    still = Stillness(DEVICE)
    for frame, seen in zip(frames, faces, strict=True):
        still.see(frame, seen)
    assert all(np.mean(changes) < 1.5 for changes in still._changes.values())  # without following: 0.3/7·200 = 8.6 at most


def test_a_chain_that_is_broken_by_a_lost_face_compares_nothing_across_it():
    assert stillness([noisy(1), noisy(2), noisy(3)], [face(), None, face()]) is None


def test_the_first_frame_of_another_clip_is_not_compared_with_the_last_of_this_one():
    still = Stillness(DEVICE)
    still.see(noisy(1), face())
    still.cut()
    still.see(noisy(2), face())
    assert still.ratio is None
