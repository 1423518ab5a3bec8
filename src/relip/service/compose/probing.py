"""The adapters that `relip probe` looks through: sockets whose packets the kernel stamps, and capture files."""

from __future__ import annotations

from pathlib import Path

from relip.clock.ptp import LEAP_SECONDS
from relip.essence.flow import Leg
from relip.transport.pcap import Capture, PcapSource
from relip.transport.udp import StampedUdpSource

BUFFER_OCTETS = 128 << 20
"""Half a second of 1080p60, one by one: a probe may share its machine, and what it loses it cannot judge."""
UTC_TO_TAI_S = LEAP_SECONDS
"""Seconds from UTC to TAI, where no kernel says."""


def stamped_source(leg: Leg) -> StampedUdpSource:
    """A kernel socket that receives a leg and says when each packet came. Raises ResourceError."""
    return StampedUdpSource(leg, buffer_octets=BUFFER_OCTETS)


def capture(path: Path) -> Capture:
    """A capture file. Raises ResourceError."""
    return Capture(path)


def captured_legs(of: Capture) -> dict[Leg, tuple[str, ...]]:
    """Where the flows of a capture file go, and who sends them."""
    return {flow.leg: flow.senders for flow in of.flows()}


def captured_source(of: Capture, leg: Leg) -> PcapSource:
    """A leg's packets in a capture file."""
    return PcapSource(of, leg)
