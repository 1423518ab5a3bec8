"""How sightings become strengths, verdicts and reasons: align and mouth stage with the product's renderer on a drawn face."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import drawn_face
from relip.clock.manual import ManualClock
from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, MouthShape, Sighting, Verdict
from relip.essence.tai import Tai, grain_ticks, period_ns
from relip.graph.egress import Egress
from relip.graph.ladder import Overload
from relip.graph.ramp import Ramp
from relip.graph.stages import AlignStage, CompositeStage, EgressStage, MouthStage, OcclusionStage, Switch
from relip.graph.take import Pulse, Take
from relip.graph.tally import Tally
from relip.mouth.occlusion import Occlusion
from relip.mouth.own_pixels import OwnPixels

pytestmark = pytest.mark.unit

SMALL = drawn_face.small_format()
DEVICE = HostDevice()
AHEAD = 3
FACE = drawn_face.face(opening=0.05, identity=1)
GOOD = Sighting(face=FACE, absent=None)
TURNED = Sighting(face=FACE, absent=Bypass.FACE_TURNED)
HALF = Sighting(face=FACE, absent=None, limit=Bypass.FACE_TURNED)
COVERED = Sighting(face=None, absent=Bypass.COVERED)
TARGET = MouthShape(open=0.0, width=0.58)


class Show:
    """The stages from what was seen on. `late`: drawing takes too long. `seen`: the takes that have left."""

    def __init__(self, rate=25, *, bypass=False):
        self.form = VideoFormat(SMALL.width, SMALL.height, Fraction(rate))
        self.clock, self.tally, self.overload = ManualClock(Tai(0)), Tally(), Overload()
        self.switch = Switch(bypass=bypass)
        self.renderer = OwnPixels(device=DEVICE, format=self.form)
        self.egress = Egress(
            clock=self.clock, send=lambda *_: None, give_back=lambda _: None, tally=self.tally, latency_ns=200_000_000
        )
        self._align = AlignStage(self.switch, self.clock, AHEAD, overload=self.overload)
        self._stages = [
            OcclusionStage(Occlusion()),
            self._align,
            MouthStage(self.renderer, Ramp(self.form.rate)),
            CompositeStage(DEVICE),
            EgressStage(self.egress, self.overload),
        ]
        self._waiting, self.seen = [], []
        self.late, self.voice_absent = False, False

    def frame(self, sighting, picture=None):
        """A grain arrives with what was seen of it; the one that came some before it leaves."""
        index = len(self.seen) + len(self._waiting)
        ticks = grain_ticks(index, self.form.rate, 90_000)
        packed = picture if picture is not None else drawn_face.picture(FACE, self.form)
        grain = VideoGrain(ticks, self.form, packed, slot=index, arrived=Tai(0))
        take = Take(grain=grain, local=Tai(0), due=Tai((index + AHEAD + 2) * period_ns(self.form.rate)), sighting=sighting)
        self.egress.register(grain, take.due)
        self._waiting.append(take)
        self._run(Pulse(arrived=take))
        if len(self._waiting) > AHEAD:
            self._leave(self._waiting.pop(0))

    def _leave(self, take):
        take.target, take.voice_absent = TARGET, self.voice_absent
        self._run(Pulse(ready=[take]))
        if self.tally.sent == len(self.seen):
            self.clock.wait_until(take.due)
            self.egress.step()
        self.seen.append(take)

    def _run(self, pulse):
        for stage in self._stages:
            stage.work(pulse)
            if self.late and stage.name == "mouth" and any(take.rendered for take in pulse.ready):
                self.clock.wait_until(pulse.ready[0].due)
                self.egress.step()

    def play(self, *sightings):
        """Those of some frames, and enough of the last for all to leave: strengths of the grains."""
        before = len(self.seen) + len(self._waiting)
        for sighting in (*sightings, *[sightings[-1]] * AHEAD):
            self.frame(sighting)
        return [round(take.strength, 3) for take in self.seen[before : before + len(sightings)]]

    def reasons(self, count):
        """Why the last grains were left alone."""
        return [take.verdict.bypass for take in self.seen[-count:]]


def full(**options):
    show = Show(**options)
    show.play(*[GOOD] * 20)
    assert show.seen[-1].strength == 1.0
    return show


def downs(values):
    return [round(k / 6, 3) for k in values]


def test_a_speaker_is_learned_and_then_the_dub_comes_in():
    show = Show()
    assert show.play(*[GOOD] * 11) == [0, 0, 0, 0, *downs((1, 2, 3, 4, 5, 6, 6))]
    assert show.tally.bypassed == {Bypass.WARMING: 4}


def test_at_50_frames_a_second_the_way_in_lasts_as_long():
    show = Show(50)
    strengths = show.play(*[GOOD] * 20)
    assert strengths[4:17] == [round(min(1, k / 12), 3) for k in range(1, 14)]


def test_a_face_that_turns_away_is_left_softly_and_counted_and_comes_back_softly():
    show = full()
    strengths = show.play(*[TURNED] * 10, *[GOOD] * 20)
    assert strengths[:4] == downs((2, 1, 0, 0))
    assert strengths[10:18] == [0] * 8
    assert strengths[-6:] == [1.0] * 6
    assert max(abs(b - a) for a, b in itertools.pairwise(strengths)) == pytest.approx(1 / 6, abs=2e-3)
    assert set(show.tally.bypassed) == {Bypass.WARMING, Bypass.FACE_TURNED}


def test_a_face_that_turns_half_keeps_its_lips_and_loses_its_jaw_step_by_step():
    show = full()
    before = len(show.seen)
    assert set(show.play(*[HALF] * 10)) == {1.0}
    jaws = [round(take.jaw, 3) for take in show.seen[before:]]
    assert jaws[:7] == downs((5, 4, 3, 2, 1, 0, 0))
    assert show.tally.limited == {Bypass.FACE_TURNED: len(jaws) - AHEAD}


def test_lips_that_will_be_covered_are_left_before_they_are():
    show = full()
    before = len(show.seen)
    show.play(*[COVERED] * 5)
    assert [round(take.strength, 3) for take in show.seen[before : before + 4]] == [0.75, 0.5, 0.25, 0]
    assert show.tally.bypassed[Bypass.COVERED] >= 5


def test_a_hand_is_seen_in_the_picture_and_nothing_is_learned_of_it():
    show = full()
    kept = show.renderer._gallery.serial.copy()
    hand = drawn_face.picture(FACE, show.form)
    hand[110:200, 150 // 2 * 5 : 260 // 2 * 5] = 0x66
    for _ in range(12):
        show.frame(GOOD, hand)
    assert show.reasons(4) == [Bypass.COVERED] * 4
    np.testing.assert_array_equal(show.renderer._gallery.serial, kept)


def test_a_cut_is_not_ramped_out_of_and_the_new_shot_is_counted_as_cut_until_its_mouth_is_known():
    show = full()
    other = replace(GOOD, face=replace(FACE, identity=2))
    strengths = show.play(replace(other, cut=True), *[other] * 14)
    assert show.seen[-len(strengths) - AHEAD - 1].strength == 1.0
    assert strengths[:4] == [0] * 4
    assert strengths[-1] == 1.0
    assert show.tally.bypassed == {Bypass.WARMING: 4, Bypass.CUT: 4}


class Enrolled(OwnPixels):
    """A renderer that knows every speaker already."""

    @property
    def warm(self):
        return True


def test_a_shot_of_somebody_who_is_known_begins_at_full_strength():
    show = Show()
    show._stages[2] = MouthStage(Enrolled(device=DEVICE, format=show.form), Ramp(show.form.rate))
    assert show.play(replace(GOOD, cut=True), *[GOOD] * 5) == [1.0] * 6


def test_a_dub_that_is_gone_goes_out_softly_and_comes_back_softly():
    show = full()
    show.voice_absent = True
    assert show.play(*[GOOD] * 8)[-1] == 0
    assert show.reasons(2) == [Bypass.NO_DUB] * 2
    show.voice_absent = False
    show.play(*[GOOD] * 10)
    strengths = [take.strength for take in show.seen]
    assert strengths[-1] == 1.0
    assert max(abs(b - a) for a, b in itertools.pairwise(strengths)) == pytest.approx(1 / 6)


def test_bypass_that_is_thrown_while_it_runs_goes_out_and_in_softly():
    show = full()
    show.switch.bypass = True
    before = len(show.seen)
    show.play(*[GOOD] * 12)
    assert [round(take.strength, 3) for take in show.seen[before : before + 7]] == downs((5, 4, 3, 2, 1, 0, 0))
    assert set(show.reasons(8)) == {Bypass.REQUESTED}
    show.switch.bypass = False
    before = len(show.seen)
    show.play(*[GOOD] * 8)
    assert [round(take.strength, 3) for take in show.seen[before : before + 6]] == downs((1, 2, 3, 4, 5, 6))


def test_bypass_that_is_asked_for_at_start_is_there_from_the_first_grain():
    show = Show(bypass=True)
    show.play(*[GOOD] * 6)
    assert show.tally.bypassed == {Bypass.REQUESTED: len(show.seen)}
    assert not show.renderer.warm, "nothing is worked on"


def test_one_late_result_costs_its_grain_and_the_dub_comes_in_anew():
    show = full()
    show.late = True
    show.frame(GOOD)
    show.late = False
    before = len(show.seen)
    show.play(*[GOOD] * 8)
    assert show.tally.bypassed[Bypass.DEADLINE] == 1
    assert [round(take.strength, 3) for take in show.seen[before : before + 6]] == downs((1, 2, 3, 4, 5, 6))


def test_a_machine_that_stays_too_slow_is_left_in_bypass_and_not_let_flap():
    show = full()
    show.late = True
    for _ in range(100):
        show.frame(GOOD)
    assert show.tally.bypassed[Bypass.DEADLINE] <= 52, "a second before each rest"
    assert show.tally.bypassed[Bypass.OVERLOAD] >= 45
    show.late = False
    for _ in range(200):
        show.frame(GOOD)
    assert show.seen[-1].strength == 1.0


def test_a_face_that_jumps_between_good_and_turned_is_shown_the_original_calmly():
    show = full()
    strengths = show.play(*[TURNED if k % 8 < 3 else GOOD for k in range(120)])
    changes = sum((a > 0) != (b > 0) for a, b in itertools.pairwise(strengths))
    assert changes <= 1


def test_a_region_that_leaves_the_raster_after_all_is_out_of_frame():
    show = full()
    rim = replace(FACE, landmarks=FACE.landmarks + np.array((0, 85, 0), np.float32))
    picture = drawn_face.picture(rim, show.form)
    for _ in range(8):
        show.frame(Sighting(face=rim, absent=None), picture)
    assert show.tally.bypassed[Bypass.OUT_OF_FRAME] > 0


def test_a_picture_that_stands_still_is_dubbed_all_the_same():
    show = full()
    assert show.play(*[GOOD] * 60) == [1.0] * 60


def test_a_verdict_with_lips_alone_says_why():
    assert Verdict(patch=None, bypass=Bypass.CUT).limit is None
    show = full()
    show.play(*[HALF] * 8)
    assert show.seen[-1].verdict.limit is Bypass.FACE_TURNED
