"""From a checked configuration to a service that only needs to be started. Nothing runs here."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from relip.clock.ptp import TaiClock
from relip.config import Config, FlowKeys, FlowOut
from relip.control.static import described_in_file, write_transport_file
from relip.essence.flow import AudioFlow, Flow, Leg, VideoFlow
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat, video_format
from relip.essence.grains import VideoGrain
from relip.essence.scene import Verdict
from relip.essence.tai import Tai, period_ns
from relip.frames.assemble import VideoAssembler
from relip.frames.audio import AudioAssembler
from relip.frames.pool import FramePool
from relip.graph import overlay
from relip.graph.channel import Channel
from relip.graph.delay import Delay
from relip.graph.departures import Departures
from relip.graph.egress import Egress, Send
from relip.graph.hearing import Hearing, voice_timeline
from relip.graph.holoscan import GraphRunner
from relip.graph.ingress import Ingress
from relip.graph.reception import Reception
from relip.graph.stages import EgressStage
from relip.graph.timeline import LATE_PERIODS, Timeline
from relip.graph.transmit import DisclosureSender, VideoSender
from relip.service.compose.ends import pacing, sending, sink, source, tai_clock
from relip.service.compose.engines import chain, delay_of, load_nets
from relip.wire import sdp, sdp_timing
from relip.wire.sdp_media import Sending
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

    `senders`: the timelines of the flows that are received, by flow. `notes`: what an engineer should read at start, but for
    the clock's. `departures`: how the picture's packets leave. `by_arrival`: picture and voice are laid together by arrival.
    `enrolled`: presenters who are known in advance.
    """

    channel: Channel
    senders: dict[str, Timeline]
    format: VideoFormat
    delay: Delay
    clock: TaiClock
    notes: list[str]
    departures: Departures
    by_arrival: bool = False
    enrolled: int = 0


def service(config: Config) -> Service:
    """Build the service a configuration asks for. FormatError, ResourceError: what it asks for cannot be had."""
    clock = tai_clock(config.clock.tai_offset)
    (video, camera), (voice, speaker) = video_in(config), voice_in(config)
    nets = load_nets(config.models, config.lip_sync.look_ahead_ms)
    delay = delay_of(config.lip_sync, nets, video.format.rate, config.latency.frames)
    early = _frames_early(camera, video)
    pool = FramePool(delay.frames + early + SPARE_SLOTS, video.format)
    pool.octets.fill(0)  # a page that is touched for the first time costs more than the packet it is for
    engines = chain(config.lip_sync, nets, video.format, delay=delay, clock=clock)
    tally = engines.tally
    out = _way_out(config, video, camera, delay, clock)
    egress = Egress(clock=clock, send=out.send, give_back=pool.give_back, tally=tally)
    timeline = Timeline(video.format.rate, delay_ns=_delay_ns(camera))
    sounding = voice_timeline(voice.format.packet_time, delay_ns=_delay_ns(speaker))
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
    ear = Hearing(sounding, packet_samples=voice.format.packet_samples, clock=clock, put=engines.inbox.put)
    hearing = Reception(sources[1], sound, clock=clock, deliver=ear.hear, capacity=AUDIO_CHUNK, rest_ns=AUDIO_REST_NS)
    if config.voice.align == "arrival":
        engines.inbox.shift = ear.arrival_shift
    engines.inbox.fetch = hearing.fetch
    channel = Channel(
        receptions=[seeing, hearing],
        ingress=ingress,
        egress=egress,
        runner=runner,
        tally=tally,
        flows={"video": lambda: picture.counters, "voice": lambda: sound.counters},
        close=out.close,
    )
    notes = [source.report.warning for source in sources if source.report.warning]
    return Service(
        channel=channel,
        senders={"video": timeline, "voice": sounding},
        format=video.format,
        delay=delay,
        clock=clock,
        notes=notes,
        departures=out.departures,
        by_arrival=config.voice.align == "arrival",
        enrolled=len(config.lip_sync.enrolments),
    )


def video_in(config: Config) -> tuple[VideoFlow, Sending | None]:
    """The flow of the presenter's picture, and what its sender says of its clock in a transport file."""
    keys = config.video
    if keys.sdp is not None:
        return described_in_file(keys.sdp, VideoFormat, interface=keys.interface, rate=keys.exact_rate)
    assert keys.format is not None, "the configuration asks for a format with keys"
    flow = Flow(format=video_format(keys.format), payload_type=keys.payload_type, legs=(_leg(keys),), name=config.name)
    return flow, None


