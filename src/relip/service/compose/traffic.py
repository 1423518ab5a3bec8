"""A sender and a receiver, each a process of its own on real sockets, for measurements: what each of them says of one run.

The sender plays a few frames of noise again and again, as `relip send` would; the receiver assembles them by the loop of the
service. CPU is that of the thread that does the work, between the first and the last frame.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from typing import Any

import numpy as np

from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.graph.reception import Reception
from relip.peers.reel import Reel
from relip.peers.report import SenderReport
from relip.peers.send import Sender, VideoOut
from relip.service import memory
from relip.service.compose.ends import pacing, tai_clock
from relip.transport.udp import SingleUdpSource, UdpSink, UdpSource
from relip.wire.st2110_20 import FrameHeaders

PAYLOAD_TYPE = 96
PICTURES = 3
SLOTS = 10
CHUNK = 512
REST_NS = 3_000_000
"""As the service receives (`service.compose`)."""
WARM_SHARE = 10
"""Memory is looked at when a tenth of a run is over, and at its end."""
START_S = 120.0
"""A process that compiles for the first time takes a while."""
QUIET_S = 0.5
"""After the last packet has been sent, this long for the receiver to see it."""
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Line:
    """What is carried where. `mode`: of pacing. `joined`: whether the receiver takes aggregates (UDP_GRO)."""

    leg: Leg
    format: VideoFormat
    frames: int
    mode: str = "spread"
    joined: bool = True

    @property
    def packets(self) -> int:
        """Of a frame as we send it."""
        return FrameHeaders(self.format, payload_type=PAYLOAD_TYPE, ssrc=0).packets


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender says; `packets` of all frames, `grown_octets` of memory from a tenth of the run to its end."""

    report: SenderReport
    packets: int
    grown_octets: int


@dataclass(frozen=True, slots=True)
class Received:
    """What a receiver says: packets in all, frames given out, and of those after the first `cpu_s` of its thread.

    `age_ms`: from a frame's timestamp to its last packet, median; 0 when none came.
    """

    packets: int
    late: int
    frames: int
    incomplete: int
    cpu_s: float
    age_ms: float
    joined: bool
    grown_octets: int


def carry(line: Line) -> tuple[Sent, Received]:
    """Send and receive at once. Raises ResourceError when an end fails."""
    with receiving(line) as end, _process(_send, line) as (sender, said):
        sent = _answer(sender, said, line)
        received = end.stop()
    return sent, received


def send(line: Line) -> Sent:
    """Send to whoever listens."""
    with _process(_send, line) as (sender, said):
        sent: Sent = _answer(sender, said, line)
    return sent


@dataclass(slots=True)
class Receiving:
    """A receiver that runs."""

    line: Line
    process: SpawnProcess
    said: Any
    done: Event

    def stop(self) -> Received:
        """Let it see the last packets, and end it."""
        self.done.set()
        received: Received = _answer(self.process, self.said, self.line)
        return received


@contextmanager
def receiving(line: Line) -> Iterator[Receiving]:
    """A receiver, ready for the first packet."""
    done, ready = _SPAWN.Event(), _SPAWN.Event()
    with _process(_receive, line, ready, done) as (process, said):
        deadline = time.monotonic() + START_S
        while not ready.wait(0.05):
            if not process.is_alive() or time.monotonic() > deadline:
                raise ResourceError(f"the receiver of {line.format} did not start")
        yield Receiving(line, process, said, done)


@contextmanager
def _process(target: Any, line: Line, *more: Event) -> Iterator[tuple[SpawnProcess, Any]]:  # noqa: ANN401  functions of this file
    said: Any = _SPAWN.Queue()
    process = _SPAWN.Process(target=target, args=(line, said, *more), daemon=True)
    process.start()
    try:
        yield process, said
    finally:
        process.terminate()
        process.join()


def _answer(process: SpawnProcess, said: Any, line: Line) -> Any:  # noqa: ANN401  what that function puts
    deadline = time.monotonic() + START_S + 2 * float(line.frames / line.format.rate)
    while True:
        try:
            return said.get(timeout=0.2)
        except queue.Empty:
            if not process.is_alive() or time.monotonic() > deadline:
                raise ResourceError(f"an end of the flow of {line.format} gave no answer") from None


@dataclass(slots=True)
class _Watch:
    """Memory at a tenth of a run."""

    after_s: float
    at_tenth: int = field(default=0)

    def start(self) -> None:
        timer = threading.Timer(self.after_s / WARM_SHARE, self._look)
        timer.daemon = True
        timer.start()

    def _look(self) -> None:
        self.at_tenth = memory.resident_octets()

    def grown(self) -> int:
        return memory.resident_octets() - self.at_tenth if self.at_tenth else 0


def _send(line: Line, said: Any) -> None:  # noqa: ANN401  a queue
    shape = (PICTURES, line.format.height, line.format.row_octets)
    reel = Reel(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    clock = tai_clock()
    flow = Flow(format=line.format, payload_type=PAYLOAD_TYPE, legs=(line.leg,))
    paced = pacing(flow, line.packets, mode=line.mode)
    sender = Sender(VideoOut(reel, flow, UdpSink(line.leg, clock=clock), paced), clock=clock)
    watch = _Watch(float(line.frames / line.format.rate))
    memory.freeze()
    watch.start()
    report = sender.run(frames=line.frames, stop=threading.Event())
    said.put(Sent(report, report.packets_sent["video"], watch.grown()))


def _receive(line: Line, said: Any, ready: Event, done: Event) -> None:  # noqa: ANN401  a queue
    source = UdpSource(line.leg) if line.joined else SingleUdpSource(line.leg)
    pool = FramePool(SLOTS, line.format)
    pool.octets.fill(1)  # the pages are there before the clock runs
    assembler = VideoAssembler(line.format, payload_type=PAYLOAD_TYPE, pool=pool)
    watch = _Watch(float(line.frames / line.format.rate))
    seen: list[float] = []
    ages = np.zeros(line.frames, np.int64)

    def deliver(grain: VideoGrain) -> None:
        pool.give_back(grain.slot)
        ages[assembler.counters.frames % line.frames] = grain.arrived.since(grain.origin)
        if not seen:
            watch.start()
            seen.append(time.thread_time())
        seen[1:] = [time.thread_time()]

    reception = Reception(
        source,
        assembler,
        clock=tai_clock(),
        deliver=deliver,
        capacity=CHUNK,
        rest_ns=REST_NS,
        expire=assembler.expire,
    )
    thread = threading.Thread(target=reception.run)
    thread.start()
    memory.freeze()
    ready.set()
    done.wait()
    time.sleep(QUIET_S)
    reception.stop()
    thread.join()
    counters = assembler.counters
    cpu_s = seen[-1] - seen[0] if seen else 0.0
    said.put(
        Received(
            packets=counters.packets,
            late=counters.late,
            frames=counters.frames,
            incomplete=counters.incomplete,
            cpu_s=cpu_s,
            age_ms=float(np.median(ages[ages != 0])) / 1e6 if ages.any() else 0.0,
            joined=source.report.aggregated,
            grown_octets=watch.grown(),
        )
    )
