"""Wireshark's dissectors read what we write: RTP of three essences, and transport files as they are announced by SAP.

It knows no ST 2110 payload, so those octets are compared with the standards' fields by position.
"""

import itertools
import json
import subprocess
from fractions import Fraction
from ipaddress import IPv4Address

import numpy as np
import pytest

from flows import Sender
from foreign import FORMAT, PATIENCE_S, SAID, require
from packet_files import ethernet, ip, pcap, udp
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, AudioFormat
from relip.essence.grains import AncGrain, AncPacket
from relip.ports import Chunk
from relip.transport.loopback import Link
from relip.transport.pcap import PcapSource
from relip.wire import sdp, st2110_40
from relip.wire.st2110_30 import AudioPackets

pytestmark = pytest.mark.interop

LEG = Leg("239.1.2.3", 5004)
CAPTIONS = AncPacket(did=0x61, sdid=0x02, words=bytes(range(20)), line=9, horizontal_offset=0)


@pytest.fixture(autouse=True)
def installed():
    require("TShark")


def video():
    """Two frames of ours as datagrams."""
    link, chunk, sender = Link(), Chunk.of(1024), Sender(raster=FORMAT, sequence=0xFFFF - 100)
    datagrams = []
    for _ in range(2):
        link.sink.send(sender.burst())
        count = link.source.receive(chunk, 0)
        datagrams += [chunk.octets[i, : chunk.lengths[i]].tobytes() for i in range(count)]
    return datagrams


def sound():
    samples = np.random.default_rng(0).uniform(-1, 1, (480, 2)).astype(np.float32)
    return [
        p.tobytes() for p in AudioPackets(AudioFormat(channels=2), payload_type=97, ssrc=7).packets(samples, 1 << 40, 65530)
    ]


def ancillary():
    return st2110_40.pack(AncGrain(90_000, (CAPTIONS,) * 60), payload_type=100, ssrc=9, sequence=0xFFFF)


def capture(folder, datagrams, port=LEG.port, destination=LEG.destination):
    path = folder / "ours.pcap"
    path.write_bytes(pcap(*(ethernet(ip(udp(d, port=port), destination=destination)) for d in datagrams)))
    return path


