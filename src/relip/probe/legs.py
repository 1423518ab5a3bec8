"""What every kind of flow is asked: which packets came, when, and how two legs compare (RFC 3550, ST 2022-7).

Nothing here knows what the packets carry. Times are int64 nanoseconds; only the figures of a report are floats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.tai import NS_PER_S, RTP_WRAP
from relip.probe.packets import Packets
from relip.probe.report import Counts, Redundancy, Spread, Stamps
from relip.wire import sequence
from relip.wire.sequence import SequenceTracker, unwrap

NS_PER_US = 1000
NAMED_LOST = 10
MOST_CHANGES = 20
"""A sender that begins anew changes the SSRC once; one that changes more often is two."""
RESTART = {16: (sequence.MAX_DROPOUT, sequence.MAX_MISORDER), 32: (1_000_000, 5000)}
"""Steps forward and back beyond which a sender began anew, by the bits of its numbers: with 32 a gap of seconds is a loss."""
_SLICE = 8192
"""Sequence numbers are unwrapped in pieces far shorter than half their range."""
CLASSES = (("D", 150_000), ("A", 10_000_000), ("B", 50_000_000), ("C", 450_000_000))
"""Path differentials of ST 2022-7:2019, ns; flows of 270 Mb/s and more have 150 ms in class C."""


@dataclass(frozen=True, slots=True)
class Capturing:
    """How a leg was taken from the network: who stamped, the step of the stamps, and what was lost on the way to us."""

    source: str
    resolution_ns: int
    dropped: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Own:
    """The well-formed packets of a leg's main sender in the order of arrival, each once, and their unwrapped numbers.

    `ticks`: RTP timestamps, unwrapped from the first packet's on.
    """

    packets: Packets
    number: NDArray[np.int64]
    ticks: NDArray[np.int64]

    @property
    def arrivals(self) -> NDArray[np.int64]:
        """When they came, ns, UTC."""
        column: NDArray[np.int64] = self.packets["arrival"]
        return column

    @property
    def timed(self) -> bool:
        """Whether every one of them has a stamp."""
        return bool(len(self.packets)) and bool((self.arrivals > 0).all())


def main_type(packets: Packets) -> int | None:
    """The payload type of most well-formed packets."""
    counts = np.bincount(packets["payload_type"], packets["valid"])
    return int(counts.argmax()) if counts.any() else None


def main_sender(packets: Packets) -> int | None:
    """The SSRC of most well-formed packets."""
    if not len(packets):
        return None
    if (packets["ssrc"] == packets["ssrc"][0]).all():
        return int(packets["ssrc"][0])
    senders, counts = np.unique(packets["ssrc"], return_counts=True)
    return int(senders[counts.argmax()])


def is_stuck(packets: Packets) -> bool:
    """Whether the extended sequence number stays what it is where the lower 16 bits wrap, as some senders' does."""
    sequence = packets["sequence"][packets["valid"]].astype(np.int64)
    wraps = np.diff(sequence & 0xFFFF) < -(1 << 15)
    return bool(wraps.any()) and not (np.diff(sequence >> 16)).any()


def own(packets: Packets, *, bits: int) -> Own:
    """The well-formed packets of the main type and sender, without repeats; `bits` of their sequence numbers.

    A repeat has the number and the timestamp of another: a sender that begins anew counts the same numbers again.
    """
    packets = _only(packets, packets["valid"] & (packets["payload_type"] == (main_type(packets) or 0)))
    packets = _only(packets, packets["ssrc"] == (main_sender(packets) or 0))
    number = _unwrapped(packets["sequence"].astype(np.int64) & ((1 << bits) - 1), bits)
    if (np.diff(number) <= 0).any():
        key = (number.astype(np.uint64) << np.uint64(32)) | packets["timestamp"]
        first = np.sort(np.unique(key, return_index=True)[1])
        packets, number = packets[first], number[first]
    if (packets["arrival"] > 0).all() and (np.diff(packets["arrival"]) < 0).any():
        # Packets that wait on two processors are read in another order than the kernel stamped them in.
        order = np.argsort(packets["arrival"], kind="stable")
        packets, number = packets[order], number[order]
    return Own(packets, number, _unwrapped(packets["timestamp"].astype(np.int64), 32))


def _only(packets: Packets, which: NDArray[np.bool_]) -> Packets:
    """Those of the packets; no copy where that is all."""
    return packets if which.all() else packets[which]


