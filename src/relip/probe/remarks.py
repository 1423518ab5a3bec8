"""What a person should know before they believe the figures: in words, each naming its number.

Where this machine or its stamps are at fault it says so: a probe that blames the network for its own losses is worse than none.
"""

from __future__ import annotations

from relip.essence.formats import AncFormat, AudioFormat, Format, VideoFormat
from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.probe.report import FlowReport, Kind, LegFigures
from relip.wire.sdp_media import Sending

INTERLACED = "packets say F=1: an interlaced or segmented picture, judged as if each field were a frame"
STUCK = "the extended sequence number does not count on where the lower 16 bits wrap: those alone are used"
SHARED = 0.01
"""Share of packets with the stamp of the one before from which bursts are spoken of."""
LEAP_US = 37e6
LEAP_TOLERANCE_US = 1e6


def differences(
    *,
    said: Format | None,
    payload_type: int | None,
    sending: Sending | None,
    kind: Kind,
    leg: LegFigures,
    raster: VideoFormat | None,
    coding: AudioFormat | None,
) -> list[str]:
    """Where a flow is not what was said of it."""
    if said is None or leg.payload_type is None:
        return []
    told = []
    if payload_type is not None and payload_type != leg.payload_type:
        told.append(f"payload type {payload_type} is stated, {leg.payload_type} came")
    if isinstance(said, VideoFormat):
        told += _video(said, sending, leg, raster) if kind == "video" else [f"video is stated, {kind} came"]
    elif isinstance(said, AudioFormat):
        told += _audio(said, leg, coding) if kind == "audio" else [f"audio is stated, {kind} came"]
    elif isinstance(said, AncFormat) and kind != "ancillary":
        told.append(f"ancillary data are stated, {kind} came")
    return told


def _video(said: VideoFormat, sending: Sending | None, leg: LegFigures, raster: VideoFormat | None) -> list[str]:
    told = []
    if raster is not None:
        if (said.width, said.height) != (raster.width, raster.height):
            told.append(f"{said.width}x{said.height} is stated, packets reach {raster.width}x{raster.height}")
        if said.rate != raster.rate:
            told.append(f"exactframerate={said.rate} is stated, timestamps come to {raster.rate}")
    if sending is None or leg.video is None:
        return told
    figures = leg.video
    if sending.pm and sending.pm != figures.packing:
        told.append(f"PM={sending.pm} is stated, the packets are {figures.packing}")
    if sending.cmax is not None and figures.cinst is not None and figures.cinst.max > sending.cmax:
        told.append(f"CMAX={sending.cmax} is stated, Cinst reached {figures.cinst.max}")
    sent = None if figures.rtp_offset_ticks is None else -figures.rtp_offset_ticks.p50 / VIDEO_CLOCK_HZ * 1e6
    if sending.tsdelay_us is not None and sent is not None and abs(sent - sending.tsdelay_us) > float(1_000_000 / said.rate):
        told.append(f"TSDELAY={sending.tsdelay_us} is stated, frames leave {sent:.0f} µs after their timestamps")
    if sending.tp in figures.types and figures.met is not None and sending.tp not in figures.met:
        share = figures.types[sending.tp].share
        told.append(
            f"TP={sending.tp} is stated, " + ("nothing was timed" if share is None else f"{share:.1%} of the frames keep it")
        )
    return told


def _audio(said: AudioFormat, leg: LegFigures, coding: AudioFormat | None) -> list[str]:
    told = []
    if coding is not None and coding.sample_octets != said.sample_octets:
        told.append(
            f"L{said.depth} of {said.channels} channels is stated, packets look like L{coding.depth} of {coding.channels}"
        )
    if leg.audio is not None and abs(leg.audio.packet_time_us - float(said.packet_time) * 1e6) > 1:
        told.append(f"ptime={float(said.packet_time * 1000):g} is stated, packets hold {leg.audio.packet_time_us / 1000:g} ms")
    return told


