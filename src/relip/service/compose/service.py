"""From a checked configuration to a service that only needs to be started. Nothing runs here."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from relip.clock.ptp import TaiClock
from relip.config import Config, FlowKeys, FlowOut
from relip.control.static import flow_of_file, write_transport_file
from relip.essence.flow import AudioFlow, Flow, Leg, VideoFlow
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat, video_format
from relip.essence.grains import VideoGrain
from relip.essence.scene import Verdict
from relip.frames.assemble import VideoAssembler
from relip.frames.audio import AudioAssembler
from relip.frames.pool import FramePool
from relip.graph import overlay
from relip.graph.channel import Channel
from relip.graph.delay import Delay
from relip.graph.egress import Egress, Send
from relip.graph.holoscan import GraphRunner
from relip.graph.ingress import Ingress
from relip.graph.reception import Reception
from relip.graph.stages import EgressStage
from relip.graph.timeline import Timeline
from relip.graph.transmit import DisclosureSender, VideoSender
from relip.service.compose.ends import sending, sink, source, tai_clock
from relip.service.compose.engines import chain, delay_of, load_nets
from relip.wire import sdp
from relip.wire.st2110_20 import FrameHeaders

SPARE_SLOTS = 10
"""Frame buffers beyond those that wait: five of the assembler, one being sent, and a few that the
graph lets go of late."""
MERGE_WINDOW_NS = 50_000_000
"""An incomplete frame may wait so long: its voice is not here earlier, and a stall of this machine is no loss."""
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
    enrolled: int = 0


def service(config: Config) -> Service:
    """Build the service a configuration asks for. FormatError, ResourceError: what it asks for cannot be had."""
    clock = tai_clock()
    video, voice = video_flow(config), voice_flow(config)
    nets = load_nets(config.models, config.lip_sync.look_ahead_ms, video.format.rate)
    delay = delay_of(config.lip_sync, nets, video.format.rate, config.latency.frames)
    pool = FramePool(delay.frames + SPARE_SLOTS, video.format)
    pool.octets.fill(0)  # a page that is touched for the first time costs more than the packet it is for
    engines = chain(config.lip_sync, nets, video.format, delay=delay, clock=clock)
    tally = engines.tally
    send, close_sinks = _way_out(config, video, delay, clock)
    egress = Egress(clock=clock, send=send, give_back=pool.give_back, tally=tally)
    timeline = Timeline(video.format.rate)
    ingress = Ingress(clock=clock, timeline=timeline, delay=delay, egress=egress, tally=tally)
    picture = VideoAssembler(video.format, payload_type=video.payload_type, pool=pool, merge_window_ns=MERGE_WINDOW_NS)
    sound = AudioAssembler(voice.format, payload_type=voice.payload_type)
    sources = [source(flow.legs[0], buffer_octets=config.sockets.receive_buffer) for flow in (video, voice)]
    runner = GraphRunner(ingress, engines.guards(EgressStage(egress, engines.overload), stopwatch=time.perf_counter_ns))
    seeing = Reception(
        sources[0],
        picture,
        clock=clock,
        deliver=ingress.offer,
        capacity=VIDEO_CHUNK,
        rest_ns=VIDEO_REST_NS,
        expire=picture.expire,
    )
    hearing = Reception(sources[1], sound, clock=clock, deliver=engines.inbox.put, capacity=AUDIO_CHUNK, rest_ns=AUDIO_REST_NS)
    engines.inbox.fetch = hearing.fetch

    def close() -> None:
        close_sinks()
        nets.close()

    channel = Channel(
        receptions=[seeing, hearing],
        ingress=ingress,
        egress=egress,
        runner=runner,
        tally=tally,
        flows={"video": lambda: picture.counters, "voice": lambda: sound.counters},
        close=close,
    )
    notes = [clock.source, *filter(None, [nets.note]), *(source.report.warning for source in sources if source.report.warning)]
    return Service(
        channel=channel,
        timeline=timeline,
        format=video.format,
        delay=delay,
        clock=clock,
        notes=notes,
        enrolled=len(config.lip_sync.enrolments),
    )


def video_flow(config: Config) -> VideoFlow:
    """The flow of the presenter's picture."""
    keys = config.video
    if keys.sdp is not None:
        return flow_of_file(keys.sdp, VideoFormat, interface=keys.interface, rate=keys.exact_rate)
    assert keys.format is not None, "the configuration asks for a format with keys"
    return Flow(format=video_format(keys.format), payload_type=keys.payload_type, legs=(_leg(keys),), name=config.name)


def voice_flow(config: Config) -> AudioFlow:
    """The flow of the translated voice."""
    keys = config.voice
    if keys.sdp is not None:
        return flow_of_file(keys.sdp, AudioFormat, interface=keys.interface)
    coded = AudioFormat(channels=keys.channels, depth=keys.depth, packet_time=keys.packet_time)
    return Flow(format=coded, payload_type=keys.payload_type, legs=(_leg(keys),), name=config.name)


def _way_out(config: Config, video: VideoFlow, delay: Delay, clock: TaiClock) -> tuple[Send, Callable[[], None]]:
    """The sinks of the output, what sends a grain to them, and what closes them. Writes the transport files."""
    out = config.output
    flow = replace(video, legs=(_out_leg(out.video),), payload_type=out.video.payload_type, name=config.name)
    preserve = out.timestamps == "preserve"
    picture = VideoSender(
        sink(_out_leg(out.video), ttl=out.video.ttl, dscp=out.video.dscp),
        FrameHeaders(flow.format, payload_type=flow.payload_type, ssrc=secrets.randbits(32)),
        rate=flow.format.rate,
        shift=0 if preserve else delay.frames,
        mark=overlay.draw if out.overlay else None,
    )
    told = None
    if out.disclosure is not None:
        told = DisclosureSender(
            sink(_out_leg(out.disclosure), ttl=out.disclosure.ttl, dscp=out.disclosure.dscp),
            payload_type=out.disclosure.payload_type,
            ssrc=secrets.randbits(32),
        )
        anc = Flow(
            format=AncFormat(rate=flow.format.rate),
            payload_type=out.disclosure.payload_type,
            legs=(_out_leg(out.disclosure),),
            name=config.name,
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

    def close() -> None:
        picture.close()
        if told is not None:
            told.close()

    return send, close


def _write_sdp(out: FlowOut, text: str) -> None:
    if out.sdp is not None:
        write_transport_file(out.sdp, text)


def _out_leg(out: FlowOut) -> Leg:
    return Leg(destination=out.destination, port=out.port, interface=out.interface)


def _leg(keys: FlowKeys) -> Leg:
    assert keys.destination is not None, "the configuration gives destination and port together"
    assert keys.port is not None, "the configuration gives destination and port together"
    return Leg(destination=keys.destination, port=keys.port, interface=keys.interface, source=keys.source)
