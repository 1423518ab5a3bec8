"""Whether the kernel paces what leaves by an interface: found by reading its queueing discipline, and believed when measured.

The trial sends packets of zeros to the flow's own destination, port 9 (discard), with a time to live of 1.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from relip.essence.flow import Leg
from relip.ports import Burst, Schedule
from relip.transport.qdisc import queueing
from relip.transport.udp import UdpSink

PACES = frozenset({"fq", "tbf"})
"""`fq` heeds the rate that a socket asks for (SO_MAX_PACING_RATE), `tbf` has one of its own."""
DISCARD_PORT = 9
TRIALS = 5
TRIAL_PACKETS = 1000
HEADER_OCTETS = 20
LEAST, MOST = 0.7, 1.05
"""Of the time that the packets should take: a discipline lets some pass at once, and must not be slower than the flow."""
LOOK_S = 0.0002
_NS_PER_S = 1_000_000_000


def refusal(leg: Leg, schedule: Schedule, *, packet_octets: int, interval_ns: int) -> str:
    """Why packets would not leave `interval_ns` apart; empty when they do. ResourceError when it cannot be known.

    `schedule`: of the flow. `packet_octets`: of a packet's UDP payload.
    """
    found = queueing(leg.interface)
    if not found.kinds or not PACES.issuperset(found.kinds):
        return f"{found}, which paces nothing; {' or '.join(sorted(PACES))} would, and hybrid needs neither"
    expected_ns = TRIAL_PACKETS * interval_ns
    sink = UdpSink(replace(leg, port=DISCARD_PORT), ttl=1)
    try:
        took_ns = min(_trial(sink, schedule, packet_octets, expected_ns) for _ in range(TRIALS))  # a stall only adds to it
    finally:
        sink.close()
    if LEAST * expected_ns <= took_ns <= MOST * expected_ns:
        return ""
    lets = f"{TRIAL_PACKETS} packets pass in {took_ns / 1e6:.1f} ms that should take {expected_ns / 1e6:.1f}"
    return f"{found}, but lets {lets}"


def _trial(sink: UdpSink, schedule: Schedule, packet_octets: int, expected_ns: int) -> int:
    """Nanoseconds from the first packet of a burst until the kernel holds none of it any more."""
    data = packet_octets - HEADER_OCTETS
    headers, payload = np.zeros((TRIAL_PACKETS, HEADER_OCTETS), np.uint8), np.zeros(data, np.uint8)
    offsets, lengths = np.zeros(TRIAL_PACKETS, np.int64), np.full(TRIAL_PACKETS, data, np.int64)
    begin = time.monotonic_ns()
    sink.send(Burst(headers, payload, offsets, lengths, schedule))
    while sink.queued_octets and time.monotonic_ns() - begin < 4 * expected_ns + _NS_PER_S // 10:
        time.sleep(LOOK_S)
    return time.monotonic_ns() - begin
