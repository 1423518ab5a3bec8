"""From a checked configuration to a service that only needs to be started. Nothing runs here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from relip.clock.ptp import TaiClock
from relip.config import Config
from relip.essence.flow import VideoFlow
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.frames.assemble import VideoAssembler, frames_behind
from relip.frames.pool import FramePool
from relip.graph.ancillary import Carried
from relip.graph.channel import Channel, FlowCounts, Receiving
from relip.graph.delay import Delay
from relip.graph.departures import Departures
from relip.graph.egress import Egress
from relip.graph.reception import Reception
from relip.graph.sounding import VoiceSender
from relip.graph.timeline import LATE_PERIODS, Timeline
from relip.service.compose.ancillary import carry
from relip.service.compose.ends import tai_clock
from relip.service.compose.flows import (
    Incoming,
    Outgoing,
    apart_of,
    differential_ns,
    incoming,
    refuse_own_input,
    video_in,
    voice_in,
)
from relip.service.compose.graphs import graph_of, merge_window_ns, rest_ns
from relip.service.compose.outputs import delay_ns, frames_early, way_out
from relip.service.compose.sound import hear
from relip.wire.sdp_timing import oddities

SPARE_SLOTS = 10
"""Frame buffers beyond those that wait: five of the assembler, one being sent, and a few that the
graph lets go of late."""
VIDEO_CHUNK = 512
"""Fewer packets than one receive call can bring (16 aggregates of 44), so that a backlog shows as a full chunk."""


@dataclass(slots=True)
class Service:
    """A channel with what the doors want to know of it.

    `senders`: the timelines of picture and voice, by flow. `notes`: what an engineer should read at start, but for the clock's.
    `incoming`, `outgoing`: the flows and their legs, by name. `departures`: how the picture's packets leave. `voice_out`: what
    sends the voice, `carried`: what is sent on of ancillary data, where they are. `by_arrival`: picture and voice are laid
    together by arrival. `enrolled`: presenters who are known in advance.
    """

    channel: Channel
    senders: dict[str, Timeline]
    format: VideoFormat
    delay: Delay
    clock: TaiClock
    notes: list[str]
    incoming: dict[str, Incoming]
    outgoing: dict[str, Outgoing]
    departures: Departures
    voice_out: VoiceSender | None = None
    carried: Carried | None = None
    by_arrival: bool = False
    enrolled: int = 0


class _Way(Protocol):
    """A flow on its way in."""

    @property
    def incoming(self) -> Incoming:
        """Its sockets."""
        ...

    @property
    def reception(self) -> Receiving:
        """Its loop."""
        ...

    def counters(self) -> FlowCounts:
        """What was counted so far."""
        ...


def service(config: Config) -> Service:
    """Build the service a configuration asks for. FormatError, ResourceError: what it asks for cannot be had."""
    held = ExitStack()
    try:
        return _built(config, held)
    except BaseException:
        held.close()
        raise


def _built(config: Config, held: ExitStack) -> Service:
    """The service, and in `held` all that is open."""
    clock = tai_clock(config.clock.tai_offset)
    (video, camera), (voice, speaker) = video_in(config), voice_in(config)
    refuse_own_input(config, video, voice)
    seen_apart = differential_ns(config.video, video)
    apart = apart_of(config, video, voice)
    graph = graph_of(config, video.format, clock=clock, apart=apart)
    held.callback(graph.close)
    delay, tally = graph.delay, graph.tally
    behind = frames_behind(video.format.rate, seen_apart)
    pool = FramePool(delay.frames + frames_early(camera, video) + behind + SPARE_SLOTS, video.format)
    pool.octets.fill(0)  # a page that is touched for the first time costs more than the packet it is for
    out = way_out(config, video, camera, delay=delay, clock=clock, failures=tally.failures, held=held)
    egress = Egress(clock=clock, send=out.send, give_back=pool.give_back, tally=tally, latency_ns=delay.latency_ns)
    timeline = Timeline(video.format.rate, late_periods=LATE_PERIODS + behind, delay_ns=delay_ns(camera))
    inside = graph.between(timeline, egress)
    seeing = _see(config, video, pool, delay, clock=clock, deliver=inside.feed.offer, held=held)
    hearing = hear(
        config, voice, (speaker, camera), timeline, inbox=graph.inbox, out=out, delay=delay, clock=clock, tally=tally
    )
    ways: dict[str, _Way] = {"video": seeing, "voice": hearing}
    if out.carried is not None:
        ways["ancillary"] = carry(config, out.carried, delay=delay, clock=clock, held=held)
    channel = Channel(
        receptions=[way.reception for way in ways.values()],
        ingress=inside.feed,
        egress=egress,
        runner=inside.runner,
        tally=tally,
        flows={name: way.counters for name, way in ways.items()},
        close=held.close,
        beside=[] if hearing.sender is None else [hearing.sender],
    )
    ends: list[Incoming | Outgoing] = [*(way.incoming for way in ways.values()), *out.outgoing.values()]
    return Service(
        channel=channel,
        senders={"video": timeline, "voice": hearing.timeline},
        format=video.format,
        delay=delay,
        clock=clock,
        notes=[
            *graph.notes,
            *oddities(camera, speaker, latency_us=delay.latency_ns // 1000),
            *(note for end in ends for note in end.warnings),
        ],
        incoming={name: way.incoming for name, way in ways.items()},
        outgoing=out.outgoing,
        departures=out.departures,
        voice_out=hearing.sender,
        carried=out.carried,
        by_arrival=config.voice.align == "arrival",
        enrolled=len(config.lip_sync.enrolments),
    )


@dataclass(frozen=True, slots=True)
class _Pictures:
    """The picture on its way in."""

    incoming: Incoming
    reception: Reception[VideoGrain, VideoAssembler]

    def counters(self) -> FlowCounts:
        """What was counted so far."""
        return self.reception.assembler.counters


def _see(
    config: Config,
    flow: VideoFlow,
    pool: FramePool,
    delay: Delay,
    *,
    clock: TaiClock,
    deliver: Callable[[VideoGrain], object],
    held: ExitStack,
) -> _Pictures:
    """Receive the picture."""
    pictures = incoming(config.video, flow, buffer_octets=config.sockets.receive_buffer, held=held)
    assembler = VideoAssembler(
        flow.format,
        payload_type=flow.payload_type,
        pool=pool,
        merge_window_ns=merge_window_ns(delay, flow.format, pictures.differential_ns or 0),
        differential_ns=pictures.differential_ns,
    )
    reception = Reception(
        pictures.source,
        assembler,
        clock=clock,
        deliver=deliver,
        capacity=VIDEO_CHUNK,
        rest_ns=rest_ns(delay),
        expire=assembler.expire,
        watch=pictures.watch,
    )
    return _Pictures(pictures, reception)
