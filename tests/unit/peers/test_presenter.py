"""The default presenter and the reel it is laid on, at a small raster."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest

from relip.device.pgroup import pack_reference
from relip.essence.errors import FormatError, ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.peers.camera import Shot
from relip.peers.portrait import Portrait, astronaut
from relip.peers.presenter import present
from relip.peers.reel import Reel, lay

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(320, 180, Fraction(25))


def drawn(shot: Shot, index: int) -> Planes:
    """One frame of a shot."""
    planes = Planes.of(FORMAT.width, FORMAT.height)
    shot.draw(index, planes)
    return planes


def dot(x: int = 256, y: int = 256) -> Portrait:
    """A grey still with a bright dot between the eyes."""
    picture = np.full((512, 512, 3), 90, np.uint8)
    picture[y - 6 : y + 7, x - 6 : x + 7] = 250
    return Portrait(picture, eyes=(x, y), iod=66.0)


def dot_centre(planes: Planes) -> np.ndarray:
    """Where the bright dot stands, x and y."""
    bright = np.clip(planes.y.astype(np.float64) - 600, 0, None)
    rows, columns = np.mgrid[: FORMAT.height, : FORMAT.width]
    return np.array([(bright * columns).sum(), (bright * rows).sum()]) / bright.sum()


def test_the_same_shot_gives_the_same_pixels_and_repeats() -> None:
    one, two = (Shot(astronaut(), FORMAT, frames=20) for _ in range(2))
    for index in (0, 7, 19):
        np.testing.assert_array_equal(drawn(one, index).y, drawn(two, index).y)
        np.testing.assert_array_equal(drawn(one, index).cb, drawn(one, index + 20).cb)
    assert not np.array_equal(drawn(one, 0).y, drawn(Shot(astronaut(), FORMAT, frames=20, seed=2), 0).y)


def test_the_grain_moves_from_frame_to_frame() -> None:
    still = Shot(dot(), FORMAT, frames=1000)
    difference = drawn(still, 0).y[-20:, -40:].astype(int) - drawn(still, 1).y[-20:, -40:]
    assert 1.5 < difference.std() < 6


def test_the_camera_moves_by_parts_of_a_pixel_and_comes_back() -> None:
    shot = Shot(dot(), FORMAT, frames=50)
    path = np.array([dot_centre(drawn(shot, index)) for index in range(51)])
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps.max() < 0.5
    assert np.ptp(path[:, 0]) > 0.8
    np.testing.assert_allclose(path[50], path[0])


def test_the_push_enlarges_by_no_more_than_six_per_cent() -> None:
    shot = Shot(dot(), FORMAT, frames=50)
    far, near = ((drawn(shot, index).y > 600).sum() for index in (0, 25))
    assert 1.02 < near / far < 1.06**2 + 0.02


def test_the_eyes_stand_where_the_camera_man_wants_them() -> None:
    x, y = dot_centre(drawn(Shot(dot(), FORMAT, frames=50), 0))
    assert x == pytest.approx(0.4 * 320, abs=1.5)
    assert y == pytest.approx(0.3 * 180, abs=1.5)


def test_the_face_is_large_enough_for_a_mouth() -> None:
    """At 1080 rows the outer eye corners are at least 120 pixels apart."""
    picture = np.full((512, 512, 3), 90, np.uint8)
    picture[250:263, 217:230] = picture[250:263, 283:296] = 250
    luma = drawn(Shot(Portrait(picture, (256, 256), 66.0), FORMAT, frames=50), 0).y
    columns = np.flatnonzero((luma > 600).any(axis=0))
    left, right = np.split(columns, np.flatnonzero(np.diff(columns) > 5) + 1)
    assert (right.mean() - left.mean()) * 1080 / FORMAT.height >= 120


def test_every_sample_is_legal_on_the_interface() -> None:
    planes = drawn(Shot(astronaut(), FORMAT, frames=5), 2)
    for plane in (planes.y, planes.cb, planes.cr):
        assert plane.min() >= 4
        assert plane.max() <= 1019


def test_grey_stays_grey() -> None:
    planes = drawn(Shot(Portrait(np.full((512, 512, 3), 128, np.uint8), (256, 256), 66.0), FORMAT, frames=5), 0)
    assert (planes.cb == 512).all()
    assert float(planes.y.mean()) == pytest.approx(64 + 876 * 128 / 255, abs=0.5)


def test_a_presenter_is_a_reel_of_the_whole_shot() -> None:
    told = []
    reel = present(FORMAT, pack=pack_reference, seconds=Fraction(1, 5), progress=lambda done, of: told.append((done, of)))
    assert len(reel) == 5
    assert told[-1] == (5, 5)
    assert reel.frame(0).shape == (180, FORMAT.row_octets)
    assert not np.array_equal(reel.frame(0), reel.frame(1))
    np.testing.assert_array_equal(reel.frame(7), reel.frame(2))


def test_a_large_reel_lies_in_a_file_and_holds_the_same() -> None:
    frames = [np.full((180, FORMAT.row_octets), n, np.uint8) for n in range(4)]
    small, large = (lay(frames, format=FORMAT, most=4, memory_octets=limit) for limit in (1 << 40, 0))
    assert isinstance(large.frames.base.base, np.memmap)
    assert not isinstance(small.frames.base, np.memmap)
    np.testing.assert_array_equal(small.frames, large.frames)


def test_a_reel_is_no_longer_than_its_frames_and_no_longer_than_asked() -> None:
    frames = [np.zeros((180, FORMAT.row_octets), np.uint8)] * 4
    assert len(lay(frames, format=FORMAT, most=10)) == 4
    assert len(lay(frames, format=FORMAT, most=3)) == 3


def test_a_reel_of_nothing_is_refused() -> None:
    with pytest.raises(FormatError, match="not one frame"):
        lay([], format=FORMAT, most=3)
    with pytest.raises(FormatError, match="most=0"):
        lay([], format=FORMAT, most=0)
    with pytest.raises(FormatError, match="frames=0"):
        Shot(dot(), FORMAT, frames=0)
    with pytest.raises(FormatError, match="not one frame"):
        Reel(np.zeros((0, 1, 5), np.uint8))


@pytest.mark.parametrize("module", ["skimage", "cv2"])
def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ResourceError, match=r"relip\[demo\]"):
        present(FORMAT, pack=pack_reference)
