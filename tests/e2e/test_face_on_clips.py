"""A real talker, through the real nets: the face is never lost, and the lips do what the words need."""

from fractions import Fraction

import numpy as np
import pytest

from pictures import packed
from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.weights import cache

pytestmark = pytest.mark.e2e

CLIPS = ["bbas3a", "lwbf5a", "pwip7s"]
SAMPLES_A_FRAME = 1000
"""GRID's word times are samples at 25 kHz; a frame is 40 ms."""


@pytest.fixture(scope="module", params=CLIPS)
def clip(request, media, face_models):
    """Sightings of every frame, and the words with their first and last frames."""
    av = pytest.importorskip("av", reason="clips are read with the extra media")
    nets = [OnnxModel(cache.locate(name, face_models)) for name in cache.NETS]
    with av.open(str(media / f"{request.param}.mpg")) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    height, width, _ = pictures[0].shape
    raster = VideoFormat(width, height, Fraction(25))
    tracker = FaceTracker(detector=nets[0], mesh=nets[1], device=HostDevice(), format=raster)
    sightings = [tracker.see(packed(picture), 3600 * i) for i, picture in enumerate(pictures)]
    lines = [line.split() for line in (media / f"{request.param}.align").read_text().splitlines()]
    return sightings, [(int(a) // SAMPLES_A_FRAME, int(b) // SAMPLES_A_FRAME, word) for a, b, word in lines]


def test_one_person_is_seen_in_every_frame(clip):
    sightings, _ = clip
    assert [s.absent for s in sightings] == [None] * len(sightings)
    assert {s.face.identity for s in sightings} == {1}
    assert not any(s.cut for s in sightings)


def test_lips_meet_for_bilabials_and_open_for_vowels(clip):
    sightings, words = clip
    opening = np.array([s.face.shape.open for s in sightings])
    bilabials = [opening[max(first - 3, 0) : first + 4].min() for first, _, word in words if word[0] in "bmp"]
    assert bilabials
    assert max(bilabials) < 0.02
    assert opening.max() > 0.1


def test_lips_rest_closed_in_the_last_pause(clip):
    sightings, words = clip
    first, last, word = words[-1]
    assert word == "sil"
    assert np.median([s.face.shape.open for s in sightings[first + 2 : last]]) < 0.02
