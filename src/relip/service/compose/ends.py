"""The adapters that service, sender and receiver share: clock, pixel device, sockets, and what is said of them in SDP."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial

from relip.clock.ptp import TaiClock
from relip.device.host import HostDevice
from relip.essence.flow import Flow
from relip.essence.formats import Format, VideoFormat
from relip.frames.legs import LegWatch
from relip.peers.report import LegReport, SentLegReport
from relip.ports import LegState
from relip.transport.legs import LegsSink, LegsSource
from relip.transport.udp import StampedUdpSource, UdpSink, UdpSource
from relip.wire.sdp_media import Sending

DEFAULT_BUFFER = 33_554_432
"""As in the service's configuration: six 1080p frames."""


def tai_clock() -> TaiClock:
    """The machine's clock."""
    return TaiClock()


def host_device() -> HostDevice:
    """The processor as pixel device."""
    return HostDevice()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A flow as it is received: its sockets, and what watches the legs."""

    flow: Flow[Format]
    source: LegsSource[UdpSource]
    watch: LegWatch

    def legs(self) -> list[LegReport]:
        """How each leg fares."""
        every = zip(self.flow.legs, self.watch.counters, self.source.states(), strict=True)
        return [LegReport.of(leg, counters, state) for leg, counters, state in every]

    @property
    def warnings(self) -> list[str]:
        """What an engineer should know at start."""
        return _warnings(self.flow, [end.report.warning for end in self.source.ends], self.source.states())


@dataclass(frozen=True, slots=True)
class Departure:
    """A flow as it is sent: its sockets."""

    flow: Flow[Format]
    sink: LegsSink[UdpSink]

    def legs(self) -> list[SentLegReport]:
        """How each leg fares."""
        return [SentLegReport.of(leg, state) for leg, state in zip(self.flow.legs, self.sink.states(), strict=True)]

    @property
    def warnings(self) -> list[str]:
        """What an engineer should know at start."""
        return _warnings(self.flow, [end.report.warning for end in self.sink.ends], self.sink.states())


def source(flow: Flow[Format], *, buffer_octets: int = DEFAULT_BUFFER) -> LegsSource[UdpSource]:
    """Kernel sockets that receive a flow, one for each leg, opened anew when they fail. ResourceError when none can be had.

    The kernel stamps the packets of two legs, so that their skew can be told, but for video, of which there are too many.
    """
    stamped = len(flow.legs) > 1 and not isinstance(flow.format, VideoFormat)
    kind = StampedUdpSource if stamped else UdpSource
    return LegsSource([partial(kind, leg, buffer_octets=buffer_octets) for leg in flow.legs])


def sink(flow: Flow[Format], *, ttl: int = 16, dscp: int = 34) -> LegsSink[UdpSink]:
    """Kernel sockets that send a flow, one for each leg, opened anew when they fail. ResourceError when none can be had."""
    return LegsSink([partial(UdpSink, leg, ttl=ttl, dscp=dscp) for leg in flow.legs])


def arrival(flow: Flow[Format], *, differential_ns: int | None, buffer_octets: int = DEFAULT_BUFFER) -> Arrival:
    """A flow's sockets, watched. Raises ResourceError."""
    watch = LegWatch(len(flow.legs), payload_type=flow.payload_type, differential_ns=differential_ns or 0)
    return Arrival(flow, source(flow, buffer_octets=buffer_octets), watch)


def departure(flow: Flow[Format], *, ttl: int, dscp: int) -> Departure:
    """A flow's sockets to send by. Raises ResourceError."""
    return Departure(flow, sink(flow, ttl=ttl, dscp=dscp))


def _warnings(flow: Flow[Format], granted: list[str], states: tuple[LegState, ...]) -> list[str]:
    """What the kernel did not grant, and which leg could not be had."""
    lost = [f"{leg} cannot be had yet: {state.why}" for leg, state in zip(flow.legs, states, strict=True) if state.why]
    return [*filter(None, granted), *lost]


def sending(clock: TaiClock, *, delay_us: int | None) -> Sending:
    """What our transport files say of clock and pace; `delay_us` when timestamps are the input's (TSMODE=PRES)."""
    node = f"{uuid.getnode():012X}"
    mac = "-".join(node[i : i + 2] for i in range(0, 12, 2))
    refclk = "ptp=IEEE1588-2008:traceable" if clock.locked else f"localmac={mac}"
    return Sending(ts_refclk=refclk, tsmode=None if delay_us is None else "PRES", tsdelay_us=delay_us)
