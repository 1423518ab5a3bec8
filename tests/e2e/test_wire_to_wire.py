"""Frames over real sockets on the loopback interface: what leaves arrives, bit for bit."""

import socket

import numpy as np
import pytest

from flows import TYPE, Receiver, Sender, same
from relip.essence.flow import Leg
from relip.essence.formats import video_format
from relip.ports import Chunk, Schedule
from relip.transport.udp import UdpSink, UdpSource

pytestmark = pytest.mark.e2e

FRAMES = 5
SECOND_NS = 1_000_000_000


@pytest.fixture
def leg():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return Leg("239.255.21.20", probe.getsockname()[1])


@pytest.mark.parametrize("schedule", [None, Schedule(span_ns=10_000_000, together=288)], ids=["burst", "spread"])
def test_720p_by_multicast_is_bit_exact(leg, schedule):
    raster = video_format("720p25")
    source, sink = UdpSource(leg), UdpSink(leg)
    sender, receiver, chunk = Sender(raster=raster, sequence=(1 << 32) - 5000), Receiver(raster=raster), Chunk.of(1024)
    for number in range(1, FRAMES + 1):
        burst = sender.burst()
        burst.schedule = schedule
        assert sink.send(burst) == 2880
        while receiver.counters.frames < number and source.receive(chunk, SECOND_NS):
            receiver._note(receiver.assembler.push(chunk, receiver.now))
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.counters.lost == 0
    source.close()
    sink.close()


def test_a_peer_of_plain_sockets_understands_us(leg):
    """The frame is put together by the standard's diagram in plain Python, packet by packet."""
    raster = video_format("720p25")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        peer.bind((leg.destination, leg.port))
        membership = socket.inet_aton(leg.destination) + socket.inet_aton(leg.interface)
        peer.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        peer.settimeout(5)
        sink, sender = UdpSink(leg), Sender(raster=raster)
        burst = sender.burst()
        burst.schedule = Schedule(span_ns=20_000_000, together=144)
        sink.send(burst)
        frame = np.zeros((raster.height, raster.row_octets), np.uint8)
        for number in range(2880):
            packet = peer.recv(2048)
            assert packet[1] & 0x7F == TYPE
            assert bool(packet[1] & 0x80) == (number == 2879)
            assert int.from_bytes(packet[2:4]) == number
            length, row, pixel = (int.from_bytes(packet[at : at + 2]) for at in (14, 16, 18))
            frame[row, pixel * 5 // 2 : pixel * 5 // 2 + length] = np.frombuffer(packet[20:], np.uint8)
        sink.close()
    assert all(np.array_equal(frame, sent) for sent in sender.sent.values())