def of_flow(kind: Kind, legs: list[LegFigures], delay_us: int = 0) -> list[str]:
    """What is to be said of a flow and of how it was taken; `delay_us`: by which its timestamps are said to be older."""
    told = []
    for number, leg in enumerate(legs, start=1):
        where = "" if len(legs) == 1 else f"leg {number}: "
        told += [where + remark for remark in (*_taken(leg), *_stamped(kind, leg), *_clock(leg, delay_us))]
    return told


def _taken(leg: LegFigures) -> list[str]:
    """Of packets that did not reach us, or not whole."""
    told = []
    if not leg.packets.received:
        told.append("no packet of RTP came")
    if leg.stamps.dropped_here:
        told.append(f"{leg.stamps.dropped_here} packets were lost by the machine that took them: losses are not the network's")
    if leg.stamps.cut:
        told.append(
            f"{leg.stamps.cut} packets are fragments or were captured in part, and count as lost: capture whole packets"
        )
    if leg.packets.other_sender:
        told.append(
            f"{leg.packets.other_sender} packets have another SSRC and come among the others: two senders to one address"
        )
    if leg.packets.restarts:
        told.append(f"the sender began anew {leg.packets.restarts} times")
    return told


def _stamped(kind: Kind, leg: LegFigures) -> list[str]:
    """Of stamps that are missing, coarse or shared."""
    if not leg.packets.received:
        return []
    if leg.stamps.missing:
        return [f"{leg.stamps.missing} packets have no stamp: nothing of this leg is timed"]
    told = []
    if kind == "video" and leg.video is not None:
        spacing_ns = 1e9 / leg.video.packets_per_s
        if leg.stamps.resolution_ns > spacing_ns / 2:
            told.append(
                f"stamps have steps of {leg.stamps.resolution_ns} ns and packets are {spacing_ns:.0f} ns apart:"
                " Cinst and VRX cannot be judged by them"
            )
        if leg.stamps.shared > SHARED:
            told.append(
                f"{leg.stamps.shared:.0%} of the packets share a stamp with the one before: they were sent in bursts, or the"
                " network card that took them handed them over in bursts, and then Cinst is the card's and not the sender's"
            )
    return told


def _clock(leg: LegFigures, delay_us: int) -> list[str]:
    """Of timestamps that are not of the TAI we know."""
    part = leg.video or leg.audio or leg.ancillary
    if part is None or part.rtp_age_us is None:
        return []
    age_us = part.rtp_age_us.p50 - delay_us
    if abs(age_us) < LEAP_TOLERANCE_US:
        return []
    if abs(abs(age_us) - LEAP_US) < LEAP_TOLERANCE_US:
        whose = "ahead of" if age_us < 0 else "behind"
        return [f"timestamps are 37 s {whose} TAI as this machine knows it: one of the two takes UTC for TAI"]
    if age_us < 0:
        return [f"timestamps are {-age_us / 1e6:.3f} s in the future, by TAI as this machine knows it: another clock"]
    return [f"packets come {age_us / 1e6:.3f} s behind their timestamps: the sender is late, or its clock is its own"]


def failings(flow: FlowReport) -> list[str]:
    """What a gate fails on: a difference from what was said, a loss that no other leg mends, packets that are badly made."""
    told = list(flow.differences)
    if flow.redundancy is None:
        told += [f"lost {leg.packets.lost} packets" for leg in flow.legs if leg.packets.lost]
    elif flow.redundancy.lost:
        told.append(f"lost {flow.redundancy.lost} packets on both legs")
    for leg in flow.legs:
        if leg.packets.other_sender:
            told.append(f"{leg.packets.other_sender} packets of another sender")
        if leg.packets.malformed:
            told.append(f"{leg.packets.malformed} malformed packets")
        if not leg.packets.received:
            told.append(f"nothing came to {leg.destination}")
        if leg.audio is not None and leg.audio.delay_factor is not None and leg.audio.delay_factor.verdict == "beyond":
            told.append(f"TS-DF {leg.audio.delay_factor.max_us:.0f} µs")
        anc = leg.ancillary
        if anc is not None and (bad := anc.bad_parity + anc.bad_checksum + anc.truncated):
            told.append(f"{bad} ANC packets badly made")
    return told
