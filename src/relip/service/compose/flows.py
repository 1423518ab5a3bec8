"""The flows that a configuration names, by transport file or by keys, with one leg or two, and how each leg fares."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from relip.config import Config
from relip.config.flows import FlowKeys, FlowOut
from relip.control.static import described_in_file
from relip.essence.errors import FormatError
from relip.essence.flow import AncFlow, AudioFlow, Flow, Leg, VideoFlow
from relip.essence.formats import AncFormat, AudioFormat, Format, VideoFormat, video_format
from relip.frames.legs import LegWatch
from relip.graph.delay import Apart
from relip.peers.report import LegReport, SentLegReport
from relip.ports import Clock, LegState
from relip.service.compose.cards import card_sink, card_source
from relip.service.compose.ends import sink, source
from relip.transport.legs import LegsSink, LegsSource
from relip.transport.rivermax import RivermaxSink, RivermaxSource
from relip.transport.udp import UdpSink, UdpSource
from relip.wire.sdp_media import Sending
from relip.wire.st2022_7 import PathClass

F = TypeVar("F", VideoFormat, AudioFormat, AncFormat)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A flow as it is received: its sockets or cards, what watches the legs, and by how much one leg may follow the other.

    `differential_ns`: None where there is but one.
    """

    flow: Flow[Format]
    source: LegsSource[UdpSource] | LegsSource[RivermaxSource]
    watch: LegWatch
    differential_ns: int | None

    def legs(self) -> list[LegReport]:
        """How each leg fares."""
        every = zip(self.flow.legs, self.watch.counters, self.source.states(), strict=True)
        return [LegReport.of(leg, counters, state) for leg, counters, state in every]

    @property
    def warnings(self) -> list[str]:
        """What an engineer should know at start."""
        granted = [end.report.warning for end in self.source.ends if isinstance(end, UdpSource) and end.report.warning]
        return granted + _missing(self.flow, self.source.states())


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A flow as it is sent: its sockets or cards."""

    flow: Flow[Format]
    sink: LegsSink[UdpSink] | LegsSink[RivermaxSink]

    def legs(self) -> list[SentLegReport]:
        """How each leg fares."""
        return [SentLegReport.of(leg, state) for leg, state in zip(self.flow.legs, self.sink.states(), strict=True)]

    @property
    def warnings(self) -> list[str]:
        """What an engineer should know at start."""
        return _missing(self.flow, self.sink.states())


def video_in(config: Config) -> tuple[VideoFlow, Sending | None]:
    """The flow of the presenter's picture, and what its sender says of its clock in a transport file."""
    keys = config.video
    if keys.sdp is not None:
        return _described(keys, VideoFormat, rate=keys.exact_rate)
    assert keys.format is not None, "the configuration asks for a format with keys"
    form = video_format(keys.format)
    return Flow(format=form, payload_type=keys.payload_type, legs=_legs(keys), name=config.name), None


def voice_in(config: Config) -> tuple[AudioFlow, Sending | None]:
    """The flow of the translated voice, and what its sender says."""
    keys = config.voice
    if keys.sdp is not None:
        return _described(keys, AudioFormat)
    coded = AudioFormat(channels=keys.channels, depth=keys.depth, packet_time=keys.packet_time)
    return Flow(format=coded, payload_type=keys.payload_type, legs=_legs(keys), name=config.name), None


def ancillary_in(config: Config) -> AncFlow | None:
    """The flow of ancillary data that is sent on; None where there is none."""
    keys = config.ancillary
    if keys is None:
        return None
    if keys.sdp is not None:
        return _described(keys, AncFormat)[0]
    return Flow(format=AncFormat(), payload_type=keys.payload_type, legs=_legs(keys), name=config.name)


def incoming(keys: FlowKeys, flow: Flow[Format], *, buffer_octets: int, held: ExitStack) -> Incoming:
    """Open what receives a flow; `held` gives it back. Raises ResourceError when not one leg can be had."""
    apart_ns = differential_ns(keys, flow)
    watch = LegWatch(len(flow.legs), payload_type=flow.payload_type, differential_ns=apart_ns or 0)
    by_card = keys.transport == "rivermax"
    opened = card_source(flow, ring_octets=buffer_octets) if by_card else source(flow, buffer_octets=buffer_octets)
    held.callback(opened.close)
    return Incoming(flow, opened, watch, apart_ns)


