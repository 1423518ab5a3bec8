"""The flows that a configuration names, from their transport files or by keys, with one leg or two."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeVar

from relip.config import Config, FlowKeys, FlowOut
from relip.control.static import flow_of_file
from relip.essence.flow import AudioFlow, Flow, Leg, VideoFlow
from relip.essence.formats import AncFormat, AudioFormat, Format, VideoFormat, video_format
from relip.wire.st2022_7 import PathClass

F = TypeVar("F", bound=Format)
K = TypeVar("K", VideoFormat, AudioFormat, AncFormat)


def video_flow(config: Config) -> VideoFlow:
    """The flow of the presenter's picture."""
    keys = config.video
    if keys.sdp is not None:
        return _of_file(keys, VideoFormat, rate=keys.exact_rate)
    assert keys.format is not None, "the configuration asks for a format with keys"
    return Flow(format=video_format(keys.format), payload_type=keys.payload_type, legs=_legs(keys), name=config.name)


def voice_flow(config: Config) -> AudioFlow:
    """The flow of the translated voice."""
    keys = config.voice
    if keys.sdp is not None:
        return _of_file(keys, AudioFormat)
    coded = AudioFormat(channels=keys.channels, depth=keys.depth, packet_time=keys.packet_time)
    return Flow(format=coded, payload_type=keys.payload_type, legs=_legs(keys), name=config.name)


def out_legs(out: FlowOut) -> tuple[Leg, ...]:
    """Where a flow is sent."""
    first = Leg(destination=out.destination, port=out.port, interface=out.interface)
    second = out.redundant
    if second is None:
        return (first,)
    return first, Leg(destination=second.destination, port=second.port, interface=second.interface)


def differential_ns(keys: FlowKeys, flow: Flow[F]) -> int | None:
    """By how much one leg of a flow may follow the other; None when it has but one."""
    if len(flow.legs) == 1:
        return None
    return PathClass[keys.redundant.path_class if keys.redundant is not None else "A"].differential_ns(flow.format)


def _of_file(keys: FlowKeys, kind: type[K], *, rate: Fraction | None = None) -> Flow[K]:
    assert keys.sdp is not None, "asked for only where there is one"
    second = None if keys.redundant is None else keys.redundant.interface
    return flow_of_file(keys.sdp, kind, interface=keys.interface, second_interface=second, rate=rate)


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