def dissect(path, *arguments):
    """What tshark says of a capture."""
    command = ["tshark", "-n", "-r", str(path), "-d", f"udp.port=={LEG.port},rtp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout


FIELDS = ("version", "padding", "ext", "cc", "marker", "p_type", "seq", "timestamp", "ssrc", "payload")


def columns(path):
    """The RTP fields of each packet, by name."""
    text = dissect(path, "-T", "fields", "-E", "separator=|", *(part for f in FIELDS for part in ("-e", f"rtp.{f}")))
    return [dict(zip(FIELDS, line.split("|"), strict=True)) for line in text.splitlines()]


@pytest.mark.parametrize(("essence", "payload_type", "markers"), [(video, 96, 2), (sound, 97, 0), (ancillary, 100, 1)], ids=str)
def test_each_header_says_what_the_standard_puts_there(tmp_path, essence, payload_type, markers):
    datagrams = essence()
    read = columns(capture(tmp_path, datagrams))
    assert len(read) == len(datagrams)
    assert {(r["version"], r["ext"], r["cc"], r["p_type"]) for r in read} == {("2", "0", "0", str(payload_type))}
    assert sum(r["marker"] == "1" for r in read) == markers
    assert [int(r["seq"]) for r in read] == [int.from_bytes(d[2:4]) for d in datagrams]
    assert [int(r["timestamp"]) for r in read] == [int.from_bytes(d[4:8]) for d in datagrams]
    assert [bytes.fromhex(r["payload"].replace(":", "")) for r in read] == [d[12:] for d in datagrams]


def test_a_frame_is_one_timestamp_and_ends_with_its_marker(tmp_path):
    read = columns(capture(tmp_path, video()))
    assert [i for i, r in enumerate(read) if r["marker"] == "1"] == [FORMAT.height - 1, 2 * FORMAT.height - 1]
    assert len({r["timestamp"] for r in read[: FORMAT.height]}) == 1
    steps = {(int(b["seq"]) - int(a["seq"])) % 65536 for a, b in itertools.pairwise(read)}
    assert steps == {1}
    extended = [int(r["payload"].replace(":", "")[:4], 16) for r in read]
    assert extended == [0] * 101 + [1] * (2 * FORMAT.height - 101)  # where the 16 bits wrap, the high half goes on
    rows = [int(r["payload"].replace(":", "")[8:12], 16) for r in read]
    assert rows == [*range(FORMAT.height)] * 2


def test_no_packet_is_malformed_and_the_stream_analysis_finds_no_loss(tmp_path):
    path = capture(tmp_path, [*video(), *sound(), *ancillary()])
    assert dissect(path, "-Y", "_ws.malformed || _ws.expert.severity >= 6291456") == ""
    streams = [line.split() for line in dissect(path, "-q", "-z", "rtp,streams").splitlines() if LEG.destination in line]
    assert len(streams) == 3
    assert all("0 (0.0%)" in " ".join(stream) for stream in streams)


def test_the_ancillary_header_is_the_one_of_rfc_8331(tmp_path):
    bodies = [bytes.fromhex(r["payload"].replace(":", "")) for r in columns(capture(tmp_path, ancillary()))]
    assert [body[:2] for body in bodies] == [b"\x00\x00", b"\x00\x01"]
    assert all(int.from_bytes(body[2:4]) == len(body) - 8 for body in bodies)
    assert sum(body[4] for body in bodies) == 60
    assert all(body[5] >> 6 == 0 for body in bodies)
    assert all(len(body) % 4 == 0 for body in bodies)


def test_a_capture_that_it_wrote_anew_is_replayed_octet_for_octet(tmp_path):
    datagrams = video()
    path = capture(tmp_path, datagrams)
    for kind in ("pcap", "pcapng", "nsecpcap"):
        dissect(path, "-F", kind, "-w", str(tmp_path / "theirs"))
        source, chunk = PcapSource(tmp_path / "theirs", LEG), Chunk.of(1024)
        count = source.receive(chunk, 0)
        assert [chunk.octets[i, : chunk.lengths[i]].tobytes() for i in range(count)] == datagrams, kind


@pytest.mark.parametrize(
    ("form", "number"), [(FORMAT, 96), (AudioFormat(channels=2), 97), (AncFormat(Fraction(5)), 100)], ids=["-20", "-30", "-40"]
)
def test_our_transport_file_is_dissected_line_by_line(tmp_path, form, number):
    legs = (Leg("239.9.9.1", 20000, source="10.0.0.1"), Leg("239.9.9.2", 20002, source="10.0.1.1"))
    text = sdp.format(Flow(form, number, legs, name="announced"), sending=SAID, information="by tshark")
    announced = bytes([0x20, 0, 0x12, 0x34]) + IPv4Address("10.0.0.1").packed + b"application/sdp\0" + text.encode()
    path = capture(tmp_path, [announced], port=9875, destination="224.2.127.254")
    assert dissect(path, "-Y", "_ws.malformed") == ""
    said = json.loads(dissect(path, "-T", "ek", "-J", "sdp").splitlines()[-1])["layers"]["sdp"]
    assert (said["sdp_sdp_session_name"], said["sdp_sdp_session_info"]) == ("announced", "by tshark")
    assert said["sdp_sdp_media_port"] == ["20000", "20002"]
    assert said["sdp_sdp_connection_info_address"] == ["239.9.9.1", "239.9.9.2"]
    assert said["sdp_sdp_media_attr"] == [line[2:] for line in text.partition("m=")[2].splitlines() if line.startswith("a=")]