def voice_in(config: Config) -> tuple[AudioFlow, Sending | None]:
    """The flow of the translated voice, and what its sender says."""
    keys = config.voice
    if keys.sdp is not None:
        return described_in_file(keys.sdp, AudioFormat, interface=keys.interface)
    coded = AudioFormat(channels=keys.channels, depth=keys.depth, packet_time=keys.packet_time)
    return Flow(format=coded, payload_type=keys.payload_type, legs=(_leg(keys),), name=config.name), None


def _delay_ns(said: Sending | None) -> int:
    """How long after its timestamps a sender declares to send."""
    return 1000 * sdp_timing.declared_delay_us(said)


def _frames_early(said: Sending | None, flow: VideoFlow) -> int:
    """Frames by which a sender may be sooner than it declares: they wait here."""
    period = period_ns(flow.format.rate)
    return -(-min(_delay_ns(said), LATE_PERIODS * period) // period)


def _passed_on(config: Config, source: Sending | None, own: Sending, delay: Delay) -> Sending:
    """What is said of timestamps that a source made: they leave as they came, or with the latency added."""
    if config.output.timestamps == "restamp":
        return sdp_timing.renewed(source, own)
    return sdp_timing.preserved(source, own, delay_us=delay.latency_ns // 1000)


@dataclass(frozen=True, slots=True)
class _WayOut:
    """What sends a grain, what closes the sinks, and how the video's packets leave."""

    send: Send
    close: Callable[[], None]
    departures: Departures


def _way_out(config: Config, video: VideoFlow, camera: Sending | None, delay: Delay, clock: TaiClock) -> _WayOut:
    """Open the sinks of the output and write its transport files. `camera`: what the sender of the picture says."""
    out = config.output
    flow = replace(video, legs=(_out_leg(out.video),), payload_type=out.video.payload_type, name=config.name)
    headers = FrameHeaders(flow.format, payload_type=flow.payload_type, ssrc=secrets.randbits(32))
    leg = _out_leg(out.video)
    paced = pacing(leg, flow.format, headers.packets, mode=out.pacing.mode, lead_packets=out.pacing.lead_packets)
    late = _delay_ns(camera) // period_ns(flow.format.rate)
    picture = VideoSender(
        sink(leg, clock=clock, ttl=out.video.ttl, dscp=out.video.dscp),
        headers,
        paced,
        rate=flow.format.rate,
        shift=0 if out.timestamps == "preserve" else delay.frames + late,
        mark=overlay.draw if out.overlay else None,
    )
    told = None
    if out.disclosure is not None:
        told = DisclosureSender(
            sink(_out_leg(out.disclosure), clock=clock, ttl=out.disclosure.ttl, dscp=out.disclosure.dscp),
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
            sdp.format(
                anc,
                sending=_passed_on(config, camera, sending(clock, ts_refclk=config.clock.ts_refclk), delay),
                information=DISCLOSURE_TEXT,
                ttl=out.disclosure.ttl,
            ),
        )
    own = sending(clock, ts_refclk=config.clock.ts_refclk, paced=paced)
    said = _passed_on(config, camera, own, delay)
    _write_sdp(out.video, sdp.format(flow, sending=said, information=DISCLOSURE_TEXT, ttl=out.video.ttl))

    def send(grain: VideoGrain, verdict: Verdict, due: Tai) -> None:
        try:
            if told is not None:
                told.send(grain, verdict, picture.timestamp(grain))
        finally:
            picture.send(grain, verdict, due)

    def close() -> None:
        picture.close()
        if told is not None:
            told.close()

    return _WayOut(send, close, picture.departures)


def _write_sdp(out: FlowOut, text: str) -> None:
    if out.sdp is not None:
        write_transport_file(out.sdp, text)


def _out_leg(out: FlowOut) -> Leg:
    return Leg(destination=out.destination, port=out.port, interface=out.interface)


def _leg(keys: FlowKeys) -> Leg:
    assert keys.destination is not None, "the configuration gives destination and port together"
    assert keys.port is not None, "the configuration gives destination and port together"
    return Leg(destination=keys.destination, port=keys.port, interface=keys.interface, source=keys.source)
