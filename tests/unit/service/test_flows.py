"""From configuration and command line to the legs of a flow, and what is told of them."""

from contextlib import nullcontext
from fractions import Fraction
from types import SimpleNamespace

import pytest

from relip import config
from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import VideoFormat
from relip.graph.delay import Apart
from relip.peers.report import LegReport, SentLegReport
from relip.ports import Schedule
from relip.service.compose.flows import apart_of, differential_ns, out_legs, refuse_own_input, video_in, voice_in
from relip.service.legs import SILENT, LegLog
from relip.service.options import legs
from relip.service.send import Patient
from relip.transport.loopback import Link
from relip.wire import sdp
from relip.wire.sdp_media import Sending
from transport_contract import burst_of, payloads

pytestmark = pytest.mark.unit

SECOND = {"destination": "239.2.1.1", "port": 5014, "interface": "10.1.0.5", "source": "10.1.0.9"}
VIDEO = {"destination": "239.1.1.1", "port": 5004, "interface": "10.0.0.5", "source": "10.0.0.9", "format": "1080p25"}
VOICE = {"destination": "239.1.1.2", "port": 5006}
OUT = {"destination": "239.1.1.3", "port": 5008, "interface": "10.0.0.5"}


def parsed(video=VIDEO, voice=VOICE, output=OUT):
    return config.parse({"video": video, "voice": voice, "output": {"video": output}}, where="here")


def test_keys_give_both_legs_each_with_its_own_interface_and_sender():
    flow, said = video_in(parsed({**VIDEO, "redundant": SECOND}))
    assert said is None
    assert flow.legs == (
        Leg("239.1.1.1", 5004, interface="10.0.0.5", source="10.0.0.9"),
        Leg("239.2.1.1", 5014, interface="10.1.0.5", source="10.1.0.9"),
    )


def test_a_second_leg_without_an_interface_is_received_on_that_of_the_first():
    flow, _ = voice_in(
        parsed(voice={**VOICE, "interface": "10.0.0.5", "redundant": {"destination": "239.2.1.2", "port": 5006}})
    )
    assert [leg.interface for leg in flow.legs] == ["10.0.0.5", "10.0.0.5"]


