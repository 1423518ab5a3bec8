"""A real talker given another sentence's mouth: the mesh then sees what was asked for, and nothing of the original."""

from fractions import Fraction

import numpy as np
import pytest

from pictures import packed
from relip.composite.patch import composite
from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.mouth.own_pixels import OwnPixels
from relip.weights import cache

pytestmark = pytest.mark.e2e

LEARNT, DUBBED, ASKED = "bbas3a", "swwjzp", "pwip7s"
FRAMES = 60
DEVICE = HostDevice()


@pytest.fixture(scope="module")
def dub(media, face_models):
    """Openings of a dubbed clip as asked, as they were and as they are seen, and the octets changed outside the region."""
    av = pytest.importorskip("av", reason="clips are read with the extra media")

    def read(name):
        with av.open(str(media / f"{name}.mpg")) as container:
            return [packed(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)][:FRAMES]

    raster = VideoFormat(360, 288, Fraction(25))

    def see(frames):
        nets = [OnnxModel(cache.locate(name, face_models)) for name in cache.NETS]
        tracker = FaceTracker(detector=nets[0], mesh=nets[1], device=DEVICE, format=raster)
        return [tracker.see(frame, 3600 * i).face for i, frame in enumerate(frames)]

    mouth, learnt, frames = OwnPixels(device=DEVICE, format=raster), read(LEARNT), read(DUBBED)
    for i, (frame, face) in enumerate(zip(learnt, see(learnt), strict=True)):
        mouth.learn(frame, face, 3600 * i)
    asked = [face.shape for face in see(read(ASKED))]
    faces, out, outside = see(frames), [], 0
    for frame, face, shape in zip(frames, faces, asked, strict=True):
        patch = composite(DEVICE, frame, mouth.render(frame, face, shape, 1.0))
        region, after = patch.region, frame.copy()
        rows = slice(region.y, region.y + region.height)
        columns = slice(region.x // 2 * 5, (region.x + region.width) // 2 * 5)
        after[rows, columns] = patch.packed
        changed = after != frame
        changed[rows, columns] = False
        outside += int(changed.sum())
        out.append(after)
    shapes = (asked, [face.shape for face in faces], [face.shape for face in see(out)])
    return (*(np.array([shape.open for shape in some]) for some in shapes), outside)


def test_the_opening_seen_is_the_opening_asked_for(dub):
    asked, _, seen, _ = dub
    assert np.corrcoef(asked, seen)[0, 1] >= 0.95
    assert np.abs(asked - seen).mean() <= 0.010


def test_nothing_of_the_original_opening_leaks_through(dub):
    asked, original, seen, _ = dub
    assert np.corrcoef(seen, original)[0, 1] - np.corrcoef(asked, original)[0, 1] <= 0.05


def test_lips_that_must_meet_do(dub):
    asked, _, seen, _ = dub
    assert (asked < 0.01).sum() > 10
    assert (seen[asked < 0.01] < 0.02).mean() >= 0.95
    assert seen[asked < 0.01].max() < 0.03


def test_nothing_changes_outside_the_region(dub):
    assert dub[3] == 0
