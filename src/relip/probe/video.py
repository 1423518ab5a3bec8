"""A leg of ST 2110-20, judged by ST 2110-21: frames, packing, Cinst, VRX and the sender types that it keeps.

The frame period a frame belongs to is the one whose read start is nearest to its first packet, as measured and not as its
timestamp says: a sender may keep older timestamps (ST 2110-10 §7.9). Frames are judged only where every packet came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.tai import NS_PER_S, VIDEO_CLOCK_HZ
from relip.probe import legs, sniff
from relip.probe.legs import NS_PER_US, Own
from relip.probe.report import Cinst, Frames, TypeLimits, VideoFigures, Vrx
from relip.wire import st2110_21
from relip.wire.st2110_21 import Bucket, FrameVerdict, SenderType, TrafficShape

BPM_OCTETS = 1260
"""Sample data of every packet but the last in the block packing mode (ST 2110-20 §6.3.3)."""
SAME_CLOCK_NS = NS_PER_S
"""Timestamps this near to our TAI are of TAI; what is farther off has a clock of its own, or ours is wrong."""
LEAP_TICKS = 10 * VIDEO_CLOCK_HZ
"""A step of timestamps beyond this is a sender that began anew, and no row of frames that did not come."""
WHOLE_HISTOGRAM = 100


@dataclass(frozen=True, slots=True)
class Stated:
    """What a transport file says that the judgement needs: rate, TROFF, MAXUDP and TSDELAY; None where it does not."""

    rate: Fraction | None = None
    troff_ns: Fraction | None = None
    max_udp_octets: int = st2110_21.STANDARD_UDP_OCTETS
    delay_ns: int = 0


@dataclass(frozen=True, slots=True)
class Grouped:
    """A leg's frames, columns (f,): `ticks`, first packet and number of packets in `order`, which sorts packets by frame."""

    order: NDArray[np.int64]
    ticks: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]

    def of(self, frame: int) -> NDArray[np.int64]:
        """Indices of a frame's packets, in the order of arrival."""
        return self.order[self.first[frame] : self.first[frame] + self.count[frame]]


@dataclass(slots=True)
class VideoStudy:
    """The figures of a leg, and the series that a picture is drawn from: Cinst of every packet, and a verdict a frame.

    `rate`: the one it was judged by. `measured_rate`: what its timestamps come to. `width`, `height`: what its packets reach.
    """

    figures: VideoFigures
    rate: Fraction
    measured_rate: Fraction | None
    width: int
    height: int
    fill: NDArray[np.int64]
    verdicts: list[FrameVerdict] = field(default_factory=list)