def outgoing(
    out: FlowOut,
    flow: Flow[Format],
    *,
    clock: Clock,
    sending: Sending,
    held: ExitStack,
    sizes: NDArray[np.int64] | None = None,
) -> Outgoing:
    """Open what sends a flow; `held` gives it back. Raises ResourceError when not one leg can be had.

    `sending`: what its transport file says, by which a card paces it. `sizes`: octets of each packet of a video frame.
    """
    if out.transport == "rivermax":
        opened = Outgoing(flow, card_sink(flow, sending=sending, sizes=sizes, ttl=out.ttl, dscp=out.dscp))
    else:
        opened = Outgoing(flow, sink(flow, clock=clock, ttl=out.ttl, dscp=out.dscp))
    held.callback(opened.sink.close)
    return opened


def differential_ns(keys: FlowKeys, flow: Flow[Format]) -> int | None:
    """By how much one leg of a flow may follow the other; None when it has but one."""
    if len(flow.legs) == 1:
        return None
    return PathClass[keys.redundant.path_class if keys.redundant is not None else "A"].differential_ns(flow.format)


def apart_of(config: Config, video: VideoFlow, voice: AudioFlow) -> Apart:
    """What the latency must allow for: what goes with a picture must be here before it leaves, the ancillary data as well."""
    beside, keys = ancillary_in(config), config.ancillary
    ancillary_ns = 0 if beside is None or keys is None else differential_ns(keys, beside) or 0
    picture_ns = differential_ns(config.video, video) or 0
    return Apart(picture_ns=max(picture_ns, ancillary_ns), voice_ns=differential_ns(config.voice, voice) or 0)


def refuse_own_input(config: Config, video: VideoFlow, voice: AudioFlow) -> None:
    """Refuse to send to where a transport file says that something is received: it would go round. Raises FormatError.

    Of flows that are named by keys the configuration has been asked already.
    """
    incoming = (("video", video), ("voice", voice), ("ancillary", ancillary_in(config)))
    taken = {(leg.destination, leg.port, leg.interface): name for name, flow in incoming if flow for leg in flow.legs}
    for name, out in config.output.flows.items():
        for leg in out_legs(out):
            if (whose := taken.get((leg.destination, leg.port, leg.interface))) is not None:
                raise FormatError(f"output.{name}: {leg} is that of {whose}")


def out_legs(out: FlowOut) -> tuple[Leg, ...]:
    """Where a flow is sent."""
    first = Leg(destination=out.destination, port=out.port, interface=out.interface)
    second = out.redundant
    if second is None:
        return (first,)
    return first, Leg(destination=second.destination, port=second.port, interface=second.interface)


def _described(keys: FlowKeys, kind: type[F], *, rate: Fraction | None = None) -> tuple[Flow[F], Sending]:
    assert keys.sdp is not None, "asked for only where there is one"
    second = None if keys.redundant is None else keys.redundant.interface
    flow, sending = described_in_file(keys.sdp, kind, interface=keys.interface, second_interface=second, rate=rate)
    if keys.redundant is not None and len(flow.legs) == 1:
        raise FormatError(f"{keys.sdp}: redundant is given, but the flow has one leg: no a=group:DUP names a second")
    return flow, sending


def _legs(keys: FlowKeys) -> tuple[Leg, ...]:
    assert keys.destination is not None, "the configuration gives destination and port together"
    assert keys.port is not None, "the configuration gives destination and port together"
    first = Leg(destination=keys.destination, port=keys.port, interface=keys.interface, source=keys.source)
    second = keys.redundant
    if second is None:
        return (first,)
    assert second.destination is not None, "the configuration asks for both with keys"
    assert second.port is not None, "the configuration asks for both with keys"
    where = second.interface or keys.interface
    return first, Leg(destination=second.destination, port=second.port, interface=where, source=second.source)


def _missing(flow: Flow[Format], states: tuple[LegState, ...]) -> list[str]:
    """The legs that could not be had."""
    return [f"{leg} cannot be had yet: {state.why}" for leg, state in zip(flow.legs, states, strict=True) if state.why]
