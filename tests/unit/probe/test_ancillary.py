"""What is said of ancillary data: names, disclosures, keep-alive packets, and packets that are badly made."""

import struct

import pytest

from packet_files import NS, SECONDS
from probed import LEG, capture_of, probe
from relip.essence.formats import AudioFormat
from relip.essence.grains import AncGrain, AncPacket
from relip.essence.scene import Bypass, Region
from relip.essence.tai import RTP_WRAP
from relip.probe.ancillary import name_of
from relip.probe.study import Target
from relip.wire import disclosure, st2110_40
from relip.wire.disclosure import Disclosure

pytestmark = pytest.mark.unit

FIRST = (SECONDS + 37) * 90_000
CAPTIONS = AncPacket(0x61, 0x01, bytes(20), line=9)
ALTERED = disclosure.pack(Disclosure(altered=True, region=Region(10, 20, 30, 40)))
LEFT = disclosure.pack(Disclosure(altered=False, reason=Bypass.NO_FACE, concealed=True))


def frames(*contents, max_octets=1440):
    """A frame of 50 Hz for each tuple of ANC packets, sent 100 µs into it: stamps, UTC, and octets."""
    sent, sequence = [], 65_534
    for number, packets in enumerate(contents):
        grain = AncGrain(FIRST + number * 1800, packets)
        made = st2110_40.pack(grain, payload_type=100, ssrc=9, sequence=sequence, max_octets=max_octets)
        sequence += len(made)
        sent += [(SECONDS * NS + number * 20_000_000 + 100_000 + i, octets) for i, octets in enumerate(made)]
    return sent


@pytest.fixture
def judged(tmp_path):
    def judge(sent, **kwargs):
        return probe(capture_of(tmp_path / "anc.pcap", (LEG, sent)), **kwargs)

    return judge


def anc_of(study):
    return study.report.legs[0].ancillary


def test_contents_are_told_by_name_with_the_frames_that_carry_them(judged):
    study = judged(frames((CAPTIONS, AncPacket(0x50, 0x01, b"abc")), (CAPTIONS, CAPTIONS), ()))
    anc = anc_of(study)
    assert study.report.kind == "ancillary"
    assert [(c.did, c.sdid, c.name, c.packets, c.frames, c.words, c.lines) for c in anc.contents] == [
        ("0x50", "0x01", "user application", 1, 1, "3", [2047]),
        ("0x61", "0x01", "CEA-708 captions (ST 334-1)", 3, 2, "20", [9]),
    ]
    assert (anc.frames, anc.keep_alives) == (3, 1)
    assert (anc.anc_packets_per_frame.min, anc.anc_packets_per_frame.max) == (0, 2)
    assert anc.rtp_age_us.min == 100
    assert anc.disclosed is None


def test_our_own_disclosures_are_read(judged):
    study = judged(frames((ALTERED,), (ALTERED, ALTERED), (LEFT,), (CAPTIONS,)))
    anc = anc_of(study)
    assert [c.name for c in anc.contents] == ["Relip disclosure", "CEA-708 captions (ST 334-1)"]
    assert anc.disclosed.model_dump() == {
        "altered": 2, "untouched": {"no_face": 1}, "concealed": 1, "unreadable": 0,
    }  # fmt: skip


def test_a_disclosure_that_breaks_its_table_is_counted(judged):
    broken = AncPacket(disclosure.DID, disclosure.SDID, disclosure.SIGNATURE + b"\x09")
    assert anc_of(judged(frames((broken,)))).disclosed.unreadable == 1


def test_bad_parity_and_checksums_are_counted_and_what_is_whole_is_read(judged):
    sent = frames((CAPTIONS,), (CAPTIONS,), (CAPTIONS,))
    for number, octet in ((0, 24), (1, -3)):  # DID's parity; what the checksum stands in
        ns, octets = sent[number]
        changed = bytearray(octets)
        changed[octet] ^= 0x80 if octet == 24 else 0x04
        sent[number] = (ns, bytes(changed))
    anc = anc_of(judged(sent))
    assert (anc.bad_parity, anc.bad_checksum, anc.truncated) == (1, 1, 0)
    assert anc.contents[0].packets == 1
    assert anc.keep_alives == 0


def test_several_packets_a_frame_and_a_missing_marker(judged):
    sent = frames((CAPTIONS,) * 4, (CAPTIONS,) * 4, max_octets=100)
    ns, octets = sent[-1]
    sent[-1] = (ns, octets[:1] + bytes([100]) + octets[2:])
    anc = anc_of(judged(sent))
    assert anc.rtp_packets_per_frame.min > 1
    assert anc.without_marker == 1


def test_a_repeat_is_read_once_and_a_loss_is_counted_across_the_wrap(judged):
    sent = frames(*[(CAPTIONS,)] * 6)
    repeated = [*sent, (sent[-1][0] + 5, sent[-1][1])]
    del repeated[2]  # sequence 65536: the extension counts on
    study = judged(repeated)
    assert (study.report.legs[0].packets.lost, study.report.legs[0].packets.duplicate) == (1, 1)
    assert study.report.legs[0].packets.first_lost == [65_536]
    assert anc_of(study).contents[0].packets == 5


def test_a_sender_that_begins_anew_with_the_numbers_it_had_is_read_on(judged):
    sent = frames(*[(CAPTIONS,)] * 8)
    stamps = [struct.pack(">I", (FIRST + number * 1800) % RTP_WRAP) for number in range(8, 16)]
    again = [(ns + 160_000_000, was[:4] + stamp + was[8:]) for (ns, was), stamp in zip(sent, stamps, strict=True)]
    anc = anc_of(judged(sent + again))
    assert (anc.contents[0].packets, anc.frames) == (16, 16)


def test_field_bits_that_mean_nothing_are_counted(judged):
    sent = frames((CAPTIONS,), (CAPTIONS,))
    ns, octets = sent[0]
    sent[0] = (ns, octets[:17] + bytes([0x40]) + octets[18:])
    assert anc_of(judged(sent)).bad_field == 1


def test_ancillary_data_where_sound_was_said_are_named(judged):
    said = Target("said", (LEG,), AudioFormat(), 100)
    assert judged(frames(*[(CAPTIONS,)] * 20), target=said).report.differences == ["audio is stated, ancillary came"]


@pytest.mark.parametrize(
    ("did", "sdid", "name"),
    [
        (0x60, 0x60, "ancillary time code (ST 12-2)"),
        (0x80, 0x33, "marked for deletion (ST 291-1)"),
        (0xC1, 0x00, "user application"),
        (0x52, 0x4C, "user application"),
        (0x33, 0x33, "not known"),
    ],
)
def test_names_are_those_registered(did, sdid, name):
    assert name_of(did, sdid) == name
