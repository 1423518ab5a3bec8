"""The way out of ancillary data: with each grain that leaves, what came with it, what was done to it, or both.

What came is sent on bit for bit, wrong parities and checksums too: whoever reads it shall see what the sender wrote.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from relip.essence.grains import AncGrain, AncPacket, VideoGrain
from relip.essence.scene import Verdict
from relip.essence.tai import RTP_WRAP, VIDEO_CLOCK_HZ, shift_grains
from relip.graph.transmit import row_of, whole
from relip.ports import PacketSink
from relip.wire import disclosure, st2110_40
from relip.wire.disclosure import Disclosure

STALE_TICKS = VIDEO_CLOCK_HZ
"""Ancillary data that is a second behind its picture is of another time: the sender began anew."""
Tell = Callable[[VideoGrain, Verdict], AncPacket]


@dataclass(slots=True)
class CarriedCounters:
    """What became of the ancillary data that came, in ANC packets.

    `passed`: sent on. `late`: of those, with the frame after their own or later, for their own had left. `dropped`: belonged
    to no frame that left, or came from another time.
    """

    passed: int = 0
    late: int = 0
    dropped: int = 0


class Carried:
    """Ancillary grains that wait for their frame, the latest `waiting` of them. Threads: `put` (reception), `take` (egress)."""

    def __init__(self, rate: Fraction, *, waiting: int) -> None:
        self._half_ticks = VIDEO_CLOCK_HZ * rate.denominator // (2 * rate.numerator)
        self._waiting: deque[AncGrain] = deque()
        self._in_use = threading.Lock()
        self._room = waiting
        self.counters = CarriedCounters()

    def put(self, grain: AncGrain) -> None:
        """A frame's ancillary data has come."""
        with self._in_use:
            self._waiting.append(grain)
            if len(self._waiting) > self._room:
                self.counters.dropped += len(self._waiting.popleft().octets)

    def take(self, ticks: int) -> tuple[list[AncGrain], tuple[bytes, ...]]:
        """What belongs to frames before the one of `ticks` and could not leave with them; and what belongs to it, as octets."""
        with self._in_use:
            return self._take(ticks)

    def _take(self, ticks: int) -> tuple[list[AncGrain], tuple[bytes, ...]]:
        before: list[AncGrain] = []
        own: list[AncGrain] = []
        for _ in range(len(self._waiting)):
            grain = self._waiting.popleft()
            behind = _apart(ticks, grain.ticks)
            if abs(behind) <= self._half_ticks:
                own.append(grain)
            elif behind > STALE_TICKS:
                self.counters.dropped += len(grain.octets)
            elif behind > 0:
                before.append(grain)
            else:
                self._waiting.append(grain)
        self.counters.late += sum(len(grain.octets) for grain in before)
        self.counters.passed += sum(len(grain.octets) for grain in before + own)
        return [grain for grain in before if grain.octets], tuple(octets for grain in own for octets in grain.octets)


class AncillarySender:
    """Sends one ST 2110-40 frame for every grain that leaves; with nothing to say, a keep-alive (ST 2110-40 §5.2).

    `carried`: what came. `tell`: what is said of the grain itself, after what came, so that the last word is ours.
    """

    def __init__(
        self,
        sink: PacketSink,
        *,
        payload_type: int,
        ssrc: int,
        rate: Fraction,
        shift: int = 0,
        carried: Carried | None = None,
        tell: Tell | None = None,
    ) -> None:
        """`shift`: grains that are added to each timestamp, as VideoSender does."""
        self._sink = sink
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._rate = rate
        self._shift = shift
        self._carried = carried
        self._tell = tell
        self._sequence = 0

    def send(self, grain: VideoGrain, verdict: Verdict) -> None:
        """Send what goes with a grain."""
        before, octets = ([], ()) if self._carried is None else self._carried.take(grain.ticks)
        for late in before:
            self._send(late.ticks, list(late.octets))
        told = () if self._tell is None else (st2110_40.pack_one(self._tell(grain, verdict)),)
        self._send(grain.ticks, [*octets, *told])

    def _send(self, ticks: int, octets: list[bytes]) -> None:
        shifted = shift_grains(ticks, self._shift, rate=self._rate, clock_hz=VIDEO_CLOCK_HZ) if self._shift else ticks
        for packet in st2110_40.pack_octets(
            octets, ticks=shifted, payload_type=self._payload_type, ssrc=self._ssrc, sequence=self._sequence
        ):
            self._sequence += 1
            self._sink.send(whole(row_of(packet)))


def disclosing(*, did: int = disclosure.DID, sdid: int = disclosure.SDID) -> Tell:
    """Tells whether the picture was altered and where (DESIGN: disclosure)."""

    def tell(grain: VideoGrain, verdict: Verdict) -> AncPacket:
        told = Disclosure(
            altered=verdict.patch is not None,
            reason=verdict.bypass,
            region=verdict.patch.region if verdict.patch is not None else None,
            concealed=grain.concealed_rows > 0,
        )
        return disclosure.pack(told, did=did, sdid=sdid)

    return tell


def _apart(ticks: int, other: int) -> int:
    """How much later `ticks` is, whichever wrap of the 32 bits either was laid in."""
    return (ticks - other + (RTP_WRAP >> 1)) % RTP_WRAP - (RTP_WRAP >> 1)
