"""One flow as the receiver takes it in: packets to grains, grains to whoever measures. One thread runs each.

Nothing is measured here beyond what the assemblers count.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relip.essence.flow import AncFlow, AudioFlow, Flow, VideoFlow
from relip.essence.formats import Format
from relip.essence.grains import AncGrain, AudioBlock, VideoGrain
from relip.essence.tai import AUDIO_CLOCK_HZ, Tai, tai_of_ticks
from relip.frames.ancillary import AncAssembler
from relip.frames.assemble import VideoAssembler, frames_behind
from relip.frames.audio import AudioAssembler
from relip.frames.legs import LegWatch
from relip.frames.pool import FramePool
from relip.peers.report import FlowCounters, LegReport
from relip.ports import Chunk, Clock, LegState, PacketSource
from relip.wire.st2022_7 import PathClass

WAIT_NS = 20_000_000
"""Longest wait for a packet: how late the end of a flow is noticed."""
REST_S = 0.02
"""Pause after each receive of a flow of few octets: twenty audio packets cost as much as one, and nobody waits for them."""
CHUNK_PACKETS = 512
"""Packets taken at once: a tenth of a 1080p frame."""
KEPT_AGES = 90_000
"""Half an hour of visits; the oldest are dropped."""
PATIENCE_NS = 60_000_000
"""Beyond a frame period, how long a frame waits for its packets: a stalled thread must not look like a lossy network,
and nothing downstream of this receiver waits for the frame."""
PATH_CLASS = PathClass.B
"""The legs of a flow may be 50 ms apart, which is less than that."""
States = Callable[[], Sequence[LegState]]
"""How the legs of a flow fare."""


def _untold() -> Sequence[LegState]:
    return ()


@dataclass(frozen=True, slots=True)
class VideoIn:
    """A video flow, and where its packets come from."""

    flow: VideoFlow
    source: PacketSource
    states: States = _untold


@dataclass(frozen=True, slots=True)
class AudioIn:
    """An audio flow, and where its packets come from."""

    flow: AudioFlow
    source: PacketSource
    states: States = _untold


@dataclass(frozen=True, slots=True)
class AncIn:
    """An ancillary flow that carries disclosures, and where its packets come from."""

    flow: AncFlow
    source: PacketSource
    states: States = _untold


class Legs:
    """The legs of a flow, watched."""

    def __init__(self, flow: Flow[Format], states: States) -> None:
        self.differential_ns = PATH_CLASS.differential_ns(flow.format) if len(flow.legs) > 1 else None
        self._flow = flow
        self._states = states
        self._watch = LegWatch(len(flow.legs), payload_type=flow.payload_type, differential_ns=self.differential_ns or 0)
        self.observe, self.chunk = self._watch.observe, self._watch.chunk

    def report(self) -> list[LegReport]:
        """How each leg fares."""
        states = self._states() or [LegState()] * len(self._flow.legs)
        every = zip(self._flow.legs, self._watch.counters, states, strict=True)
        return [LegReport.of(leg, counters, state) for leg, counters, state in every]


class Intake(Protocol):
    """A flow that is being received."""

    source: PacketSource
    legs: Legs
    rest_s: float
    overrun: int
    cpu_s: float

    def take(self, chunk: Chunk, now: Tai) -> None:
        """Packets have come, or none did for a while."""
        ...

    def counters(self) -> FlowCounters:
        """What was counted so far."""
        ...


class VideoIntake:
    """Frames, leased from a pool of `frames`; `put` says whether it takes a grain, whose slot is then its to give back."""

    def __init__(self, of: VideoIn, put: Callable[[VideoGrain], bool], *, frames: int) -> None:
        self.source = of.source
        self.legs = Legs(of.flow, of.states)
        self.rest_s = 0.0
        self.overrun = 0
        self.cpu_s = 0.0
        behind = frames_behind(of.flow.format.rate, self.legs.differential_ns)
        self.pool = FramePool(frames + behind, of.flow.format)
        self.pool.octets.fill(0)  # a page that is touched for the first time costs more than the packet it is for
        self._put = put
        self._assembler = VideoAssembler(
            of.flow.format,
            payload_type=of.flow.payload_type,
            pool=self.pool,
            merge_window_ns=PATIENCE_NS,
            differential_ns=self.legs.differential_ns,
        )

    def take(self, chunk: Chunk, now: Tai) -> None:
        """See Intake."""
        grains = self._assembler.push(chunk, now) if chunk.count else []
        if chunk.count < len(chunk.octets):  # nothing more waits in the socket: what is overdue now will not come
            grains += self._assembler.expire(now)
        for grain in grains:
            if not self._put(grain):
                self.overrun += 1
                self.pool.give_back(grain.slot)

    def counters(self) -> FlowCounters:
        """See Intake."""
        return FlowCounters.of(self._assembler.counters, self.legs.report())


class AudioIntake:
    """Blocks of the voice, counted and given to `put` when there is one."""

    def __init__(self, of: AudioIn, put: Callable[[AudioBlock], None] | None) -> None:
        self.source = of.source
        self.legs = Legs(of.flow, of.states)
        self.rest_s = REST_S
        self.overrun = 0
        self.cpu_s = 0.0
        self.samples = 0
        self.ages_ns: deque[int] = deque(maxlen=KEPT_AGES)
        """Of the newest packet of each visit, when it was received."""
        self._packet_samples = of.flow.format.packet_samples
        self._put = put
        self._assembler = AudioAssembler(
            of.flow.format, payload_type=of.flow.payload_type, differential_ns=self.legs.differential_ns or 0
        )

    def take(self, chunk: Chunk, now: Tai) -> None:
        """See Intake."""
        blocks = self._assembler.push(chunk, now)
        for block in blocks:
            self.samples += len(block.samples)
            if self._put is not None:
                self._put(block)
        if blocks:  # the last packet has waited for nobody
            newest = tai_of_ticks(blocks[-1].end_sample - self._packet_samples, AUDIO_CLOCK_HZ)
            self.ages_ns.append(now.since(newest))

    def counters(self) -> FlowCounters:
        """See Intake."""
        return FlowCounters.of(self._assembler.counters, self.legs.report())


class AncIntake:
    """Ancillary grains; `put` says whether it takes one."""

    def __init__(self, of: AncIn, put: Callable[[AncGrain], bool]) -> None:
        self.source = of.source
        self.legs = Legs(of.flow, of.states)
        self.rest_s = REST_S
        self.overrun = 0
        self.cpu_s = 0.0
        self._put = put
        self._assembler = AncAssembler(payload_type=of.flow.payload_type, differential_ns=self.legs.differential_ns)

    def take(self, chunk: Chunk, now: Tai) -> None:
        """See Intake."""
        for grain in self._assembler.push(chunk, now):
            self.overrun += not self._put(grain)

    def counters(self) -> FlowCounters:
        """See Intake."""
        return FlowCounters.of(self._assembler.counters, self.legs.report())


def listen(intake: Intake, clock: Clock, ended: threading.Event) -> None:
    """Receive until `ended` is set; raises what the source raises when it is gone for good."""
    begun = time.thread_time()
    chunk = intake.legs.chunk(CHUNK_PACKETS)
    try:
        while not ended.is_set():
            intake.source.receive(chunk, WAIT_NS)
            now = clock.now()
            intake.legs.observe(chunk, now)
            intake.take(chunk, now)
            if intake.rest_s:
                ended.wait(intake.rest_s)
    finally:
        intake.cpu_s = time.thread_time() - begun
