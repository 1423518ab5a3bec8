"""The ways out of the picture and of what is told of it, and their transport files."""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace

from relip.clock.ptp import TaiClock
from relip.config import Config, Output
from relip.config.flows import FlowOut
from relip.control.static import write_transport_file
from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, VideoFlow
from relip.essence.formats import AncFormat, VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Verdict
from relip.essence.tai import Tai, period_ns
from relip.graph import overlay
from relip.graph.ancillary import AncillarySender, Carried, disclosing
from relip.graph.delay import Delay
from relip.graph.departures import Departures
from relip.graph.egress import Send
from relip.graph.pacing import Pacing, pacing_of_card
from relip.graph.timeline import LATE_PERIODS
from relip.graph.transmit import VideoSender
from relip.service.compose.cards import card_clock
from relip.service.compose.ends import pacing, sending
from relip.service.compose.flows import Outgoing, ancillary_in, out_legs, outgoing
from relip.wire import sdp, sdp_timing
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

DISCLOSURE_TEXT = "Lip movements in this picture may have been altered by Relip to match a translated voice"
ANCILLARY_SPARE = 32
"""Ancillary grains that may wait beyond those of the frames in the house: what comes early."""


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

    `shift_frames`: added to every timestamp, in grain periods. `carried`: what waits for its grain, where
    ancillary data is sent on. `held` gives back what was opened.
    """

    send: Send
    shift_frames: int
    outgoing: dict[str, Outgoing]
    departures: Departures
    carried: Carried | None
    held: ExitStack


def way_out(
    config: Config,
    video: VideoFlow,
    camera: Sending | None,
    *,
    delay: Delay,
    clock: TaiClock,
    failures: Counter[str],
    held: ExitStack,
) -> WayOut:
    """Open the sinks of the output and write its transport files.

    `camera`: what the sender of the picture says. `failures`: where it is counted what the network refuses beside the picture.
    """
    out = config.output
    flow = replace(video, legs=out_legs(out.video), payload_type=out.video.payload_type, name=config.name)
    headers = FrameHeaders(flow.format, payload_type=flow.payload_type, ssrc=secrets.randbits(32))
    paced = _pace(out, flow, headers.packets, clock=clock, held=held)
    said = passed_on(config, camera, sending(clock, ts_refclk=config.clock.ts_refclk, paced=paced), delay)
    sizes = headers.lengths + headers.headers.shape[1]
    sent = {"video": outgoing(out.video, flow, clock=clock, sending=said, held=held, sizes=sizes)}
    late = delay_ns(camera) // period_ns(flow.format.rate)
    shift = 0 if out.timestamps == "preserve" else delay.frames + late
    picture = VideoSender(
        sent["video"].sink,
        headers,
        paced,
        rate=flow.format.rate,
        shift=shift,
        mark=overlay.draw if out.overlay else None,
    )
    write_sdp(out.video, sdp.format(flow, sending=said, information=DISCLOSURE_TEXT, ttl=out.video.ttl))
    carried = None
    if config.ancillary is not None:
        carried = Carried(flow.format.rate, waiting=delay.frames + late + ANCILLARY_SPARE)
    beside = {
        name: _beside(
            config, name, flow.format, said=_unpaced(said), shift=shift, carried=carried, sent=sent, clock=clock, held=held
        )
        for name in ("disclosure", "ancillary")
        if getattr(out, name) is not None
    }

    def send(grain: VideoGrain, verdict: Verdict, due: Tai) -> None:
        for name, each in beside.items():
            try:
                each.send(grain, verdict)
            except ResourceError as error:  # what one flow is refused costs the others nothing
                failures[f"{name} out: {error}"] += 1
        picture.send(grain, verdict, due)

    return WayOut(send, shift, sent, picture.departures, carried, held)


def _unpaced(said: Sending) -> Sending:
    """The same of a flow that is no video."""
    return replace(said, tp=None, troff_us=None, cmax=None, maxudp=None)


def _beside(
    config: Config,
    name: str,
    format: VideoFormat,  # noqa: A002  the essence's own word
    *,
    said: Sending,
    shift: int,
    carried: Carried | None,
    sent: dict[str, Outgoing],
    clock: TaiClock,
    held: ExitStack,
) -> AncillarySender:
    """What sends the flow `name` beside the picture; added to `sent`, and its transport file is written."""
    told = config.output.disclosure if name == "disclosure" else None
    keys = told or config.output.ancillary
    assert keys is not None, "asked for only where there is such a flow"
    here = carried if told is None or config.output.ancillary is None else None
    own = () if told is None else ((told.did, told.sdid),)
    passed = None if here is None else ancillary_in(config)
    known = passed is None or bool(passed.format.did_sdid)
    identifiers = (*(() if passed is None else passed.format.did_sdid), *own) if known else ()
    flow = Flow(AncFormat(format.rate, identifiers), keys.payload_type, out_legs(keys), config.name)
    sent[name] = outgoing(keys, flow, clock=clock, sending=said, held=held)
    information = None if told is None else DISCLOSURE_TEXT
    write_sdp(keys, sdp.format(flow, sending=said, information=information, ttl=keys.ttl))
    return AncillarySender(
        sent[name].sink,
        payload_type=keys.payload_type,
        ssrc=secrets.randbits(32),
        rate=format.rate,
        shift=shift,
        carried=here,
        tell=None if told is None else disclosing(did=told.did, sdid=told.sdid),
    )


def _pace(out: Output, flow: VideoFlow, packets: int, *, clock: TaiClock, held: ExitStack) -> Pacing:
    """How the video's packets leave; where a card sees to it, by its clock, which is held."""
    if out.video.transport == "rivermax":
        held.callback(card_clock(out.video.interface, clock).close)
        return pacing_of_card(flow.format, packets)
    return pacing(flow, packets, mode=out.pacing.mode, lead_packets=out.pacing.lead_packets)


def write_sdp(out: FlowOut, text: str) -> None:
    """Write the transport file of a flow, where one is wanted."""
    if out.sdp is not None:
        write_transport_file(out.sdp, text)
