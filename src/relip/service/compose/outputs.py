"""The ways out of the picture and of what is told of it, and their transport files."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from relip.clock.ptp import TaiClock
from relip.config import Config, FlowOut
from relip.control.static import write_transport_file
from relip.essence.flow import Flow, VideoFlow
from relip.essence.formats import AncFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Verdict
from relip.essence.tai import Tai, period_ns
from relip.graph import overlay
from relip.graph.delay import Delay
from relip.graph.departures import Departures
from relip.graph.egress import Send
from relip.graph.timeline import LATE_PERIODS
from relip.graph.transmit import DisclosureSender, VideoSender
from relip.service.compose.ends import pacing, sending, sink
from relip.service.compose.flows import Outgoing, out_legs
from relip.wire import sdp, sdp_timing
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

DISCLOSURE_TEXT = "Lip movements in this picture may have been altered by Relip to match a translated voice"


def delay_ns(said: Sending | None) -> int:
    """How long after its timestamps a sender declares to send."""
    return 1000 * sdp_timing.declared_delay_us(said)


def frames_early(said: Sending | None, flow: VideoFlow) -> int:
    """Frames by which a sender may be sooner than it declares: they wait here."""
    period = period_ns(flow.format.rate)
    return -(-min(delay_ns(said), LATE_PERIODS * period) // period)


def passed_on(config: Config, source: Sending | None, own: Sending, delay: Delay) -> Sending:
    """What is said of timestamps that a source made: they leave as they came, or with the latency added."""
    if config.output.timestamps == "restamp":
        return sdp_timing.renewed(source, own)
    return sdp_timing.preserved(source, own, delay_us=delay.latency_ns // 1000)


@dataclass(frozen=True, slots=True)
class WayOut:
    """What sends a grain, the flows it is sent to by name, and how the video's packets leave.

    `shift_frames`: added to every timestamp, in grain periods.
    """

    send: Send
    shift_frames: int
    outgoing: dict[str, Outgoing]
    departures: Departures

    def close(self) -> None:
        """Give the sinks back."""
        for each in self.outgoing.values():
            each.sink.close()


def way_out(config: Config, video: VideoFlow, camera: Sending | None, delay: Delay, clock: TaiClock) -> WayOut:
    """Open the sinks of the output and write its transport files. `camera`: what the sender of the picture says."""
    out = config.output
    flow = replace(video, legs=out_legs(out.video), payload_type=out.video.payload_type, name=config.name)
    headers = FrameHeaders(flow.format, payload_type=flow.payload_type, ssrc=secrets.randbits(32))
    outgoing = {"video": Outgoing(flow, sink(flow, clock=clock, ttl=out.video.ttl, dscp=out.video.dscp))}
    paced = pacing(flow.legs[0], flow.format, headers.packets, mode=out.pacing.mode, lead_packets=out.pacing.lead_packets)
    late = delay_ns(camera) // period_ns(flow.format.rate)
    shift = 0 if out.timestamps == "preserve" else delay.frames + late
    picture = VideoSender(
        outgoing["video"].sink,
        headers,
        paced,
        rate=flow.format.rate,
        shift=shift,
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
        outgoing["disclosure"] = Outgoing(anc, sink(anc, clock=clock, ttl=out.disclosure.ttl, dscp=out.disclosure.dscp))
        told = DisclosureSender(
            outgoing["disclosure"].sink, payload_type=out.disclosure.payload_type, ssrc=secrets.randbits(32)
        )
        write_sdp(
            out.disclosure,
            sdp.format(
                anc,
                sending=passed_on(config, camera, sending(clock, ts_refclk=config.clock.ts_refclk), delay),
                information=DISCLOSURE_TEXT,
                ttl=out.disclosure.ttl,
            ),
        )
    own = sending(clock, ts_refclk=config.clock.ts_refclk, paced=paced)
    said = passed_on(config, camera, own, delay)
    write_sdp(out.video, sdp.format(flow, sending=said, information=DISCLOSURE_TEXT, ttl=out.video.ttl))

    def send(grain: VideoGrain, verdict: Verdict, due: Tai) -> None:
        try:
            if told is not None:
                told.send(grain, verdict, picture.timestamp(grain))
        finally:
            picture.send(grain, verdict, due)

    return WayOut(send, shift, outgoing, picture.departures)


def write_sdp(out: FlowOut, text: str) -> None:
    """Write the transport file of a flow, where one is wanted."""
    if out.sdp is not None:
        write_transport_file(out.sdp, text)
