"""The adapters that service, sender and receiver share: clock, pixel device, sockets, and what is said of them in SDP."""

from __future__ import annotations

import uuid

from relip.clock.ptp import TaiClock
from relip.device.host import HostDevice
from relip.essence.flow import Leg
from relip.essence.formats import VideoFormat
from relip.graph.pacing import Mode, Pacing, pacing_of
from relip.transport.udp import UdpSink, UdpSource
from relip.wire.sdp_media import Sending

LOOPBACK = "127."
DEFAULT_BUFFER = 33_554_432
"""As in the service's configuration: six 1080p frames."""


def tai_clock() -> TaiClock:
    """The machine's clock."""
    return TaiClock()


def host_device() -> HostDevice:
    """The processor as pixel device."""
    return HostDevice()


def source(leg: Leg, *, buffer_octets: int = DEFAULT_BUFFER) -> UdpSource:
    """A kernel socket that receives a leg. Raises ResourceError."""
    return UdpSource(leg, buffer_octets=buffer_octets)


def sink(leg: Leg, *, ttl: int = 16, dscp: int = 34) -> UdpSink:
    """A kernel socket that sends to a leg, by the machine's clock. Raises ResourceError."""
    return UdpSink(leg, clock=tai_clock(), ttl=ttl, dscp=dscp)


def pacing(leg: Leg, format: VideoFormat, packets: int, *, mode: str, lead_packets: int | None) -> Pacing:  # noqa: A002
    """How a flow of `packets` a frame leaves on a leg; `auto` is `hybrid`, and `spread` on loopback. Raises FormatError."""
    if mode == "auto":
        mode = Mode.SPREAD if leg.interface.startswith(LOOPBACK) else Mode.HYBRID
    return pacing_of(format, packets, Mode(mode), lead_packets)


def sending(clock: TaiClock, *, delay_us: int | None, paced: Pacing | None = None) -> Sending:
    """What our transport files say of clock and pace; `delay_us` when timestamps are the input's (TSMODE=PRES).

    `paced`: of a video flow.
    """
    node = f"{uuid.getnode():012X}"
    mac = "-".join(node[i : i + 2] for i in range(0, 12, 2))
    refclk = "ptp=IEEE1588-2008:traceable" if clock.locked else f"localmac={mac}"
    return Sending(
        ts_refclk=refclk,
        tp=None if paced is None else paced.tp,
        tsmode=None if delay_us is None else "PRES",
        tsdelay_us=delay_us,
        troff_us=None if paced is None else paced.troff_us,
    )
