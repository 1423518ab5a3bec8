"""Kernel sockets on this host's loopback interface, against the contract and against plain Python sockets."""

import socket
import time

import numpy as np
import pytest

from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.ports import Burst, Chunk
from relip.transport.udp import LEAST_BUFFER_OCTETS, UdpSink, UdpSource
from transport_contract import PairContract, SourceContract, burst_of, payloads, receive_all

pytestmark = pytest.mark.e2e

GROUP = "239.255.21.10"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=[GROUP, "127.0.0.1"], ids=["multicast", "unicast"])
def pair(request):
    leg = Leg(request.param, free_port())
    source, sink = UdpSource(leg), UdpSink(leg)
    yield sink, source
    sink.close()
    source.close()


@pytest.fixture
def filled(pair):
    sink, source = pair
    sink.send(burst_of(payloads()))
    return source


class TestUdp(SourceContract, PairContract):
    """Both contracts, by multicast and by unicast."""


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


def test_sends_without_segmentation_are_the_same_on_the_wire(pair, monkeypatch):
    sink, source = pair
    monkeypatch.setattr("relip.transport.udp._can_segment", lambda _: False)
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
    sink.send(burst_of(payloads(), span_ns=60_000_000))
    assert time.monotonic_ns() - start >= 59_000_000  # the last of 60 slices leaves when one is left
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
