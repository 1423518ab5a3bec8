"""From a checked configuration to a service that only needs to be started. Nothing runs here."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace

from relip.clock.ptp import TaiClock
from relip.config import Config, FlowOut
from relip.control.static import write_transport_file
from relip.essence.flow import Flow, VideoFlow
from relip.essence.formats import AncFormat, VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Verdict
from relip.frames.assemble import VideoAssembler, frames_behind
from relip.frames.audio import AudioAssembler
from relip.frames.pool import FramePool
from relip.graph import overlay
from relip.graph.channel import Channel
from relip.graph.delay import Apart, Delay
from relip.graph.egress import Egress, Send
from relip.graph.holoscan import GraphRunner
from relip.graph.ingress import Ingress
from relip.graph.reception import Reception
from relip.graph.stages import EgressStage
from relip.graph.timeline import Timeline
from relip.graph.transmit import DisclosureSender, VideoSender
from relip.service.compose.ends import Arrival, Departure, arrival, departure, sending, tai_clock
from relip.service.compose.engines import chain, delay_of, load_nets
from relip.service.compose.flows import differential_ns, out_legs, video_flow, voice_flow
from relip.wire import sdp
from relip.wire.st2110_20 import FrameHeaders

SPARE_SLOTS = 10
"""Frame buffers beyond those that wait: five of the assembler, one being sent, and a few that the
graph lets go of late."""
MERGE_WINDOW_NS = 50_000_000
"""An incomplete frame may wait so long: its voice is not here earlier, and a stall of this machine is no loss. It is more than
the legs of path classes A, B and D may be apart."""
VIDEO_CHUNK = 512
"""Fewer packets than one receive call can bring (16 aggregates of 44), so that a backlog shows as a full chunk."""
VIDEO_REST_NS = 3_000_000
"""Ten visits a frame instead of forty; it makes a frame complete this much later at most."""
AUDIO_CHUNK = 256
AUDIO_REST_NS = 100_000_000
"""The voice is fetched when a grain needs it, and this often besides: a wake-up for every packet of 1 ms would cost more than
the articulation net."""
DISCLOSURE_TEXT = "Lip movements in this picture may have been altered by Relip to match a translated voice"


@dataclass(slots=True)
class Service:
    """A channel with what the doors want to know of it.

    `notes`: what an engineer should read at start. `enrolled`: presenters who are known in advance.
    """

    channel: Channel
    timeline: Timeline
    format: VideoFormat
    delay: Delay
    clock: TaiClock
    notes: list[str]
    arrivals: dict[str, Arrival]
    departures: dict[str, Departure]
    enrolled: int = 0


def service(config: Config) -> Service:
    """Build the service a configuration asks for. FormatError, ResourceError: what it asks for cannot be had."""
    clock = tai_clock()
    video, voice = video_flow(config), voice_flow(config)
    nets = load_nets(config.models, config.lip_sync.look_ahead_ms)
    seen_apart, heard_apart = differential_ns(config.video, video), differential_ns(config.voice, voice)
    apart = Apart(picture_ns=seen_apart or 0, voice_ns=heard_apart or 0)
    delay = delay_of(config.lip_sync, nets, video.format.rate, config.latency.frames, apart=apart)
    pool = FramePool(delay.frames + SPARE_SLOTS + frames_behind(video.format.rate, seen_apart), video.format)
    pool.octets.fill(0)  # a page that is touched for the first time costs more than the packet it is for
    engines = chain(config.lip_sync, nets, video.format, delay=delay, clock=clock)
    tally = engines.tally
    send, departures = _way_out(config, video, delay, clock)
    egress = Egress(clock=clock, send=send, give_back=pool.give_back, tally=tally)
    timeline = Timeline(video.format.rate)
    ingress = Ingress(clock=clock, timeline=timeline, delay=delay, egress=egress, tally=tally)
    picture = VideoAssembler(
        video.format,
        payload_type=video.payload_type,
        pool=pool,
        merge_window_ns=max(MERGE_WINDOW_NS, apart.picture_ns),
        differential_ns=seen_apart,
    )
    sound = AudioAssembler(voice.format, payload_type=voice.payload_type, differential_ns=apart.voice_ns)
    buffer_octets = config.sockets.receive_buffer
    arrivals = {
        "video": arrival(video, differential_ns=seen_apart, buffer_octets=buffer_octets),
        "voice": arrival(voice, differential_ns=heard_apart, buffer_octets=buffer_octets),
    }
    runner = GraphRunner(ingress, engines.guards(EgressStage(egress, engines.overload), stopwatch=time.perf_counter_ns))
    seeing = Reception(
        arrivals["video"].source,
        picture,
        clock=clock,
        deliver=ingress.offer,
        capacity=VIDEO_CHUNK,
        rest_ns=VIDEO_REST_NS,
        expire=picture.expire,
        watch=arrivals["video"].watch,
    )
    hearing = Reception(
        arrivals["voice"].source,
        sound,
        clock=clock,
        deliver=engines.inbox.put,
        capacity=AUDIO_CHUNK,
        rest_ns=AUDIO_REST_NS,
        watch=arrivals["voice"].watch,
    )
    engines.inbox.fetch = hearing.fetch

    def close() -> None:
        for each in departures.values():
            each.sink.close()

    channel = Channel(
        receptions=[seeing, hearing],
        ingress=ingress,
        egress=egress,
        runner=runner,
        tally=tally,
        flows={"video": lambda: picture.counters, "voice": lambda: sound.counters},
        close=close,
    )
    ends: list[Arrival | Departure] = [*arrivals.values(), *departures.values()]
    notes = [clock.source, *(warning for end in ends for warning in end.warnings)]
    return Service(
        channel=channel,
        timeline=timeline,
        format=video.format,
        delay=delay,
        clock=clock,
        notes=notes,
        arrivals=arrivals,
        departures=departures,
        enrolled=len(config.lip_sync.enrolments),
    )


def _way_out(config: Config, video: VideoFlow, delay: Delay, clock: TaiClock) -> tuple[Send, dict[str, Departure]]:
    """What sends a grain, and the flows it is sent to, by name. Writes the transport files."""
    out = config.output
    flow = replace(video, legs=out_legs(out.video), payload_type=out.video.payload_type, name=config.name)
    preserve = out.timestamps == "preserve"
    departures = {"video": departure(flow, ttl=out.video.ttl, dscp=out.video.dscp)}
    picture = VideoSender(
        departures["video"].sink,
        FrameHeaders(flow.format, payload_type=flow.payload_type, ssrc=secrets.randbits(32)),
        rate=flow.format.rate,
        shift=0 if preserve else delay.frames,
        mark=overlay.draw if out.overlay else None,
    )
    told = None
    if out.disclosure is not None:
        anc = Flow(
            format=AncFormat(rate=flow.format.rate),
            payload_type=out.disclosure.payload_type,
            legs=out_legs(out.disclosure),
            name=config.name,
        )
        departures["disclosure"] = departure(anc, ttl=out.disclosure.ttl, dscp=out.disclosure.dscp)
        told = DisclosureSender(
            departures["disclosure"].sink, payload_type=out.disclosure.payload_type, ssrc=secrets.randbits(32)
        )
        _write_sdp(
            out.disclosure,
            sdp.format(anc, sending=sending(clock, delay_us=None), information=DISCLOSURE_TEXT, ttl=out.disclosure.ttl),
        )
    delay_us = delay.latency_ns // 1000 if preserve else None
    _write_sdp(
        out.video,
        sdp.format(flow, sending=sending(clock, delay_us=delay_us), information=DISCLOSURE_TEXT, ttl=out.video.ttl),
    )

    def send(grain: VideoGrain, verdict: Verdict, late_ns: int) -> None:
        try:
            if told is not None:
                told.send(grain, verdict, picture.timestamp(grain))
        finally:
            picture.send(grain, verdict, late_ns)

    return send, departures


def _write_sdp(out: FlowOut, text: str) -> None:
    if out.sdp is not None:
        write_transport_file(out.sdp, text)
