"""Transport files in the style of real senders (ST 2110-20 §7, -21 §8, -30 §6, -40 §6, -10 §8, RFC 7104)."""

from fractions import Fraction

import pytest

from relip.essence.errors import FormatError
from relip.essence.flow import Leg
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat, video_format
from relip.wire import sdp
from relip.wire.sdp_media import Sending

pytestmark = pytest.mark.conformance

CAMERA = """\
v=0
o=- 1443716955 1443716955 IN IP4 192.168.39.10
s=CAM 1 - Studio B
i=2 channels: 1080p59.94
t=0 0
m=video 20000 RTP/AVP 96
c=IN IP4 239.100.9.10/32
a=source-filter: incl IN IP4 239.100.9.10 192.168.39.10
a=rtpmap:96 raw/90000
a=fmtp:96 sampling=YCbCr-4:2:2; width=1920; height=1080; exactframerate=60000/1001; depth=10; TCS=HLG; \
colorimetry=BT2100; RANGE=FULL; PM=2110BPM; SSN=ST2110-20:2022; TP=2110TPN; TROFF=637; CMAX=6; MAXUDP=1460; \
PAR=1:1; TSMODE=SAMP; TSDELAY=20000
a=ts-refclk:ptp=IEEE1588-2008:00-02-C5-FF-FE-21-60-5C:127
a=mediaclk:direct=0
"""

REDUNDANT = """\
v=0
o=- 0 0 IN IP4 10.0.0.1
s=redundant
t=0 0
a=group:DUP one two
m=video 5000 RTP/AVP 112
c=IN IP4 239.0.0.1/64
a=rtpmap:112 raw/90000
a=fmtp:112 sampling=YCbCr-4:2:2; width=1280; height=720; exactframerate=50; depth=10; colorimetry=BT709; PM=2110GPM; \
SSN=ST2110-20:2017; TP=2110TPNL;
a=source-filter: incl IN IP4 239.0.0.1 10.0.0.1
a=ts-refclk:ptp=IEEE1588-2008:traceable
a=mediaclk:direct=0
a=mid:one
m=video 5002 RTP/AVP 112
c=IN IP4 239.0.1.1/64
a=rtpmap:112 raw/90000
a=fmtp:112 sampling=YCbCr-4:2:2; width=1280; height=720; exactframerate=50; depth=10; colorimetry=BT709; PM=2110GPM; \
SSN=ST2110-20:2017; TP=2110TPNL;
a=source-filter: incl IN IP4 239.0.1.1 10.1.0.1
a=ts-refclk:ptp=IEEE1588-2008:traceable
a=mediaclk:direct=0
a=mid:two
"""

DESK = """\
v=0
o=audio 1 1 IN IP4 192.168.1.50
s=AES67 desk
c=IN IP4 239.69.1.1/15
t=0 0
a=ts-refclk:ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:0
m=audio 5004 RTP/AVP 98
a=rtpmap:98 L24/48000/2
a=fmtp:98 channel-order=SMPTE2110.(ST)
a=ptime:0.125
a=mediaclk:direct=963214424
"""

CAPTIONS = """\
v=0
o=- 5 5 IN IP4 10.0.0.7
s=anc
t=0 0
m=video 5010 RTP/AVP 100
c=IN IP4 239.0.0.7/64
a=source-filter: incl IN IP4 * 10.0.0.7
a=rtpmap:100 SMPTE291/90000
a=fmtp:100 DID_SDID={0x61,0x02}; DID_SDID={0x41,0x5}; VPID_Code=133; exactframerate=30000/1001; SSN=ST2110-40:2018;
a=ts-refclk:localmac=CA-FE-01-CA-FE-02
a=mediaclk:direct=0
"""


