"""The way out of the voice: its own packets again, the latency later, each at its instant, beside its picture.

A gap shorter than the latency is filled with silence and counted; a voice that stops, stops at the output too. What is sent is
what came, octet for octet, under its own timestamps or under those of the latency later.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from relip.essence.errors import ResourceError
from relip.essence.formats import AudioFormat
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S, Tai, tai_of_ticks
from relip.frames.sounds import SoundStore
from relip.graph.egress import CLOCK_STEP_NS
from relip.graph.transmit import warm, whole
from relip.ports import Burst, Clock, PacketSink, Schedule
from relip.wire.rtp import HEADER_OCTETS
from relip.wire.st2110_30 import AudioPackets

BATCH_NS = 16_000_000
"""Sound that is sent by one call. It has lain here for longer, and the sink lets each packet leave at its own instant."""
BATCHES = 4
"""The latency is at least so many batches, so that what a batch is made of has had time to come."""
SLICE_NS, SLICE_PACKETS = 4_000_000, 16
"""So much leaves at once, when the last of it is due, for it is the waking up that costs: less than the 17 packet times that a
sender may be late by (AES67)."""
ASTRAY_SAMPLES = AUDIO_CLOCK_HZ // 2
"""Out by more than this, a place in the voice is found anew from the clock: timestamps or the clock have leapt."""


@dataclass(slots=True)
class SoundCounters:
    """What the voice's way out did, in packets.

    `packets`: sent. `silent`: of those, how many had silence in them for samples that did not come, or not in time. `late`:
    came when nothing was left to be sent, and after their instant. `refused`: the network did not take. `resyncs`: how often
    the place was found anew.
    """

    packets: int = 0
    silent: int = 0
    late: int = 0
    refused: int = 0
    resyncs: int = 0


class VoiceSender:
    """Sends what a store has kept. Threads: `run` is its own; the store is filled by the reception."""

    def __init__(
        self,
        sink: PacketSink,
        store: SoundStore,
        packets: AudioPackets,
        format: AudioFormat,  # noqa: A002  the essence's own word
        *,
        clock: Clock,
        latency_ns: int,
        offset: Callable[[], int | None],
        failures: Counter[str],
        shift_samples: int = 0,
    ) -> None:
        """`offset`: nanoseconds from the voice's timestamps to our TAI, None while nobody knows.

        `failures`: where what the network says is counted. `shift_samples`: added to the timestamps.
        """
        self._sink = sink
        self._store = store
        self._packets = packets
        self._clock = clock
        self._latency_ns = latency_ns
        self._offset = offset
        self._failures = failures
        self._shift = shift_samples
        self._size = format.packet_samples
        packet_ns = int(format.packet_time * NS_PER_S)
        batch_ns = max(packet_ns, min(BATCH_NS, latency_ns // BATCHES) // packet_ns * packet_ns)
        self._rows = packets.room(batch_ns // packet_ns)
        self._samples = np.zeros((len(self._rows) * self._size, format.sample_octets), np.uint8)
        self._group = min(len(self._rows), SLICE_NS // packet_ns, SLICE_PACKETS)
        schedule = Schedule(span_ns=batch_ns, together=self._group)
        none = np.zeros(len(self._rows), np.int64)
        self._burst = Burst(self._rows, np.zeros(0, np.uint8), none, none, schedule)
        self._place: int | None = None
        self._idle = True
        self._sequence = 0
        self._stopped = threading.Event()
        self._draining = False
        self.counters = SoundCounters()
        warm(sink, schedule)

    def step(self) -> bool:
        """Send the next batch at its instant; False when there is none now."""
        offset_ns, end = self._offset(), self._store.end
        if offset_ns is None or end is None:
            return False
        later_ns = offset_ns + self._latency_ns
        self._find(self._clock.now().after(-later_ns), end)
        if self._idle or self._place is None:
            return False
        n = min(len(self._rows), -(-(end - self._place) // self._size))
        last = self._group if n == len(self._rows) else n  # what is left at the end leaves at once
        due = tai_of_ticks(self._place + (last - 1) * self._size, AUDIO_CLOCK_HZ).after(later_ns)
        self._clock.wait_until(due)
        self._send(self._place, n, due)
        self._place += n * self._size
        return True

    def run(self) -> None:
        """Send until `drain` was called and nothing is left."""
        while self.step() or not self._draining:
            if self._idle:
                self._stopped.wait(BATCH_NS / NS_PER_S)

    def drain(self) -> None:
        """End `run` when what is in the house has left."""
        self._draining = True
        self._stopped.set()

    def close(self) -> None:
        """Give the sink back."""
        self._sink.close()

    def _find(self, instant: Tai, end: int) -> None:
        """Where in the voice we are: where the last batch ended, or after a pause or a leap at what came first of the rest.

        `instant` is the voice's own that leaves now; of what should have left before, nothing is sent any more.
        """
        now = instant.ticks(AUDIO_CLOCK_HZ)
        astray = self._place is None or abs(self._place - now) > ASTRAY_SAMPLES
        if astray or self._idle:
            self.counters.resyncs += not self._idle
            came = self._store.next_from(now if astray or self._place is None else max(now, self._place))
            if came is not None:
                place = came + (self._store.phase - came) % self._size
                if self._place is not None and not astray:
                    self.counters.late += self._store.came(self._place, place) // self._size
                self._place = place
        reach = (self._latency_ns + CLOCK_STEP_NS) * AUDIO_CLOCK_HZ // NS_PER_S  # beyond it, the clock was set back
        self._idle = self._place is None or self._place >= end or self._place - now > reach

    def _send(self, place: int, n: int, due: Tai) -> None:
        came = self._store.take(place, self._samples).reshape(len(self._rows), -1)[:n]
        self._rows[:, HEADER_OCTETS:] = self._samples.reshape(len(self._rows), -1)
        self._packets.stamp(self._rows, place + self._shift, self._sequence)
        self._sequence += n
        self._burst.due = due
        self.counters.silent += int((~came).any(axis=1).sum())
        try:
            sent = self._sink.send(self._burst if n == len(self._rows) else whole(self._rows[:n]))
        except ResourceError as error:
            self._failures[f"voice out: {error}"] += 1
            sent = 0
        self.counters.packets += sent
        self.counters.refused += n - sent
