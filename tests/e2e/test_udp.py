"""Kernel sockets on this host's loopback interface, against the contract and against plain Python sockets."""

import socket
import time
from contextlib import closing

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.clock.ptp import TaiClock
from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.essence.formats import AudioFormat, video_format
from relip.essence.tai import Tai
from relip.graph.pacing import Mode, pacing_of
from relip.ports import PACKET_STRIDE, Burst, Chunk, Measured, Schedule
from relip.service.send import SendOptions, _out
from relip.transport import udp
from relip.transport.udp import LEAST_BUFFER_OCTETS, SingleUdpSource, StampedUdpSource, UdpSink, UdpSource
from relip.wire.st2110_20 import FrameHeaders
from relip.wire.st2110_21 import Bucket, TrafficShape, cinst
from transport_contract import (
    SCHEDULES,
    SECOND_NS,
    PairContract,
    SourceContract,
    StampContract,
    burst_of,
    payloads,
    receive_all,
)

pytestmark = pytest.mark.e2e

GROUP = "239.255.21.10"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def without(option, monkeypatch):
    """A kernel that does not know this option of UDP."""
    accepts = udp._accepts
    monkeypatch.setattr(udp, "_accepts", lambda of, asked, value: asked != option and accepts(of, asked, value))


@pytest.fixture(params=["aggregated", "one by one"])
def reading(request, monkeypatch):
    if request.param == "one by one":
        without(udp._UDP_GRO, monkeypatch)
    return request.param


@pytest.fixture(params=[GROUP, "127.0.0.1"], ids=["multicast", "unicast"])
def pair(request, reading):
    leg = Leg(request.param, free_port())
    source, sink = UdpSource(leg), UdpSink(leg)
    assert source.report.aggregated == (reading == "aggregated")
    yield sink, source
    sink.close()
    source.close()


@pytest.fixture
def filled(pair):
    sink, source = pair
    sink.send(burst_of(payloads()))
    return source


class TestUdp(SourceContract, PairContract):
    """Both contracts, by multicast and by unicast, from aggregates and one by one."""


class TestStampedUdp(SourceContract, StampContract, PairContract):
    """The contracts, on a source whose packets the kernel stamps."""

    @pytest.fixture(params=[GROUP, "127.0.0.1"], ids=["multicast", "unicast"])
    def pair(self, request):
        leg = Leg(request.param, free_port())
        source, sink = StampedUdpSource(leg), UdpSink(leg)
        yield sink, source
        sink.close()
        source.close()

    @pytest.fixture
    def filled_at(self, pair):
        sink, source = pair
        before = time.time_ns()
        sink.send(burst_of(payloads()))
        return source, (before, time.time_ns())

    @pytest.fixture
    def filled(self, filled_at):
        return filled_at[0]

    @pytest.fixture
    def sent(self, filled_at):
        return filled_at[1]

    def test_a_stamp_does_not_wait_for_its_reader(self, pair):
        sink, source = pair
        sink.send(burst_of([b"x" * 30]))
        after = time.time_ns()
        chunk = Chunk.stamped(1)
        while time.time_ns() < after + 5_000_000:
            pass
        source.receive(chunk, SECOND_NS)
        assert chunk.arrivals[0] <= after


def test_what_found_a_full_buffer_is_counted():
    leg = Leg("127.0.0.1", free_port())
    source, sink = StampedUdpSource(leg, buffer_octets=4096), UdpSink(leg)
    assert source.dropped == 0
    sink.send(burst_of([b"x" * 1220] * 200))
    received = len(receive_all(source, 200))
    assert 0 < source.dropped == 200 - received
    for end in (sink, source):
        end.close()
    assert source.dropped == 0