def test_a_camera_is_read_parameter_by_parameter():
    read = sdp.parse(CAMERA, interface="192.168.39.99")
    assert (read.name, read.information, read.warnings) == ("CAM 1 - Studio B", "2 channels: 1080p59.94", ())
    (media,) = read.media
    assert media.flow.format == VideoFormat(1920, 1080, Fraction(60000, 1001), colorimetry="BT2100", tcs="HLG", range="FULL")
    assert media.flow.payload_type == 96
    assert media.flow.name == "CAM 1 - Studio B"
    assert media.flow.legs == (Leg("239.100.9.10", 20000, interface="192.168.39.99", source="192.168.39.10"),)
    assert media.sending == Sending(
        ts_refclk="ptp=IEEE1588-2008:00-02-C5-FF-FE-21-60-5C:127",
        media_clock_offset=0,
        tp="2110TPN",
        pm="2110BPM",
        tsmode="SAMP",
        tsdelay_us=20000,
        troff_us=637,
        cmax=6,
        maxudp=1460,
    )


def test_two_media_of_one_group_are_the_legs_of_one_flow():
    read = sdp.parse(REDUNDANT, interface="10.0.0.2", second_interface="10.1.0.2")
    assert read.warnings == ()
    (media,) = read.media
    assert media.flow.format == video_format("720p50")
    assert media.flow.legs == (
        Leg("239.0.0.1", 5000, interface="10.0.0.2", source="10.0.0.1"),
        Leg("239.0.1.1", 5002, interface="10.1.0.2", source="10.1.0.1"),
    )


def test_an_aes67_desk_is_taken_with_its_offset_told():
    read = sdp.parse(DESK)
    (media,) = read.media
    assert media.flow.format == AudioFormat(channels=2, depth=24, packet_time=Fraction(1, 8000))
    assert media.flow.legs == (Leg("239.69.1.1", 5004),)
    assert media.sending.media_clock_offset == 963214424
    assert read.warnings == ("m=audio 5004: mediaclk=direct=963214424: ST 2110-10 §8.3 wants 0",)


def test_ancillary_data_in_capitals_keep_every_identifier():
    read = sdp.parse(CAPTIONS)
    (media,) = read.media
    assert media.flow.format == AncFormat(rate=Fraction(30000, 1001), did_sdid=((0x61, 0x02), (0x41, 0x05)))
    assert media.flow.legs[0].source == "10.0.0.7"
    assert read.warnings == ()


def test_ancillary_data_need_no_parameters():
    read = sdp.parse(CAPTIONS.replace("a=fmtp", "a=x-fmtp"))
    assert read.media[0].flow.format == AncFormat()


def test_an_encoder_of_free_software_is_taken_with_warnings():
    text = """\
v=0
o=- 0 0 IN IP4 127.0.0.1
s= 
c=IN IP4 239.0.0.9/16
t=0 0
m=video 5004 RTP/AVP 96
a=rtpmap:96 raw/90000
a=fmtp:96 sampling=YCbCr-4:2:2; width=1920; height=1080; depth=10; exactframerate=25; colorimetry=BT709-2
""".replace("\n", "\r\n")  # noqa: W291  a blank s= is the point
    read = sdp.parse(text)
    assert read.media[0].flow.format == VideoFormat(1920, 1080, Fraction(25), colorimetry="BT709-2")
    assert read.media[0].flow.name == "unnamed"
    assert read.media[0].flow.legs[0].source is None
    assert read.media[0].sending == Sending(ts_refclk=None, media_clock_offset=None, tp=None, pm=None)
    assert read.warnings == (
        "s= is blank",
        "m=video 5004: SSN is missing",
        "m=video 5004: colorimetry=BT709-2 is not known",
        "m=video 5004: TP is missing",
        "m=video 5004: PM is missing",
        "m=video 5004: ts-refclk is missing",
        "m=video 5004: mediaclk is missing",
    )


FFMPEG = """\
v=0
o=- 0 0 IN IP4 127.0.0.1
s=No Name
c=IN IP4 127.0.0.1
t=0 0
a=tool:libavformat 59.27.100
m=video 45004 RTP/AVP 96
b=AS:46080
a=rtpmap:96 raw/90000
a=fmtp:96 sampling=YCbCr-4:2:2; width=640; height=360; depth=10
"""


