"""Received, bypassed and sent, octets stay where the first copy put them, and a thousand frames leave no memory behind."""

import gc
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.flow import Leg
from relip.essence.formats import VideoFormat
from relip.essence.tai import VIDEO_CLOCK_HZ, grain_start, grain_ticks, wrap_rtp
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.graph.delay import delay_without_voice
from relip.graph.egress import Egress
from relip.graph.pacing import Mode, pacing_of
from relip.graph.passing import Passing
from relip.graph.reception import Reception
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline
from relip.graph.transmit import VideoSender
from relip.ports import Burst
from relip.transport.udp import UdpSink, UdpSource
from relip.wire.st2110_20 import FrameHeaders

pytestmark = pytest.mark.e2e

FORMAT = VideoFormat(640, 360, Fraction(50))
FIRST = 88_000_000_000
IN, OUT = Leg("127.0.0.1", 21_090), Leg("127.0.0.1", 21_092)
FRAMES = 1000


class Watched:
    """A sink that notes where in memory each payload lies, and sends it on."""

    def __init__(self, sink):
        self._sink = sink
        self.addresses = set()

    def send(self, burst):
        if len(burst.headers):
            self.addresses.add(burst.payload.ctypes.data)
        return self._sink.send(burst)

    def close(self):
        self._sink.close()


class Relay:
    """Real sockets, and between them all that a service with a configured bypass has, on a clock set by hand."""

    def __init__(self):
        self.clock = ManualClock(grain_start(FIRST, FORMAT.rate))
        self.pool = FramePool(10, FORMAT)
        self.headers = FrameHeaders(FORMAT, payload_type=96, ssrc=1)
        self.camera, self.sink, self.receiver = UdpSink(IN), Watched(UdpSink(OUT)), UdpSource(OUT)
        pacing = pacing_of(FORMAT, self.headers.packets, Mode.BURST)
        self.sender = VideoSender(self.sink, FrameHeaders(FORMAT, payload_type=96, ssrc=2), pacing, rate=FORMAT.rate)
        self.tally = Tally()
        delay = delay_without_voice(FORMAT.rate, 1)
        self.egress = Egress(
            clock=self.clock,
            send=self.sender.send,
            give_back=self.pool.give_back,
            tally=self.tally,
            latency_ns=delay.latency_ns,
        )
        passing = Passing(timeline=Timeline(FORMAT.rate), delay=delay, egress=self.egress, tally=self.tally)
        assembler = VideoAssembler(FORMAT, payload_type=96, pool=self.pool)
        self.reception = Reception(UdpSource(IN), assembler, clock=self.clock, deliver=passing.offer, capacity=512)
        self.slots = {self.pool.frame(slot).ctypes.data for slot in range(10)}
        self._burst = Burst(
            self.headers.headers,
            np.random.default_rng(3).integers(0, 256, FORMAT.frame_octets, dtype=np.uint8),
            self.headers.offsets.copy(),
            self.headers.lengths.copy(),
        )

    def frame(self, k):
        """Frame k comes in and leaves."""
        self.headers.stamp(k * self.headers.packets, wrap_rtp(grain_ticks(FIRST + k, FORMAT.rate, VIDEO_CLOCK_HZ)))
        self.camera.send(self._burst)
        self.clock.wait_until(grain_start(FIRST + k, FORMAT.rate).after(15_000_000))
        while self.tally.received <= k:
            self.reception.step()
        self.egress.step()

    def close(self):
        self.reception.stop()
        self.reception.run()  # ends at once, and closes its source
        for end in (self.camera, self.sink, self.receiver):
            end.close()


@pytest.fixture
def relay():
    made = Relay()
    yield made
    made.close()


def test_the_send_call_gets_the_receive_slot_itself(relay):
    for k in range(30):
        relay.frame(k)
    assert relay.tally.sent == 30
    assert relay.sink.addresses <= relay.slots
    assert relay.sender.packets == 30 * relay.headers.packets


def test_a_thousand_frames_later_nothing_has_been_kept_and_nothing_large_was_ever_taken(relay):
    for k in range(50):
        relay.frame(k)
    gc.collect()
    tracemalloc.start()
    relay.frame(50)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for k in range(51, 51 + FRAMES):
        relay.frame(k)
    gc.collect()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert relay.tally.sent == 51 + FRAMES
    assert after - before < 20 * FRAMES  # no object has stayed of each frame
    assert peak - before < FORMAT.frame_octets // 10  # nor was there ever a copy of a frame, or of a tenth of one
