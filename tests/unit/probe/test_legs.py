"""Two legs as one flow, and what kind of flow unknown packets are."""

from threading import Event

import numpy as np
import pytest

from probed import LEG, PACKETS, Video, capture_of, probe
from relip.essence.errors import FormatError
from relip.essence.flow import Leg
from relip.ports import Chunk
from relip.probe import packets
from relip.probe.legs import spread
from relip.probe.listen import Feed, listen, replay
from relip.probe.sniff import rate_of, sniff
from relip.probe.study import Target, Watch
from relip.transport.loopback import Link
from relip.transport.pcap import Capture, PcapSource
from transport_contract import burst_of
from wirebytes import columns_of

pytestmark = pytest.mark.unit

OTHER = Leg("239.1.2.4", 5004)
BOTH = Target("flow", (LEG, OTHER))


@pytest.fixture
def two(tmp_path):
    def judge(first, second):
        return probe(capture_of(tmp_path / "two.pcap", (LEG, first), (OTHER, second)), target=BOTH).report

    return judge


def test_each_leg_is_told_by_itself_and_what_both_lost(two):
    first = Video().frames(6).packets
    second = [(ns + 40_000, octets) for ns, octets in first]
    del first[700], first[650], first[600]
    del second[650], second[640]
    report = two(first, second)
    assert [leg.packets.lost for leg in report.legs] == [3, 2]
    both = report.redundancy
    assert (both.lost, both.only) == (1, [1, 2])
    assert (both.skew_us.min, both.skew_us.max) == (40, 40)


@pytest.mark.parametrize(
    ("skew_ns", "path_class"),
    [(-150_000, "D"), (150_001, "A"), (10_000_001, "B"), (50_000_001, "C"), (450_000_001, "none")],
)
def test_the_class_is_that_of_the_greatest_skew(two, skew_ns, path_class):
    first = Video().frames(4).packets
    assert two(first, [(ns + skew_ns, octets) for ns, octets in first]).redundancy.path_class == path_class


def test_a_leg_that_was_joined_later_lost_nothing_before(two):
    first = Video().frames(6).packets
    report = two(first, first[PACKETS + 5 :])
    assert (report.redundancy.lost, report.redundancy.only) == (0, [0, 0])


def test_a_leg_that_brought_nothing_is_named_and_there_is_nothing_to_compare(two):
    report = two(Video().frames(6).packets, [])
    assert report.redundancy is None
    assert report.remarks == ["leg 2: no packet of RTP came"]


def test_a_spread_has_its_ends_and_its_middle():
    told = spread(np.array([1000, 2000, 3000, 10_000]), unit=1000)
    assert (told.min, told.mean, told.p50, told.max) == (1, 4, 2.5, 10)
    assert spread(np.zeros(0, np.int64)) is None


@pytest.mark.parametrize(
    ("steps", "rate"),
    [
        ([1501, 1502, 1501, 1502], "60000/1001"),
        ([1500] * 4, "60"),
        ([3600, 7200, 3600], "25"),
        ([3754, 3753, 3754, 3754], "24000/1001"),
        ([1000, 1000], "90"),
        ([], "None"),
        ([1, 100_000], "None"),
    ],
)
def test_a_rate_is_told_from_steps_and_gaps_are_left_out(steps, rate):
    assert str(rate_of(steps)) == rate


def sniffed(*packets):
    octets, lengths = columns_of(*packets)
    return sniff(Chunk(octets, lengths, np.zeros(len(lengths), np.uint8), len(lengths)))


def test_datagrams_that_are_not_rtp_are_nothing():
    assert sniffed(*[b"GET / HTTP/1.1" * 3] * 20) is None
    assert sniff(Chunk.of(4)) is None


def test_rtp_that_is_none_of_the_three_is_unknown():
    random = np.random.default_rng(1)
    rtp = [bytes([0x80, 33, 0, i, 0, 0, i, 0, 0, 0, 0, 1]) + random.bytes(1316 + i) for i in range(20)]
    assert (sniffed(*rtp).kind, sniffed(*rtp).payload_type) == ("unknown", 33)


def test_a_few_foreign_packets_do_not_hide_what_a_flow_is():
    octets = [octets for _, octets in Video().frames(1).packets[:40]]
    assert sniffed(*octets, b"\x00" * 20, b"\x80").kind == "video"


def feed_of(link, target):
    return Feed(Watch(target, LEG), link.source)


def test_what_waited_before_the_listening_is_thrown_away_and_only_new_losses_count():
    link = Link(capacity=2000)
    octets = [octets for _, octets in Video().frames(8).packets]
    link.sink.send(burst_of(octets))
    assert link.overrun == 8 * PACKETS - 2000
    target, told = Target("flow", (LEG,)), []
    feed = feed_of(link, target)
    stop = Event()
    listen([feed], 60, stop=stop, tell=lambda passed: (told.append(passed), stop.set()))
    assert len(feed.watch.finish()) == 0
    assert feed.dropped == 0
    assert told


def test_more_packets_than_memory_should_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packets, "MOST_PACKETS", 1000)
    path = capture_of(tmp_path / "v.pcap", (LEG, Video().frames(4).packets))
    with pytest.raises(FormatError, match="more than 1000 packets of one leg"):
        probe(path)


def test_a_watch_sees_the_same_however_its_packets_are_cut_into_chunks(tmp_path):
    sent = Video().frames(4).packets
    path = capture_of(tmp_path / "v.pcap", (LEG, sent))
    watches = [Watch(Target("flow", (LEG,)), LEG) for _ in range(2)]
    capture = Capture(path)
    replay(watches[0], PcapSource(capture, LEG), tell=lambda _: None)
    source, chunk = PcapSource(capture, LEG), Chunk.stamped(77)
    while source.receive(chunk, 0):
        watches[1].take(chunk)
    first, second = (watch.finish() for watch in watches)
    assert len(first) == len(sent)
    assert np.array_equal(first, second)
    assert first["arrival"].tolist() == [ns for ns, _ in sent]