def test_a_plain_socket_receives_what_the_sink_sends():
    sink = UdpSink(Leg("127.0.0.1", port := free_port()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        peer.bind(("127.0.0.1", port))
        peer.settimeout(5)
        sink.send(burst_of(payloads()))
        assert [peer.recv(2048) for _ in payloads()] == payloads()
    sink.close()


def test_the_source_receives_what_a_plain_socket_sends():
    leg = Leg("127.0.0.1", free_port())
    source = UdpSource(leg)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for datagram in payloads():
            peer.sendto(datagram, (leg.destination, leg.port))
    assert receive_all(source, len(payloads())) == payloads()
    source.close()


def test_datagrams_of_any_size_sent_one_by_one_come_out_identical(pair):
    sink, source = pair
    random = np.random.default_rng(40)
    sizes = [0, 1, PACKET_STRIDE, *random.integers(0, PACKET_STRIDE + 1, 500), *[156] * 40, *[20] * 40]
    sent = [random.bytes(int(size)) for size in sizes]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for datagram in sent:
            peer.sendto(datagram, sink._socket.getpeername())
    assert receive_all(source, len(sent), capacity=37) == sent


def test_every_receiver_of_a_group_gets_everything(monkeypatch):
    # What one receiver takes apart, another must get whole; a third, one by one, has the kernel take it apart.
    leg = Leg(GROUP, free_port())
    sources = [UdpSource(leg), UdpSource(leg)]
    without(udp._UDP_GRO, monkeypatch)
    sources.append(UdpSource(leg))
    assert [source.report.aggregated for source in sources] == [True, True, False]
    sink = UdpSink(leg)
    sent = [bytes([i % 256, i // 256]) * size for size in (610, 78, 10) for i in range(300)]
    sink.send(burst_of(sent))
    for source in sources:
        assert receive_all(source, len(sent)) == sent
    for end in (sink, *sources):
        end.close()


def test_what_a_chunk_has_no_row_for_is_there_at_once_and_in_order(pair):
    # One segmented send of 44 packets, into chunks of 5: the socket is empty after the first.
    sink, source = pair
    sent = [bytes([i]) * 1220 for i in range(44)]
    sink.send(burst_of(sent))
    chunk = Chunk.of(5)
    counts, first = [], []
    assert source.receive(chunk, SECOND_NS) == 5
    for _ in range(9):
        first += chunk.octets[: chunk.count, 0].tolist()
        counts.append(chunk.count)
        source.receive(chunk, 0)
    assert counts == [5] * 8 + [4]
    assert first == list(range(44))


def test_a_cut_datagram_within_an_aggregate_says_its_true_length(pair):
    sink, source = pair
    sent = [bytes([i]) * 2000 for i in range(20)]
    sink.send(burst_of(sent))
    chunk = Chunk.of(20)
    assert source.receive(chunk, SECOND_NS) == 20
    assert chunk.lengths.tolist() == [2000] * 20
    assert [row.tobytes() for row in chunk.octets] == [datagram[:PACKET_STRIDE] for datagram in sent]


@pytest.mark.parametrize("buffer_octets", [udp.RECEIVE_BUFFER_OCTETS, LEAST_BUFFER_OCTETS // 2])
def test_a_whole_frame_of_1080p_waits_in_the_buffer_without_loss(buffer_octets):
    # 4320 packets of 1220 octets are 5.3 MB; joined they take hardly more room than that, one by one nearly twice.
    leg = Leg(GROUP, free_port())
    source, sink = UdpSource(leg, buffer_octets=buffer_octets), UdpSink(leg)
    if source.report.effective_octets < LEAST_BUFFER_OCTETS:
        pytest.skip(source.report.warning)
    packets = 4320
    headers = np.arange(packets, dtype=">u4")[:, None].repeat(5, axis=1).view(np.uint8)
    frame = np.zeros(packets * 1200, np.uint8)
    sink.send(Burst(headers, frame, np.arange(packets) * 1200, np.full(packets, 1200)))
    numbers = [int.from_bytes(datagram[:4], "big") for datagram in receive_all(source, packets, capacity=1024)]
    assert numbers == list(range(packets))
    for end in (source, sink):
        end.close()


def test_sends_without_segmentation_are_the_same_on_the_wire(pair, monkeypatch):
    sink, source = pair
    without(udp._UDP_SEGMENT, monkeypatch)
    plain = UdpSink(sink._leg)
    assert not plain.report.segmented
    assert "segmentation" in plain.report.warning
    assert plain.send(burst_of(payloads())) == len(payloads())
    assert receive_all(source, len(payloads())) == payloads()
    plain.close()


def test_an_interface_that_refuses_a_segmented_send_is_served_packet_by_packet(pair):
    # With checksums off the kernel refuses to segment, as it does on an interface that cannot.
    sink, source = pair
    sink._socket.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
    assert sink.send(burst_of(payloads())) == len(payloads())
    assert receive_all(source, len(payloads())) == payloads()
    assert not sink.report.segmented
    assert "refuses segmented sends" in sink.report.warning


def test_a_source_filter_lets_only_that_sender_through():
    port = free_port()
    mine, other = (UdpSource(Leg(GROUP, port, source=address)) for address in ("127.0.0.1", "127.0.0.9"))
    sink = UdpSink(Leg(GROUP, port))
    sink.send(burst_of([b"x" * 30]))
    assert receive_all(mine, 1) == [b"x" * 30]
    assert other.receive(Chunk.of(1), 10_000_000) == 0
    for end in (mine, other, sink):
        end.close()


def test_another_group_on_the_same_port_is_not_heard():
    port = free_port()
    source = UdpSource(Leg(GROUP, port))
    also = UdpSource(Leg("239.255.21.11", port))
    sink = UdpSink(Leg("239.255.21.11", port))
    sink.send(burst_of([b"x" * 30]))
    assert receive_all(also, 1) == [b"x" * 30]
    assert source.receive(Chunk.of(1), 10_000_000) == 0
    for end in (source, also, sink):
        end.close()


def test_time_to_live_and_code_point_are_set():
    sink = UdpSink(Leg(GROUP, free_port()), ttl=7, dscp=46)
    assert sink._socket.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 7
    assert sink._socket.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 46 << 2
    sink.close()


def test_a_small_buffer_is_reported_with_the_remedy():
    source = UdpSource(Leg("127.0.0.1", free_port()), buffer_octets=1 << 18)
    assert source.report.asked_octets == 1 << 18
    assert source.report.effective_octets == 1 << 19 < LEAST_BUFFER_OCTETS
    assert "net.core.rmem_max" in source.report.warning
    source.close()


def test_a_spread_burst_takes_its_time(pair):
    sink, source = pair
    start = time.monotonic_ns()
    sink.send(burst_of(payloads(), schedule=Schedule(span_ns=60_000_000, together=7)))
    assert time.monotonic_ns() - start >= 59_000_000  # the last of groups is due then
    assert receive_all(source, len(payloads())) == payloads()


def test_nobody_listening_is_no_error():
    sink = UdpSink(Leg("127.0.0.1", free_port()))
    for _ in range(3):
        assert sink.send(burst_of(payloads()[:10])) == 10
    sink.close()


def test_a_datagram_no_network_carries_is_a_resource_error(pair):
    sink, _ = pair
    too_long = Burst(np.zeros((1, 12), np.uint8), np.zeros(70_000, np.uint8), np.array([0]), np.array([70_000]))
    with pytest.raises(ResourceError, match="sending to"):
        sink.send(too_long)


@pytest.mark.parametrize("end", [UdpSource, UdpSink])
def test_an_interface_that_is_not_here_is_named(end):
    with pytest.raises(ResourceError, match=r"198\.51\.100\.9"):
        end(Leg(GROUP, 5004, interface="198.51.100.9"))


def test_a_unicast_port_in_use_is_refused():
    leg = Leg("127.0.0.1", free_port())
    first = UdpSource(leg)
    with pytest.raises(ResourceError, match="in use"):
        UdpSource(leg)
    first.close()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["at once", "spread", "hybrid", "spin"])
def test_a_burst_waits_for_the_instant_at_which_it_is_due(schedule):
    clock = ManualClock(Tai(1_764_000_000_000_000_000))
    sink = UdpSink(Leg("127.0.0.1", free_port()), clock=clock)
    burst = burst_of(payloads()[:10], schedule=schedule)
    burst.due = clock.now().after(30_000_000)
    start = time.monotonic_ns()
    assert sink.send(burst) == 10
    assert time.monotonic_ns() - start >= 30_000_000
    assert burst.measured[Measured.FIRST_NS] >= 0
    sink.close()


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_instant_that_a_step_of_the_clock_has_put_out_of_reach_is_now(hours):
    clock = ManualClock(Tai(1_764_000_000_000_000_000))
    sink = UdpSink(Leg("127.0.0.1", free_port()), clock=clock)
    burst = burst_of(payloads()[:10], schedule=SCHEDULES[2])
    burst.due = clock.now().after(hours * 3600 * SECOND_NS)
    assert sink.send(burst) == 10
    assert 0 <= burst.measured[Measured.FIRST_NS] < 60 * SECOND_NS
    sink.close()


def test_a_source_for_single_datagrams_gets_what_was_sent_joined():
    leg = Leg(GROUP, free_port())
    source, sink = SingleUdpSource(leg), UdpSink(leg)
    sink.send(burst_of(payloads()))
    assert not source.report.aggregated
    assert receive_all(source, len(payloads())) == payloads()
    for end in (source, sink):
        end.close()


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.SPIN])
def test_the_kernels_own_stamps_never_show_more_than_a_wide_sender_may_have_in_the_network(mode):
    # Not a matter of speed: however often this machine stalls the sending thread, the next group is held back.
    form = video_format("720p50")
    frames, headers = 5, FrameHeaders(form, payload_type=96, ssrc=1)
    leg, clock = Leg(GROUP, free_port()), TaiClock()
    pacing = pacing_of(form, headers.packets, mode)
    frame, chunk, stamps = np.zeros(form.frame_octets, np.uint8), Chunk.stamped(512), []
    with closing(StampedUdpSource(leg)) as source, closing(UdpSink(leg, clock=clock)) as sink:
        due = clock.now()
        for k in range(frames):
            at = due.after(20_000_000 * k)
            burst = Burst(headers.headers, frame, headers.offsets, headers.lengths, pacing.schedule, at)
            assert sink.send(burst) == headers.packets
            assert 0 < burst.measured[Measured.CINST] <= pacing.limits.c_max
            while len(stamps) < (k + 1) * headers.packets and source.receive(chunk, SECOND_NS):
                stamps += chunk.arrivals[: chunk.count].tolist()
    assert len(stamps) == frames * headers.packets
    shape = TrafficShape(form.rate, form.height, headers.packets)
    left = np.sort(stamps)  # the sender may change processors, and each has a queue of its own in the loopback interface
    level, _ = cinst(left, shape, Bucket.before(int(left[0])))
    assert level.max() <= pacing.limits.c_max


def test_the_transport_file_of_a_sender_says_how_far_its_packets_go(tmp_path):
    options = SendOptions(
        "720p25", None, None, "239.1.1.1:5004", "239.1.1.2:5006", None, "127.0.0.1", None, "auto", tmp_path, None
    )
    _, patient = _out(options, "voice", AudioFormat())
    (end,) = patient.sink.ends
    hops = end._socket.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)
    patient.close()
    assert f"c=IN IP4 239.1.1.2/{hops}" in (tmp_path / "voice.sdp").read_text().splitlines()
