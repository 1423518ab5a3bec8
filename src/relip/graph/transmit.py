"""From a grain to the packets of its flow: the plan is made once, then stamped for every grain.

Nothing here waits: the egress says when. A patch is applied at the last moment, so that a grain is either whole or whole.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import PGROUP_OCTETS, PGROUP_PIXELS
from relip.essence.grains import VideoGrain
from relip.essence.scene import Patch, Verdict
from relip.essence.tai import VIDEO_CLOCK_HZ, Tai, shift_grains, wrap_rtp
from relip.graph.departures import Departures
from relip.graph.pacing import Pacing
from relip.ports import Burst, PacketSink, Schedule
from relip.wire.st2110_20 import FrameHeaders

Mark = Callable[[VideoGrain, Verdict], None]
"""Draws into a grain that leaves; see `graph.overlay`."""


class VideoSender:
    """Sends grains as ST 2110-20. `shift` grains are added to each timestamp (0 preserves, ST 2110-10 §7.9).

    `mark` draws into each grain when it leaves, after its patch. `departures` counts how the packets left.
    """

    def __init__(
        self,
        sink: PacketSink,
        headers: FrameHeaders,
        pacing: Pacing,
        *,
        rate: Fraction,
        shift: int = 0,
        mark: Mark | None = None,
    ) -> None:
        self._sink = sink
        self._headers = headers
        self._burst = Burst(headers.headers, np.zeros(0, np.uint8), headers.offsets.copy(), headers.lengths.copy())
        self._burst.schedule = pacing.schedule
        self._rate = rate
        self._shift = shift
        self._mark = mark
        self._sequence = 0
        self.packets = 0
        self.departures = Departures.of(pacing)
        warm(sink, pacing.schedule)

    def send(self, grain: VideoGrain, verdict: Verdict, due: Tai) -> None:
        """Send one grain from `due` on, as the flow is paced; the patch, if any, is first written into its own buffer."""
        if verdict.patch is not None:
            apply(verdict.patch, grain)
        if self._mark is not None:
            self._mark(grain, verdict)
        self._sequence = self._headers.stamp(self._sequence, wrap_rtp(self.timestamp(grain)))
        self._burst.payload, self._burst.due = grain.packed.reshape(-1), due
        self.packets += self._sink.send(self._burst)
        self.departures.count(self._burst.measured)

    def timestamp(self, grain: VideoGrain) -> int:
        """The ticks a grain leaves with."""
        return shift_grains(grain.ticks, self._shift, rate=self._rate, clock_hz=VIDEO_CLOCK_HZ) if self._shift else grain.ticks

    def close(self) -> None:
        """Give the sink back."""
        self._sink.close()


def apply(patch: Patch, grain: VideoGrain) -> None:
    """Write a patch into its grain's packed picture; nothing outside the region is touched."""
    region = patch.region
    start = region.x // PGROUP_PIXELS * PGROUP_OCTETS
    width = region.width // PGROUP_PIXELS * PGROUP_OCTETS
    grain.packed[region.y : region.y + region.height, start : start + width] = patch.packed


def whole(packets: NDArray[np.uint8]) -> Burst:
    """Packets (n, octets) uint8 that are complete as they are, sent at once."""
    none = np.zeros(len(packets), np.int64)
    return Burst(headers=packets, payload=np.zeros(0, np.uint8), offsets=none, lengths=none)


def warm(sink: PacketSink, schedule: Schedule | None = None) -> None:
    """Send nothing once: what a sink compiles on its first call is not compiled when the first frame is due."""
    nothing = whole(np.zeros((0, 20), np.uint8))
    nothing.schedule = schedule
    sink.send(nothing)


def row_of(packet: bytes) -> NDArray[np.uint8]:
    """One packet as a column of one, (1, octets) uint8, owned by the caller."""
    return np.frombuffer(packet, np.uint8)[None].copy()
