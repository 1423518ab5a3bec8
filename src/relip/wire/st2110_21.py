"""When the packets of a frame may leave, and how far a sender strayed from it (ST 2110-21).

    frame k of period T     TVD = k·T + TRO      packet j is read at TVD + j·T_RS
    network model           a bucket drained every T_DRAIN = T / (1.1·N); its fill is Cinst, never above C_MAX
    receiver model          a buffer read by the schedule; its fill is VRX, from 0 to VRX_FULL

Columns in, columns out: int64 nanoseconds of TAI, and counts. Periods are exact fractions of a nanosecond and every
quotient is rounded down in integers, as EBU LIST does it. Only progressive rasters are known. No clock is read here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.tai import NS_PER_S

ACTIVE = Fraction(1080, 1125)
"""R_ACTIVE of every progressive raster: the share of the period in which the gapped schedule reads (§6.3.2)."""
DRAIN_FACTOR = Fraction(11, 10)
"""β: the bucket of the network model drains this much faster than packets come on average (§6.6.1)."""
STANDARD_UDP_OCTETS = 1500
"""MAXUDP in the formulas of senders that keep the Standard UDP Size Limit (§6.6.2)."""
WIDE_PACKETS_PER_S = 900_000
"""A wide sender stays below this many packets a second (§7.1.3)."""
_EXACT = 1 << 62


class SenderType(StrEnum):
    """Narrow, narrow linear, wide: what `TP` says in a transport file (§8.1)."""

    N = "2110TPN"
    NL = "2110TPNL"
    W = "2110TPW"


class Schedule(StrEnum):
    """How the receiver model reads: in the active part of the period, or all through it (§6.3, §6.4)."""

    GAPPED = "gapped"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sender type allows: `c_max` packets in the network's bucket, `vrx_full` in the receiver's buffer."""

    c_max: int
    vrx_full: int


@dataclass(frozen=True, slots=True)
class TrafficShape:
    """The constants of one flow: grains a second, rows, packets a frame; all times in exact nanoseconds.

    `max_udp_octets`: the transport file's MAXUDP, where it has one. `troff_ns`: its TROFF, else the default TR offset.
    Raises FormatError for a flow that sends nothing.
    """

    rate: Fraction
    height: int
    packets: int
    max_udp_octets: int = STANDARD_UDP_OCTETS
    troff_ns: Fraction | None = None

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.height <= 0 or self.packets <= 0:
            raise FormatError(f"{self.packets} packets of {self.height} rows at {self.rate} grains a second are no flow")
        if self.max_udp_octets < STANDARD_UDP_OCTETS:
            raise FormatError(f"MAXUDP={self.max_udp_octets}: only a limit beyond the standard one is said")
        if self.troff_ns is not None and self.troff_ns < 0:
            raise FormatError(f"TROFF={self.troff_ns} ns: an offset is not negative (§8.2)")

    @property
    def period_ns(self) -> Fraction:
        """T_FRAME."""
        return NS_PER_S / self.rate

    @property
    def offset_ns(self) -> Fraction:
        """TRO: TROFF, or TRO_DEFAULT, the rows a raster of this height has before its first active one (§6.3.2)."""
        if self.troff_ns is not None:
            return self.troff_ns
        return self.period_ns * (Fraction(43, 1125) if self.height >= 1080 else Fraction(28, 750))

    @property
    def drain_ns(self) -> Fraction:
        """T_DRAIN of the network model: senders that keep bursts this far apart for each packet never exceed it."""
        return self.period_ns / self.packets / DRAIN_FACTOR

    @property
    def packets_per_s(self) -> Fraction:
        """Packets a second, on average."""
        return self.packets * self.rate

    def spacing_ns(self, schedule: Schedule) -> Fraction:
        """T_RS: from one packet read to the next."""
        linear = self.period_ns / self.packets
        return linear * ACTIVE if schedule is Schedule.GAPPED else linear

    def due_ns(self, frame: int) -> Fraction:
        """TVD: when frame `frame` since the epoch begins to be read."""
        return frame * self.period_ns + self.offset_ns

    def reading(self, frame: int, schedule: Schedule) -> NDArray[np.int64]:
        """When each packet of a frame is read, (packets,), rounded down: the departures of an ideal sender."""
        base, rest = divmod(self.due_ns(frame), 1)
        return base + _whole(np.arange(self.packets), self.spacing_ns(schedule), rest)

    def allows(self, sender: SenderType) -> bool:
        """Whether a flow of this many packets may be of this type at all: a wide one not when it is too fast."""
        return sender is not SenderType.W or self.packets_per_s < WIDE_PACKETS_PER_S

    def limits(self, sender: SenderType) -> Limits:
        """C_MAX and VRX_FULL of a type (§6.6.1, §7.1).

        A greater MAXUDP lowers the least VRX_FULL. It does not lower the least C_MAX, which would come to nought.
        """
        wide = sender is SenderType.W
        active = ACTIVE if sender is SenderType.N else Fraction(1)
        burst = self.packets_per_s / (21_600 if wide else 43_200 * active)
        buffer = self.packets_per_s / (300 if wide else 27_000)
        least = STANDARD_UDP_OCTETS * (720 if wide else 8) // self.max_udp_octets
        return Limits(c_max=max(16 if wide else 4, int(burst)), vrx_full=max(least, int(buffer)))


