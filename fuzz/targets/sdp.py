"""A text is read or refused with a FormatError; a flow that is read can be written, and reads back as the same."""

from fractions import Fraction

from relip.essence.errors import FormatError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, AudioFormat, video_format
from relip.wire import sdp
from relip.wire.sdp_media import Sending


def check(data: bytes) -> None:
    """Read a text; write and read each of its flows again."""
    try:
        read = sdp.parse(data.decode("utf-8", errors="replace"), rate=Fraction(25))
    except FormatError:
        return
    for each in read.media:
        sending = Sending(
            ts_refclk="localmac=00-00-00-00-00-01",
            tp=each.sending.tp,
            pm=each.sending.pm,
            tsmode=each.sending.tsmode,
            tsdelay_us=each.sending.tsdelay_us,
        )
        try:
            text = sdp.format(each.flow, sending=sending)
        except FormatError:
            assert len(each.flow.name.splitlines()) > 1
            continue
        again = sdp.parse(text).media[0].flow
        assert (again.format, again.payload_type) == (each.flow.format, each.flow.payload_type)
        assert [(leg.destination, leg.port) for leg in again.legs] == [(leg.destination, leg.port) for leg in each.flow.legs]


def seeds() -> list[bytes]:
    """One of each essence, and one on two legs."""
    legs = (Leg("239.1.1.1", 5004, source="10.0.0.1"), Leg("239.1.1.2", 5006, source="10.0.1.1"))
    forms = (video_format("1080p59.94"), AudioFormat(channels=2), AncFormat(Fraction(25), ((0x61, 0x02),)))
    said = Sending(ts_refclk="ptp=IEEE1588-2008:traceable", tsmode="SAMP", tsdelay_us=20_000, troff_us=10, cmax=6, maxudp=1460)
    texts = [sdp.format(Flow(form, 100, legs[:n], name="seed"), sending=said) for form in forms for n in (1, 2)]
    ffmpeg = texts[0].replace("exactframerate=60000/1001; ", "") + "a=framerate:59.94\r\n"
    return [text.encode() for text in (*texts, ffmpeg, texts[0] + texts[2][texts[2].index("m=") :])]