def test_a_sender_that_does_not_say_its_rate_is_refused_unless_it_is_known_from_elsewhere():
    with pytest.raises(FormatError, match="exactframerate is missing"):
        sdp.parse(FFMPEG)
    read = sdp.parse(FFMPEG, rate=Fraction(30000, 1001))
    assert read.media[0].flow.format == VideoFormat(640, 360, Fraction(30000, 1001))
    assert "m=video 45004: exactframerate is missing: 30000/1001 is taken" in read.warnings
    assert sdp.flow(FFMPEG, VideoFormat, rate=Fraction(25)).format.rate == 25


def test_what_the_file_says_of_its_rate_goes_before_what_is_known_from_elsewhere():
    assert sdp.flow(CAMERA, VideoFormat, rate=Fraction(25)).format.rate == Fraction(60000, 1001)


@pytest.mark.parametrize(
    ("said", "rate"),
    [("25", Fraction(25)), ("59.94", Fraction(60000, 1001)), ("23.98", Fraction(24000, 1001)), ("100", Fraction(100))],
)
def test_a_frame_rate_in_the_words_of_rfc_4566_is_taken_where_it_stands_for_an_exact_one(said, rate):
    assert sdp.flow(f"{FFMPEG}a=framerate:{said}\n", VideoFormat, rate=Fraction(50)).format.rate == rate


@pytest.mark.parametrize("said", ["0", "12.5", "29.970029", "-25", "fast", ""])
def test_a_frame_rate_that_stands_for_no_exact_one_is_not_taken(said):
    with pytest.raises(FormatError, match="exactframerate is missing"):
        sdp.parse(f"{FFMPEG}a=framerate:{said}\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("depth=10;", "depth=10; interlace;", "interlace"),
        ("depth=10;", "depth=10; interlace; segmented;", "interlace"),
        ("depth=10;", "depth=10; segmented;", "segmented"),
        ("YCbCr-4:2:2", "YCbCr-4:4:4", "sampling=YCbCr-4:4:4"),
        ("YCbCr-4:2:2", "RGB", "sampling=RGB"),
        ("depth=10", "depth=8", "depth=8"),
        ("depth=10", "depth=16f", "depth=16f"),
        ("width=1920; ", "", "width is missing"),
        ("height=1080; ", "", "height is missing"),
        ("exactframerate=60000/1001; ", "", "exactframerate is missing"),
        ("60000/1001", "59.94", "exactframerate=59.94"),
        ("60000/1001", "60000/0", "exactframerate=60000/0"),
        ("width=1920", "width=wide", "width=wide"),
        ("width=1920", "width=1921", "width=1921"),
        ("raw/90000", "raw/27000", "rate=27000"),
        ("raw/90000", "jxsv/90000", "encoding=jxsv"),
        ("a=rtpmap:96", "a=rtpmap:97", "rtpmap is missing for payload type 96"),
        ("RTP/AVP 96", "RTP/SAVP 96", "protocol=RTP/SAVP"),
        ("IN IP4 239.100.9.10/32", "IN IP6 ff3e::10", "IP6"),
        ("c=IN", "x=IN", "c= is missing"),
        ("239.100.9.10/32", "239.100.9.10000/32", "239.100.9.10000"),
        ("m=video 20000", "m=video 0", "port=0"),
        ("v=0\n", "", "v=0 is missing"),
    ],
)
def test_what_cannot_be_received_is_refused_by_parameter_and_value(old, new, message):
    with pytest.raises(FormatError, match=message):
        sdp.parse(CAMERA.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("L24/48000/2", "AM824/48000/2", "encoding=am824"),
        ("L24/48000/2", "L20/48000/2", "encoding=l20"),
        ("L24/48000/2", "L24/96000/2", "rate=96000"),
        ("L24/48000/2", "L24/48000/65", "channels=65"),
        ("ptime:0.125", "ptime:4", "ptime=4"),
        ("ptime:0.125", "ptime:short", "ptime=short"),
    ],
)
def test_audio_that_cannot_be_received_is_refused_by_parameter_and_value(old, new, message):
    with pytest.raises(FormatError, match=message):
        sdp.parse(DESK.replace(old, new))


