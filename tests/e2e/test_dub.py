"""A talker dubbed with another sentence's voice, from wire to wire through the whole graph: the mouth follows the voice.

The picture is a clip forwards and then backwards, so that the gallery has seen the talker before the voice begins and no cut
lies between. The mouth in what comes out is measured again, by a tracker that knows nothing of the dub.
"""

from fractions import Fraction

import numpy as np
import pytest

from engines import studio_with_engines, tracker
from pictures import packed
from relip.essence.formats import VideoFormat
from relip.offline.container import read_voice

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FORM = VideoFormat(width=360, height=288, rate=Fraction(25))
PICTURE, VOICE = "swwjzp", "pwip7s"
HALF = 70
"""Frames of the clip; the voice begins with the backward half."""


def openings(frames, folder):
    seen = tracker(folder, FORM)
    faces = [seen.see(frame, 3600 * k).face for k, frame in enumerate(frames)]
    return np.array([face.shape.open for face in faces])


class Notes:
    """A stage that notes what was aimed at, after the engines have."""

    name = "notes"

    def __init__(self):
        self.aimed = {}

    def work(self, pulse):
        for take in pulse.ready:
            if take.target is not None:
                self.aimed[take.grain.ticks] = (take.target.open, take.strength)
        return True


class Dub:
    """One dub, and what was measured of it over the frames in which the voice speaks."""

    def __init__(self, media, folder):
        av = pytest.importorskip("av", reason="clips are read with the extra media")
        with av.open(str(media / f"{PICTURE}.mpg")) as container:
            forward = [packed(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)][:HALF]
        with av.open(str(media / f"{VOICE}.mpg")) as container:
            theirs = [packed(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)][:HALF]
        frames = forward + forward[::-1]
        voice = np.concatenate([np.zeros(HALF * 1920, np.float32), read_voice(media / f"{VOICE}.mpg")])
        self.notes = Notes()
        self.studio = studio_with_engines(folder, FORM, frames=len(frames), notes=[self.notes])
        came = self.studio.play(frames, voice)
        self.frames, self.out = frames, [came[self.studio.ticks(k)] for k in range(len(frames))]
        self.spoken = slice(HALF + 8, len(frames))
        self.aimed = np.array([self.notes.aimed.get(self.studio.ticks(k), (0.0, 0.0))[0] for k in range(len(frames))])[
            self.spoken
        ]
        self.seen = openings(self.out, folder)[self.spoken]
        self.original = openings(frames, folder)[self.spoken]
        self.voices_own = openings(theirs, folder)[8:]


@pytest.fixture(scope="module")
def dub(media, face_models):
    return Dub(media, face_models)


def r(one, two):
    return np.corrcoef(one, two)[0, 1]


def test_the_mouth_that_comes_out_is_the_mouth_the_voice_asked_for(dub):
    assert r(dub.seen, dub.aimed) >= 0.9
    assert np.abs(dub.seen - dub.aimed).mean() <= 0.012


def test_the_mouth_follows_the_voice_and_not_the_original(dub):
    leakage = r(dub.seen, dub.original) - r(dub.aimed, dub.original)
    assert leakage <= 0.10, "62 frames scatter more than the clips of `relip eval`, which has the gate"
    assert r(dub.seen, dub.voices_own) >= r(dub.seen, dub.original) + 0.2, "it opens when the voice's own talker did"


def test_every_frame_with_a_face_is_altered_once_the_gallery_is_warm(dub):
    assert dub.studio.tally.altered >= len(dub.frames) - 12
    assert dub.studio.tally.failures == {}


def test_outside_the_region_no_octet_differs(dub):
    for k, (before, after) in enumerate(zip(dub.frames, dub.out, strict=True)):
        verdict = dub.studio.verdicts[dub.studio.ticks(k)]
        same = before == after
        if verdict.patch is not None:
            region = verdict.patch.region
            same[region.y : region.y + region.height, region.x // 2 * 5 : (region.x + region.width) // 2 * 5] = True
        assert same.all(), f"frame {k}"


def test_in_silence_the_mouth_is_still(dub):
    quiet = slice(30, HALF - 8)
    still = np.array([dub.notes.aimed[dub.studio.ticks(k)][0] for k in range(*quiet.indices(HALF))])
    assert still.std() <= 0.002
