"""The adapters that service, sender and receiver share: clock, pixel device, sockets, and what is said of them in SDP."""

from __future__ import annotations

import uuid
from pathlib import Path

from relip.clock.ptp import LEAP_SECONDS, TaiClock
from relip.device.host import HostDevice
from relip.essence.flow import Leg
from relip.transport.pcap import Capture, PcapSource
from relip.transport.udp import StampedUdpSource, UdpSink, UdpSource
from relip.wire.sdp_media import Sending

UTC_TO_TAI_S = LEAP_SECONDS
"""Seconds from UTC to TAI, where the kernel does not know."""
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


def stamped_source(leg: Leg) -> StampedUdpSource:
    """A kernel socket that receives a leg and says when each packet came. Raises ResourceError."""
    return StampedUdpSource(leg)


def capture(path: Path) -> Capture:
    """A capture file. Raises ResourceError."""
    return Capture(path)


def captured_source(of: Capture, leg: Leg) -> PcapSource:
    """A leg's packets in a capture file."""
    return PcapSource(of, leg)


def sink(leg: Leg, *, ttl: int = 16, dscp: int = 34) -> UdpSink:
    """A kernel socket that sends to a leg. Raises ResourceError."""
    return UdpSink(leg, ttl=ttl, dscp=dscp)


def sending(clock: TaiClock, *, delay_us: int | None) -> Sending:
    """What our transport files say of clock and pace; `delay_us` when timestamps are the input's (TSMODE=PRES)."""
    node = f"{uuid.getnode():012X}"
    mac = "-".join(node[i : i + 2] for i in range(0, 12, 2))
    refclk = "ptp=IEEE1588-2008:traceable" if clock.locked else f"localmac={mac}"
    return Sending(ts_refclk=refclk, tsmode=None if delay_us is None else "PRES", tsdelay_us=delay_us)
