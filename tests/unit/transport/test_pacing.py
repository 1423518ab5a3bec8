"""The pacing arithmetic against any stall: never too soon after what left before, and measured as the standard does."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relip.essence.formats import video_format
from relip.graph.pacing import Mode, pacing_of
from relip.ports import Measured, Schedule
from relip.transport import pacing
from relip.wire.st2110_20 import FrameHeaders
from relip.wire.st2110_21 import Bucket, SenderType, TrafficShape, cinst, vrx
from relip.wire.st2110_21 import Schedule as Reading

pytestmark = pytest.mark.unit

START = 1_000_000_000_000
FORMATS = ["720p25", "720p59.94", "1080p25", "1080p50", "1080p59.94", "1080p60", "2160p25", "2160p50"]


def shape_of(name):
    form = video_format(name)
    return TrafficShape(form.rate, form.height, FrameHeaders(form, payload_type=96, ssrc=1).packets)


class Thread:
    """A sending thread that is stalled where a test wants it: before a send, or within one."""

    def __init__(self, schedule):
        self.plan, self.state = pacing.plan_of(schedule), pacing.fresh_state()
        self.now = 0
        self.departures = []
        self.spins = []

    def send(self, start, packets, stalls, schedule):
        """A burst; `stalls` gives for each group what it waits too long, how long its send takes, and when in it it left."""
        measured = np.zeros(len(Measured), np.int64)
        sent = 0
        while sent < packets:
            late, during, share = stalls()
            count = min(schedule.together, packets - sent)
            due, spin = pacing.due(self.plan, self.state, start, sent, packets)
            self.spins.append(spin)
            self.now = max(self.now, due) + late
            before, after = self.now, self.now + during
            pacing.hold(self.plan, self.state, before, count)
            pacing.measure(self.plan, self.state, measured, start, after, count)
            self.departures += [before + int(during * share)] * count
            self.now = after
            sent += count
        return measured


def any_stall(random, shape):
    """Mostly none, now and then a millisecond or ten, before the send or in its midst; and some packets' time, the worst."""
    some = int(random.integers(4, 24) * shape.drain_ns)
    late = random.choice([0, 1, 300, 40_000, 1_000_000, 10_000_000], 4096, p=[0.7, 0.1, 0.1, 0.05, 0.04, 0.01]).tolist()
    during = random.choice([0, 8_000, some, 2_000_000, 9_000_000], 4096, p=[0.3, 0.3, 0.36, 0.03, 0.01]).tolist()
    share = random.choice([0.0, 0.5, 1.0], 4096).tolist()
    return lambda: (late.pop(), during.pop(), share.pop())


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(FORMATS), mode=st.sampled_from([Mode.SPIN, Mode.HYBRID]), seed=st.integers(0, 1 << 30))
def test_no_stall_brings_cinst_above_the_limit_of_a_wide_sender(name, mode, seed):
    """Over three frames that follow each other, wherever in its send a group really left."""
    shape = shape_of(name)
    limits = shape.limits(SenderType.W)
    schedule = pacing_of(video_format(name), shape.packets, mode).schedule
    thread = Thread(schedule)
    random = np.random.default_rng(seed)
    for frame in range(3):
        stall = any_stall(random, shape)
        measured = thread.send(START + int(frame * shape.period_ns), shape.packets, stall, schedule)
        assert measured[Measured.CINST] <= limits.c_max
    departures = np.sort(np.array(thread.departures))
    level, _ = cinst(departures, shape, Bucket.before(int(departures[0])))
    assert level.max() <= limits.c_max


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(FORMATS), seed=st.integers(0, 1 << 30))
def test_what_is_measured_is_what_the_standard_says_of_the_same_instants(name, seed):
    """`wire.st2110_21` is the specification; frames 1, 2 and one after a pause."""
    shape = shape_of(name)
    random = np.random.default_rng(seed)
    index = 1_764_000_000 * 60
    lead = int(shape.offset_ns)
    schedule = Schedule(
        span_ns=int(shape.period_ns),
        together=int(random.integers(1, 40)),
        drain_ns=shape.drain_ns,
        read_ns=shape.spacing_ns(Reading.LINEAR),
        ahead_ns=lead,
    )
    thread, bucket = Thread(schedule), None
    for frame in (index, index + 1, index + 300):
        start = -(-shape.due_ns(frame) // 1) - lead
        done = len(thread.departures)
        measured = thread.send(start, shape.packets, lambda: (int(random.integers(0, 3000)), 0, 0.0), schedule)
        left = np.array(thread.departures[done:])
        bucket = bucket or Bucket.before(int(left[0]))
        level, bucket = cinst(left, shape, bucket)
        buffer = vrx(left, frame, shape, Reading.LINEAR)
        assert measured[Measured.CINST] == level.max()
        # The loop reads from a whole nanosecond: where an instant falls between the two, one packet more is read.
        assert 0 <= measured[Measured.VRX_LEAST] - buffer.min() <= 1
        assert 0 <= measured[Measured.VRX_MOST] - buffer.max() <= 1
        assert (measured[Measured.FIRST_NS], measured[Measured.LAST_NS]) == (left[0] - start, left[-1] - start)
        assert measured[Measured.PACKETS] == shape.packets


def test_a_thread_that_is_in_time_keeps_the_schedule():
    schedule = pacing_of(video_format("1080p50"), 4320, Mode.SPIN).schedule
    thread = Thread(schedule)
    for frame in range(2):
        thread.send(START + 20_000_000 * frame, 4320, lambda: (0, 8_000, 0.0), schedule)
    groups = np.array(thread.departures)[:: schedule.together]
    assert groups.tolist() == [START + 20_000_000 * packet // 4320 for packet in range(0, 8640, schedule.together)]


def test_after_a_stall_packets_follow_at_the_pace_of_the_drain_until_they_are_in_time_again():
    schedule = pacing_of(video_format("1080p50"), 4320, Mode.SPIN).schedule
    thread = Thread(schedule)
    stalls = iter([(1_000_000, 0, 0.0)])
    thread.send(START, 4320, lambda: next(stalls, (0, 0, 0.0)), schedule)
    groups = np.array(thread.departures)[:: schedule.together]
    apart = np.diff(groups)
    drained = -(-schedule.hold_ns * schedule.together // 1)
    assert (apart[:290] == drained).all()  # a tenth is gained with each: 1 ms after 11 ms, of 297 groups
    assert groups[-1] == START + 20_000_000 * (4320 - schedule.together) // 4320


def test_a_thread_that_is_behind_does_not_sleep_until_it_has_caught_up():
    schedule = pacing_of(video_format("1080p50"), 4320, Mode.HYBRID).schedule
    thread = Thread(schedule)
    stalls = iter([(0, 0, 0.0), (0, 0, 0.0), (300_000, 0, 0.0)])
    thread.send(START, 4320, lambda: next(stalls, (0, 0, 0.0)), schedule)
    asleep = [spin == schedule.spin_ns for spin in thread.spins]
    assert asleep[:3] == [True] * 3
    behind = asleep.index(False), len(asleep) - asleep[::-1].index(False)
    assert behind == (3, 3 + sum(not each for each in asleep))
    assert 85 < sum(not each for each in asleep) < 95  # 300 µs, of which each of the groups gains 3.4


def test_a_burst_holds_back_the_one_after_it():
    schedule = Schedule(together=5, hold_ns=Fraction(1000))
    thread = Thread(schedule)
    thread.send(START, 5, lambda: (0, 0, 0.0), schedule)
    thread.send(START, 5, lambda: (0, 0, 0.0), schedule)
    assert thread.departures == [START] * 5 + [START + 5000] * 5


def test_the_bucket_is_exact_after_a_year():
    """The origin moves on with the packets: 59.94 Hz for a year and not one instant is lost."""
    shape = shape_of("1080p59.94")
    schedule = pacing_of(video_format("1080p59.94"), shape.packets, Mode.SPIN).schedule
    plan, state = pacing.plan_of(schedule), pacing.fresh_state()
    year = 365 * 86_400 * 1_000_000_000
    instants = [START, *(START + year + int(i * shape.drain_ns) + 1 for i in range(40))]
    for at in instants:
        measured = np.zeros(len(Measured), np.int64)
        pacing.measure(plan, state, measured, at, at, 3)
    level, _ = cinst(np.repeat(instants, 3), shape, Bucket.before(START))
    assert measured[Measured.CINST] == level[-1] > 70
