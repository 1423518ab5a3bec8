"""Plays frames, a voice and ancillary packets in real time as ST 2110-20, -30 and -40 flows on the TAI grid.

Grain k leaves at the instant the grid gives it and carries the timestamp of that instant; the voice lies on the same
timeline. A thread for each flow; each has its own sink. Nothing here decides what is sent or where to.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.flow import AncFlow, AudioFlow, VideoFlow
from relip.essence.grains import AncGrain, AncPacket
from relip.essence.tai import AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ, grain_start, grain_ticks, tai_of_ticks, wrap_rtp
from relip.graph.departures import Departures
from relip.graph.pacing import Pacing
from relip.graph.transmit import row_of, warm, whole
from relip.peers.reel import Reel
from relip.peers.report import OutputFigures, SenderReport
from relip.ports import Burst, Clock, PacketSink
from relip.wire.st2110_20 import FrameHeaders
from relip.wire.st2110_30 import AudioPackets
from relip.wire.st2110_40 import pack as pack_anc

START_NS = 200_000_000
"""The first grain leaves this long after `run` is called: all threads are up by then."""
LATE_NS = 5_000_000
"""A frame that starts later than this is counted as late."""
BATCH_S = Fraction(4, 1000)
"""Audio packets leave in batches of this much sound: one wake-up for four packets of 1 ms."""

Ancillary = Callable[[int], tuple[AncPacket, ...]]
"""The ancillary packets of the frame with this origin timestamp (90 kHz ticks)."""


@dataclass(frozen=True, slots=True)
class VideoOut:
    """Frames to play, and where, and how their packets leave."""

    reel: Reel
    flow: VideoFlow
    sink: PacketSink
    pacing: Pacing


@dataclass(frozen=True, slots=True)
class VoiceOut:
    """A voice to play on every channel of a flow, and where.

    `samples`: (n,) float32 mono, 48 kHz. `lead_s`: seconds of silence before it. `loop`: lead and voice again and again;
    else silence after it.
    """

    samples: NDArray[np.float32]
    flow: AudioFlow
    sink: PacketSink
    lead_s: Fraction = Fraction(1)
    loop: bool = True


@dataclass(frozen=True, slots=True)
class AncillaryOut:
    """Ancillary packets to send, and where; without any, each frame has an empty keep-alive packet (ST 2110-40 §5.2)."""

    flow: AncFlow
    sink: PacketSink
    packets: Ancillary = lambda _ticks: ()


class Sender:
    """Plays flows together; `run` returns when the last grain has left."""

    def __init__(
        self,
        video: VideoOut,
        *,
        clock: Clock,
        voice: VoiceOut | None = None,
        ancillary: AncillaryOut | None = None,
        ssrc: int | None = None,
    ) -> None:
        """`ssrc`: of the video flow, voice and ancillary follow on; drawn at random when it is None (RFC 3550 §8)."""
        self._video = video
        self._clock = clock
        ssrc = secrets.randbits(32) if ssrc is None else ssrc
        self._tracks: list[_Track] = [_VideoTrack(video, clock, ssrc)]
        rate = video.flow.format.rate
        if voice is not None:
            self._tracks.append(_VoiceTrack(voice, clock, (ssrc + 1) & 0xFFFFFFFF, rate))
        if ancillary is not None:
            self._tracks.append(_AncillaryTrack(ancillary, clock, (ssrc + 2) & 0xFFFFFFFF, rate))

    def run(self, *, frames: int | None, stop: threading.Event) -> SenderReport:
        """Play `frames` grains, or until `stop` is set when it is None. Raises what a sink raised, ResourceError above all."""
        if frames is not None and frames < 1:
            raise FormatError(f"frames={frames}: there is nothing to send")
        rate = self._video.flow.format.rate
        first = self._clock.now().after(START_NS).grain_index(rate) + 1
        last = None if frames is None else first + frames
        with ThreadPoolExecutor(len(self._tracks), thread_name_prefix="send") as threads:
            jobs = [threads.submit(_play, track, first, last, stop) for track in self._tracks]
        for job in jobs:
            job.result()
        return self._report(first, frames)

    def _report(self, first: int, frames: int | None) -> SenderReport:
        """What was counted, once the threads have ended."""
        video = self._tracks[0]
        assert isinstance(video, _VideoTrack)
        counts = {track.name: track.count for track in self._tracks}
        return SenderReport(
            format=str(self._video.flow.format),
            frames_sent=video.grains,
            packets_sent={name: count.sent for name, count in counts.items()},
            packets_refused=sum(count.refused for count in counts.values()),
            late_starts=video.late_starts,
            worst_start_ms=round(video.worst_start_ns / 1e6, 3),
            output=OutputFigures.of(video.departures),
            first_ticks=grain_ticks(first, self._video.flow.format.rate, VIDEO_CLOCK_HZ) if video.grains else None,
            cpu_s=round(sum(count.cpu_s for count in counts.values()), 3),
            cut_short=frames is not None and video.grains < frames,
        )


@dataclass(slots=True)
class _Count:
    """What one thread has sent."""

    sent: int = 0
    refused: int = 0
    cpu_s: float = 0.0

    def add(self, accepted: int, offered: int) -> None:
        """One burst has gone."""
        self.sent += accepted
        self.refused += offered - accepted


class _Track(Protocol):
    """One flow as it is played: each step waits for its instant and sends what is due."""

    name: str
    count: _Count

    def start(self, first: int) -> None:
        """The first grain of the run."""
        ...

    def step(self, last: int | None) -> bool:
        """Send the next grain or batch; False when the grain `last` has been reached."""
        ...


def _play(track: _Track, first: int, last: int | None, stop: threading.Event) -> None:
    """Step a track to its end; a track that fails stops the others."""
    cpu = time.thread_time()
    try:
        track.start(first)
        while not stop.is_set() and track.step(last):
            pass
    except BaseException:
        stop.set()
        raise
    finally:
        track.count.cpu_s = time.thread_time() - cpu


@dataclass(slots=True)
class _VideoTrack:
    """Frames, each paced from its instant on."""

    out: VideoOut
    clock: Clock
    ssrc: int
    name: str = "video"
    count: _Count = field(default_factory=_Count)
    grains: int = 0
    late_starts: int = 0
    worst_start_ns: int = 0
    _first: int = 0
    _index: int = 0
    _sequence: int = 0
    _headers: FrameHeaders = field(init=False)
    _burst: Burst = field(init=False)
    departures: Departures = field(init=False)

    def __post_init__(self) -> None:
        flow = self.out.flow
        if self.out.reel.frames.shape[1:] != (flow.format.height, flow.format.row_octets):
            raise FormatError(f"frames of {self.out.reel.frames.shape[1:]} octets are not {flow.format}")
        self._headers = FrameHeaders(flow.format, payload_type=flow.payload_type, ssrc=self.ssrc)
        pacing = self.out.pacing
        self.departures = Departures.of(pacing)
        # Copies that may be written to are of the same type as the other flows' columns: a sink compiles once for all.
        offsets, lengths = self._headers.offsets.copy(), self._headers.lengths.copy()
        self._burst = Burst(self._headers.headers, np.zeros(0, np.uint8), offsets, lengths, pacing.schedule)
        warm(self.out.sink, pacing.schedule)

    def start(self, first: int) -> None:
        self._first = self._index = first
        self._sequence = first * self._headers.packets & 0xFFFFFFFF

    def step(self, last: int | None) -> bool:
        if self._index == last:
            return False
        rate = self.out.flow.format.rate
        due = grain_start(self._index, rate)
        packed = self.out.reel.frame(self._index - self._first)
        self._sequence = self._headers.stamp(self._sequence, wrap_rtp(grain_ticks(self._index, rate, VIDEO_CLOCK_HZ)))
        self.clock.wait_until(due)
        late = max(0, self.clock.now().since(due))
        self.worst_start_ns = max(self.worst_start_ns, late)
        self.late_starts += late > LATE_NS
        self._burst.payload, self._burst.due = packed.reshape(-1), due
        accepted = self.out.sink.send(self._burst)
        self.departures.count(self._burst.measured)
        self.count.add(accepted, self._headers.packets)
        self.grains += accepted == self._headers.packets
        self._index += 1
        return True


@dataclass(slots=True)
class _VoiceTrack:
    """Whole audio packets, each batch sent when its last sample would have been heard by a microphone."""

    out: VoiceOut
    clock: Clock
    ssrc: int
    rate: Fraction
    name: str = "audio"
    count: _Count = field(default_factory=_Count)
    _first_sample: int = 0
    _sample: int = 0
    _sequence: int = 0
    _batch: int = 0
    _lead: int = 0
    _packets: AudioPackets = field(init=False)

    def __post_init__(self) -> None:
        flow = self.out.flow
        if not len(self.out.samples):
            raise FormatError("a voice of no sample")
        self._packets = AudioPackets(flow.format, payload_type=flow.payload_type, ssrc=self.ssrc)
        self._batch = int(BATCH_S / flow.format.packet_time) * flow.format.packet_samples
        self._lead = int(self.out.lead_s * AUDIO_CLOCK_HZ)
        warm(self.out.sink)

    def start(self, first: int) -> None:
        self._first_sample = self._sample = grain_ticks(first, self.rate, AUDIO_CLOCK_HZ)

    def step(self, last: int | None) -> bool:
        if last is not None and self._sample >= grain_ticks(last, self.rate, AUDIO_CLOCK_HZ):
            return False
        sound = voice_at(self.out, self._sample - self._first_sample - self._lead, self._batch)
        samples = np.repeat(sound[:, None], self.out.flow.format.channels, axis=1)
        packets = self._packets.packets(samples, self._sample, self._sequence)
        self.clock.wait_until(tai_of_ticks(self._sample + self._batch, AUDIO_CLOCK_HZ))
        self.count.add(self.out.sink.send(whole(packets)), len(packets))
        self._sequence += len(packets)
        self._sample += self._batch
        return True


@dataclass(slots=True)
class _AncillaryTrack:
    """The ancillary packets of each frame, sent when the frame begins."""

    out: AncillaryOut
    clock: Clock
    ssrc: int
    rate: Fraction
    name: str = "anc"
    count: _Count = field(default_factory=_Count)
    _index: int = 0
    _sequence: int = 0

    def start(self, first: int) -> None:
        self._index = first

    def step(self, last: int | None) -> bool:
        if self._index == last:
            return False
        ticks = grain_ticks(self._index, self.rate, VIDEO_CLOCK_HZ)
        grain = AncGrain(ticks, self.out.packets(ticks))
        packets = pack_anc(grain, payload_type=self.out.flow.payload_type, ssrc=self.ssrc, sequence=self._sequence)
        self.clock.wait_until(grain_start(self._index, self.rate))
        for packet in packets:
            self.count.add(self.out.sink.send(whole(row_of(packet))), 1)
        self._sequence += len(packets)
        self._index += 1
        return True


def voice_at(voice: VoiceOut, first: int, samples: int) -> NDArray[np.float32]:
    """Samples `first` … of a voice that begins at 0, (samples,) float32; its lead is negative; silence where it is not."""
    number = np.arange(first, first + samples)
    if voice.loop:
        lead = int(voice.lead_s * AUDIO_CLOCK_HZ)
        number = (number + lead) % (lead + len(voice.samples)) - lead
    inside = (number >= 0) & (number < len(voice.samples))
    sound = np.zeros(samples, np.float32)
    sound[inside] = voice.samples[number[inside]]
    return sound
