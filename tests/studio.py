"""A whole channel on links in memory, with a clock set by hand: what is live in the product, without its threads."""

from __future__ import annotations

import numpy as np

from relip.clock.manual import ManualClock
from relip.essence.formats import AudioFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Verdict
from relip.essence.tai import AUDIO_CLOCK_HZ, Tai, grain_start, grain_ticks, period_ns
from relip.frames.assemble import VideoAssembler
from relip.frames.audio import AudioAssembler
from relip.frames.legs import LegWatch
from relip.frames.pool import FramePool
from relip.graph.egress import Egress
from relip.graph.holoscan import run_pending
from relip.graph.ingress import Ingress
from relip.graph.pacing import Mode, pacing_of
from relip.graph.reception import Reception
from relip.graph.stages import EgressStage
from relip.graph.timeline import Timeline
from relip.graph.transmit import VideoSender, whole
from relip.ports import Burst, Chunk
from relip.transport.legs import LegsSource
from relip.transport.loopback import Link
from relip.wire.st2022_7 import PathClass
from relip.wire.st2110_20 import FrameHeaders
from relip.wire.st2110_30 import AudioPackets

FIRST = 44_000_000_000
VIDEO, VOICE = 96, 97


class Studio:
    """Camera and voice → links → channel → link → a receiver. `make`: builds the chain of stages on the studio's clock.

    `impairment`: of the camera's link. `second`: of a second link over which the camera sends as well (ST 2022-7 class A).
    `behind_ns`: how far the camera's clock is behind the studio's.
    """

    def __init__(self, form, delay, *, frames, make, impairment=None, second=None, behind_ns=0):
        self.form = form
        self.behind_ns = behind_ns
        self.clock = ManualClock(grain_start(FIRST, form.rate).after(behind_ns))
        self.chain = make(self.clock)
        self.tally = self.chain.tally
        self.camera = Link(2110, capacity=1 << 15, **(impairment or {}))
        self.cameras = [self.camera] if second is None else [self.camera, Link(2113, capacity=1 << 15, **second)]
        apart_ns = None if second is None else PathClass.A.differential_ns(form)
        self.voice = Link(2111)
        self.out = Link(2112, capacity=1 << 15)
        self.verdicts = {}
        self.camera_headers = FrameHeaders(form, payload_type=VIDEO, ssrc=1)
        self._sequence = 0xFFFFFFF0 - self.camera_headers.packets  # wraps early in every run
        self._spoken = 0
        self._sound = AudioPackets(AudioFormat(), payload_type=VOICE, ssrc=2)
        pool = FramePool(frames + 12, form)
        headers = FrameHeaders(form, payload_type=VIDEO, ssrc=3)
        sender = VideoSender(self.out.sink, headers, pacing_of(form, headers.packets, Mode.BURST), rate=form.rate)
        self._received = VideoAssembler(form, payload_type=VIDEO, pool=FramePool(frames + 12, form))

        def send(grain: VideoGrain, verdict: Verdict, due: Tai) -> None:
            self.verdicts[grain.ticks] = verdict
            self.left.append((grain.ticks, grain.packed.copy(), grain.concealed_rows, self.clock.now()))
            sender.send(grain, verdict, due)
            self._take_delivery()

        self.delivered, self.left = {}, []
        self._chunk = Chunk.of(4096)
        self.egress = Egress(
            clock=self.clock, send=send, give_back=pool.give_back, tally=self.tally, latency_ns=delay.latency_ns
        )
        self.timeline = Timeline(form.rate)
        self.ingress = Ingress(clock=self.clock, timeline=self.timeline, delay=delay, egress=self.egress, tally=self.tally)
        self.ingress.wake = lambda: None
        self.assembler = VideoAssembler(form, payload_type=VIDEO, pool=pool, differential_ns=apart_ns)
        self.watch = LegWatch(len(self.cameras), payload_type=VIDEO, differential_ns=apart_ns or 0)
        voice = AudioAssembler(AudioFormat(), payload_type=VOICE)
        self._receptions = [
            Reception(
                LegsSource([lambda link=link: link.source for link in self.cameras]),
                self.assembler,
                clock=self.clock,
                deliver=self.ingress.offer,
                capacity=4096,
                expire=self.assembler.expire,
                watch=self.watch,
            ),
            Reception(self.voice.source, voice, clock=self.clock, deliver=self.chain.inbox.put, capacity=256),
        ]
        self.guards = self.chain.guards(EgressStage(self.egress, self.chain.overload), stopwatch=lambda: 0)

    def ticks(self, k):
        return grain_ticks(FIRST + k, self.form.rate, 90_000)

    def play(self, frames, voice=None):
        """Play packed frames (and a 48 kHz voice) through; `delivered` then holds what came out, by origin timestamp."""
        for k, packed in enumerate(frames):
            self.run_frame(k, packed, voice)
        return self.finish()

    def run_frame(self, k, packed, voice=None):
        """Frame k and the voice that goes with it are sent; the channel does what it would by then."""
        start = grain_start(FIRST + k, self.form.rate).after(self.behind_ns)
        self.clock.wait_until(start.after(period_ns(self.form.rate) * 9 // 10))
        self._send_frame(k, packed)
        if voice is not None:
            self._send_voice(k, voice)
        self.work()

    def finish(self):
        """Let everything leave; what came out, by origin timestamp."""
        for _ in range(12):  # the grains that still wait for their voice
            self.clock.advance(period_ns(self.form.rate))
            self.work()
        self.egress.drain()
        self.egress.run()
        self.clock.advance(10 * period_ns(self.form.rate))
        self._take_delivery()
        return self.delivered

    def work(self):
        """What the threads of the product would do by now."""
        for reception in self._receptions:
            for _ in range(3):
                reception.step()
        self.ingress.step()
        run_pending(self.ingress, self.guards)
        while self.egress._queue and self.egress._queue[0].due <= self.clock.now():
            self.egress.step()

    def _send_frame(self, k, packed):
        headers = self.camera_headers
        self._sequence = headers.stamp(self._sequence, self.ticks(k) % 2**32)
        for link in self.cameras:
            link.sink.send(Burst(headers.headers.copy(), packed.reshape(-1), headers.offsets, headers.lengths))

    def _send_voice(self, k, voice):
        """The whole packets up to the end of frame k, of those that were not sent yet; none once the voice has ended."""
        first, end = (grain_ticks(FIRST + i, self.form.rate, AUDIO_CLOCK_HZ) for i in (0, k + 1))
        size = AudioFormat().packet_samples
        samples = voice[self._spoken : (end - first) // size * size]
        if len(samples):
            samples = np.pad(samples, (0, -len(samples) % size))
            packets = self._sound.packets(samples[:, None].astype(np.float32), first + self._spoken, self._spoken // size)
            self.voice.sink.send(whole(packets))
            self._spoken += len(samples)

    def _take_delivery(self):
        chunk = self._chunk
        while self.out.source.receive(chunk, 0):
            for grain in self._received.push(chunk, self.clock.now()):
                self.delivered[grain.ticks] = grain.packed.copy()
                self._received._pool.give_back(grain.slot)
        for grain in self._received.expire(Tai(self.clock.now().ns)):
            self.delivered[grain.ticks] = grain.packed.copy()
            self._received._pool.give_back(grain.slot)
