"""The adapters that service, sender and receiver share: clock, pixel device, sockets, and what is said of them in SDP."""

from __future__ import annotations

import uuid
from functools import partial

from relip.clock.ptp import LEAP_SECONDS, TaiClock
from relip.device.host import HostDevice
from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, VideoFlow
from relip.essence.formats import Format, VideoFormat
from relip.essence.tai import period_ns
from relip.graph.pacing import Mode, Pacing, pacing_of
from relip.ports import Clock
from relip.transport import kernel_pacing
from relip.transport.legs import LegsSink, LegsSource
from relip.transport.udp import StampedUdpSource, UdpSink, UdpSource
from relip.wire.sdp_media import Sending

LOOPBACK = "127."
DEFAULT_BUFFER = 33_554_432
"""As in the service's configuration: six 1080p frames."""
TTL = 16
"""As there: crosses a plant."""


def tai_clock(leap_seconds: int = LEAP_SECONDS) -> TaiClock:
    """The machine's clock; `leap_seconds` where the kernel knows none."""
    return TaiClock(leap_seconds=leap_seconds)


def host_device() -> HostDevice:
    """The processor as pixel device."""
    return HostDevice()


def source(flow: Flow[Format], *, buffer_octets: int = DEFAULT_BUFFER) -> LegsSource[UdpSource]:
    """Kernel sockets that receive a flow, one for each leg, opened anew when they fail. ResourceError when none can be had.

    The kernel stamps the packets of two legs, so that their skew can be told, but for video, of which there are too many.
    """
    stamped = len(flow.legs) > 1 and not isinstance(flow.format, VideoFormat)
    kind = StampedUdpSource if stamped else UdpSource
    return LegsSource([partial(kind, leg, buffer_octets=buffer_octets) for leg in flow.legs])


def sink(flow: Flow[Format], *, clock: Clock | None = None, ttl: int = TTL, dscp: int = 34) -> LegsSink[UdpSink]:
    """Kernel sockets that send a flow, one for each leg, opened anew when they fail. ResourceError when none can be had.

    They send at instants of the machine's clock, or of this one.
    """
    clock = clock or tai_clock()
    return LegsSink([partial(UdpSink, leg, clock=clock, ttl=ttl, dscp=dscp) for leg in flow.legs])


def pacing(flow: VideoFlow, packets: int, *, mode: str, lead_packets: int | None = None) -> Pacing:
    """How a flow of `packets` a frame leaves; `auto` is `hybrid`, and `spread` on loopback.

    Raises FormatError, and ResourceError where the kernel was to pace and does not.
    """
    if mode == "auto":
        mode = Mode.SPREAD if flow.legs[0].interface.startswith(LOOPBACK) else Mode.HYBRID
    planned = pacing_of(flow.format, packets, Mode(mode), lead_packets)
    if planned.mode is Mode.KERNEL:
        octets = flow.format.frame_octets // packets + kernel_pacing.HEADER_OCTETS
        interval_ns = period_ns(flow.format.rate) // packets
        for leg in flow.legs:
            why = kernel_pacing.refusal(leg, planned.schedule, packet_octets=octets, interval_ns=interval_ns)
            if why:
                raise ResourceError(f"pacing=kernel: {why}")
    return planned


def sending(clock: TaiClock, *, ts_refclk: str | None = None, paced: Pacing | None = None) -> Sending:
    """What our transport files say of clock and pace.

    `ts_refclk`: where the engineer knows the reference clock better. `paced`: of a video flow.
    """
    node = f"{uuid.getnode():012X}"
    mac = "-".join(node[i : i + 2] for i in range(0, 12, 2))
    own = "ptp=IEEE1588-2008:traceable" if clock.state.traceable else f"localmac={mac}"
    return Sending(
        ts_refclk=ts_refclk or own,
        tp=None if paced is None else paced.tp,
        troff_us=None if paced is None else paced.troff_us,
    )
