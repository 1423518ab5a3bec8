"""Captures written here octet by octet, and replayed."""

import struct

import pytest

from packet_files import (
    COOKED,
    COOKED_2,
    IPV4,
    MAC,
    NS,
    RAW,
    SECONDS,
    VLAN,
    block,
    enhanced,
    ethernet,
    interface,
    ip,
    option,
    pcap,
    pcapng,
    section,
    udp,
)
from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.ports import Chunk
from relip.transport.pcap import Capture, CapturedFlow, PcapSource
from transport_contract import LENGTHS, SourceContract, StampContract, payloads, receive_all

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


@pytest.fixture
def sent():
    return (SECONDS * NS, (SECONDS + len(LENGTHS)) * NS)


class TestPcap(SourceContract, StampContract):
    """The contracts, on both kinds of file."""


def replayed(path, leg=LEG):
    return receive_all(PcapSource(path, leg), 100)


def test_vlan_tags_and_ip_options_are_passed_over(capture):
    options = bytes.fromhex("94040000")  # router alert (RFC 2113)
    frames = (ethernet(ip(udp(b"one")), vlan=VLAN), ethernet(ip(udp(b"two"), options=options)))
    assert replayed(capture(pcap(*frames))) == [b"one", b"two"]


def test_raw_ip_is_known(capture):
    assert replayed(capture(pcap(ip(udp(b"one")), link=RAW))) == [b"one"]


@pytest.mark.parametrize(
    ("link", "header"),
    [(COOKED, bytes(14) + IPV4), (COOKED, bytes(14) + VLAN + IPV4), (COOKED_2, IPV4 + bytes(18))],
)
def test_linux_cooked_captures_are_known(capture, link, header):
    assert replayed(capture(pcap(header + ip(udp(b"one")), link=link))) == [b"one"]


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
        PcapSource(capture(pcap(ethernet(ip(udp(b"x"))), link=147)), LEG)


def stamps(path):
    chunk = Chunk.stamped(8)
    PcapSource(path, LEG).receive(chunk, 0)
    return chunk.arrivals[: chunk.count].tolist()


FRAME = ethernet(ip(udp(b"one")))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_a_pcap_file_stamps_in_microseconds_or_nanoseconds_in_either_byte_order(capture, order, magic, unit):
    path = capture(pcap(FRAME, FRAME, order=order, magic=magic, fraction=123_457))
    assert stamps(path) == [SECONDS * NS + 123_457 * unit, (SECONDS + 1) * NS + 123_457 * unit]
    assert Capture(path).resolution_ns == unit


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("options", "units", "ns"),
    [
        ((), SECONDS * 1_000_000 + 123_457, SECONDS * NS + 123_457_000),
        (((9, b"\x09"),), SECONDS * NS + 123_456_789, SECONDS * NS + 123_456_789),
        (((9, b"\x06"), (14, 3600)), SECONDS * 1_000_000, (SECONDS + 3600) * NS),
        (((2, b"eth0!"), (9, b"\x9e")), (SECONDS << 30) + (1 << 29), SECONDS * NS + NS // 2),
        (((9, b"\xa0"),), (1 << 63) + 3, (1 << 31) * NS),  # 2⁻³² s: what is below a nanosecond is cut off
        (((9, b"\x0c"),), 9_000_000 * 10**12 + 123_456_789_999, 9_000_000 * NS + 123_456_789),
        (((9, b"\x00"),), SECONDS, SECONDS * NS),
    ],
)
def test_an_interface_of_pcapng_says_how_fine_its_stamps_are(capture, order, options, units, ns):
    told = [option(c, struct.pack(order + "q", v) if isinstance(v, int) else v, order) for c, v in options]
    path = capture(section(order) + interface(*told, order=order) + enhanced(FRAME, units=units, order=order))
    assert stamps(path) == [ns]


def test_each_interface_of_each_section_has_its_own_units_and_link(capture):
    first = section() + interface() + interface(option(9, b"\x09"), link=RAW)
    first += enhanced(FRAME, units=5_000_000) + enhanced(ip(udp(b"two")), units=7 * NS, number=1)
    other = section(">") + interface(option(9, b"\x03", ">"), order=">") + enhanced(FRAME, units=9_000, order=">")
    path = capture(first + other)
    assert stamps(path) == [5 * NS, 7 * NS, 9 * NS]
    assert replayed(path) == [b"one", b"two", b"one"]
    assert Capture(path).resolution_ns == 1_000_000


def test_other_kinds_of_packet_block_are_read_and_one_without_a_stamp_says_so(capture):
    simple = block(3, struct.pack("<I", len(FRAME)) + FRAME)
    old = block(2, struct.pack("<HHIIII", 0, 0, 0, 8_000_000, len(FRAME), len(FRAME)) + FRAME)
    statistics = block(5, bytes(12))
    assert stamps(capture(section() + interface() + simple + statistics + old)) == [0, 8 * NS]


def test_a_packet_of_an_interface_that_was_not_described_is_left_out(capture):
    assert replayed(capture(section() + interface() + enhanced(FRAME, number=1) + enhanced(FRAME))) == [b"one"]


@pytest.mark.parametrize(
    "options",
    [
        b"\x09\x00\x01\x00",
        option(14, (1 << 62).to_bytes(8, "little")),
        option(14, (-(1 << 63)).to_bytes(8, "little", signed=True)),
    ],
    ids=["cut", "beyond time", "before time"],
)
def test_options_of_an_interface_that_cannot_be_are_passed_over(capture, options):
    assert replayed(capture(section() + interface(options) + enhanced(ethernet(ip(udp(b"mine")))))) == [b"mine"]


def test_a_packet_before_any_interface_is_left_out(capture):
    assert replayed(capture(section() + enhanced(ethernet(ip(udp(b"mine")))))) == []


@pytest.mark.parametrize("kind", [pcap, pcapng], ids=["pcap", "pcapng"])
def test_a_file_that_ends_inside_a_packet_is_read_up_to_there(capture, kind):
    path = capture(kind(FRAME, FRAME)[:-5])
    assert replayed(path) == [b"one"]
    assert Capture(path).ends_early
    assert not Capture(capture(kind(FRAME))).ends_early


def test_the_capturing_machine_says_how_many_packets_it_lost(capture):
    def statistics(drops, number=0):
        return block(5, struct.pack("<III", number, 0, 0) + b"".join(option(c, struct.pack("<Q", n)) for c, n in drops))

    told = statistics([(4, 99), (5, 3)]) + statistics([(5, 7), (7, 2)]) + statistics([(5, 1)], number=1)
    path = capture(section() + interface() + interface() + enhanced(FRAME) + told)
    assert Capture(path).dropped == 10
    assert Capture(capture(pcap(FRAME))).dropped == 0


def test_the_flows_of_a_capture_are_found(capture):
    frames = (
        ip(udp(b"a")),
        ip(udp(b"b"), source="192.0.2.9"),
        ip(udp(b"c", port=5006)),
        ip(udp(b"d"), destination="239.1.2.4"),
        ip(udp(b"cut", length=500), destination="239.9.9.9"),
    )
    flows = Capture(capture(pcap(*(ethernet(f) for f in frames)))).flows()
    assert flows == (
        CapturedFlow(LEG, 2, ("192.0.2.7", "192.0.2.9")),
        CapturedFlow(Leg("239.1.2.3", 5006), 1, ("192.0.2.7",)),
        CapturedFlow(Leg("239.1.2.4", 5004), 1, ("192.0.2.7",)),
    )
