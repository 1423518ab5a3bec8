"""From a checked configuration to a service that only needs to be started. Nothing runs here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from relip.clock.ptp import TaiClock
from relip.clock.rivermax import RivermaxClock
from relip.config import Config, FlowOut, Output
from relip.control.static import write_transport_file
from relip.essence.flow import AudioFlow, Flow, VideoFlow
from relip.essence.formats import AncFormat, VideoFormat
from relip.essence.grains import AudioBlock, VideoGrain
from relip.essence.scene import Verdict
from relip.essence.tai import Tai, period_ns
from relip.frames.assemble import VideoAssembler, frames_behind
from relip.frames.audio import AudioAssembler
from relip.frames.pool import FramePool
from relip.graph import overlay
from relip.graph.channel import Channel
from relip.graph.delay import Apart, Delay
from relip.graph.departures import Departures
from relip.graph.egress import Egress, Send
from relip.graph.hearing import Hearing, voice_timeline
from relip.graph.pacing import Pacing, pacing_of_card
from relip.graph.reception import Reception
from relip.graph.timeline import LATE_PERIODS, Timeline
from relip.graph.transmit import DisclosureSender, VideoSender
from relip.service.compose.cards import card_clock
from relip.service.compose.ends import pacing, sending, tai_clock
from relip.service.compose.flows import (
    Incoming,
    Outgoing,
    differential_ns,
    incoming,
    out_legs,
    outgoing,
    video_in,
    voice_in,
)
from relip.service.compose.graphs import graph_of, merge_window_ns, rest_ns
from relip.wire import sdp, sdp_timing
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

SPARE_SLOTS = 10
"""Frame buffers beyond those that wait: five of the assembler, one being sent, and a few that the
graph lets go of late."""
VIDEO_CHUNK = 512
"""Fewer packets than one receive call can bring (16 aggregates of 44), so that a backlog shows as a full chunk."""
AUDIO_CHUNK = 256
AUDIO_REST_NS = 100_000_000
"""The voice is fetched when a grain needs it, and this often besides: a wake-up for every packet of 1 ms would cost more than
the articulation net."""
DISCLOSURE_TEXT = "Lip movements in this picture may have been altered by Relip to match a translated voice"


@dataclass(slots=True)
class Service:
    """A channel with what the doors want to know of it.

    `senders`: the timelines of the flows that are received, by flow. `notes`: what an engineer should read at start, but for
    the clock's. `incoming`, `outgoing`: the flows and their legs, by name. `departures`: how the picture's packets leave.
    `by_arrival`: picture and voice are laid together by arrival. `enrolled`: presenters who are known in advance.
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
    by_arrival: bool = False
    enrolled: int = 0


