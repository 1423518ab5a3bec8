"""One flow over two networks (ST 2022-7): whatever one of them does, what leaves is what was sent, bit for bit."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import FRAME_NS, SSRC, START_TICKS, Receiver, Sender, same
from relip.essence.formats import AudioFormat
from relip.essence.grains import AncGrain, AncPacket
from relip.essence.tai import Tai, tai_of_ticks
from relip.frames.ancillary import AncAssembler
from relip.frames.audio import AudioAssembler
from relip.graph.transmit import whole
from relip.ports import Chunk
from relip.transport.legs import LegsSource
from relip.transport.loopback import Link
from relip.wire import st2110_40
from relip.wire.st2110_30 import AudioPackets

pytestmark = pytest.mark.unit

MS = 1_000_000
CLASS_A, CLASS_B, CLASS_C = 10 * MS, 50 * MS, 150 * MS


class Network:
    """Two links that begin at one sender, a clock, and the source at their other end."""

    def __init__(self, seed, *, now, legs=({}, {})):
        self.now = now
        self.links = [Link(seed + k, now=lambda: self.now.ns, **kinds) for k, kinds in enumerate(legs)]
        self.source = LegsSource([lambda link=link: link.source for link in self.links], now=lambda: self.now.ns)

    def send(self, burst):
        for link in self.links:
            link.now_ns = self.now.ns
            link.sink.send(burst)


class Studio:
    """A camera, two networks and a receiver, whose clock moves in steps of two milliseconds."""

    STEP_NS = 2 * MS

    def __init__(self, seed=1, *, differential_ns=CLASS_A, legs=({}, {}), sender=None):
        self.sender = sender or Sender()
        self.receiver = Receiver(differential_ns=differential_ns, window_ns=max(differential_ns, 10 * MS), slots=16)
        self.network = Network(seed, now=self.receiver.now, legs=legs)

    def frame(self):
        """The next frame is sent, and its period passes."""
        self.network.send(self.sender.burst())
        self.quiet(FRAME_NS)

    def quiet(self, ns):
        """Time passes, and the receiver visits its sockets."""
        for _ in range(ns // self.STEP_NS):
            self.receiver.take(self.network.source)
            self.receiver.wait(self.STEP_NS)
            self.network.now = self.receiver.now

    def end(self):
        self.quiet(10 * FRAME_NS)
        return self

    def is_perfect(self):
        """Every frame arrived as it was sent, in order, and nothing was called lost, late or a new sender."""
        counters = self.receiver.counters
        assert self.receiver.ticks == list(self.sender.sent)
        assert same(self.receiver.frames, self.sender.sent, self.sender.sent)
        assert (counters.lost, counters.late, counters.incomplete, counters.dropped, counters.resyncs) == (0, 0, 0, 0, 0)
        return True


def test_with_both_legs_whole_every_packet_comes_twice_and_every_frame_once():
    studio = Studio()
    for _ in range(20):
        studio.frame()
    assert studio.end().is_perfect()
    assert studio.receiver.counters.duplicate == 20 * 40


@settings(max_examples=60, deadline=None)
@given(
    leg=st.integers(0, 1), gone=st.integers(0, 11), back=st.integers(1, 12), inside=st.integers(0, 40), seed=st.integers(0, 99)
)
def test_losing_either_leg_at_any_packet_of_any_frame_changes_nothing(leg, gone, back, inside, seed):
    studio = Studio(seed, legs=({"delay_ns": 3 * MS}, {"reorder": 0.1}))
    link = studio.network.links[leg]
    for k in range(12):
        burst = studio.sender.burst()
        for part in np.split(np.arange(40), [inside]):
            if k == gone and len(part) and part[0] >= inside:
                link.plugged = False
            if k == gone + back and len(part) and part[0] >= inside:
                link.plugged = True
            studio.network.send(of(burst, part))
        studio.quiet(FRAME_NS)
    assert studio.end().is_perfect()


def of(burst, packets):
    """Some packets of a burst."""
    return type(burst)(burst.headers[packets].copy(), burst.payload, burst.offsets[packets], burst.lengths[packets])


class Complement:
    """Loses by a seed on either leg, but no packet on both."""

    def __init__(self, seed, share):
        self.random = np.random.default_rng(seed)
        self.share = share
        self.lost = [0, 0]

    def send(self, network, burst):
        n = len(burst.headers)
        draw = self.random.random(n)
        kept = [draw >= self.share, draw < 1 - self.share]
        for k, link in enumerate(network.links):
            self.lost[k] += n - int(kept[k].sum())
            link.now_ns = network.now.ns
            link.sink.send(of(burst, np.flatnonzero(kept[k])))


@pytest.mark.parametrize("seed", range(4))
def test_two_lossy_legs_are_whole_where_they_do_not_lose_the_same(seed):
    studio = Studio(seed, legs=({}, {"delay_ns": 9 * MS, "reorder": 0.05}))
    losses = Complement(seed, 0.05)
    for _ in range(40):
        losses.send(studio.network, studio.sender.burst())
        studio.quiet(FRAME_NS)
    assert studio.end().is_perfect()
    assert min(losses.lost) > 40


def test_what_both_legs_lose_is_concealed_and_counted_once():
    studio = Studio()
    studio.frame()
    burst = studio.sender.burst()
    studio.network.send(of(burst, [*range(7), *range(8, 40)]))
    studio.quiet(FRAME_NS)
    studio.frame()
    counters = studio.end().receiver.counters
    assert (counters.lost, counters.incomplete, counters.concealed_rows, counters.late) == (1, 1, 1, 0)


@pytest.mark.parametrize("limit", [150_000, CLASS_A, CLASS_B, CLASS_C])
@pytest.mark.parametrize("slow", [0, 1])
def test_a_skew_up_to_the_limit_of_the_class_changes_nothing_whichever_leg_is_lost(limit, slow):
    legs = [{}, {}]
    legs[slow] = {"delay_ns": limit}
    studio = Studio(differential_ns=limit, legs=legs)
    fast = studio.network.links[1 - slow]
    for k in range(30):
        fast.plugged = not 10 <= k < 20
        studio.frame()
    assert studio.end().is_perfect()


def test_a_leg_that_comes_back_with_far_older_packets_is_not_believed():
    # The second leg is 800 ms behind: twenty frames, all of which have long left when it brings them.
    studio = Studio(legs=({}, {"delay_ns": 800 * MS}))
    for k in range(60):
        studio.network.links[1].plugged = k >= 20
        studio.frame()
    studio.quiet(800 * MS)
    receiver = studio.end().receiver
    assert receiver.ticks == list(studio.sender.sent)
    assert same(receiver.frames, studio.sender.sent, studio.sender.sent)
    assert receiver.counters.resyncs == 0
    assert receiver.counters.late + receiver.counters.duplicate == 40 * 40


def test_a_leg_far_behind_does_not_turn_time_back_when_it_is_the_only_one_left():
    studio = Studio(legs=({}, {"delay_ns": 400 * MS}))
    for k in range(60):
        studio.network.links[0].plugged = k < 30
        studio.frame()
    receiver = studio.end().receiver
    assert receiver.ticks == list(studio.sender.sent), "it goes on where the first leg was cut, ten frames later"
    assert same(receiver.frames, studio.sender.sent, studio.sender.sent)
    assert receiver.counters.resyncs == 0


@pytest.mark.parametrize("delay_ns", [0, 8 * MS])
def test_a_new_sender_on_both_legs_is_followed_within_two_frames(delay_ns):
    studio = Studio(legs=({}, {"delay_ns": delay_ns}))
    for _ in range(5):
        studio.frame()
    first = studio.sender
    studio.quiet(FRAME_NS)
    studio.sender = Sender(ssrc=SSRC + 1, sequence=77, ticks=START_TICKS + 6 * 3600, seed=9)
    for _ in range(10):
        studio.frame()
    receiver = studio.end().receiver
    assert receiver.ticks[:5] == list(first.sent)
    assert receiver.ticks[5:] == list(studio.sender.sent)[-len(receiver.ticks[5:]) :]
    assert len(receiver.ticks[5:]) >= 8
    assert same(receiver.frames, studio.sender.sent, receiver.ticks[5:])
    assert receiver.counters.resyncs == 1


def test_a_new_sender_is_followed_even_when_the_legs_alternate_packet_by_packet():
    studio = Studio()
    studio.receiver._chunk = Chunk.of(2)
    for _ in range(3):
        studio.frame()
    studio.quiet(FRAME_NS)
    studio.sender = Sender(ssrc=SSRC + 1, ticks=START_TICKS + 4 * 3600, seed=9)
    for _ in range(5):
        studio.frame()
    receiver = studio.end().receiver
    assert same(receiver.frames, studio.sender.sent, receiver.ticks[3:])
    assert len(receiver.ticks) >= 6


def test_no_slot_is_forgotten_with_two_legs():
    studio = Studio(legs=({"loss": 0.1}, {"loss": 0.1, "delay_ns": 9 * MS}))
    for _ in range(50):
        studio.frame()
    studio.end()
    assert studio.receiver.pool.free == 15, "all but the last, which is kept to conceal from"


# The voice


VOICE = AudioFormat()


class Hearing:
    """A voice on two networks: packets of a millisecond, visited as rarely as the service does."""

    def __init__(self, *, legs=({}, {}), form=VOICE, differential_ns=CLASS_A, visit_ms=100):
        self.form, self.visit_ms = form, visit_ms
        self.start = 73_440_000_000_000
        self.packets = AudioPackets(form, payload_type=97, ssrc=3)
        self.assembler = AudioAssembler(form, payload_type=97, differential_ns=differential_ns)
        self.now = tai_of_ticks(self.start, 48_000)
        self.network = Network(5, now=self.now, legs=legs)
        self.sound = np.random.default_rng(3).uniform(-1, 1, 48 * 3000).astype(np.float32)
        self.heard = np.full(len(self.sound), np.nan, np.float32)
        self.at = 0

    def play(self, ms, *, lose=lambda _leg, _ms: False):
        chunk = Chunk.of(512)
        for _ in range(ms):
            samples = self.sound[self.at : self.at + 48]
            sent = self.packets.packets(samples[:, None], self.start + self.at, self.at // self.form.packet_samples)
            for leg, link in enumerate(self.network.links):
                link.plugged = not lose(leg, self.at // 48)
                link.now_ns = self.now.ns
                link.sink.send(whole(sent))
            self.at += 48
            self.now = self.network.now = Tai(self.now.ns + MS)
            if self.at // 48 % self.visit_ms == 0:
                self.visit(chunk)

    def visit(self, chunk):
        while self.network.source.receive(chunk, 0):
            for block in self.assembler.push(chunk, self.now):
                first = block.start_sample - self.start
                self.heard[first : first + len(block.samples)] = block.samples


@pytest.mark.parametrize("visit_ms", [1, 7, 100])
@pytest.mark.parametrize("form", [VOICE, AudioFormat(packet_time=Fraction(125, 1_000_000))])
def test_a_voice_of_two_lossy_legs_is_heard_whole(form, visit_ms):
    hearing = Hearing(legs=({}, {"delay_ns": 9 * MS}), form=form, visit_ms=visit_ms)
    draw = np.random.default_rng(8).random(3000)
    hearing.play(2000, lose=lambda leg, ms: draw[ms] < 0.05 if leg == 0 else draw[ms] > 0.95)
    hearing.play(100)
    counters = hearing.assembler.counters
    expected = hearing.sound[: 48 * 2000]
    np.testing.assert_allclose(hearing.heard[: 48 * 2000], expected, atol=2**-22)
    assert (counters.lost, counters.late, counters.resyncs) == (0, 0, 0)


def test_what_both_legs_of_a_voice_lose_is_lost_once_the_slower_has_had_its_time():
    hearing = Hearing(legs=({}, {"delay_ns": 9 * MS}), visit_ms=1)
    hearing.play(100)
    hearing.play(5, lose=lambda _leg, _ms: True)
    hearing.play(5)
    assert hearing.assembler.counters.lost == 0
    hearing.play(100)
    assert hearing.assembler.counters.lost == 5


# Ancillary data


def anc(index):
    return AncGrain(START_TICKS + 1500 * index, (AncPacket(0x51, 1, bytes([index % 256])),))


@pytest.mark.parametrize("visit", [1, 2, 5])
def test_ancillary_data_at_sixty_frames_survive_two_lossy_legs_fifty_milliseconds_apart(visit):
    now = tai_of_ticks(START_TICKS, 90_000)
    network = Network(6, now=now, legs=({}, {"delay_ns": CLASS_B}))
    assembler = AncAssembler(payload_type=100, differential_ns=CLASS_B)
    draw, chunk, got = np.random.default_rng(4).random(300), Chunk.of(64), []
    for k in range(300):
        packet = st2110_40.pack(anc(k), payload_type=100, ssrc=1, sequence=0xFFFFFF00 + k)[0]
        lost = (draw[k] < 0.1, draw[k] > 0.9)
        for link, gone in zip(network.links, lost, strict=True):
            link.plugged, link.now_ns = not gone and k < 290, network.now.ns
            link.sink.send(whole(np.frombuffer(packet, np.uint8)[None].copy()))
        network.now = Tai(network.now.ns + 16_666_667)
        if k % visit == 0:
            network.source.receive(chunk, 0)
            got += assembler.push(chunk, network.now)
    assert got == [anc(k) for k in range(290)]
    assert (assembler.counters.lost, assembler.counters.late, assembler.counters.resyncs) == (0, 0, 0)
    assert assembler.counters.duplicate > 200


def test_ancillary_data_of_the_slowest_class_wait_for_the_second_leg():
    class_c = 450 * MS
    network = Network(6, now=tai_of_ticks(START_TICKS, 90_000), legs=({}, {"delay_ns": class_c}))
    assembler, chunk, got = AncAssembler(payload_type=100, differential_ns=class_c), Chunk.of(64), []
    for k in range(60):
        packet = st2110_40.pack(anc(k), payload_type=100, ssrc=1, sequence=k)[0]
        for leg, link in enumerate(network.links):
            link.plugged, link.now_ns = leg == 1 or k % 7 != 3, network.now.ns
            link.sink.send(whole(np.frombuffer(packet, np.uint8)[None].copy()))
        network.now = Tai(network.now.ns + 16_666_667)
        network.source.receive(chunk, 0)
        got += assembler.push(chunk, network.now)
    assert got == [anc(k) for k in range(len(got))]
    assert len(got) > 30
    assert assembler.counters.lost == 0
