"""Transport files there and back, and texts that are none."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.errors import FormatError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import RATES, AncFormat, AudioFormat, VideoFormat, video_format
from relip.wire import sdp
from relip.wire.sdp_media import Sending

pytestmark = pytest.mark.unit

CLOCKED = Sending(ts_refclk="localmac=02-00-00-00-00-01", tp="2110TPW")
ONE = (Leg("239.1.1.1", 5004, interface="10.0.0.9", source="10.0.0.1"),)
TWO = (*ONE, Leg("239.1.2.1", 5006, interface="10.1.0.9", source="10.1.0.1"))
UNICAST = (Leg("127.0.0.1", 5004, interface="10.0.0.9", source="127.0.0.1"),)
FORMATS = [
    *(VideoFormat(1920, 1080, rate) for rate in RATES.values()),
    VideoFormat(360, 288, Fraction(25), colorimetry="BT601", tcs="HLG", range="FULL"),
    *(
        AudioFormat(channels=channels, depth=depth, packet_time=packet_time)
        for channels in (1, 2, 16)
        for depth in (16, 24)
        for packet_time in (Fraction(1, 1000), Fraction(1, 8000))
    ),
    AncFormat(),
    AncFormat(rate=Fraction(60000, 1001), did_sdid=((0x52, 0x4C), (0x61, 0x02))),
]


@pytest.mark.parametrize("legs", [ONE, TWO, UNICAST], ids=["one", "two", "unicast"])
@pytest.mark.parametrize("format_", FORMATS, ids=str)
def test_a_flow_reads_back_as_it_was_written(format_, legs):
    flow = Flow(format=format_, payload_type=101, legs=legs, name="Dub, Studio 1 – Ü")
    text = sdp.format(flow, sending=CLOCKED)
    read = sdp.parse(text, interface="10.0.0.9", second_interface="10.1.0.9")
    assert [media.flow for media in read.media] == [flow]
    assert read.warnings == ()


def test_what_the_sender_says_of_its_pace_reads_back():
    sending = Sending(
        ts_refclk="ptp=IEEE1588-2008:00-11-22-FF-FE-33-44-55:127",
        tp="2110TPNL",
        tsmode="PRES",
        tsdelay_us=120_000,
        troff_us=700,
        cmax=16,
        maxudp=1460,
    )
    flow = Flow(format=video_format("1080p25"), payload_type=96, legs=ONE)
    assert sdp.parse(sdp.format(flow, sending=sending, information="synthetic")).media[0].sending == sending


def test_a_clock_of_the_sender_s_own_reads_back_and_is_told():
    flow = Flow(format=AudioFormat(), payload_type=97, legs=ONE)
    read = sdp.parse(sdp.format(flow, sending=replace(CLOCKED, media_clock_offset=None)))
    assert read.media[0].sending.media_clock_offset is None
    assert read.warnings == ("m=audio 5004: mediaclk=sender: timestamps are not of TAI",)


def test_only_a_group_address_has_a_time_to_live():
    for legs, connection in ((ONE, "c=IN IP4 239.1.1.1/16"), (UNICAST, "c=IN IP4 127.0.0.1")):
        flow = Flow(format=AudioFormat(), payload_type=97, legs=legs)
        assert connection in sdp.format(flow, sending=CLOCKED, ttl=16).splitlines()


def test_no_parameter_list_ends_in_a_semicolon():
    for format_ in FORMATS:
        text = sdp.format(Flow(format=format_, payload_type=96, legs=ONE), sending=CLOCKED)
        assert not [line for line in text.splitlines() if line.rstrip().endswith(";")]


def test_a_leg_without_a_sender_address_sends_from_its_interface():
    flow = Flow(format=AudioFormat(), payload_type=97, legs=(Leg("239.1.1.1", 5004, interface="10.0.0.9"),))
    assert sdp.flows(sdp.format(flow, sending=CLOCKED))[0].legs[0].source == "10.0.0.9"
    assert sdp.flows(sdp.format(flow, sending=CLOCKED, source="10.0.0.8"))[0].legs[0].source == "10.0.0.8"


def test_the_first_flow_of_a_kind_is_found_among_others():
    audio = sdp.format(Flow(format=AudioFormat(), payload_type=97, legs=ONE), sending=CLOCKED)
    video = sdp.format(Flow(format=video_format("720p50"), payload_type=96, legs=ONE), sending=CLOCKED)
    both = audio + video[video.index("m=video") :]
    assert [flow.payload_type for flow in sdp.flows(both)] == [97, 96]
    assert sdp.flow(both, VideoFormat).format == video_format("720p50")
    with pytest.raises(FormatError, match="AncFormat"):
        sdp.flow(both, AncFormat)


def test_writing_refuses_what_would_not_read_back():
    flow = Flow(format=AudioFormat(), payload_type=97, legs=ONE)
    with pytest.raises(FormatError, match="ts-refclk"):
        sdp.format(flow, sending=Sending())
    with pytest.raises(FormatError, match="ts-refclk="):
        sdp.format(flow, sending=Sending(ts_refclk="localmac=1\na=recvonly"))
    with pytest.raises(FormatError, match="i="):
        sdp.format(flow, sending=CLOCKED, information="two\r\nlines")
    with pytest.raises(FormatError, match="s="):
        sdp.format(Flow(format=AudioFormat(), payload_type=97, legs=ONE, name="x\na=y"), sending=CLOCKED)


@pytest.mark.parametrize("group", ["DUP primary", "DUP primary third", "DUP primary primary", "DUP primary secondary third"])
def test_a_group_that_is_no_pair_leaves_the_media_apart(group):
    text = sdp.format(Flow(format=AudioFormat(), payload_type=97, legs=TWO), sending=CLOCKED)
    read = sdp.parse(text.replace("DUP primary secondary", group))
    assert [len(media.flow.legs) for media in read.media] == [1, 1]
    assert any(warning.startswith(f"group={group}") for warning in read.warnings)


def test_a_media_section_is_a_leg_of_one_group_only():
    text = sdp.format(Flow(format=AudioFormat(), payload_type=97, legs=TWO), sending=CLOCKED)
    group = "a=group:DUP primary secondary"
    read = sdp.parse(text.replace(group, f"{group}\r\na=group:DUP secondary primary\r\na=group:LS primary secondary"))
    assert [len(media.flow.legs) for media in read.media] == [2]
    assert read.warnings == ("group=DUP secondary primary: a media section is in two groups",)


def test_legs_that_differ_in_clock_are_joined_and_told():
    text = sdp.format(Flow(format=AudioFormat(), payload_type=97, legs=TWO), sending=CLOCKED)
    read = sdp.parse(text.replace("02-00-00-00-00-01", "02-00-00-00-00-02", 1))
    assert [len(media.flow.legs) for media in read.media] == [2]
    assert read.warnings == ("group=DUP primary secondary: the two legs differ in clock or pace",)


def test_lines_that_are_none_are_passed_over_and_told():
    text = sdp.format(Flow(format=AudioFormat(), payload_type=97, legs=ONE), sending=CLOCKED)
    read = sdp.parse("\ufeff" + text.replace("t=0 0", "t=0 0\r\nnonsense\r\n"))
    assert read.warnings == ("'nonsense' is not a line of SDP",)


LINES = sdp.format(Flow(format=FORMATS[0], payload_type=101, legs=TWO), sending=CLOCKED).split("\r\n")
ODD = st.sampled_from(
    [
        "m=video 1 RTP/AVP 200", "m=audio 99999 RTP/AVP 96", "m= ", "c=IN IP4 /", "a=group:", "a=group:DUP", "a=mid:",
        "a=fmtp:101", "a=fmtp:101 ;=;", "a=rtpmap:101 raw/1/1/1", "a=rtpmap:101 L24/48000/0", "a=ptime:.", "a=ptime:0",
        "a=mediaclk:direct=", "a=source-filter: incl IN IP4 * x", "a=fmtp:101 exactframerate=0", "a", "v=1",
    ]
)  # fmt: skip


@given(st.text())
def test_random_text_raises_nothing_but_format_errors(text):
    with pytest.raises(FormatError):
        sdp.parse(text)


@given(st.data())
def test_a_mangled_transport_file_raises_nothing_but_format_errors(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = data.draw(st.integers(0, len(line)))
        kept = data.draw(st.sampled_from([line[:cut], line[cut:], line + line, line[:cut] + "٣²" + line[cut:]]))
        lines[at : at + 1] = data.draw(st.sampled_from([[], [line, line], [kept]])) or [data.draw(ODD)]
    try:
        read = sdp.parse("\n".join(lines))
    except FormatError:
        return
    assert all(media.flow.legs for media in read.media)
