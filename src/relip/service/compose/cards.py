"""The ends of flows that go by Rivermax, a network card's own way: as `ends` has those that go by kernel sockets."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from relip.clock.rivermax import RivermaxClock
from relip.essence.errors import ResourceError
from relip.essence.flow import Flow
from relip.essence.formats import AudioFormat, Format, VideoFormat
from relip.ports import Clock
from relip.transport.legs import LegsSink, LegsSource
from relip.transport.rivermax import HEADER_OCTETS, RivermaxSink, RivermaxSource
from relip.wire import sdp
from relip.wire.rtp import HEADER_OCTETS as RTP_OCTETS
from relip.wire.sdp_media import Sending

APART_NS = 1_000_000
"""How far the card's clock and the machine's may be apart: frames are handed over less than this before they are to leave."""


def card_source(flow: Flow[Format], *, ring_octets: int) -> LegsSource[RivermaxSource]:
    """What receives a flow by the cards of its legs, video with headers split off. ResourceError when none can be had."""
    split = HEADER_OCTETS if isinstance(flow.format, VideoFormat) else 0
    return LegsSource([partial(RivermaxSource, leg, ring_octets=ring_octets, header_octets=split) for leg in flow.legs])


def card_sink(
    flow: Flow[Format], *, sending: Sending, sizes: NDArray[np.int64] | None, ttl: int, dscp: int
) -> LegsSink[RivermaxSink]:
    """What sends a flow to the cards of its legs, each from a transport file of its own. ResourceError when none can be had.

    `sizes`: octets of each packet of a video frame.
    """
    if isinstance(flow.format, AudioFormat):
        sizes = np.array([RTP_OCTETS + flow.format.packet_samples * flow.format.sample_octets])
    texts = [sdp.format(replace(flow, legs=(leg,)), sending=sending, ttl=ttl) for leg in flow.legs]
    return LegsSink([partial(RivermaxSink, text, sizes=sizes, dscp=dscp) for text in texts])


def card_clock(interface: str, clock: Clock) -> RivermaxClock:
    """Let the cards send by their PTP clock. ResourceError when there is none, or the machine's `clock` shows another time."""
    card = RivermaxClock(interface)
    apart_ns = card.now().since(clock.now())
    if abs(apart_ns) > APART_NS:
        card.close()
        raise ResourceError(
            f"the PTP clock of the card at {interface} is {apart_ns // 1000:+} µs from this machine's TAI:"
            " run phc2sys on the host, with the TAI offset"
        )
    return card
