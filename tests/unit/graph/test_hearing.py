"""How a voice is laid on our timeline, and beside a picture whose sender has another epoch."""

from fractions import Fraction

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.grains import AudioBlock
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S, RTP_WRAP, Tai, grain_start, tai_of_ticks, unwrap_rtp
from relip.graph.hearing import Hearing, apart, timestamp_shift, together, voice_timeline
from relip.graph.timeline import Timeline

pytestmark = pytest.mark.unit

RATE = Fraction(25)
T0 = grain_start(44_000_000_000, RATE)
MS = 1_000_000
VISIT_NS = 40 * MS


class Room:
    """A voice whose timestamps are `ahead_ns` ahead of TAI, fetched each 40 ms; what is heard is in `heard`."""

    def __init__(self, *, ahead_ns=0, ppm=0):
        self.clock = ManualClock(T0)
        self.timeline = voice_timeline(Fraction(1, 1000))
        self.heard = []
        self.hearing = Hearing(self.timeline, packet_samples=48, clock=self.clock, put=self.heard.append)
        self.ahead_ns, self.ppm = ahead_ns, ppm

    def visit(self, count=1):
        for _ in range(count):
            self.clock.advance(VISIT_NS)
            since_ns = self.clock.now().since(T0)
            spoken = T0.after(self.ahead_ns + since_ns + since_ns * self.ppm // 1_000_000)
            end = spoken.ticks(AUDIO_CLOCK_HZ) // 48 * 48
            self.hearing.hear(AudioBlock(end - 1920, np.zeros(1920, np.float32)))


def test_a_voice_that_keeps_tai_is_locked_and_handed_on_as_it_is():
    room = Room()
    room.visit(200)
    assert room.timeline.locked
    assert len(room.heard) == 200
    assert room.hearing.arrival_shift(T0, T0) == 0


def test_a_machine_that_is_busier_for_a_while_does_not_unlock_a_voice():
    timeline = voice_timeline(Fraction(1, 1000))
    for k in range(1000):
        busy_ns = 6 * MS if 300 < k < 600 else 0
        origin = T0.after(k * VISIT_NS)
        timeline.place(origin, origin.after(2 * MS + busy_ns))
        assert timeline.locked
    assert timeline.offset_ns == 0


def test_before_any_voice_has_come_nothing_is_shifted():
    assert Room().hearing.arrival_shift(T0, T0.after(NS_PER_S)) == 0


@pytest.mark.parametrize("ahead_s", [-9, 3600])
def test_by_arrival_a_grain_gets_the_sound_of_its_own_instant_whatever_the_epochs(ahead_s):
    room = Room(ahead_ns=ahead_s * NS_PER_S)
    room.visit(200)
    picture = Timeline(RATE)
    behind_ns = 100 * NS_PER_S
    for k in range(200):
        origin = T0.after(k * 40 * MS)
        local = picture.place(origin, origin.after(behind_ns + 36 * MS))
    captured = origin.after(behind_ns)
    said = captured.after(ahead_s * NS_PER_S).ticks(AUDIO_CLOCK_HZ)
    laid = origin.ticks(AUDIO_CLOCK_HZ) + room.hearing.arrival_shift(origin, local)
    assert abs(laid - said) < 6 * AUDIO_CLOCK_HZ // 1000, "to within what a capture and a packet take"


def test_a_voice_that_drifts_stays_by_its_picture_when_they_are_laid_by_arrival():
    room = Room(ahead_ns=-50 * NS_PER_S, ppm=50)
    shifts = []
    for _ in range(20):
        room.visit(25 * 60)
        now = room.clock.now()
        off_ns = now.since(T0) * 50 // 1_000_000 - 50 * NS_PER_S
        shifts.append(room.hearing.arrival_shift(now, now) - off_ns * AUDIO_CLOCK_HZ // NS_PER_S)
    assert max(shifts) - min(shifts) < 48, "a millisecond, of sixty that the clock has gone astray"


@pytest.mark.parametrize("behind_s", [0, 37, 5 * 3600, -7 * 3600, 30 * 3600, 55 * 365 * 86400])
def test_picture_and_voice_of_one_clock_meet_whatever_its_epoch(behind_s):
    """A clock that counts from its own start, for instance: both flows wrap, each in its own turn."""
    picture, voice = Timeline(RATE), voice_timeline(Fraction(1, 1000))
    for k in range(200):
        now = T0.after(k * VISIT_NS)
        sender_ns = now.ns - behind_s * NS_PER_S
        ticks = unwrap_rtp(sender_ns * 90_000 // NS_PER_S % RTP_WRAP, now.ticks(90_000))
        sample = unwrap_rtp(sender_ns * 48_000 // NS_PER_S % RTP_WRAP, now.ticks(48_000))
        picture.place(tai_of_ticks(ticks, 90_000), now.after(36 * MS))
        voice.place(tai_of_ticks(sample, 48_000), now.after(2 * MS))
    laid = ticks * 48_000 // 90_000 + timestamp_shift(picture, voice)
    assert abs(laid - sample) <= 1, "to the sample, for it is the timestamps that say it"
    assert apart(picture, voice) is None
    leaves = tai_of_ticks(sample, 48_000).after(together(picture, voice))
    assert abs(leaves.since(picture.at(tai_of_ticks(ticks, 90_000)))) < 25_000, "and they leave together"


def test_senders_that_will_never_meet_are_told():
    room = Room(ahead_ns=-50 * NS_PER_S)
    picture = Timeline(RATE)
    assert apart(picture, room.timeline) is None
    picture.place(T0, T0.after(36 * MS))
    room.visit()
    assert "50 s apart" in apart(picture, room.timeline)
    beside = Room()
    beside.visit()
    assert apart(picture, beside.timeline) is None


def test_a_voice_that_declares_its_delay_is_locked():
    timeline = voice_timeline(Fraction(1, 8000), delay_ns=NS_PER_S)
    timeline.place(T0, Tai(T0.ns + NS_PER_S + 20 * MS))
    assert timeline.locked
