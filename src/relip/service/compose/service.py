"""From a checked configuration to a service that only needs to be started. Nothing runs here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relip.clock.ptp import TaiClock
from relip.config import Config
from relip.essence.flow import VideoFlow
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.frames.assemble import VideoAssembler, frames_behind
from relip.frames.pool import FramePool
from relip.graph.channel import Channel
from relip.graph.delay import Apart, Delay
from relip.graph.departures import Departures
from relip.graph.egress import Egress
from relip.graph.reception import Reception
from relip.graph.sounding import VoiceSender
from relip.graph.timeline import LATE_PERIODS, Timeline
from relip.service.compose.ends import tai_clock
from relip.service.compose.flows import Incoming, Outgoing, differential_ns, incoming, video_in, voice_in
from relip.service.compose.graphs import graph_of, merge_window_ns, rest_ns
from relip.service.compose.outputs import delay_ns, frames_early, way_out
from relip.service.compose.sound import hear

SPARE_SLOTS = 10
"""Frame buffers beyond those that wait: five of the assembler, one being sent, and a few that the
graph lets go of late."""
VIDEO_CHUNK = 512
"""Fewer packets than one receive call can bring (16 aggregates of 44), so that a backlog shows as a full chunk."""


@dataclass(slots=True)
class Service:
    """A channel with what the doors want to know of it.

    `senders`: the timelines of the flows that are received, by flow. `notes`: what an engineer should read at start, but for
    the clock's. `incoming`, `outgoing`: the flows and their legs, by name. `departures`: how the picture's packets leave.
    `voice_out`: what sends the voice, where it is sent. `by_arrival`: picture and voice are laid together by arrival.
    `enrolled`: presenters who are known in advance.
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
    by_arrival: bool = False
    enrolled: int = 0


def service(config: Config) -> Service:
    """Build the service a configuration asks for. FormatError, ResourceError: what it asks for cannot be had."""
    clock = tai_clock(config.clock.tai_offset)
    (video, camera), (voice, speaker) = video_in(config), voice_in(config)
    seen_apart = differential_ns(config.video, video)
    apart = Apart(picture_ns=seen_apart or 0, voice_ns=differential_ns(config.voice, voice) or 0)
    graph = graph_of(config, video.format, clock=clock, apart=apart)
    delay, tally = graph.delay, graph.tally
    behind = frames_behind(video.format.rate, seen_apart)
    pool = FramePool(delay.frames + frames_early(camera, video) + behind + SPARE_SLOTS, video.format)
    pool.octets.fill(0)  # a page that is touched for the first time costs more than the packet it is for
    out = way_out(config, video, camera, delay, clock)
    egress = Egress(clock=clock, send=out.send, give_back=pool.give_back, tally=tally)
    timeline = Timeline(video.format.rate, late_periods=LATE_PERIODS + behind, delay_ns=delay_ns(camera))
    inside = graph.between(timeline, egress)
    pictures = incoming(config.video, video, buffer_octets=config.sockets.receive_buffer)
    seeing = _seeing(video, pictures, pool, delay, clock=clock, deliver=inside.feed.offer)
    voices = hear(config, voice, (speaker, camera), timeline, inbox=graph.inbox, out=out, delay=delay, clock=clock, tally=tally)

    def close() -> None:
        out.close()
        graph.close()

    channel = Channel(
        receptions=[seeing, voices.reception],
        ingress=inside.feed,
        egress=egress,
        runner=inside.runner,
        tally=tally,
        flows={"video": lambda: seeing.assembler.counters, "voice": lambda: voices.reception.assembler.counters},
        close=close,
        beside=[] if voices.sender is None else [voices.sender],
    )
    sent = (note for each in out.outgoing.values() for note in each.warnings)
    notes = [*graph.notes, *pictures.warnings, *voices.incoming.warnings, *sent]
    return Service(
        channel=channel,
        senders={"video": timeline, "voice": voices.timeline},
        format=video.format,
        delay=delay,
        clock=clock,
        notes=notes,
        incoming={"video": pictures, "voice": voices.incoming},
        outgoing=out.outgoing,
        departures=out.departures,
        voice_out=voices.sender,
        by_arrival=config.voice.align == "arrival",
        enrolled=len(config.lip_sync.enrolments),
    )


def _seeing(
    flow: VideoFlow,
    incoming: Incoming,
    pool: FramePool,
    delay: Delay,
    *,
    clock: TaiClock,
    deliver: Callable[[VideoGrain], object],
) -> Reception[VideoGrain, VideoAssembler]:
    """The loop that receives the picture."""
    assembler = VideoAssembler(
        flow.format,
        payload_type=flow.payload_type,
        pool=pool,
        merge_window_ns=merge_window_ns(delay, flow.format, incoming.differential_ns or 0),
        differential_ns=incoming.differential_ns,
    )
    return Reception(
        incoming.source,
        assembler,
        clock=clock,
        deliver=deliver,
        capacity=VIDEO_CHUNK,
        rest_ns=rest_ns(delay),
        expire=assembler.expire,
        watch=incoming.watch,
    )
