"""VMAF by the ffmpeg of imageio-ffmpeg, on made pictures."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from drawn_face import face
from relip.device import pgroup
from relip.device.host import HostDevice
from relip.essence.errors import ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.evaluation import vmaf
from relip.evaluation.vmaf import MOST_FRAMES, Film

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(320, 240, Fraction(25))


def frame(*, blurred=False):
    planes = Planes.of(320, 240)
    at = np.add.outer(np.arange(240) // 3, np.arange(320) // 4)
    planes.y[:] = 200 + 500 * (at % 2) + np.random.default_rng(1).integers(0, 60, (240, 320))
    if blurred:
        planes.y[:] = sum(np.roll(planes.y.astype(int), shift, 1) for shift in range(-4, 5)) // 9
    planes.cb[:], planes.cr[:] = 512, 512
    packed = np.zeros((240, FORMAT.row_octets), np.uint8)
    pgroup.pack(planes.y, planes.cb, planes.cr, packed)
    return packed


def score(after):
    pytest.importorskip("imageio_ffmpeg", reason="VMAF needs the extra eval")
    with Film(HostDevice(), Region(20, 10, 280, 220)) as film:
        for _ in range(4):
            film.add(frame(), after)
        return film.score(25.0)


def test_the_same_picture_is_near_100_and_a_blurred_one_far_below():
    assert score(frame()) > 90
    assert score(frame(blurred=True)) < 60


def test_a_film_without_frames_has_no_score_and_its_folder_goes():
    with Film(HostDevice(), Region(0, 0, 64, 64)) as film:
        assert film.score(25.0) is None
        folder = film._folder.name
    assert not vmaf.Path(folder).exists()


def test_a_long_clip_is_compared_for_its_first_twelve_seconds():
    with Film(HostDevice(), Region(0, 0, 16, 16)) as film:
        for _ in range(MOST_FRAMES + 5):
            film.add(frame(), frame())
        for file in film._files:
            file.flush()
            assert vmaf.Path(file.name).stat().st_size == MOST_FRAMES * 16 * 16 * 2 * 2


def test_the_box_holds_every_face_and_stays_in_the_raster():
    box = vmaf.box_of([face(x=100, iod=60), None, face(x=220, iod=60)], FORMAT)
    assert box.x < 70
    assert box.x + box.width > 250
    assert box.within(320, 240)


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ResourceError, match=r"relip\[eval\]"):
        vmaf.program()