def study(of: Own, stated: Stated, *, tai_utc_ns: int) -> VideoStudy | None:
    """Judge a leg; None when not one whole frame period was seen."""
    grouped = _grouped(of)
    if len(grouped.ticks) < 3:
        return None
    measured = sniff.rate_of(np.diff(grouped.ticks))
    rate = stated.rate or measured
    if rate is None:
        return None
    width, height = sniff.raster_of(of.packets)
    inner = range(1, len(grouped.ticks) - 1)
    packets = int(np.bincount(grouped.count[1:-1]).argmax())
    whole = [frame for frame in inner if _is_whole(of, grouped.of(frame), packets)]
    shape = TrafficShape(rate, max(height, 1), packets, stated.max_udp_octets, stated.troff_ns)
    arrivals = of.arrivals + tai_utc_ns
    starts = np.array([arrivals[grouped.of(frame)].min() for frame in inner], np.int64)
    ages = legs.ages(of, grouped.ticks[1:-1], starts - tai_utc_ns, clock_hz=VIDEO_CLOCK_HZ, tai_utc_ns=tai_utc_ns)
    on_tai = of.timed and abs(int(np.median(ages)) - stated.delay_ns) < SAME_CLOCK_NS
    periods = [_period(int(start), shape) for start in starts.tolist()]
    shift = 0 if on_tai else _beat(starts, shape)
    fill = st2110_21.cinst(arrivals, shape, Bucket.before(int(arrivals[0])))[0] if of.timed else np.zeros(0, np.int64)
    verdicts = _judged(arrivals - shift, fill, [grouped.of(frame) for frame in whole], shape) if of.timed else []
    first = np.array([int((int(s) - k * shape.period_ns) // 1) for s, k in zip(starts, periods, strict=True)], np.int64)
    offset = _rtp_offset(grouped.ticks[1:-1], periods, rate)
    figures = VideoFigures(
        packets_per_frame=packets,
        packets_per_s=round(float(shape.packets_per_s), 3),
        packing=_packing(of),
        srd_per_packet=int(of.packets["spans"].max()),
        data_octets=int(np.bincount(of.packets["data"]).argmax()),
        frames=_frames(of, grouped, whole, rate),
        reference="tai" if on_tai else "flow",
        cinst=_cinst(fill) if len(fill) else None,
        vrx_gapped=_vrx([v.gapped for v in verdicts]),
        vrx_linear=_vrx([v.linear for v in verdicts]),
        types=_types(shape, verdicts),
        met=[kind.value for kind in SenderType if verdicts and all(kind in v.met for v in verdicts)],
        first_packet_us=legs.spread(first, unit=NS_PER_US) if on_tai else None,
        rtp_offset_ticks=legs.spread(offset) if on_tai else None,
        rtp_age_us=legs.spread(ages, unit=NS_PER_US) if of.timed else None,
        rtp_step_ticks=legs.spread(np.diff(grouped.ticks)),
    )
    return VideoStudy(figures, rate, measured, width, height, fill, verdicts)


def _grouped(of: Own) -> Grouped:
    """Packets by timestamp, frames in the order of their timestamps."""
    order = np.argsort(of.ticks, kind="stable")
    ticks, first, count = np.unique(of.ticks[order], return_index=True, return_counts=True)
    return Grouped(order, ticks, first, count)


def _is_whole(of: Own, packets: NDArray[np.int64], expected: int) -> bool:
    """Whether a frame has as many packets as most have, with no number missing among them."""
    number = of.number[packets]
    return len(packets) == expected and int(number.max() - number.min()) == expected - 1


def _period(start_ns: int, shape: TrafficShape) -> int:
    """The frame period whose read start is nearest to an instant, TAI."""
    return round((start_ns - shape.offset_ns) / shape.period_ns)


def _beat(starts: NDArray[np.int64], shape: TrafficShape) -> int:
    """By how many ns the flow's own read starts come behind those of TAI, its earliest frame being on time."""
    first = int(starts[0]) - int(shape.due_ns(_period(int(starts[0]), shape)))
    behind = [int(start) - first - int(shape.due_ns(_period(int(start) - first, shape))) for start in starts.tolist()]
    return first + min(behind)


def _judged(
    arrivals: NDArray[np.int64], fill: NDArray[np.int64], frames: list[NDArray[np.int64]], shape: TrafficShape
) -> list[FrameVerdict]:
    """The verdicts on whole frames."""
    verdicts = []
    for packets in frames:
        mine = arrivals[packets]
        period = _period(int(mine.min()), shape)
        verdicts.append(st2110_21.assess(mine, fill[packets], period, shape))
    return verdicts


def _rtp_offset(ticks: NDArray[np.int64], periods: list[int], rate: Fraction) -> NDArray[np.int64]:
    """RTP timestamps less the first tick of the period that the frame was sent in, the short way round."""
    begins = np.array([k * VIDEO_CLOCK_HZ * rate.denominator // rate.numerator for k in periods], np.int64)
    if not len(begins):
        return begins
    return (ticks - begins + (1 << 31)) % (1 << 32) - (1 << 31)


def _packing(of: Own) -> str:
    """BPM is 1260 octets in whole blocks in every packet but the one with the marker."""
    inner = of.packets[~of.packets["marker"]]
    blocks = len(inner) > 0 and bool((inner["blocks"] & (inner["data"] == BPM_OCTETS)).all())
    return "2110BPM" if blocks else "2110GPM"


def _frames(of: Own, grouped: Grouped, whole: list[int], rate: Fraction) -> Frames:
    inner = range(1, len(grouped.ticks) - 1)
    judged = set(whole)
    without = stray = 0
    for frame in inner:
        packets = grouped.of(frame)
        packets = packets[np.argsort(of.number[packets])]
        marker = of.packets["marker"][packets]
        without += frame in judged and not marker[-1]
        stray += bool(marker[:-1].any())
    steps = np.diff(grouped.ticks)
    steps = steps[steps <= LEAP_TICKS]
    periods = [round(step * rate / VIDEO_CLOCK_HZ) for step in steps.tolist()]
    return Frames(
        seen=len(inner),
        complete=len(whole),
        incomplete=len(inner) - len(whole),
        absent=sum(max(0, count - 1) for count in periods),
        without_marker=int(without),
        stray_marker=stray,
    )


def _cinst(fill: NDArray[np.int64]) -> Cinst:
    values, counts = np.unique(fill, return_counts=True)
    histogram: dict[str, int] = {}
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        name = str(value)
        if value >= WHOLE_HISTOGRAM:
            low = 1 << (value.bit_length() - 1)
            name = f"{max(low, WHOLE_HISTOGRAM)}-{2 * low - 1}"
        histogram[name] = histogram.get(name, 0) + count
    return Cinst(max=int(fill.max()), mean=round(float(fill.mean()), 3), histogram=histogram)


def _vrx(extremes: list[tuple[int, int]]) -> Vrx | None:
    if not extremes:
        return None
    return Vrx(min=min(low for low, _ in extremes), max=max(high for _, high in extremes))


def _types(shape: TrafficShape, verdicts: list[FrameVerdict]) -> dict[str, TypeLimits]:
    types = {}
    for kind in SenderType:
        limits, kept = shape.limits(kind), sum(kind in verdict.met for verdict in verdicts)
        types[kind.value] = TypeLimits(
            c_max=limits.c_max,
            vrx_full=limits.vrx_full,
            allowed=shape.allows(kind),
            frames=kept,
            share=round(kept / len(verdicts), 4) if verdicts else None,
        )
    return types
