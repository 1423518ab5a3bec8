"""Senders that keep TAI, and senders that do not."""

import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.tai import NS_PER_S, Tai, grain_start, grain_ticks, period_ns
from relip.graph.epoch import note
from relip.graph.timeline import PATIENCE_NS, Timeline

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FORMAT = VideoFormat(width=4, height=2, rate=RATE)
INDEX = 44_000_000_000
MS = 1_000_000
HOUR = 3600 * NS_PER_S


def grain(index, *, arrived_after_ns):
    ticks = grain_ticks(index, RATE, 90_000)
    arrived = grain_start(index, RATE).after(arrived_after_ns)
    return VideoGrain(ticks=ticks, format=FORMAT, packed=np.zeros((2, 10), np.uint8), slot=0, arrived=arrived)


class Camera:
    """A sender whose clock is `behind_ns` behind ours at first and runs `ppm` fast, behind a network that adds jitter."""

    def __init__(self, timeline, *, rate=RATE, ppm=0, behind_ns=0, complete_ns=36 * MS, seed=1):
        self.timeline, self.rate, self.ppm, self.complete_ns = timeline, rate, ppm, complete_ns
        self.jitter = random.Random(seed)
        self.start = grain_start(INDEX, Fraction(25))
        self.behind_ns = behind_ns
        self.k = 0
        self.left = []

    def shoot(self, count, *, held_up_ns=0):
        """For each of the next grains: the instant it was captured on our clock, and the one it is taken for."""
        for _ in range(count):
            since_ns = self.k * NS_PER_S * self.rate.denominator // self.rate.numerator
            captured = self.start.after(self.behind_ns + since_ns - since_ns * self.ppm // 1_000_000)
            arrived = captured.after(self.complete_ns + held_up_ns + int(self.jitter.expovariate(1 / 1.5e6)))
            self.left.append((captured, self.timeline.place(self.start.after(since_ns), arrived)))
            self.k += 1
        return self

    def intervals(self):
        """The shortest and the longest time between two grains as they are taken."""
        instants = [local.ns for _, local in self.left]
        between = [b - a for a, b in pairwise(instants)]
        return min(between), max(between)

    def lags(self):
        """How much later than captured grains are taken to be, the least and the most."""
        lags = [local.since(captured) for captured, local in self.left]
        return min(lags), max(lags)


def test_a_locked_senders_instants_are_ours():
    timeline = Timeline(RATE)
    assert timeline.local(grain(INDEX, arrived_after_ns=35 * MS)) == grain_start(INDEX, RATE)
    assert timeline.locked
    assert note(timeline, leap_seconds=37) is None


def test_a_sender_37_seconds_off_is_followed_by_its_own_clock():
    timeline = Timeline(RATE)
    late = grain(INDEX, arrived_after_ns=37_000 * MS)
    assert timeline.local(late) == late.arrived.after(-40 * MS)
    following = grain(INDEX + 1, arrived_after_ns=37_003 * MS)
    assert timeline.local(following) == timeline.local(late).after(40 * MS), "jitter of arrival must not move the grid"
    assert not timeline.locked
    assert timeline.relocks == 0


def test_a_jump_of_the_senders_timestamps_is_followed_from_its_second_grain_on_and_counted():
    timeline = Timeline(RATE)
    for k in range(9):
        timeline.local(grain(INDEX + k, arrived_after_ns=35 * MS))
    timeline.local(grain(INDEX - 101, arrived_after_ns=5_000 * MS))
    jumped = grain(INDEX - 100, arrived_after_ns=5_000 * MS)
    assert timeline.local(jumped) == jumped.arrived.after(-40 * MS)
    assert timeline.relocks == 1


def test_an_offset_that_has_moved_with_its_clock_is_not_found_better_where_it_was_at_first():
    timeline = Timeline(RATE)
    camera = Camera(timeline, behind_ns=37 * NS_PER_S, ppm=-1000).shoot(6000)
    assert timeline.offset_ns - timeline.behind_ns > 200 * MS
    camera.behind_ns -= 50 * MS  # it steps by a little more than a grain may be early
    camera.left.clear()
    camera.shoot(50)
    assert min(camera.lags()) > -20 * MS


@pytest.mark.parametrize("behind_s", [0, 37])
@pytest.mark.parametrize("leap", [-50, -13, 13, 38, 1000])
def test_the_first_grain_after_a_leap_is_neither_held_back_nor_hurried(leap, behind_s):
    timeline = Timeline(RATE)
    for k in range(20):
        leapt = leap if k >= 9 else 0
        shot = grain(INDEX + k + leapt, arrived_after_ns=(1000 * behind_s + 36 - 40 * leapt) * MS)
        assert -40 * MS <= timeline.local(shot).since(shot.arrived) <= -36 * MS
    assert timeline.relocks == 1


def test_a_damaged_timestamp_moves_nothing():
    timeline = Timeline(RATE)
    for k in range(9):
        apart = 5000 if k == 5 else 0
        local = timeline.local(grain(INDEX + k + apart, arrived_after_ns=35 * MS - apart * 40 * MS))
    assert local == grain_start(INDEX + 8, RATE)
    assert timeline.relocks == 0


def test_a_sender_that_is_set_to_tai_while_it_sends_is_locked_from_the_second_grain_on():
    timeline = Timeline(RATE)
    Camera(timeline, behind_ns=37 * NS_PER_S).shoot(50)
    timeline.local(grain(INDEX + 1000, arrived_after_ns=36 * MS))
    assert timeline.local(grain(INDEX + 1001, arrived_after_ns=36 * MS)) == grain_start(INDEX + 1001, RATE)
    assert timeline.locked
    assert timeline.relocks == 1


def test_a_stall_of_this_machine_is_no_jump_of_the_sender():
    timeline = Timeline(RATE)
    timeline.local(grain(INDEX, arrived_after_ns=35 * MS))
    for k, late_ms in enumerate(range(480, 40, -40), 1):
        assert timeline.local(grain(INDEX + k, arrived_after_ns=late_ms * MS)) == grain_start(INDEX + k, RATE)
    assert timeline.locked
    assert timeline.relocks == 0


@pytest.mark.parametrize("behind_s", [0, 37])
def test_what_waited_in_the_socket_while_the_service_started_moves_nothing_for_long(behind_s):
    timeline = Timeline(RATE)
    for k in range(60):
        late_ms = 36 + max(0, 3000 - 60 * k)
        local = timeline.local(grain(INDEX + k, arrived_after_ns=(1000 * behind_s + late_ms) * MS))
    assert abs(local.since(grain_start(INDEX + 59, RATE)) - behind_s * NS_PER_S) < 10 * MS
    assert timeline.locked == (behind_s == 0)
    assert timeline.relocks == 0


@pytest.mark.parametrize("late_ms", [300, 900])
def test_a_stall_in_which_frames_were_lost_is_no_jump_either(late_ms):
    timeline = Timeline(RATE)
    for k in range(9):
        timeline.local(grain(INDEX + k, arrived_after_ns=35 * MS))
    for k, late in enumerate(range(late_ms, 0, -40), 30):
        assert timeline.local(grain(INDEX + k, arrived_after_ns=late * MS)) == grain_start(INDEX + k, RATE)
    assert timeline.locked
    assert timeline.relocks == 0


def test_a_sender_that_returns_with_another_clock_after_a_longer_pause_is_found_by_its_second_grain():
    timeline = Timeline(RATE)
    for k in range(9):
        timeline.local(grain(INDEX + k, arrived_after_ns=35 * MS))
    for k in range(25 * 60, 25 * 60 + 2):
        local = timeline.local(grain(INDEX + k, arrived_after_ns=37_035 * MS))
    assert local == grain_start(INDEX + k, RATE).after(36_995 * MS)
    assert timeline.relocks == 1


def test_timestamps_that_go_on_but_do_not_fit_for_long_are_followed_anew():
    timeline = Timeline(RATE)
    timeline.local(grain(INDEX, arrived_after_ns=35 * MS))
    patience = PATIENCE_NS // period_ns(RATE) + 2
    for k in range(1, patience + 1):
        local = timeline.local(grain(INDEX + k, arrived_after_ns=3_000 * MS))
    assert local == grain_start(INDEX + patience, RATE).after(2_960 * MS)
    assert timeline.relocks == 1


def test_one_grain_that_seems_early_does_not_unlock_a_sender_for_good():
    timeline = Timeline(RATE)
    timeline.local(grain(INDEX, arrived_after_ns=-3 * MS))
    assert timeline.local(grain(INDEX + 1, arrived_after_ns=4 * MS)) == grain_start(INDEX + 1, RATE)
    assert timeline.locked


@pytest.mark.parametrize("behind_ns", [37 * NS_PER_S, -37 * NS_PER_S])
def test_a_first_grain_that_was_held_up_does_not_make_all_others_late(behind_ns):
    camera = Camera(Timeline(RATE), behind_ns=behind_ns).shoot(1, held_up_ns=90 * MS).shoot(5)
    captured, local = camera.left[-1]
    assert abs(local.since(captured)) < 10 * MS
    assert camera.timeline.relocks == 0


def test_a_sender_that_declares_a_delay_is_locked_when_it_keeps_it_or_is_sooner():
    timeline = Timeline(RATE, delay_ns=200 * MS)
    assert timeline.local(grain(INDEX, arrived_after_ns=236 * MS)) == grain_start(INDEX, RATE).after(200 * MS)
    assert timeline.local(grain(INDEX + 1, arrived_after_ns=80 * MS)) == grain_start(INDEX + 1, RATE).after(200 * MS)
    assert timeline.locked
    assert timeline.behind_ns == 0


@pytest.mark.parametrize("ppm", [50, -50])
@pytest.mark.parametrize("behind_ns", [0, 37 * NS_PER_S, -5 * HOUR], ids=["TAI at first", "UTC", "hours off"])
def test_a_clock_that_drifts_is_followed_without_a_jump(ppm, behind_ns):
    camera = Camera(Timeline(RATE), ppm=ppm, behind_ns=behind_ns)
    camera.shoot(HOUR // 2 // period_ns(RATE))
    shortest, longest = camera.intervals()
    assert shortest >= 40 * MS - 80_000
    assert longest <= 40 * MS + 80_000
    least, most = camera.lags()
    assert most - least < 25 * MS, "the latency is constant by the sender's clock, which has gone 90 ms astray"
    assert camera.timeline.relocks == 0
    assert not camera.timeline.locked
    assert abs(camera.timeline.drift_ppm - ppm) < 1
    expected = "drifted" if not behind_ns else "s behind" if behind_ns > 0 else "s ahead"
    assert expected in note(camera.timeline, leap_seconds=37).sentence


def test_eight_hours_of_50_ppm_at_a_rate_that_no_float_holds_drop_and_repeat_nothing():
    rate = Fraction(60000, 1001)
    period = period_ns(rate)
    camera = Camera(Timeline(rate), rate=rate, ppm=50, complete_ns=15 * MS)
    seconds = 8 * 3600
    step = 12  # every twelfth grain: a fifth of a second, as if eleven in twelve were lost
    for _ in range(seconds * 5):
        camera.shoot(1)
        camera.k += step - 1
    assert camera.timeline.relocks == 0
    gone_astray = camera.left[-1][0].since(camera.start) - seconds * NS_PER_S
    assert abs(gone_astray) > 1_400 * MS
    least, most = camera.lags()
    assert most - least < 2 * period


def test_a_wrong_1001_is_followed_and_named():
    camera = Camera(Timeline(RATE), ppm=1000).shoot(300 * 25)
    assert camera.timeline.relocks == 0
    assert "1001/1000 faster" in note(camera.timeline, leap_seconds=37).sentence


def test_a_longer_way_through_the_network_is_no_drift():
    camera = Camera(Timeline(RATE)).shoot(1000).shoot(1000, held_up_ns=30 * MS).shoot(1000)
    assert camera.timeline.locked
    assert camera.lags() == (0, 0)


def test_picture_and_voice_of_one_unlocked_sender_keep_meeting():
    picture, voice = Timeline(RATE), Timeline(Fraction(1000), late_periods=160)
    camera = Camera(picture, ppm=50, behind_ns=-1234 * NS_PER_S)
    sound = Camera(voice, rate=RATE, ppm=50, behind_ns=-1234 * NS_PER_S, complete_ns=1 * MS, seed=2)
    for _ in range(60):
        camera.shoot(60 * 25)
        sound.shoot(60 * 25)
        same = Tai(camera.start.ns + camera.k * 40 * MS)
        assert abs(picture.at(same).since(voice.at(same))) < 10 * MS


@pytest.mark.parametrize(
    ("behind_ns", "said"),
    [
        (37 * NS_PER_S, "are UTC, not TAI: 37 s behind"),
        (-37 * NS_PER_S, "37 s ahead: leap seconds were added twice"),
        (12 * NS_PER_S + 340 * MS, "not locked to our clock: 12.34 s behind"),
        (-2 * HOUR, "not locked to our clock: 7200.00 s ahead"),
    ],
)
def test_a_wrong_epoch_is_named(behind_ns, said):
    camera = Camera(Timeline(RATE), behind_ns=behind_ns).shoot(300)
    assert said in note(camera.timeline, leap_seconds=37).sentence


@pytest.mark.parametrize("pace", [16, Fraction(1, 2)])
def test_another_media_clock_is_named_and_the_sender_followed_all_the_same(pace):
    timeline = Timeline(RATE)
    start = grain_start(INDEX, RATE)
    for k in range(250):
        arrived = start.after(k * 40 * MS + 36 * MS)
        local = timeline.place(start.after(int(k * 40 * MS * pace)), arrived)
    assert abs(arrived.since(local)) < 2 * PATIENCE_NS
    assert f"{float(pace):.1f} times as fast as time" in note(timeline, leap_seconds=37).sentence


def test_a_sender_that_comes_back_after_a_pause_is_where_it_was():
    camera = Camera(Timeline(RATE), ppm=20, behind_ns=37 * NS_PER_S).shoot(5000)
    camera.k += 25 * 60
    captured, local = camera.shoot(1).left[-1]
    assert abs(local.since(captured)) < 12 * MS
    assert camera.timeline.relocks == 0
    assert camera.timeline.pace == pytest.approx(1, abs=0.1)