def test_a_text_without_media_is_refused():
    with pytest.raises(FormatError, match="m= is missing"):
        sdp.parse(CAMERA.split("m=video", maxsplit=1)[0])


def test_legs_of_different_essence_are_refused():
    broken = REDUNDANT.replace("height=720", "height=1080", 1)
    with pytest.raises(FormatError, match="DUP one two"):
        sdp.parse(broken)


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("TP=2110TPN;", "TP=2110TPX;", "TP=2110TPX is not known"),
        ("PM=2110BPM;", "PM=2110XPM;", "PM=2110XPM is not known"),
        ("SSN=ST2110-20:2022;", "SSN=ST2110-22:2019;", "SSN=ST2110-22:2019 is not known"),
        ("TROFF=637", "TROFF=-1", "TROFF=-1 is not a whole number"),
        ("CMAX=6", "CMAX=six", "CMAX=six is not a whole number"),
        ("MAXUDP=1460", "MAXUDP=8960", "MAXUDP=8960: packets beyond 1460 octets may be refused on receipt"),
        ("PAR=1:1", "PAR=12:11", "PAR=12:11: taken as 1:1"),
        ("TSMODE=SAMP", "TSMODE=LATER", "TSMODE=LATER is not known"),
        ("colorimetry=BT2100; ", "", "colorimetry is missing"),
        ("direct=0", "sender", "mediaclk=sender: timestamps are not of TAI"),
        ("direct=0", "IEEE1722", "mediaclk=IEEE1722 is not known"),
        ("ptp=IEEE1588-2008:00-02-C5-FF-FE-21-60-5C:127", "ntp=/traceable/", "ts-refclk=ntp=/traceable/ is not known"),
        ("incl IN", "excl IN", "source-filter=excl IN IP4 239.100.9.10 192.168.39.10 is passed over"),
        (
            "239.100.9.10 192.168.39.10",
            "239.100.9.10 192.168.39.10 192.168.39.11",
            "source-filter names more than one sender: 192.168.39.10 is taken",
        ),
    ],
)
def test_what_is_odd_without_harm_is_a_warning(old, new, warning):
    read = sdp.parse(CAMERA.replace(old, new))
    assert read.warnings == (f"m=video 20000: {warning}",)
    assert (read.media[0].flow.format.width, read.media[0].flow.format.height) == (1920, 1080)


def test_the_text_we_write_is_this():
    flow = sdp.flow(REDUNDANT, VideoFormat)
    text = sdp.format(
        flow,
        sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable", tp="2110TPW", tsmode="PRES", tsdelay_us=200_000),
        information="Contains synthetic media",
        session_id=7,
        session_version=8,
    )
    fmtp = (
        "a=fmtp:112 sampling=YCbCr-4:2:2; width=1280; height=720; exactframerate=50; depth=10; TCS=SDR; "
        "colorimetry=BT709; PM=2110GPM; SSN=ST2110-20:2017; TP=2110TPW; TSMODE=PRES; TSDELAY=200000"
    )
    assert text.split("\r\n") == [
        "v=0",
        "o=- 7 8 IN IP4 10.0.0.1",
        "s=redundant",
        "i=Contains synthetic media",
        "t=0 0",
        "a=group:DUP primary secondary",
        "m=video 5000 RTP/AVP 112",
        "c=IN IP4 239.0.0.1/64",
        "a=source-filter: incl IN IP4 239.0.0.1 10.0.0.1",
        "a=rtpmap:112 raw/90000",
        fmtp,
        "a=ts-refclk:ptp=IEEE1588-2008:traceable",
        "a=mediaclk:direct=0",
        "a=mid:primary",
        "m=video 5002 RTP/AVP 112",
        "c=IN IP4 239.0.1.1/64",
        "a=source-filter: incl IN IP4 239.0.1.1 10.1.0.1",
        "a=rtpmap:112 raw/90000",
        fmtp,
        "a=ts-refclk:ptp=IEEE1588-2008:traceable",
        "a=mediaclk:direct=0",
        "a=mid:secondary",
        "",
    ]