def _unwrapped(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Numbers without their wraps, each near the one before."""
    if not len(values):
        return values
    half = 1 << (bits - 1)
    steps = (np.diff(values) + half) % (1 << bits) - half
    return np.concatenate((values[:1], values[0] + np.cumsum(steps)))


def counts(packets: Packets, of: Own, *, bits: int) -> Counts:
    """What came and what did not; `bits` of the sequence numbers."""
    dropout, misorder = RESTART[bits]
    tracker = SequenceTracker(bits=bits, max_dropout=dropout, max_misorder=misorder)
    ours = _only(packets, packets["valid"] & (packets["payload_type"] == (main_type(packets) or 0)))
    alternate = int((np.diff(ours["ssrc"]) != 0).sum()) > MOST_CHANGES
    mine = _only(ours, ours["ssrc"] == (main_sender(ours) or 0)) if alternate else ours
    for at in range(0, len(mine), _SLICE):
        part = mine[at : at + _SLICE]
        tracker.observe(part["sequence"].astype(np.int64) & ((1 << bits) - 1), part["ssrc"].astype(np.int64))
    return Counts(
        received=tracker.received,
        lost=tracker.lost,
        duplicate=tracker.duplicate,
        reordered=tracker.reordered,
        restarts=tracker.restarts,
        malformed=int((~packets["valid"]).sum()),
        other_type=int(packets["valid"].sum()) - len(ours),
        other_sender=len(ours) - len(mine),
        first_lost=_lost(of.number, bits) if not tracker.restarts else [],
    )


def _lost(number: NDArray[np.int64], bits: int) -> list[int]:
    """The first numbers that are not there, as they would stand on the wire."""
    there = np.sort(number)
    gaps = np.flatnonzero(np.diff(there) > 1)
    lost: list[int] = []
    for gap in gaps[:NAMED_LOST].tolist():
        lost += range(int(there[gap]) + 1, min(int(there[gap + 1]), int(there[gap]) + 1 + NAMED_LOST))
    return [value % (1 << bits) for value in lost[:NAMED_LOST]]


def stamps(packets: Packets, how: Capturing) -> Stamps:
    """How far the arrivals can be trusted."""
    arrivals = packets["arrival"]
    known = arrivals[arrivals > 0]
    shared = float((np.diff(known) == 0).mean()) if len(known) > 1 else 0.0
    return Stamps(
        source=how.source,
        resolution_ns=how.resolution_ns,
        shared=round(shared, 4),
        missing=len(arrivals) - len(known),
        dropped_here=how.dropped,
        cut=how.cut,
    )


def spread(values: NDArray[np.int64] | NDArray[np.float64], *, unit: int = 1) -> Spread | None:
    """The distribution of values divided by `unit`; None of nothing."""
    if not len(values):
        return None
    p50, p99 = np.percentile(values, (50, 99))
    low, mean, high = int(values.min()), float(values.mean()), int(values.max())
    return Spread(
        min=_told(low / unit), mean=_told(mean / unit), p50=_told(p50 / unit), p99=_told(p99 / unit), max=_told(high / unit)
    )


def _told(value: float) -> float:
    return round(float(value), 3)


def ages(
    of: Own, instants: NDArray[np.int64], arrivals: NDArray[np.int64], *, clock_hz: int, tai_utc_ns: int
) -> NDArray[np.int64]:
    """Nanoseconds from the instants that RTP timestamps name to arrivals, (n,); the timestamp is taken nearest to now.

    `instants`: ticks as `of.ticks` has them. `arrivals`: UTC.
    """
    near = (int(of.arrivals[0]) + tai_utc_ns) * clock_hz // NS_PER_S
    first = int(unwrap(of.ticks[:1], near, bits=32)[0])
    ticks = instants - of.ticks[0] + first
    seconds, rest = np.divmod(ticks, clock_hz)
    age: NDArray[np.int64] = arrivals + tai_utc_ns - (seconds * NS_PER_S + rest * NS_PER_S // clock_hz)
    return age


def redundancy(legs: list[Own], *, bits: int, rate_bits_s: float) -> Redundancy | None:
    """How two legs complete each other; None of one."""
    if len(legs) != 2 or not all(len(leg.number) for leg in legs):
        return None
    first, second = legs
    shift = int(unwrap(second.number[:1], int(first.number[0]), bits=bits)[0] - second.number[0])
    numbers = second.number + shift
    both, in_first, in_second = np.intersect1d(first.number, numbers, return_indices=True)
    every = np.union1d(first.number, numbers)
    # Only where both were listening: one leg may have been joined before the other.
    low, high = max(first.number.min(), numbers.min()), min(first.number.max(), numbers.max())
    within = every[(every >= low) & (every <= high)]
    skew = second.arrivals[in_second] - first.arrivals[in_first]
    timed = first.timed and second.timed
    return Redundancy(
        lost=max(0, int(high - low + 1) - len(within)),
        only=[int((~np.isin(within, other)).sum()) for other in (numbers, first.number)],
        skew_us=spread(skew, unit=NS_PER_US) if timed else None,
        path_class=_path_class(int(np.abs(skew).max()), rate_bits_s) if timed and len(both) else None,
    )


def _path_class(skew_ns: int, rate_bits_s: float) -> str:
    for name, limit in CLASSES:
        if skew_ns <= (150_000_000 if name == "C" and rate_bits_s >= 270e6 else limit):
            return name
    return "none"


def wrapped(ticks: int) -> int:
    """The 32 bits that travel."""
    return ticks % RTP_WRAP
