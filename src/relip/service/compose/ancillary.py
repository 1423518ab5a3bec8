"""The way in of ancillary data that is sent on with its picture."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from relip.clock.ptp import TaiClock
from relip.config import Config
from relip.essence.grains import AncGrain
from relip.frames.ancillary import AncAssembler, AncCounters
from relip.graph.ancillary import Carried
from relip.graph.delay import Delay
from relip.graph.reception import Reception
from relip.service.compose.flows import Incoming, ancillary_in, incoming

CHUNK = 64
REST_NS = 20_000_000
"""A frame's ancillary data is a few packets, and has the latency's time."""


@dataclass(frozen=True, slots=True)
class Carrying:
    """Ancillary data on its way in."""

    incoming: Incoming
    reception: Reception[AncGrain, AncAssembler]

    def counters(self) -> AncCounters:
        """What was counted so far."""
        return self.reception.assembler.counters


def carry(config: Config, carried: Carried, *, delay: Delay, clock: TaiClock, held: ExitStack) -> Carrying:
    """Receive ancillary data into `carried`. Raises ResourceError when not one leg can be had."""
    flow, keys = ancillary_in(config), config.ancillary
    assert flow is not None, "asked for only where there is such a flow"
    assert keys is not None, "asked for only where there is such a flow"
    data = incoming(keys, flow, buffer_octets=config.sockets.receive_buffer, held=held)
    assembler = AncAssembler(payload_type=flow.payload_type, differential_ns=data.differential_ns)
    reception = Reception(
        data.source,
        assembler,
        clock=clock,
        deliver=carried.put,
        capacity=CHUNK,
        rest_ns=min(REST_NS, delay.latency_ns // 4),
        watch=data.watch,
    )
    return Carrying(data, reception)
