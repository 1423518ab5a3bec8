"""How a flow's packets leave, by mode, and what may be said of it in a transport file (ST 2110-21).

    frame k leaves from       due = the grain's own instant, whatever the mode
    it is read from           TVD = due + TRO, or due + TROFF where another lead was asked for

Pure arithmetic on the constants of the flow. What was really done is measured by the sink and judged by `departures`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.tai import NS_PER_S, period_ns
from relip.ports import Schedule
from relip.wire.st2110_21 import Limits, SenderType, TrafficShape
from relip.wire.st2110_21 import Schedule as Reading


class Mode(StrEnum):
    """How the sending thread keeps time.

    `SPIN`, `HYBRID`: packet by packet on the linear schedule of a wide sender, held by the network model's drain; the one looks
    at the clock all the time, the other sleeps between groups as long as it can. `SPREAD`: a group every millisecond, for
    little CPU. `BURST`: all at once. `KERNEL`: all at once to a kernel that lets them leave one after the other. `CARD`: a
    network card keeps time, packet by packet, on the gapped schedule of a narrow sender.
    """

    SPIN = "spin"
    HYBRID = "hybrid"
    SPREAD = "spread"
    BURST = "burst"
    KERNEL = "kernel"
    CARD = "card"


PACED = (Mode.HYBRID, Mode.SPIN)
SPAN = Fraction(17, 20)
"""Share of the period over which `SPREAD` sends: inside R_ACTIVE = 1080/1125, with room for a sleep that oversleeps."""
SLICE_NS = 1_000_000
"""Its groups are about this far apart: sleeping for each small one cannot keep up."""
HYBRID_SPIN_NS = 30_000
"""A sleep ends about this much late, with the thread's timer slack taken away."""
HEADERS_OCTETS = 62
"""Of a packet beyond its samples: RTP with SRD 20, UDP 8, IP 20, Ethernet 14."""
KERNEL_RATE = Fraction(51, 50)
"""What the kernel is asked for, of what the flow needs: a little more, so that it catches up."""
ALWAYS_NS = NS_PER_S
_US = 1000


@dataclass(frozen=True, slots=True)
class Pacing:
    """One flow's way out.

    `schedule`: for the sink. `limits`: of a wide sender of this flow, or a narrow one. `tp`: the word for the transport file,
    None where no type of sender is kept to. `troff_us`: where it is not the default offset.
    """

    mode: Mode
    schedule: Schedule
    limits: Limits
    tp: str | None = None
    troff_us: int | None = None


def pacing_of(format: VideoFormat, packets: int, mode: Mode, lead_packets: int | None = None) -> Pacing:  # noqa: A002
    """Plan the way out of a flow of `packets` a frame.

    `lead_packets`: how many leave before the first is read; by default as many as the default offset has room for. Raises
    FormatError where the receiver model's buffer would not hold them.
    """
    shape = TrafficShape(format.rate, format.height, packets)
    limits = shape.limits(SenderType.W)
    interval_ns = shape.spacing_ns(Reading.LINEAR)
    lead_ns, troff_us = shape.offset_ns, None
    if lead_packets is not None:
        if mode not in PACED:
            raise FormatError(f"lead_packets={lead_packets}: only {' and '.join(PACED)} keep a lead, not {mode}")
        most = limits.vrx_full - limits.c_max - 1
        if not 1 <= lead_packets <= most:
            raise FormatError(f"lead_packets={lead_packets}: the buffer of a receiver of {format} has room for 1 to {most}")
        troff_us = -(-lead_packets * interval_ns // _US)
        lead_ns = Fraction(troff_us * _US)
    schedule = Schedule(drain_ns=shape.drain_ns, read_ns=interval_ns, ahead_ns=int(lead_ns))
    if mode is Mode.SPREAD:
        schedule = _spread(schedule, format, packets)
    elif mode is Mode.KERNEL:
        octets_s = int(packets * format.rate * (format.frame_octets // packets + HEADERS_OCTETS) * KERNEL_RATE)
        schedule = replace(schedule, together=limits.c_max // 2, kernel_octets_s=octets_s)
    elif mode is not Mode.BURST:
        schedule = replace(
            schedule,
            span_ns=period_ns(format.rate),
            together=limits.c_max // 2,
            hold_ns=shape.drain_ns,
            spin_ns=ALWAYS_NS if mode is Mode.SPIN else HYBRID_SPIN_NS,
        )
    wide = mode in PACED and shape.allows(SenderType.W)
    return Pacing(mode, schedule, limits, SenderType.W.value if wide else None, troff_us)


def pacing_of_card(format: VideoFormat, packets: int) -> Pacing:  # noqa: A002
    """Plan the way out of a flow of `packets` a frame that a network card paces by its own clock."""
    shape = TrafficShape(format.rate, format.height, packets)
    read_ns = shape.spacing_ns(Reading.GAPPED)
    schedule = Schedule(drain_ns=shape.drain_ns, read_ns=read_ns, ahead_ns=int(shape.offset_ns))
    return Pacing(Mode.CARD, schedule, shape.limits(SenderType.N), SenderType.N.value)


def _spread(schedule: Schedule, format: VideoFormat, packets: int) -> Schedule:  # noqa: A002
    span_ns = int(period_ns(format.rate) * SPAN)
    slices = max(1, -(-span_ns // SLICE_NS))
    return replace(schedule, span_ns=span_ns, together=-(-packets // slices))
