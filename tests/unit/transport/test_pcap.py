"""Captures written here octet by octet, and replayed."""

import pytest

from packet_files import MAC, RAW, VLAN, ethernet, ip, pcap, pcapng, udp
from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.ports import Chunk
from relip.transport.pcap import PcapSource
from transport_contract import SourceContract, payloads, receive_all

pytestmark = pytest.mark.unit

LEG = Leg("239.1.2.3", 5004)


@pytest.fixture
def capture(tmp_path):
    def write(octets):
        path = tmp_path / "capture"
        path.write_bytes(octets)
        return path

    return write


@pytest.fixture(params=[pcap, pcapng], ids=["pcap", "pcapng"])
def filled(request, capture):
    return PcapSource(capture(request.param(*(ethernet(ip(udp(p))) for p in payloads()))), LEG)


class TestPcap(SourceContract):
    """The contract, on both kinds of file."""


def replayed(path, leg=LEG):
    return receive_all(PcapSource(path, leg), 100)


def test_vlan_tags_and_ip_options_are_passed_over(capture):
    options = bytes.fromhex("94040000")  # router alert (RFC 2113)
    frames = (ethernet(ip(udp(b"one")), vlan=VLAN), ethernet(ip(udp(b"two"), options=options)))
    assert replayed(capture(pcap(*frames))) == [b"one", b"two"]


def test_raw_ip_is_known(capture):
    assert replayed(capture(pcap(ip(udp(b"one")), link=RAW))) == [b"one"]


def test_only_the_legs_own_packets_are_given(capture):
    path = capture(
        pcap(
            ethernet(ip(udp(b"mine"))),
            ethernet(ip(udp(b"other port", port=5006))),
            ethernet(ip(udp(b"other group"), destination="239.1.2.4")),
            ethernet(ip(udp(b"other sender"), source="192.0.2.8")),
            ethernet(ip(udp(b"not UDP"), protocol=6)),
        )
    )
    assert replayed(path, Leg("239.1.2.3", 5004, source="192.0.2.7")) == [b"mine"]
    assert replayed(path) == [b"mine", b"other sender"]


def test_the_padding_of_a_short_ethernet_frame_is_not_payload(capture):
    assert replayed(capture(pcap(ethernet(ip(udp(b"short"))) + bytes(20)))) == [b"short"]


def test_fragments_and_packets_cut_short_are_left_out_and_counted(capture):
    frames = (ip(udp(b"whole")), ip(udp(b"part"), fragment=0x2000), ip(udp(b"cut", length=500)), ip(b"tiny"))
    source = PcapSource(capture(pcap(*(ethernet(f) for f in frames))), LEG)
    assert receive_all(source, 100) == [b"whole"]
    assert source.skipped == 3


def test_frames_that_are_not_ip_are_passed_over(capture):
    arp = MAC + bytes.fromhex("0806") + bytes(28)
    assert replayed(capture(pcap(arp, b"\x01", ethernet(ip(udp(b"mine")))))) == [b"mine"]


def test_an_empty_capture_is_exhausted_at_once(capture):
    source = PcapSource(capture(pcap()), LEG)
    assert source.receive(Chunk.of(4), 10**9) == 0


def test_a_missing_file_is_a_resource_error(tmp_path):
    with pytest.raises(ResourceError, match="nothing-here"):
        PcapSource(tmp_path / "nothing-here", LEG)


@pytest.mark.parametrize(
    "octets", [b"", b"not a capture", bytes(64), pcap(ethernet(ip(udp(b"x"))))[:30], pcapng(ethernet(ip(udp(b"x"))))[:-9]]
)
def test_a_broken_file_is_a_resource_error(capture, octets):
    with pytest.raises(ResourceError, match="capture"):
        PcapSource(capture(octets), LEG)


def test_an_unknown_link_type_is_named(capture):
    with pytest.raises(ResourceError, match="link type 147"):
        PcapSource(capture(pcap(link=147)), LEG)
