"""Packets of ST 2110-30 become runs of samples, keyed by RTP timestamp: the sample's own number.

What the wire did not bring is absent and never made up; what comes late is still given out, for the listener knows
what it can use. One channel of the flow is taken. Nothing is resampled here and no time is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import AudioFormat
from relip.essence.grains import AudioBlock
from relip.essence.tai import NS_PER_S, Tai
from relip.frames.sounds import SoundStore
from relip.ports import Chunk
from relip.wire import st2110_30
from relip.wire.sequence import MAX_MISORDER, SequenceTracker, unwrap
from relip.wire.st2110_30 import Fault, SampleSpans

STRANGERS = 4
"""Packets of another SSRC in sequence, none of the known one between them, by which a new sender shows that it is no stray;
likewise of one whose timestamps are far from where they were."""
REMEMBERED = 1024
"""Packets whose repetition is recognised at least: an eighth of a second at 125 µs, a second at 1 ms."""
STALL_NS = NS_PER_S
"""Of two legs, one may have waited to be read for so long while the other was: that is no new beginning of the numbers."""
VISIT_NS = NS_PER_S // 4
"""Of two legs, what one brought on a visit to its socket is seen before what the other did: visits are no further apart."""
FAR_SAMPLES = 48_000
"""A timestamp a second or more away in either direction is not this stream's next packet."""


@dataclass(frozen=True, slots=True)
class AudioCounters:
    """What an audio flow brought since the start, in packets.

    `lost`: not received so far, and no leg may still bring it. `late`: came after packets of a later push, by more than legs
    may be apart. `malformed`: break RFC 3550 or hold no whole samples. `stranger`: another SSRC, or a timestamp far from the
    stream's. `resyncs`: the sender changed, or its timestamps leapt.
    """

    packets: int = 0
    lost: int = 0
    duplicate: int = 0
    late: int = 0
    malformed: int = 0
    other_type: int = 0
    stranger: int = 0
    resyncs: int = 0