@pytest.mark.parametrize(("second", "interface"), [(None, "10.0.0.5"), ({"interface": "10.1.0.5"}, "10.1.0.5")])
def test_a_transport_file_gives_both_legs(tmp_path, second, interface):
    both = Flow(VideoFormat(1920, 1080, Fraction(25)), 96, (Leg("239.1.1.1", 5004), Leg("239.2.1.1", 5004)))
    (tmp_path / "camera.sdp").write_text(sdp.format(both, sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable")))
    keys = {"sdp": str(tmp_path / "camera.sdp"), "interface": "10.0.0.5"}
    flow, _ = video_in(parsed({**keys, "redundant": second} if second else keys))
    assert [(leg.destination, leg.interface) for leg in flow.legs] == [("239.1.1.1", "10.0.0.5"), ("239.2.1.1", interface)]


def test_a_second_leg_that_the_transport_file_does_not_have_is_missed_at_start(tmp_path):
    single = Flow(VideoFormat(1920, 1080, Fraction(25)), 96, (Leg("239.1.1.1", 5004),))
    (tmp_path / "camera.sdp").write_text(sdp.format(single, sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable")))
    with pytest.raises(FormatError, match=r"camera\.sdp: redundant is given, but the flow has one leg"):
        video_in(parsed({"sdp": str(tmp_path / "camera.sdp"), "redundant": {"interface": "10.1.0.5"}}))


@pytest.mark.parametrize(
    ("redundant", "said"),
    [
        (None, None),
        (SECOND, 10_000_000),
        ({**SECOND, "path_class": "B"}, 50_000_000),
        ({**SECOND, "path_class": "C"}, 150_000_000),
        ({**SECOND, "path_class": "D"}, 150_000),
    ],
)
def test_the_class_says_how_far_the_legs_may_be_apart(redundant, said):
    read = parsed({**VIDEO, "redundant": redundant} if redundant else VIDEO)
    assert differential_ns(read.video, video_in(read)[0]) == said


@pytest.mark.parametrize(
    ("video", "named"),
    [
        ({**VIDEO, "redundant": {"interface": "10.1.0.5"}}, "destination and port are needed"),
        ({"sdp": "a.sdp", "redundant": {"destination": "239.2.1.1", "port": 5004}}, "leave out destination, port and source"),
        ({"sdp": "a.sdp", "redundant": {"source": "10.1.0.9"}}, "leave out destination, port and source"),
        ({**VIDEO, "redundant": {**SECOND, "path_class": "E"}}, "path_class"),
        ({**VIDEO, "redundant": {**SECOND, "ttl": 3}}, "ttl"),
    ],
)
def test_a_second_leg_that_cannot_be_is_refused_by_name(video, named):
    with pytest.raises(FormatError, match=named):
        parsed(video)


def test_the_transport_file_of_an_output_has_both_legs_each_with_its_own_filter():
    read = parsed(output={**OUT, "redundant": {"destination": "239.2.1.3", "port": 5018, "interface": "10.1.0.5"}})
    flow = Flow(VideoFormat(1920, 1080, Fraction(25)), 96, out_legs(read.output.video))
    text = sdp.format(flow, sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable"))
    assert "a=group:DUP primary secondary\r\n" in text
    assert "a=source-filter: incl IN IP4 239.1.1.3 10.0.0.5\r\n" in text
    assert "a=source-filter: incl IN IP4 239.2.1.3 10.1.0.5\r\n" in text
    assert text.count("a=mid:") == 2


def test_the_command_line_takes_two_places_and_two_interfaces():
    assert legs("239.1.1.1:5004", "--to", "10.0.0.5") == (Leg("239.1.1.1", 5004, interface="10.0.0.5"),)
    both = legs("239.1.1.1:5004,239.2.1.1:5014", "--to", "10.0.0.5,10.1.0.5")
    assert both == (Leg("239.1.1.1", 5004, interface="10.0.0.5"), Leg("239.2.1.1", 5014, interface="10.1.0.5"))
    assert [leg.interface for leg in legs("239.1.1.1:1,239.2.1.1:2", "--to", "10.0.0.5")] == ["10.0.0.5"] * 2
    assert legs("239.1.1.1:5004", "--to", "10.0.0.5,10.1.0.5") == legs("239.1.1.1:5004", "--to", "10.0.0.5")


@pytest.mark.parametrize("text", ["239.1.1.1:1,239.2.1.1:2,239.3.1.1:3", "239.1.1.1", "239.1.1.1:1,", "239.1.1.1:1,x:2"])
def test_what_are_not_one_or_two_places_is_refused(text):
    with pytest.raises(FormatError):
        legs(text, "--to", "10.0.0.5")


class Lines:
    """A log that keeps its lines."""

    def __init__(self):
        self.lines = []
        self.log = LegLog(SimpleNamespace(warning=self._line, info=self._line))

    def _line(self, event, **more):
        assert event == "leg"
        self.lines.append({key: value for key, value in more.items() if key not in ("flow", "leg")})

    def look(self, *legs):
        self.lines.clear()
        self.log.look("video", [LegReport(leg=f"leg {k}", **told) for k, told in enumerate(legs)])
        return list(self.lines)


def test_a_leg_that_goes_and_comes_back_is_told_once_each_way():
    lines = Lines()
    assert lines.look({"received": 10}, {"received": 10}) == []
    assert lines.look({"received": 20}, {"received": 10, "lost": 10}) == [{"gone": SILENT}]
    assert lines.look({"received": 30}, {"received": 10, "lost": 20}) == []
    assert lines.look({"received": 40}, {"received": 20, "lost": 20}) == [{"back": True}]


def test_with_both_legs_silent_neither_is_said_to_be_gone():
    lines = Lines()
    lines.look({"received": 10}, {"received": 10})
    assert lines.look({"received": 10}, {"received": 10}) == []


def test_a_fault_is_told_in_its_own_words_and_a_leg_that_loses_packets_once_a_look():
    lines = Lines()
    assert lines.look({"received": 10, "fault": "no such device"}) == [{"gone": "no such device"}]
    assert lines.look({"received": 20}) == [{"back": True}]
    assert lines.look({"received": 30, "lost": 3}) == [{"lost": 3}]
    assert lines.look({"received": 40, "lost": 4}) == [{"lost": 1}]


def test_a_leg_that_cannot_be_sent_to_is_told():
    lines = Lines()
    for fault, said in (("unreachable", [{"gone": "unreachable"}]), ("unreachable", []), (None, [{"back": True}])):
        lines.lines.clear()
        lines.log.look_out("output video", [SentLegReport(leg="a", fault=fault)])
        assert lines.lines == said


def test_a_sender_outlives_its_network():
    class Gone:
        """A sink whose network is away."""

        def send(self, _burst):
            raise ResourceError("the network is unreachable")

        def close(self):
            pass

    burst = burst_of(payloads(), schedule=Schedule())
    burst.measured[:] = 9  # of the grain before
    assert Patient(Gone()).send(burst) == 0
    assert not burst.measured.any()
    assert Patient(Link().sink).send(burst) == len(payloads())


def test_the_latency_allows_for_the_slowest_of_what_goes_with_a_picture():
    beside = {"destination": "239.1.1.4", "port": 5010, "redundant": {**SECOND, "path_class": "B"}}
    keys = {"video": {**VIDEO, "redundant": SECOND}, "voice": VOICE, "output": {"video": OUT}}
    read = config.parse(keys, where="here")
    assert apart_of(read, video_in(read)[0], voice_in(read)[0]) == Apart(picture_ns=10_000_000, voice_ns=0)
    read = config.parse(
        {**keys, "ancillary": beside, "output": {"video": OUT, "ancillary": {**OUT, "port": 5012}}}, where="here"
    )
    assert apart_of(read, video_in(read)[0], voice_in(read)[0]) == Apart(picture_ns=50_000_000, voice_ns=0)


@pytest.mark.parametrize(("interface", "meets"), [("10.0.0.5", True), ("10.1.0.5", False)])
def test_an_output_to_where_a_transport_file_says_that_the_input_is_is_refused(tmp_path, interface, meets):
    camera = Flow(VideoFormat(1920, 1080, Fraction(25)), 96, (Leg("239.1.1.3", 5008),))
    (tmp_path / "camera.sdp").write_text(sdp.format(camera, sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable")))
    read = parsed({"sdp": str(tmp_path / "camera.sdp"), "interface": interface})
    with (
        pytest.raises(FormatError, match=r"output.video: 239.1.1.3:5008 on 10.0.0.5 is that of video")
        if meets
        else nullcontext()
    ):
        refuse_own_input(read, video_in(read)[0], voice_in(read)[0])
