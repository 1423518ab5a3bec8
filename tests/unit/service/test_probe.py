"""`relip probe` over capture files: what it finds, what it passes over, and what it says of wrong input."""

import json
import sys

import pytest

from packet_files import ethernet, ip, pcap, stamped_pcap, udp
from probed import LEG, PACKETS, RASTER, Video, capture_of
from relip.essence.flow import Flow, Leg
from relip.service import cli
from relip.wire import sdp
from relip.wire.sdp_media import Sending

pytestmark = pytest.mark.unit


@pytest.fixture
def ran(monkeypatch, capsys):
    """Runs `relip probe`: its exit code, what it said, and its report where there is one."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["relip", "probe", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        return code, told.err, json.loads(told.out) if told.out.strip() else None

    return run


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def capture(tmp_path):
    return capture_of(tmp_path / "flow.pcap", (LEG, Video().frames(6).packets))


def transport_file(source):
    flow = Flow(RASTER, 96, (LEG,), name="studio 1")
    return sdp.format(flow, sending=Sending(ts_refclk="localmac=00-00-00-00-00-01", tp="2110TPNL"), source=source)


def test_every_rtp_flow_of_a_capture_is_found_and_others_are_passed_over(ran, tmp_path):
    other = Leg("239.1.2.9", 5010)
    ptp = (1, ethernet(ip(udp(b"\x00\x02\x00\x2c" + bytes(40), port=319), destination="224.0.1.129")))
    path = capture_of(tmp_path / "flows.pcap", (LEG, Video().frames(6).packets), (other, Video().frames(6).packets))
    path.write_bytes(path.read_bytes() + stamped_pcap([ptp])[24:])
    code, _, report = ran(path, "--json", "-")
    assert code == 0
    assert [flow["name"] for flow in report["flows"]] == ["239.1.2.3:5004", "239.1.2.9:5010"]
    assert report["remarks"] == ["passed over, not RTP: 224.0.1.129:319"]
    assert report["clock"] == "the file's stamps, taken as UTC, + 37 s"
    assert report["flows"][0]["legs"][0]["video"]["met"] == ["2110TPN", "2110TPW"]


def test_a_transport_file_names_the_flow_and_what_it_says_is_compared(ran, capture, tmp_path):
    (tmp_path / "flow.sdp").write_text(transport_file("192.0.2.7"))
    code, told, report = ran(capture, tmp_path / "flow.sdp", "--json", "-")
    assert code == 0
    (flow,) = report["flows"]
    assert (flow["name"], flow["stated"]) == ("studio 1", "720x160p50, 4:2:2 10 bit")
    assert flow["differences"] == ["TP=2110TPNL is stated, 0.0% of the frames keep it"]
    assert "TP=2110TPNL is stated" in told


def test_a_source_filter_that_names_another_sender_is_told(ran, capture, tmp_path):
    (tmp_path / "flow.sdp").write_text(transport_file("192.0.2.99"))
    code, told, _ = ran(capture, tmp_path / "flow.sdp")
    assert code == 1
    assert "239.1.2.3:5004 is sent by 192.0.2.7, and 192.0.2.99 was asked for" in told


def test_stamps_of_tai_are_taken_as_they_are(ran, capture):
    _, _, report = ran(capture, "--leap-seconds", "0", "--json", "-")
    flow = report["flows"][0]
    assert flow["legs"][0]["video"]["reference"] == "flow"
    assert "37 s ahead of TAI" in flow["remarks"][0]


def test_a_capture_cut_off_in_a_packet_is_used_and_said(ran, capture):
    capture.write_bytes(capture.read_bytes()[:-3])
    code, _, report = ran(capture, "--json", "-")
    assert code == 0
    assert report["flows"][0]["legs"][0]["packets"]["received"] == 6 * PACKETS - 1
    assert "ends inside a packet" in report["remarks"][0]


def test_a_page_is_drawn(ran, capture, tmp_path):
    pytest.importorskip("matplotlib", reason="the page needs the extra probe")
    code, _, _ = ran(capture, "--png", tmp_path / "page.png")
    assert code == 0
    assert (tmp_path / "page.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["239.1.1.1"], 2, "is not ADDRESS:PORT"),
        (["239.1.1.1:5004,239.1.1.2:5004,239.1.1.3:5004"], 2, "a flow has one leg, or two"),
        (["239.1.1.1:0"], 2, "is not a UDP port"),
        (["nowhere:5004"], 2, "is not an IPv4 address"),
        (["none.sdp"], 1, "none.sdp: No such file"),
        (["none.pcap"], 1, "none.pcap: cannot be read as a capture"),
        (["a.pcap", "b.pcapng"], 2, "b.pcapng: one capture at a time"),
        (["239.1.1.1:5004", "239.1.1.1:5004"], 2, "239.1.1.1:5004 on 127.0.0.1 is named twice"),
        (["239.1.1.1:5004", "--format", "1080i25"], 2, "1080i25"),
        (["239.1.1.1:5004", "--seconds", "0"], 2, "--seconds"),
        (["239.1.1.1:5004", "--leap-seconds", "9999999999999"], 2, "--leap-seconds"),
        (["239.1.1.1:5004", "--seconds", "nan"], 2, "--seconds=nan is not a time"),
        (["239.1.1.1:5004", "--json", "nowhere/a.json"], 1, "nowhere/a.json"),
        ([], 2, "Missing argument"),
    ],
)
@pytest.mark.usefixtures("elsewhere")
def test_wrong_input_is_one_line_and_an_exit_code(ran, arguments, code, words):
    ended, told, _ = ran(*arguments)
    assert ended == code
    assert words in told


def test_a_capture_without_a_flow_is_named(ran, tmp_path):
    (tmp_path / "none.pcap").write_bytes(pcap())
    ended, told, _ = ran(tmp_path / "none.pcap")
    assert ended == 1
    assert f"no packet of RTP came: there is none in {tmp_path / 'none.pcap'}" in told


def test_a_file_of_another_kind_is_named(ran, tmp_path):
    (tmp_path / "a.pcap.gz").write_bytes(b"")
    ended, told, _ = ran(tmp_path / "a.pcap.gz")
    assert ended == 2
    assert "neither a transport file (.sdp) nor a capture (.pcap, .pcapng, .cap)" in told


def test_a_transport_file_that_is_none_is_named(ran, tmp_path):
    (tmp_path / "odd.sdp").write_bytes(b"\xff\xfe")
    ended, told, _ = ran(tmp_path / "odd.sdp")
    assert ended == 2
    assert "odd.sdp" in told


def test_a_gate_lets_pass_what_is_as_it_was_said(ran, capture):
    assert ran(capture, "--gate")[0] == 0


def test_a_gate_fails_on_a_difference_and_on_a_loss(ran, tmp_path):
    packets = Video().frames(6).packets
    del packets[700]
    (tmp_path / "flow.sdp").write_text(transport_file("192.0.2.7"))
    path = capture_of(tmp_path / "lossy.pcap", (LEG, packets))
    code, told, report = ran(path, tmp_path / "flow.sdp", "--gate", "--json", "-")
    assert code == 1
    assert told.endswith("relip: studio 1: TP=2110TPNL is stated, 0.0% of the frames keep it; studio 1: lost 1 packets\n")
    assert report is not None


def test_a_gate_lets_pass_what_the_other_leg_mends(ran, tmp_path):
    other = Leg("239.1.2.4", 5004)
    first = Video().frames(6).packets
    second = list(first)
    del first[700], second[900]
    flow = Flow(RASTER, 96, (LEG, other), name="two")
    said = Sending(ts_refclk="localmac=00-00-00-00-00-01", tp="2110TPN")
    (tmp_path / "two.sdp").write_text(sdp.format(flow, sending=said, source="192.0.2.7"))
    path = capture_of(tmp_path / "two.pcap", (LEG, first), (other, second))
    assert ran(path, tmp_path / "two.sdp", "--gate")[0] == 0
    _, _, report = ran(path, "239.1.2.3:5004,239.1.2.4:5004", "--json", "-")
    assert report["flows"][0]["redundancy"]["only"] == [1, 1]


def test_a_flow_of_which_nothing_came_is_a_failure(ran, capture):
    ended, told, report = ran(capture, "239.9.9.9:5004", "--json", "-")
    assert ended == 1
    assert "no packet of RTP came: 239.9.9.9:5004" in told
    assert report["flows"][0]["found"] == "nothing came"
