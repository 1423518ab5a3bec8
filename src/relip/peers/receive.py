"""Receives original and dubbed video, the voice and the disclosures, and measures what came out of the service.

A thread for each flow does nothing but receive; the thread that calls `run` compares, measures and keeps the small
pictures. The recording is encoded afterwards. Which sources these are is decided elsewhere.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

from relip.essence.errors import WireError
from relip.essence.grains import AncGrain, AncPacket, VideoGrain
from relip.essence.tai import NS_PER_S, Tai
from relip.peers.inspection import Inspection, spread
from relip.peers.intake import AncIn, AncIntake, AudioIn, AudioIntake, VideoIn, VideoIntake, listen
from relip.peers.pairs import Pair, Pairing
from relip.peers.record import Recorder
from relip.peers.reel import Progress
from relip.peers.report import ReceiverReport
from relip.ports import Clock
from relip.wire import disclosure

HELD_S = Fraction(1, 2)
"""Originals are kept this long for their dubbed grain: more than any latency that is worth watching."""
UNDER_WAY = 32
"""Frames of each flow that are being assembled (five), wait to be measured or are measured: a second of pauses, because the
measuring gives way to the service on a small machine."""
WAITING = 256
"""Arrivals waiting to be measured; the newest is dropped and counted when a machine is too slow for more. Frames run out
of their pools long before, which only leaves a gap."""
POLL_S = 0.02
"""A stopped receiver ends this much later."""
IDLE_NS = 2 * NS_PER_S
"""The run ends when a dubbed flow that had begun is silent for this long."""


@dataclass(frozen=True, slots=True)
class _Original:
    """An original grain on its way to the comparison."""

    grain: VideoGrain


@dataclass(frozen=True, slots=True)
class _Dubbed:
    """A dubbed grain on its way to the comparison."""

    grain: VideoGrain


_Arrival = _Original | _Dubbed | AncGrain


class Receiver:
    """One run of receiving, from sources that are open already."""

    def __init__(
        self,
        dubbed: VideoIn,
        *,
        clock: Clock,
        original: VideoIn | None = None,
        audio: AudioIn | None = None,
        disclosures: AncIn | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """Set up and compile, before the first packet; sources and recorder stay the caller's to close."""
        self._clock = clock
        self._format = dubbed.flow.format
        self._inspection = Inspection(self._format)
        self._recorder = recorder
        held = math.ceil(HELD_S * self._format.rate)
        self._pairing = Pairing(original is not None, disclosures is not None, room=held)
        self._arrivals: queue.Queue[_Arrival] = queue.Queue(WAITING)
        self._dubbed = VideoIntake(dubbed, self._put_dubbed, frames=UNDER_WAY)
        self._original = None if original is None else VideoIntake(original, self._put_original, frames=held + UNDER_WAY)
        self._audio = None if audio is None else AudioIntake(audio, None if recorder is None else recorder.sound)
        self._anc = None if disclosures is None else AncIntake(disclosures, self._put)
        self._last_arrival: Tai | None = None
        self._inspection.warm()

    def run(
        self,
        *,
        stop: threading.Event,
        frames: int | None = None,
        idle_ns: int = IDLE_NS,
        progress: Progress | None = None,
    ) -> ReceiverReport:
        """Receive `frames` dubbed grains, or until `stop` is set, or until the dubbed flow has ended or had the time to.

        Raises what a source raised when it is gone for good.
        """
        begun = time.thread_time()
        intakes = [intake for intake in (self._dubbed, self._original, self._audio, self._anc) if intake is not None]
        ended = threading.Event()
        with ThreadPoolExecutor(len(intakes), thread_name_prefix="receive") as threads:
            jobs = [threads.submit(listen, intake, self._clock, ended) for intake in intakes]
            try:
                self._measure(jobs, stop=stop, frames=frames, idle_ns=idle_ns, progress=progress)
            finally:
                ended.set()
        for job in jobs:
            job.result()
        self._drain()
        own = time.thread_time() - begun
        return self._report(own + sum(intake.cpu_s for intake in intakes), frames)

    def _measure(
        self,
        jobs: list[Future[None]],
        *,
        stop: threading.Event,
        frames: int | None,
        idle_ns: int,
        progress: Progress | None,
    ) -> None:
        """Take arrivals until the run is over."""
        begun = self._clock.now()
        while not stop.is_set() and not any(job.done() for job in jobs) and not self._never_came(begun, frames, idle_ns):
            try:
                self._arrived(self._arrivals.get(timeout=POLL_S))
            except queue.Empty:
                if self._last_arrival is not None and self._clock.now().since(self._last_arrival) > idle_ns:
                    return
                continue
            self._inspect(self._pairing.settled())
            if frames is not None and progress is not None:
                progress(min(self._inspection.received, frames), frames)
            if frames is not None and self._inspection.received >= frames:
                return

    def _never_came(self, begun: Tai, frames: int | None, idle_ns: int) -> bool:
        """Whether not one dubbed grain has come in the time that all of them would have taken."""
        if frames is None or self._last_arrival is not None:
            return False
        return self._clock.now().since(begun) > frames * NS_PER_S // self._format.rate + idle_ns

    def _drain(self) -> None:
        """What had arrived when the run ended is measured too."""
        while not self._arrivals.empty():
            self._arrived(self._arrivals.get_nowait())
        self._inspect(self._pairing.settled(end=True))

    def _arrived(self, arrival: _Arrival) -> None:
        """Sort one arrival in."""
        match arrival:
            case _Original(grain):
                self._inspection.original(grain)
                self._pairing.original(grain)
            case _Dubbed(grain):
                self._pairing.dubbed(grain)
                self._last_arrival = grain.arrived
            case AncGrain(ticks, packets):
                for packet in packets:
                    self._disclosed(ticks, packet)

    def _disclosed(self, ticks: int, packet: AncPacket) -> None:
        """Keep a disclosure; others' ancillary packets, and broken ones, are not ours."""
        try:
            said = disclosure.parse(packet, did=packet.did, sdid=packet.sdid)  # the signature tells, not the identifiers
        except WireError:
            self._inspection.bad_disclosures += 1
            return
        if said is not None:
            self._pairing.disclosed(ticks, said)

    def _inspect(self, pairs: list[Pair]) -> None:
        """Measure and record, then give the frames back, and those that nobody asked for."""
        for pair in pairs:
            self._inspection.pair(pair)
            if self._recorder is not None:
                before = None if pair.original is None else pair.original.packed
                self._recorder.picture(pair.dubbed.ticks, before, pair.dubbed.packed)
            self._dubbed.pool.give_back(pair.dubbed.slot)
            if pair.original is not None:
                self._pairing.dropped.append(pair.original)
        for grain in self._pairing.dropped:
            assert self._original is not None, "only that flow gives originals"
            self._original.pool.give_back(grain.slot)
        self._pairing.dropped.clear()

    def _put_original(self, grain: VideoGrain) -> bool:
        return self._put(_Original(grain))

    def _put_dubbed(self, grain: VideoGrain) -> bool:
        return self._put(_Dubbed(grain))

    def _put(self, arrival: _Arrival) -> bool:
        """Hand an arrival to the measuring thread; False when it is too far behind."""
        try:
            self._arrivals.put_nowait(arrival)
        except queue.Full:
            return False
        return True

    def _report(self, cpu_s: float, frames: int | None) -> ReceiverReport:
        """The figures of the whole run."""
        seen = self._inspection
        named = {"dubbed": self._dubbed, "original": self._original, "audio": self._audio, "anc": self._anc}
        intakes = {name: intake for name, intake in named.items() if intake is not None}
        return ReceiverReport(
            format=str(self._format),
            received=seen.received,
            incomplete=seen.incomplete,
            originals=seen.originals,
            compared=seen.compared,
            disclosed=seen.disclosed,
            changed=seen.changed,
            outside_changed=seen.outside_changed,
            skipped=seen.skipped,
            bad_disclosures=seen.bad_disclosures,
            latency_ms=seen.latency_ms,
            latency_frames=seen.latency_frames,
            skew_ms=seen.skew_ms,
            picture_after_ms=seen.after_ms,
            voice_after_ms=None if self._audio is None else spread([ns / 1e6 for ns in self._audio.ages_ns]),
            flows={name: intake.counters() for name, intake in intakes.items()},
            audio_samples=0 if self._audio is None else self._audio.samples,
            cpu_s=round(cpu_s, 3),
            overrun=sum(intake.overrun for intake in intakes.values()),
            cut_short=frames is not None and seen.received < frames,
        )
