"""Speakers who change and return: what the stages put aside, take up again, and never mix."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import articulations
import drawn_face
import likenesses
from relip.articulation.net import BANDS
from relip.articulation.speaker import Speaker, SpeakerSettings
from relip.clock.manual import ManualClock
from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, MouthShape, Sighting
from relip.essence.tai import grain_start, grain_ticks
from relip.graph.ladder import Rung, Standing
from relip.graph.ramp import Ramp
from relip.graph.stages import RANGES, AlignStage, ArticulationStage, MouthStage, Switch, grain_samples
from relip.graph.take import Pulse, Take
from relip.mouth.own_pixels import OwnPixels

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FORMAT = drawn_face.small_format()
INDEX = 44_000_000_000
NET = articulations.net(lambda mel: (np.full((1, 9, mel.shape[2]), 0.2, np.float32),))


def take(index, face, *, person=-1, cut=False, packed=None):
    ticks = grain_ticks(INDEX + index, RATE, 90_000)
    start = grain_start(INDEX + index, RATE)
    packed = np.zeros((2, 10), np.uint8) if packed is None else packed
    grain = VideoGrain(ticks, VideoFormat(width=4, height=2, rate=RATE), packed, slot=0, arrived=start)
    made = Take(grain=grain, local=start, due=start.after(200_000_000), person=person, target=MouthShape(0.05, 0.58))
    made.sighting = Sighting(face=face, absent=None, cut=cut)
    made.standing = Standing(Rung.FULL, cut=cut, identity=face.identity)
    return made


def test_align_says_who_it_is_by_what_is_coming():
    stage = AlignStage(Switch(), ManualClock(grain_start(INDEX, RATE)), 3)

    def shot(first, identity, seed):
        seen = replace(drawn_face.face(identity=identity), features=likenesses.features(seed))
        takes = [take(first + k, seen) for k in range(6)]
        for arrived in takes[:4]:
            stage.work(Pulse(arrived=arrived))
        stage.work(Pulse(ready=takes[:1]))
        return takes[0].person

    assert shot(0, 1, 1) == 0
    assert shot(10, 2, 2) == 1
    assert shot(20, 3, 1) == 0


def test_the_range_of_a_speaker_who_returns_is_remembered_and_nobody_else_gets_it():
    speaker = Speaker(SpeakerSettings())
    stage = ArticulationStage(NET, speaker)

    def shot(identity, person, openings):
        for k, opening in enumerate(openings):
            made = take(k, drawn_face.face(opening=opening, identity=identity), person=person)
            made.mel = np.zeros((BANDS, NET.columns(*grain_samples(made.grain))[1]), np.float32)
            stage.work(Pulse(ready=[made]))

    wide = np.random.default_rng(1).uniform(0, 0.3, 400)
    shot(1, 7, wide)
    top = speaker.range.top
    assert top > 0.2
    shot(2, 8, [0.01])
    assert speaker.range.top < 0.14
    shot(3, 7, [0.01])
    assert speaker.range.top == pytest.approx(top, abs=0.01)
    for person in range(20, 20 + RANGES):
        shot(person, person, [0.01])
    shot(99, 7, [0.01])
    assert speaker.range.top < 0.14, "given up by then"


class Mouth:
    """A mouth stage on drawn faces, and what became of each of them."""

    def __init__(self):
        self.renderer = OwnPixels(device=HostDevice(), format=FORMAT)
        self.stage = MouthStage(self.renderer, Ramp(RATE))

    def shot(self, first, identity, person, *, frames=12, cut=True):
        """Strength or reason of each frame."""
        said = []
        for k in range(frames):
            seen = drawn_face.face(opening=(0.0, 0.04, 0.1)[k % 3], identity=identity)
            made = take(first + k, seen, person=person, cut=cut and k == 0, packed=drawn_face.picture(seen, FORMAT))
            self.stage.work(Pulse(ready=[made]))
            said.append(made.verdict.bypass if made.verdict else round(made.strength, 3))
        return said


def test_who_returns_after_a_cut_is_dubbed_in_full_from_the_first_frame():
    mouth = Mouth()
    assert mouth.shot(0, 1, 0)[:5] == [Bypass.CUT] * 4 + [0.167]
    assert mouth.shot(100, 2, 1)[0] is Bypass.CUT
    assert mouth.shot(200, 3, 0) == [1.0] * 12


def test_who_returns_without_a_cut_is_led_in():
    mouth = Mouth()
    mouth.shot(0, 1, 0)
    assert mouth.shot(100, 2, 0, cut=False)[:7] == [0.167, 0.333, 0.5, 0.667, 0.833, 1.0, 1.0]


def test_a_person_who_turns_out_to_be_another_takes_nothing_along():
    mouth = Mouth()
    mouth.shot(0, 1, 0)
    assert mouth.shot(12, 1, 1)[:4] == [Bypass.CUT] * 4


def test_a_face_that_must_be_left_alone_says_nothing_of_who_it_is():
    stage = AlignStage(Switch(), ManualClock(grain_start(INDEX, RATE)), 3)

    def frame(index, seed, absent=None):
        made = take(index, replace(drawn_face.face(identity=1), features=likenesses.features(seed)))
        made.sighting = replace(made.sighting, absent=absent)
        stage.work(Pulse(ready=[made]))
        return made.person

    assert [frame(k, 1) for k in range(4)][-1] == 0
    assert {frame(4 + k, 2, Bypass.FACE_UNSURE) for k in range(8)} == {0}
    assert frame(20, 1) == 0
    assert [frame(30 + k, 2) for k in range(6)][-1] == 1
