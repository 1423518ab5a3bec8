"""Sender to receiver over links in memory, in real time for about half a second, at a small raster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from relip.clock.ptp import TaiClock
from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat
from relip.essence.grains import AncGrain
from relip.essence.scene import Region
from relip.graph.pacing import Mode, pacing_of
from relip.offline.container import read_voice
from relip.peers.intake import AncIn, AudioIn, VideoIn
from relip.peers.receive import Receiver
from relip.peers.record import Recorder
from relip.peers.reel import Reel
from relip.peers.report import ReceiverReport, SenderReport
from relip.peers.send import Sender, VideoOut, VoiceOut
from relip.ports import Burst, PacketSink
from relip.transport.loopback import Link
from relip.wire import disclosure, st2110_40

pytestmark = pytest.mark.e2e

FORMAT = VideoFormat(360, 288, Fraction(25))
LEG = (Leg("239.1.1.1", 5004),)
VIDEO, AUDIO, ANC = Flow(FORMAT, 96, LEG), Flow(AudioFormat(), 97, LEG), Flow(AncFormat(FORMAT.rate), 100, LEG)
FRAMES = 15
BURST = pacing_of(FORMAT, 288, Mode.BURST)
REGION = Region(100, 150, 80, 60)


class Tee:
    """A network that carries the same packets to the receiver and through a stage of the test to the receiver again."""

    def __init__(self, original: PacketSink, dubbed: Callable[[Burst], None]) -> None:
        self._original = original
        self._dubbed = dubbed

    def send(self, burst: Burst) -> int:
        if len(burst.headers):
            self._dubbed(burst)
        return self._original.send(burst)

    def close(self) -> None:
        self._original.close()


class Studio:
    """The links between sender and receiver, and a stage that may alter what passes."""

    def __init__(self, **impairment: float) -> None:
        self.original = Link(1, capacity=1 << 15)
        self.dubbed = Link(2, capacity=1 << 15, **impairment)
        self.audio = Link(3)
        self.anc = Link(4)

    def pass_on(self, burst: Burst) -> None:
        """Passthrough."""
        self.dubbed.sink.send(burst)

    def dub(self, burst: Burst) -> None:
        """Change every sample of a region and disclose it."""
        self._disclose(int.from_bytes(burst.headers[0, 4:8].tobytes()))
        self.dub_in_secret(burst)

    def dub_in_secret(self, burst: Burst) -> None:
        """Change every sample of a region."""
        payload = burst.payload.copy()
        frame = payload.reshape(FORMAT.height, FORMAT.row_octets)
        first = REGION.x // 2 * 5
        frame[REGION.y : REGION.y + REGION.height, first : first + REGION.width // 2 * 5] ^= 0x55
        self.dubbed.sink.send(replace(burst, payload=payload))

    def restamp(self, burst: Burst) -> None:
        """Send the picture under the timestamp of five frames later."""
        headers = burst.headers.copy()
        stamps = headers.view([("before", "V4"), ("timestamp", ">u4"), ("after", "V12")])["timestamp"]
        stamps += np.uint32(5 * 3600)
        self.dubbed.sink.send(replace(burst, headers=headers))

    def _disclose(self, timestamp: int) -> None:
        packet = disclosure.pack(disclosure.Disclosure(altered=True, region=REGION))
        (octets,) = st2110_40.pack(AncGrain(timestamp, (packet,)), payload_type=100, ssrc=3, sequence=timestamp // 3600)
        none = np.zeros(1, np.int64)
        whole = np.frombuffer(octets, np.uint8)[None].copy()
        self.anc.sink.send(Burst(whole, np.zeros(0, np.uint8), none, none))


def ran(
    studio: Studio, stage: Callable[[Burst], None], recorder: Recorder | None = None, *, frames: int = FRAMES
) -> tuple[SenderReport, ReceiverReport]:
    """Play half a second of noise and a tone and receive it, both in real time."""
    clock = TaiClock()
    rng = np.random.default_rng(5)
    reel = Reel(rng.integers(0, 256, (10, FORMAT.height, FORMAT.row_octets), dtype=np.uint8))
    tone = (0.5 * np.sin(np.arange(24000) * np.pi / 24)).astype(np.float32)
    voice = VoiceOut(tone, AUDIO, studio.audio.sink, lead_s=Fraction(1, 5), loop=False)
    sender = Sender(VideoOut(reel, VIDEO, Tee(studio.original.sink, stage), BURST), clock=clock, voice=voice)
    receiver = Receiver(
        VideoIn(VIDEO, studio.dubbed.source),
        clock=clock,
        original=VideoIn(VIDEO, studio.original.source),
        audio=AudioIn(AUDIO, studio.audio.source),
        disclosures=AncIn(ANC, studio.anc.source),
        recorder=recorder,
    )
    sent: list[SenderReport] = []
    stop = threading.Event()
    playing = threading.Thread(target=lambda: sent.append(sender.run(frames=frames, stop=stop)))
    playing.start()
    received = receiver.run(stop=stop, idle_ns=300_000_000)
    playing.join()
    return sent[0], received


def test_every_frame_arrives_identical_and_nothing_is_lost() -> None:
    studio = Studio()
    sent, received = ran(studio, studio.pass_on)
    assert sent.frames_sent == FRAMES
    assert (received.received, received.compared, received.incomplete) == (FRAMES, FRAMES, 0)
    assert (received.changed, received.outside_changed, received.skipped, received.overrun) == (0, 0, 0, 0)
    assert {name: flow.lost for name, flow in received.flows.items()} == dict.fromkeys(received.flows, 0)
    assert sum(flow.late for flow in received.flows.values()) == 0
    assert received.flows["dubbed"].packets == sent.packets_sent["video"]
    assert received.audio_samples == 48 * sent.packets_sent["audio"]
    assert received.skew_ms == 0.0
    assert received.latency_frames is not None
    assert received.latency_frames.max == 0


def test_a_declared_region_may_change_and_the_recording_shows_both(tmp_path: Path) -> None:
    studio = Studio()
    recorder = Recorder(FORMAT, with_before=True)
    _, received = ran(studio, studio.dub, recorder)
    assert (received.received, received.compared, received.disclosed) == (FRAMES, FRAMES, FRAMES)
    assert (received.changed, received.outside_changed) == (FRAMES, 0)
    assert received.skew_ms == 0.0
    assert recorder.write(tmp_path / "demo.mp4") == FRAMES
    recorder.close()
    voice = read_voice(tmp_path / "demo.mp4")
    loud = np.flatnonzero(np.abs(voice) > 0.1)
    assert abs(int(loud[0]) - 9600) <= 96


def test_a_change_that_nobody_declared_is_counted_sample_by_sample() -> None:
    studio = Studio()
    _, received = ran(studio, studio.dub_in_secret)
    assert (received.disclosed, received.changed) == (0, FRAMES)
    assert received.outside_changed == FRAMES * REGION.height * REGION.width * 2


def test_a_restamped_picture_is_seen_to_be_late() -> None:
    studio = Studio()
    _, received = ran(studio, studio.restamp)
    assert received.skew_ms == 200.0


def test_losses_are_counted_and_a_frame_that_lacks_rows_is_not_called_changed() -> None:
    studio = Studio(loss=0.002)
    sent, received = ran(studio, studio.pass_on)
    assert studio.dubbed.lost > 0
    assert received.flows["dubbed"].lost == studio.dubbed.lost
    assert received.flows["dubbed"].packets == sent.packets_sent["video"] - studio.dubbed.lost
    assert received.incomplete > 0
    assert received.outside_changed == 0


def test_the_run_ends_with_the_frames_that_were_asked_for_and_says_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    link = Link(1, capacity=1 << 15)
    clock = TaiClock()
    reel = Reel(np.zeros((1, FORMAT.height, FORMAT.row_octets), np.uint8))
    sender = Sender(VideoOut(reel, VIDEO, link.sink, BURST), clock=clock)
    receiver = Receiver(VideoIn(VIDEO, link.source), clock=clock)
    stop = threading.Event()
    playing = threading.Thread(target=lambda: sender.run(frames=None, stop=stop))
    playing.start()
    received = receiver.run(stop=threading.Event(), frames=4, progress=lambda done, of: told.append((done, of)))
    stop.set()
    playing.join()
    assert received.received >= 4
    assert received.skipped == received.received
    assert told[-1] == (4, 4)
    assert not received.cut_short


def test_a_run_of_so_many_frames_ends_without_any_sender() -> None:
    receiver = Receiver(VideoIn(VIDEO, Link().source), clock=TaiClock())
    received = receiver.run(stop=threading.Event(), frames=2, idle_ns=100_000_000)
    assert received.received == 0
    assert received.cut_short


def test_a_stopped_run_is_cut_short() -> None:
    stop = threading.Event()
    stop.set()
    received = Receiver(VideoIn(VIDEO, Link().source), clock=TaiClock()).run(stop=stop, frames=4)
    assert received.cut_short
    assert received.received == 0


def test_a_source_that_is_gone_ends_the_run_with_its_own_error() -> None:
    link = Link()
    receiver = Receiver(VideoIn(VIDEO, link.source), clock=TaiClock())
    link.source.close()
    with pytest.raises(ResourceError, match="source is closed"):
        receiver.run(stop=threading.Event())
