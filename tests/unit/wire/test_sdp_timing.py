"""What is said of timestamps that are passed on."""

from dataclasses import replace

import pytest

from relip.essence.flow import Flow, Leg
from relip.essence.formats import video_format
from relip.wire import sdp
from relip.wire.sdp_media import Sending
from relip.wire.sdp_timing import MAX_DELAY_US, beside, declared_delay_us, oddities, preserved, renewed

pytestmark = pytest.mark.unit

OWN = Sending(ts_refclk="localmac=02-00-00-00-00-01", tp="2110TPNL", cmax=9)
GRANDMASTER = "ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:127"
CAMERA = Sending(ts_refclk=GRANDMASTER, tp="2110TPN", cmax=4)


@pytest.mark.parametrize(
    ("source", "mode", "delay_us"),
    [
        (None, "PRES", 200_000),
        (CAMERA, "PRES", 200_000),
        (replace(CAMERA, tsmode="NEW"), "PRES", 200_000),
        (replace(CAMERA, tsmode="PRES", tsdelay_us=120_000), "PRES", 320_000),
        (replace(CAMERA, tsmode="SAMP", tsdelay_us=1_500), "SAMP", 201_500),
        (replace(CAMERA, tsmode="SAMP"), "SAMP", 200_000),
    ],
)
def test_preserved_timestamps_stay_what_they_were_and_are_later_by_the_latency(source, mode, delay_us):
    said = preserved(source, OWN, delay_us=200_000)
    assert (said.tsmode, said.tsdelay_us) == (mode, delay_us)


def test_preserved_timestamps_are_of_the_source_s_clock_and_the_pace_is_ours():
    said = preserved(CAMERA, OWN, delay_us=1)
    assert (said.ts_refclk, said.media_clock_offset) == (GRANDMASTER, 0)
    assert (said.tp, said.cmax) == ("2110TPNL", 9)


def test_renewed_timestamps_still_count_the_source_s_clock_and_say_nothing_of_a_delay():
    said = renewed(replace(CAMERA, tsmode="SAMP", tsdelay_us=7), OWN)
    assert (said.tsmode, said.tsdelay_us, said.ts_refclk) == ("NEW", None, GRANDMASTER)


def test_without_a_transport_file_the_clock_is_taken_to_be_ours():
    assert preserved(None, OWN, delay_us=1).ts_refclk == OWN.ts_refclk
    assert renewed(None, OWN).ts_refclk == OWN.ts_refclk


def test_a_source_that_names_no_reference_clock_does_not_get_ptp_by_passing_through():
    said = preserved(Sending(ts_refclk=None, media_clock_offset=None), OWN, delay_us=1)
    assert (said.ts_refclk, said.media_clock_offset) == (OWN.ts_refclk, None)


def test_a_delay_that_no_live_channel_has_is_passed_over():
    assert declared_delay_us(Sending(tsdelay_us=MAX_DELAY_US)) == MAX_DELAY_US
    assert declared_delay_us(Sending(tsdelay_us=MAX_DELAY_US + 1)) == 0
    assert declared_delay_us(None) == 0


def test_a_voice_that_leaves_beside_its_picture_is_as_late_as_that():
    assert beside(CAMERA, None) is CAMERA
    assert beside(None, None) is None
    assert beside(None, CAMERA) is None, "neither says anything of a delay"
    late = replace(CAMERA, tsmode="PRES", tsdelay_us=120_000)
    assert beside(CAMERA, late) == replace(CAMERA, tsdelay_us=120_000)
    said = preserved(beside(None, late), OWN, delay_us=200_000)
    assert (said.tsdelay_us, said.ts_refclk) == (320_000, OWN.ts_refclk)


def test_delays_that_will_not_go_together_are_told():
    late = Sending(tsdelay_us=150_000)
    assert oddities(None, late, latency_us=400_000) == []
    assert oddities(late, late, latency_us=200_000) == []
    assert "150 ms after its timestamps" in oddities(None, late, latency_us=200_000)[0]
    assert "TSDELAY=10000001 of the picture" in oddities(Sending(tsdelay_us=MAX_DELAY_US + 1), None, latency_us=1)[0]


def test_it_all_reads_back_from_a_transport_file():
    flow = Flow(format=video_format("1080p25"), payload_type=96, legs=(Leg("239.1.1.1", 5004),))
    said = preserved(replace(CAMERA, tsmode="SAMP", tsdelay_us=40_000), OWN, delay_us=200_000)
    text = sdp.format(flow, sending=said)
    assert "TSMODE=SAMP; TSDELAY=240000" in text
    assert sdp.parse(text).media[0].sending == said