def service(config: Config) -> Service:
    """Build the service a configuration asks for. FormatError, ResourceError: what it asks for cannot be had."""
    clock = tai_clock(config.clock.tai_offset)
    (video, camera), (voice, speaker) = video_in(config), voice_in(config)
    seen_apart, heard_apart = differential_ns(config.video, video), differential_ns(config.voice, voice)
    apart = Apart(picture_ns=seen_apart or 0, voice_ns=heard_apart or 0)
    graph = graph_of(config, video.format, clock=clock, apart=apart)
    delay, tally = graph.delay, graph.tally
    behind = frames_behind(video.format.rate, seen_apart)
    pool = FramePool(delay.frames + _frames_early(camera, video) + behind + SPARE_SLOTS, video.format)
    pool.octets.fill(0)  # a page that is touched for the first time costs more than the packet it is for
    out = _way_out(config, video, camera, delay, clock)
    egress = Egress(clock=clock, send=out.send, give_back=pool.give_back, tally=tally)
    timeline = Timeline(video.format.rate, late_periods=LATE_PERIODS + behind, delay_ns=_delay_ns(camera))
    sounding = voice_timeline(voice.format.packet_time, delay_ns=_delay_ns(speaker), apart_ns=apart.voice_ns)
    inside = graph.between(timeline, egress)
    buffer_octets = config.sockets.receive_buffer
    pictures = incoming(config.video, video, buffer_octets=buffer_octets)
    sounds = incoming(config.voice, voice, buffer_octets=buffer_octets)
    seeing = _seeing(video, pictures, pool, delay, clock=clock, deliver=inside.feed.offer)
    ear = Hearing(sounding, packet_samples=voice.format.packet_samples, clock=clock, put=graph.inbox.put)
    hearing = _hearing(voice, sounds, clock=clock, deliver=ear.hear)
    if config.voice.align == "arrival":
        graph.inbox.shift = ear.arrival_shift
    graph.inbox.fetch = hearing.fetch

    def close() -> None:
        out.close()
        graph.close()

    channel = Channel(
        receptions=[seeing, hearing],
        ingress=inside.feed,
        egress=egress,
        runner=inside.runner,
        tally=tally,
        flows={"video": lambda: seeing.assembler.counters, "voice": lambda: hearing.assembler.counters},
        close=close,
    )
    sent = (note for each in out.outgoing.values() for note in each.warnings)
    notes = [*graph.notes, *pictures.warnings, *sounds.warnings, *sent]
    return Service(
        channel=channel,
        senders={"video": timeline, "voice": sounding},
        format=video.format,
        delay=delay,
        clock=clock,
        notes=notes,
        incoming={"video": pictures, "voice": sounds},
        outgoing=out.outgoing,
        departures=out.departures,
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


def _hearing(
    flow: AudioFlow, incoming: Incoming, *, clock: TaiClock, deliver: Callable[[AudioBlock], object]
) -> Reception[AudioBlock, AudioAssembler]:
    """The loop that receives the voice."""
    assembler = AudioAssembler(flow.format, payload_type=flow.payload_type, differential_ns=incoming.differential_ns or 0)
    return Reception(
        incoming.source,
        assembler,
        clock=clock,
        deliver=deliver,
        capacity=AUDIO_CHUNK,
        rest_ns=AUDIO_REST_NS,
        watch=incoming.watch,
    )


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
    """What sends a grain, the flows it is sent to by name, and how the video's packets leave."""

    send: Send
    outgoing: dict[str, Outgoing]
    departures: Departures
    card: RivermaxClock | None

    def close(self) -> None:
        """Give the sinks back, and the card's clock."""
        for each in self.outgoing.values():
            each.sink.close()
        if self.card is not None:
            self.card.close()


def _way_out(config: Config, video: VideoFlow, camera: Sending | None, delay: Delay, clock: TaiClock) -> _WayOut:
    """Open the sinks of the output and write its transport files. `camera`: what the sender of the picture says."""
    out = config.output
    flow = replace(video, legs=out_legs(out.video), payload_type=out.video.payload_type, name=config.name)
    headers = FrameHeaders(flow.format, payload_type=flow.payload_type, ssrc=secrets.randbits(32))
    card, paced = _pace(out, flow, headers.packets, clock)
    said = _passed_on(config, camera, sending(clock, ts_refclk=config.clock.ts_refclk, paced=paced), delay)
    sizes = headers.lengths + headers.headers.shape[1]
    sent = {"video": outgoing(out.video, flow, clock=clock, sending=said, sizes=sizes)}
    late = _delay_ns(camera) // period_ns(flow.format.rate)
    picture = VideoSender(
        sent["video"].sink,
        headers,
        paced,
        rate=flow.format.rate,
        shift=0 if out.timestamps == "preserve" else delay.frames + late,
        mark=overlay.draw if out.overlay else None,
    )
    _write_sdp(out.video, sdp.format(flow, sending=said, information=DISCLOSURE_TEXT, ttl=out.video.ttl))
    told = None
    if out.disclosure is not None:
        anc = Flow(
            format=AncFormat(rate=flow.format.rate),
            payload_type=out.disclosure.payload_type,
            legs=out_legs(out.disclosure),
            name=config.name,
        )
        own = _passed_on(config, camera, sending(clock, ts_refclk=config.clock.ts_refclk), delay)
        sent["disclosure"] = outgoing(out.disclosure, anc, clock=clock, sending=own)
        told = DisclosureSender(sent["disclosure"].sink, payload_type=out.disclosure.payload_type, ssrc=secrets.randbits(32))
        _write_sdp(out.disclosure, sdp.format(anc, sending=own, information=DISCLOSURE_TEXT, ttl=out.disclosure.ttl))

    def send(grain: VideoGrain, verdict: Verdict, due: Tai) -> None:
        try:
            if told is not None:
                told.send(grain, verdict, picture.timestamp(grain))
        finally:
            picture.send(grain, verdict, due)

    return _WayOut(send, sent, picture.departures, card)


def _pace(out: Output, flow: VideoFlow, packets: int, clock: TaiClock) -> tuple[RivermaxClock | None, Pacing]:
    """How the video's packets leave, and the clock of the card that sees to it, if one does."""
    if out.video.transport == "rivermax":
        return card_clock(out.video.interface, clock), pacing_of_card(flow.format, packets)
    return None, pacing(flow.legs[0], flow.format, packets, mode=out.pacing.mode, lead_packets=out.pacing.lead_packets)


def _write_sdp(out: FlowOut, text: str) -> None:
    if out.sdp is not None:
        write_transport_file(out.sdp, text)