class AudioAssembler:
    """Assembles one flow, from one leg or both; `channel` counts from 0.

    `differential_ns`: by how much one of two legs may follow the other. `store`: where the octets of every channel are kept
    too, for a way out. `clock_offset`: what the sender's timestamps are ahead of its media clock by (mediaclk:direct of AES67
    senders; ST 2110-10 §8.3 wants 0); it is taken off. Raises FormatError for a channel that the format does not have.
    """

    def __init__(
        self,
        format: AudioFormat,  # noqa: A002  the essence's own word
        *,
        payload_type: int,
        channel: int = 0,
        differential_ns: int = 0,
        store: SoundStore | None = None,
        clock_offset: int = 0,
    ) -> None:
        if not 0 <= channel < format.channels:
            raise FormatError(f"channel={channel}: the flow has {format.channels}, counted from 0")
        self._format = format
        self._payload_type = payload_type
        self._channel = channel
        self._store = store
        self._clock_offset = clock_offset
        self._packets = self._duplicate = self._late = self._malformed = self._other_type = 0
        self._strangers = self._run = self._resyncs = 0
        self._ssrc: int | None = None
        self._run_ssrc = self._run_sequence = -1
        packet_ns = int(format.packet_time * NS_PER_S)
        behind = -(-differential_ns // packet_ns)
        unread = STALL_NS // packet_ns if behind else 0
        self._tracker = SequenceTracker(max_misorder=MAX_MISORDER + behind + unread, patience=behind)
        self._remembered = max(REMEMBERED, (differential_ns + VISIT_NS) // packet_ns)
        self._behind_samples = differential_ns * format.clock_hz // NS_PER_S
        self._forget()

    @property
    def counters(self) -> AudioCounters:
        """The counters as they stand."""
        return AudioCounters(
            packets=self._packets,
            lost=self._tracker.lost,
            duplicate=self._duplicate,
            late=self._late,
            malformed=self._malformed,
            other_type=self._other_type,
            stranger=self._strangers,
            resyncs=self._resyncs,
        )

    def push(self, chunk: Chunk, now: Tai) -> list[AudioBlock]:
        """Take a chunk that was received at `now`; its new samples as runs without a gap, in the order of their time."""
        if not chunk.count:
            return []
        n = chunk.count
        spans = st2110_30.parse(chunk.octets[:n], chunk.lengths[:n], format=self._format, payload_type=self._payload_type)
        faults = spans.faults
        self._packets += n
        self._other_type += int(faults[Fault.PAYLOAD_TYPE])
        self._malformed += int(faults[Fault.RTP] + faults[Fault.LENGTH])
        timestamp = spans.timestamp - self._clock_offset
        ours = self._near(timestamp, self._ours(spans, np.flatnonzero(spans.valid)), now)
        if not len(ours):
            return []
        packets, start = self._fresh(ours, self._starts(timestamp[ours], now))
        self._tracker.observe(spans.sequence[packets], spans.ssrc[packets])
        if self._store is not None:
            self._store.keep(chunk.octets, packets, offset=spans.offset[packets], start=start, count=spans.count[packets])
        return self._blocks(spans, packets, start)

    def _forget(self) -> None:
        """Nothing of the stream is known any more."""
        self._recent = np.zeros(0, np.int64)
        self._end: int | None = None
        self._leaps = 0

    def _ours(self, spans: SampleSpans, valid: NDArray[np.int64]) -> NDArray[np.int64]:
        """The packets (k,) of the present sender; enough of another one in a row make it the present one."""
        ssrc = spans.ssrc[valid]
        if self._ssrc is None and len(ssrc):
            self._ssrc = int(ssrc[0])
        known = ssrc == self._ssrc
        self._run = self._run_of(ssrc, spans.sequence[valid])
        if self._run >= STRANGERS:
            self._ssrc = int(ssrc[-1])
            self._run = 0
            self._resyncs += 1
            self._forget()
            known = ssrc == self._ssrc
        ours: NDArray[np.int64] = valid[known]
        self._strangers += len(valid) - len(ours)
        return ours

    def _run_of(self, ssrc: NDArray[np.int64], sequence: NDArray[np.int64]) -> int:
        """How many packets up to the last, in sequence and with nothing between them, are of one sender that is not ours."""
        if not len(ssrc):
            return self._run
        follows = np.empty(len(ssrc), np.bool_)
        follows[0] = ssrc[0] == self._run_ssrc and (int(sequence[0]) - self._run_sequence) & 0xFFFF <= 1
        follows[1:] = (ssrc[1:] == ssrc[:-1]) & (np.diff(sequence) & 0xFFFF <= 1)
        self._run_ssrc, self._run_sequence = int(ssrc[-1]), int(sequence[-1])
        begins = np.flatnonzero(~follows)
        run = len(ssrc) - int(begins[-1]) if len(begins) else self._run + len(ssrc)
        return 0 if ssrc[-1] == self._ssrc else run

    def _near(self, timestamp: NDArray[np.int64], ours: NDArray[np.int64], now: Tai) -> NDArray[np.int64]:
        """The packets (k,) that are this stream's by their time: one that is far from the others is damaged or forged."""
        if not len(ours):
            return ours
        near = now.ticks(self._format.clock_hz) if self._end is None else self._end
        start = unwrap(timestamp[ours], near, bits=32)
        middle = np.sort(start)[len(start) // 2] if self._end is None else self._end
        far = np.abs(start - middle) > FAR_SAMPLES
        self._leaps = self._leaps + len(ours) if far.all() else 0
        if self._leaps >= STRANGERS:
            return ours
        self._strangers += int(far.sum())
        followed: NDArray[np.int64] = ours[~far]
        return followed

    def _starts(self, timestamp: NDArray[np.int64], now: Tai) -> NDArray[np.int64]:
        """The first sample's number of each packet (k,), unwrapped near the stream, or near `now` at its beginning."""
        near = now.ticks(self._format.clock_hz) if self._end is None else self._end
        start = unwrap(timestamp, near, bits=32)
        if self._end is not None and bool((np.abs(start - self._end) > FAR_SAMPLES).all()):
            self._resyncs += 1
            self._forget()
            start = unwrap(timestamp, now.ticks(self._format.clock_hz), bits=32)
        return start

    def _fresh(self, ours: NDArray[np.int64], start: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Packets and starts without repetitions, in the order of their time."""
        unique, first = np.unique(start, return_index=True)
        new = ~np.isin(unique, self._recent)
        self._duplicate += len(start) - int(new.sum())
        if self._end is not None:
            self._late += int((unique[new] < self._end - self._behind_samples).sum())
        return ours[first[new]], unique[new]

    def _blocks(self, spans: SampleSpans, packets: NDArray[np.int64], start: NDArray[np.int64]) -> list[AudioBlock]:
        """Join packets (k,) that follow each other without a gap."""
        if not len(packets):
            return []
        count = spans.count[packets]
        end = start + count
        self._end = max(int(end.max()), self._end if self._end is not None else int(end.max()))
        self._recent = np.concatenate((self._recent, start))[-self._remembered :]
        within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        samples = spans.samples[np.repeat(spans.first[packets], count) + within, self._channel]
        breaks = np.flatnonzero(start[1:] != end[:-1]) + 1
        cuts = np.concatenate(([0], np.cumsum(count)))[breaks]
        firsts = np.concatenate((start[:1], start[breaks]))
        return [AudioBlock(int(s), part) for s, part in zip(firsts, np.split(samples, cuts), strict=True)]
