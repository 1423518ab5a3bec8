"""Properties of the two models of ST 2110-21: what an ideal sender does, what bursts, delays and gaps do to it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.errors import FormatError
from relip.essence.formats import RATES
from relip.wire.st2110_21 import SCHEDULES, Bucket, Schedule, SenderType, TrafficShape, cinst, judge, vrx

pytestmark = pytest.mark.unit

TODAY = 1_790_000_000
shapes = st.builds(
    TrafficShape, st.sampled_from(list(RATES.values())), st.sampled_from([720, 1080, 2160]), st.integers(16, 5000)
)
schedules = st.sampled_from(Schedule)


def frame_today(shape):
    return int(TODAY * shape.rate)


def alone(arrivals, frame, shape):
    return judge(arrivals, frame, shape, Bucket.before(int(arrivals[0])))[0]


def reference_cinst(arrivals, shape):
    """The recursion of the network model, packet by packet, in fractions."""
    level, drained, fill = -1, 0, []
    for arrival in arrivals.tolist():
        now = int((arrival - int(arrivals[0])) // shape.drain_ns)
        level = max(0, level + 1 - (now - drained))
        drained = now
        fill.append(level)
    return fill


def reference_vrx(arrivals, frame, shape, schedule):
    """The recursion of the receiver model, packet by packet, in fractions."""
    spacing = shape.spacing_ns(schedule)
    level, drained, fill = 0, 0, []
    for arrival in arrivals.tolist():
        now = int((arrival - shape.due_ns(frame) + spacing) // spacing)
        level += 1 - (now - drained)
        drained = now
        fill.append(level)
    return fill


@given(shapes, schedules)
def test_an_ideal_sender_keeps_every_limit_of_its_type(shape, schedule):
    frame = frame_today(shape)
    bucket = Bucket.before(int(shape.reading(frame, schedule)[0]))
    for k in range(3):
        verdict, bucket = judge(shape.reading(frame + k, schedule), frame + k, shape, bucket)
        extremes = verdict.gapped if schedule is Schedule.GAPPED else verdict.linear
        assert 0 <= extremes[0] <= extremes[1] <= 1
        assert verdict.cinst_max <= 1
        own = {kind for kind, its in SCHEDULES.items() if its is schedule and shape.allows(kind)}
        assert own <= set(verdict.met)


@given(shapes, st.integers(1, 3000))
def test_packets_at_once_fill_an_empty_bucket_by_all_but_one(shape, burst):
    fill, _ = cinst(np.full(burst, TODAY, np.int64), shape, Bucket.before(TODAY))
    assert fill.tolist() == list(range(burst))


@given(shapes, st.lists(st.integers(0, 100_000), min_size=1, max_size=60), st.integers(0, 60))
def test_the_column_is_the_recursion_however_it_is_cut_into_calls(shape, gaps, cut):
    arrivals = TODAY * 1_000_000_000 + np.cumsum(gaps)
    first, bucket = cinst(arrivals[:cut], shape, Bucket.before(int(arrivals[0])))
    rest, _ = cinst(arrivals[cut:], shape, bucket)
    assert [*first, *rest] == reference_cinst(arrivals, shape)


@given(shapes, schedules, st.lists(st.integers(-2_000_000, 40_000_000), min_size=1, max_size=60))
def test_the_buffer_is_the_recursion(shape, schedule, offsets):
    frame = frame_today(shape)
    arrivals = int(shape.due_ns(frame)) + np.sort(np.array(offsets, np.int64))
    assert vrx(arrivals, frame, shape, schedule).tolist() == reference_vrx(arrivals, frame, shape, schedule)


@given(shapes, st.integers(2, 8))
def test_bursts_that_keep_the_drain_apart_stay_below_their_own_size(shape, burst):
    starts = [int(i * burst * shape.drain_ns) + 1 for i in range(50)]
    fill, _ = cinst(np.repeat(np.array(starts, np.int64), burst), shape, Bucket.before(starts[0]))
    assert fill.max() <= burst


@given(shapes)
def test_a_frame_sent_at_once_meets_no_narrow_type_and_is_early(shape):
    frame = frame_today(shape)
    verdict = alone(np.full(shape.packets, int(shape.due_ns(frame)), np.int64), frame, shape)
    assert verdict.cinst_max == shape.packets - 1
    assert verdict.linear == (1, shape.packets)
    assert SenderType.N not in verdict.met


def test_a_late_frame_meets_nothing_and_says_by_how_much():
    shape = TrafficShape(RATES["50"], 1080, 4320)
    frame = frame_today(shape)
    verdict = alone(shape.reading(frame, Schedule.LINEAR) + 50_000, frame, shape)
    assert verdict.linear == (-10, -10)  # 50 µs at 4.63 µs a packet
    assert verdict.met == ()


def test_the_lead_of_a_wide_sender_is_seen_in_the_buffer():
    shape = TrafficShape(RATES["60"], 1080, 4320)
    frame = frame_today(shape)
    early = shape.reading(frame, Schedule.LINEAR) - int(400 * shape.spacing_ns(Schedule.LINEAR))
    verdict = alone(early, frame, shape)
    assert verdict.linear in {(400, 401), (401, 401)}
    assert verdict.met == (SenderType.W,)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_frame_with_a_packet_missing_or_too_many_meets_no_type(change):
    shape = TrafficShape(RATES["25"], 720, 2880)
    frame = frame_today(shape)
    arrivals = np.resize(shape.reading(frame, Schedule.GAPPED), 2880 + change)
    arrivals.sort()
    assert alone(arrivals, frame, shape).met == ()


def test_nothing_arrived_leaves_the_bucket_as_it_was():
    shape = TrafficShape(RATES["25"], 720, 2880)
    fill, bucket = cinst(np.zeros(0, np.int64), shape, Bucket(5, 3, 2))
    assert fill.tolist() == []
    assert bucket == Bucket(5, 3, 2)


def test_stamps_that_step_back_give_packets_back_and_do_not_raise():
    shape = TrafficShape(Fraction(1000, 11), 1080, 1000)
    fill, _ = cinst(np.array([100_000, 120_000, 90_000], np.int64), shape, Bucket.before(100_000))
    assert fill.tolist() == [0, 0, 4]


def test_a_rate_too_fine_for_64_bits_is_refused():
    shape = TrafficShape(Fraction(10**16 + 1, 10**14 + 3), 1080, 4321)
    with pytest.raises(FormatError, match="too fine"):
        cinst(np.array([0], np.int64), shape, Bucket.before(0))
