"""What the stages do with a voice that jumps, and with grains that are too late."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import articulations
from relip.clock.manual import ManualClock
from relip.essence.formats import VideoFormat
from relip.essence.grains import AudioBlock, VideoGrain
from relip.essence.scene import Bypass, Sighting
from relip.essence.tai import grain_start, grain_ticks
from relip.graph.ladder import Rung, Standing
from relip.graph.stages import AlignStage, Inbox, SpeechStage, Switch, VoiceTiming, grain_samples, voice_need_ns, voice_samples
from relip.graph.take import Pulse, Take
from relip.speech.listener import Listener

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FORMAT = VideoFormat(width=4, height=2, rate=RATE)
INDEX = 44_000_000_000
NET = articulations.net(lambda inputs: inputs, past=5, future=12)


def take(index):
    ticks = grain_ticks(index, RATE, 90_000)
    grain = VideoGrain(ticks, FORMAT, np.zeros((2, 10), np.uint8), slot=0, arrived=grain_start(index, RATE))
    start = grain_start(index, RATE)
    return Take(grain=grain, local=start, due=start.after(200_000_000))


class Hearing:
    """A speech stage, and a voice of noise that is laid before it a frame at a time."""

    def __init__(self):
        self.inbox = Inbox()
        self.stage = SpeechStage(Listener(), self.inbox, NET, VoiceTiming())
        self.noise = np.random.default_rng(1).normal(0, 0.2, 1920).astype(np.float32)

    def frame(self, index, *, apart=0):
        start, _ = grain_samples(take(index).grain)
        self.inbox.put(AudioBlock(start + apart, self.noise))
        pulse = Pulse(ready=[take(index)])
        self.stage.work(pulse)
        return pulse.ready[0]


def test_the_inbox_says_which_sound_was_made_when_a_grain_was_and_the_later_stages_keep_to_it():
    hearing = Hearing()
    hearing.inbox.shift = lambda origin, local: 7 if origin == local else 0
    heard = hearing.frame(INDEX)
    first, end = grain_samples(heard.grain)
    assert voice_samples(heard) == (first + 7, end + 7)


def test_25_frames_a_second_need_the_voice_for_162_and_a_half_ms():
    assert voice_need_ns(NET, RATE) == 162_500_000


def test_a_grain_lasts_for_its_own_samples_and_the_next_begins_where_it_ends():
    first, second = (grain_samples(take(INDEX + k).grain) for k in range(2))
    assert first[1] - first[0] == 1920
    assert second[0] == first[1]


def test_one_damaged_timestamp_does_not_make_the_service_deaf():
    hearing = Hearing()
    before = hearing.frame(INDEX)
    hearing.frame(INDEX + 1, apart=2**28)
    after = [hearing.frame(INDEX + k) for k in range(2, 8)][-1]
    assert not before.voice_absent
    assert not after.voice_absent
    assert np.ptp(after.mel) > 1.0, "the voice is heard and not the floor of silence"


def test_a_voice_that_starts_again_hours_earlier_is_heard_again():
    hearing = Hearing()
    hearing.frame(INDEX + 500_000)
    again = [hearing.frame(INDEX + k) for k in range(6)][-1]
    assert not again.voice_absent
    assert np.ptp(again.mel) > 1.0


def test_a_voice_that_has_been_gone_for_300_ms_is_absent_and_before_that_it_is_not():
    hearing = Hearing()
    hearing.frame(INDEX)
    absent = []
    for k in range(1, 12):
        pulse = Pulse(ready=[take(INDEX + k)])
        hearing.stage.work(pulse)
        absent.append(pulse.ready[0].voice_absent)
    assert absent == [False] * 8 + [True] * 3


def test_a_grain_whose_instant_has_passed_is_not_worked_on():
    clock = ManualClock(grain_start(INDEX, RATE).after(200_000_000))
    late, ready = take(INDEX), take(INDEX + 1)
    ready.sighting = late.sighting = Sighting(face=None, absent=Bypass.NO_FACE)
    AlignStage(Switch(), clock, 3).work(Pulse(ready=[late, ready]))
    assert late.verdict.bypass is Bypass.DEADLINE
    assert ready.verdict.bypass is Bypass.NO_FACE


SEEN = Standing(Rung.NONE, Bypass.NO_FACE, drawable=False)


def coming(arrived, *, apart=0):
    """What the first of the grains is told when those of the given places after it have arrived."""
    stage = AlignStage(Switch(), ManualClock(grain_start(INDEX, RATE)), 3)
    first = take(INDEX)
    for place in (0, *arrived):
        later = take(INDEX + place) if place else first
        later.sighting = Sighting(face=None, absent=Bypass.NO_FACE)
        if place:
            later.grain = replace(later.grain, ticks=later.grain.ticks + apart)
        stage.work(Pulse(arrived=later))
    stage.work(Pulse(ready=[first]))
    return first.coming


def test_a_grain_is_told_of_as_many_coming_ones_whatever_has_arrived_by_then():
    assert coming([]) == (None, None, None)
    assert coming([1, 2]) == (SEEN, SEEN, None)
    assert coming([1, 2, 3, 4, 5]) == (SEEN, SEEN, SEEN)


def test_a_grain_that_never_came_leaves_its_place_empty():
    assert coming([1, 3]) == (SEEN, None, SEEN)


@pytest.mark.parametrize("apart", [-40, 40])
def test_a_timestamp_beside_the_grid_is_still_in_its_place(apart):
    assert coming([2], apart=apart) == (None, SEEN, None)