SCHEDULES = {SenderType.N: Schedule.GAPPED, SenderType.NL: Schedule.LINEAR, SenderType.W: Schedule.LINEAR}
"""The schedule by which each type is read (§7.1)."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The network model between two calls: `level` packets in it, after `drained` of its instants since `origin_ns`."""

    origin_ns: int
    drained: int
    level: int

    @classmethod
    def before(cls, arrival_ns: int) -> Bucket:
        """An empty bucket, about to take its first packet, which is the one that does not count."""
        return cls(arrival_ns, 0, -1)


def cinst(arrivals: NDArray[np.int64], shape: TrafficShape, bucket: Bucket) -> tuple[NDArray[np.int64], Bucket]:
    """Cinst at each arrival, (n,), and the bucket after the last (§6.6.1).

    Each packet adds one, each instant of T_DRAIN since the last takes one away, and the level does not fall below 0: k
    packets at once into an empty bucket make k − 1. `arrivals`: (n,) in the order of arrival.
    """
    if not len(arrivals):
        return np.zeros(0, np.int64), bucket
    drained = _whole(arrivals - bucket.origin_ns, 1 / shape.drain_ns)
    change = np.cumsum(1 - np.diff(drained, prepend=bucket.drained))
    level = change - np.minimum(np.minimum.accumulate(change), -bucket.level)
    return level, Bucket(bucket.origin_ns, int(drained[-1]), int(level[-1]))


def vrx(arrivals: NDArray[np.int64], frame: int, shape: TrafficShape, schedule: Schedule) -> NDArray[np.int64]:
    """VRX at each arrival of frame `frame`, (n,): packets that came, less packets that should have been read (§6.6.2).

    Below 0 the packet came after it should have been read. Reading is counted backwards before TVD, as EBU LIST does: a
    packet that comes early counts as if those behind it kept its distance, so that a burst ahead of TVD is judged harder
    than by what the buffer holds. `arrivals`: (n,) of this frame alone, in the order of arrival.
    """
    base, rest = divmod(shape.due_ns(frame), 1)
    read = _whole(arrivals - base, 1 / shape.spacing_ns(schedule), -rest / shape.spacing_ns(schedule)) + 1
    return np.arange(1, len(arrivals) + 1) - read


@dataclass(frozen=True, slots=True)
class FrameVerdict:
    """What one frame did: counts as in `cinst` and `vrx`, and the sender types whose every limit it kept.

    `first_ns`: from the beginning of the period, k·T, to the first packet, rounded down. `gapped`, `linear`: least and
    greatest VRX by each schedule.
    """

    frame: int
    packets: int
    first_ns: int
    cinst_max: int
    gapped: tuple[int, int]
    linear: tuple[int, int]
    met: tuple[SenderType, ...]


def judge(arrivals: NDArray[np.int64], frame: int, shape: TrafficShape, bucket: Bucket) -> tuple[FrameVerdict, Bucket]:
    """The verdict on one frame, and the bucket for the next. `arrivals`: (n,), at least one, in the order of arrival.

    A frame with another number of packets than the shape meets no type: something was lost, or the shape is not its own.
    """
    fill, bucket = cinst(arrivals, shape, bucket)
    return assess(arrivals, fill, frame, shape), bucket


def assess(arrivals: NDArray[np.int64], fill: NDArray[np.int64], frame: int, shape: TrafficShape) -> FrameVerdict:
    """As `judge`, where Cinst is known already: `fill` (n,), at each arrival. Packets of other frames may lie between."""
    extremes = {}
    for schedule in Schedule:
        column = vrx(arrivals, frame, shape, schedule)
        extremes[schedule] = (int(column.min()), int(column.max()))
    whole = len(arrivals) == shape.packets
    cinst_max = int(fill.max())
    return FrameVerdict(
        frame=frame,
        packets=len(arrivals),
        first_ns=int((int(arrivals[0]) - frame * shape.period_ns) // 1),
        cinst_max=cinst_max,
        gapped=extremes[Schedule.GAPPED],
        linear=extremes[Schedule.LINEAR],
        met=tuple(kind for kind in SenderType if whole and _meets(cinst_max, extremes[SCHEDULES[kind]], shape, kind)),
    )


def _meets(cinst_max: int, extremes: tuple[int, int], shape: TrafficShape, sender: SenderType) -> bool:
    limits = shape.limits(sender)
    return shape.allows(sender) and cinst_max <= limits.c_max and extremes[0] >= 0 and extremes[1] <= limits.vrx_full


def _whole(values: NDArray[np.int64], factor: Fraction, plus: Fraction = Fraction(0)) -> NDArray[np.int64]:
    """⌊values·factor + plus⌋, exactly: values beyond the denominator are split, so that no product overflows."""
    unit = math.lcm(factor.denominator, plus.denominator)
    step, start = int(factor * unit), int(plus * unit)
    if unit * (step + 1) + abs(start) > _EXACT:
        raise FormatError(f"a period of {factor} and an offset of {plus} are too fine to be exact")
    quotient, rest = np.divmod(values, unit)
    whole: NDArray[np.int64] = quotient * step + (rest * step + start) // unit
    return whole
