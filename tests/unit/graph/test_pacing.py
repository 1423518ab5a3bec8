"""Which pace a mode means for a format, and what may be said of it."""

import pytest

from relip.essence.errors import FormatError
from relip.essence.formats import video_format
from relip.graph.pacing import Mode, pacing_of, pacing_of_card
from relip.wire.st2110_20 import FrameHeaders

pytestmark = pytest.mark.unit


def planned(name, mode, lead=None):
    form = video_format(name)
    return pacing_of(form, FrameHeaders(form, payload_type=96, ssrc=1).packets, mode, lead)


@pytest.mark.parametrize("mode", [Mode.SPIN, Mode.HYBRID])
@pytest.mark.parametrize(("name", "together"), [("720p25", 8), ("1080p60", 8), ("2160p25", 10), ("2160p50", 20)])
def test_a_paced_flow_claims_to_be_wide_and_sends_half_of_what_the_bucket_holds_at_once(name, together, mode):
    pacing = planned(name, mode)
    assert pacing.tp == "2110TPW"
    assert pacing.schedule.together == together
    assert pacing.schedule.hold_ns == pacing.schedule.drain_ns


@pytest.mark.parametrize("mode", [Mode.SPREAD, Mode.BURST])
def test_a_flow_that_is_not_paced_claims_nothing(mode):
    assert planned("1080p25", mode).tp is None


@pytest.mark.parametrize("name", ["2160p59.94", "2160p60"])
def test_a_flow_too_fast_for_the_wide_type_is_paced_and_claims_nothing(name):
    pacing = planned(name, Mode.SPIN)
    assert pacing.tp is None
    assert pacing.schedule.hold_ns > 0


def test_a_frame_leaves_at_its_instant_and_is_read_from_the_default_offset_on():
    pacing = planned("1080p60", Mode.HYBRID)
    assert pacing.troff_us is None
    assert pacing.schedule.ahead_ns == 637_037  # 43/1125 of 16.67 ms (ST 2110-21 §6.3.2)


def test_a_lead_of_another_length_is_declared_in_whole_microseconds():
    pacing = planned("1080p60", Mode.HYBRID, lead=400)
    assert pacing.troff_us == 1544  # 400 packets of 3.858 µs are 1543.2 µs
    assert pacing.schedule.ahead_ns == 1_544_000


@pytest.mark.parametrize("lead", [0, 704, 5000])
def test_a_lead_that_the_receiver_has_no_room_for_is_refused(lead):
    with pytest.raises(FormatError, match=rf"lead_packets={lead}: .* 1080p25 has room for 1 to 703"):
        planned("1080p25", Mode.SPIN, lead=lead)


@pytest.mark.parametrize("mode", [Mode.SPREAD, Mode.BURST])
def test_a_mode_without_a_lead_refuses_one(mode):
    with pytest.raises(FormatError, match=f"lead_packets=200: only hybrid and spin keep a lead, not {mode}"):
        planned("1080p25", mode, lead=200)


def test_a_spread_frame_leaves_every_millisecond():
    schedule = planned("1080p25", Mode.SPREAD).schedule
    assert (schedule.span_ns, schedule.together, schedule.hold_ns, schedule.spin_ns) == (34_000_000, 128, 0, 0)


def test_a_burst_leaves_at_once():
    schedule = planned("1080p25", Mode.BURST).schedule
    assert schedule.span_ns == 0
    assert schedule.together > 4320


@pytest.mark.parametrize(("name", "c_max", "vrx_full"), [("1080p25", 4, 8), ("1080p60", 6, 9), ("2160p60", 25, 38)])
def test_a_card_is_narrow_and_measured_by_narrow_limits(name, c_max, vrx_full):
    form = video_format(name)
    pacing = pacing_of_card(form, FrameHeaders(form, payload_type=96, ssrc=1).packets)
    assert pacing.tp == "2110TPN"
    assert pacing.troff_us is None
    assert (pacing.limits.c_max, pacing.limits.vrx_full) == (c_max, vrx_full)
    assert pacing.schedule.ahead_ns == int(1_000_000_000 / form.rate * 43 / 1125)
