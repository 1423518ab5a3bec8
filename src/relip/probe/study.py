"""One flow watched from its first packet to its report: what kind it is, what each leg did, where it differs from its word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.flow import Leg
from relip.essence.formats import AncFormat, AudioFormat, Format, VideoFormat
from relip.essence.tai import NS_PER_S
from relip.ports import Chunk
from relip.probe import ancillary, audio, legs, packets, remarks, sniff, video
from relip.probe.audio import AudioStudy, Listening
from relip.probe.legs import NS_PER_US, Capturing, Own
from relip.probe.report import FlowReport, Kind, LegFigures
from relip.probe.sniff import Sniffed
from relip.probe.video import Stated, VideoStudy
from relip.wire.sdp_media import Sending
from relip.wire.st2110_21 import STANDARD_UDP_OCTETS

ENOUGH_PACKETS = 200
"""So many are looked at before it is decided what they are; a flow that brings fewer is decided at its end."""
_BITS = {"video": 32, "ancillary": 32, "audio": 16, "unknown": 16}
_KINDS: dict[type[Format], Kind] = {VideoFormat: "video", AudioFormat: "audio", AncFormat: "ancillary"}


@dataclass(frozen=True, slots=True)
class Target:
    """A flow to look at: where its legs go, and what was said of it, if anything."""

    name: str
    legs: tuple[Leg, ...]
    format: Format | None = None
    payload_type: int | None = None
    sending: Sending | None = None
    warnings: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind | None:
        """Its kind, where it was said."""
        return None if self.format is None else _KINDS[type(self.format)]


class Watch:
    """Takes the packets of one leg. One thread feeds it; `finish` comes after the last packet."""

    def __init__(self, target: Target, leg: Leg) -> None:
        self.leg = leg
        self.target = target
        self.kind: Kind = target.kind or "unknown"
        self.payload_type = target.payload_type
        self.heard: Listening | None = None
        self.reading = ancillary.Reading()
        self._first = Chunk.stamped(ENOUGH_PACKETS)
        self._kept = packets.Kept()
        self._decided = False

    def take(self, chunk: Chunk) -> None:
        """Look at a chunk, which stays the caller's."""
        if self._decided:
            self._look(chunk)
            return
        room = ENOUGH_PACKETS - self._first.count
        _append(self._first, chunk, slice(0, min(room, chunk.count)))
        if self._first.count == ENOUGH_PACKETS:
            self._decide()
            if chunk.count > room:
                self._look(_part(chunk, slice(room, chunk.count)))

    def finish(self) -> packets.Packets:
        """All packets there were."""
        if not self._decided:
            self._decide()
        return self._kept.all()

    def _decide(self) -> None:
        """Say what the first packets are; what was said of them counts where they do not show it."""
        self._decided = True
        found = sniff.sniff(self._first) if self._first.count else None
        if found is not None:
            self.payload_type = found.payload_type
        if found is not None and found.kind != "unknown":
            self.kind = found.kind
        if self.kind == "audio":
            self.heard = Listening(self._coding(found))
        if self._first.count:
            self._look(self._first)

    def _coding(self, found: Sniffed | None) -> AudioFormat:
        """L16 of two channels may look like L24 of another number: what was said goes first where it fits."""
        said = self.target.format
        if isinstance(said, AudioFormat) and found is not None and found.audio is not None:
            return said if said.sample_octets == found.audio.sample_octets else found.audio
        if found is not None and found.audio is not None:
            return found.audio
        return said if isinstance(said, AudioFormat) else AudioFormat()

    def _look(self, chunk: Chunk) -> None:
        number = -1 if self.payload_type is None else self.payload_type
        if self.kind == "video":
            self._kept.add(packets.of_video(chunk, number))
            return
        seen = packets.of_chunk(chunk)
        mine = seen["payload_type"] == number
        if self.kind == "audio" and self.heard is not None:
            seen["valid"] &= self.heard.hear(chunk, number) | ~mine
        elif self.kind == "ancillary":
            valid, sequence = self.reading.read(chunk, number)
            seen["valid"] &= valid | ~mine
            seen["sequence"] = np.where(mine, sequence, seen["sequence"])
        self._kept.add(seen)


def _append(to: Chunk, chunk: Chunk, which: slice) -> None:
    count = which.stop - which.start
    rows = slice(to.count, to.count + count)
    to.octets[rows] = chunk.octets[which]
    to.lengths[rows] = chunk.lengths[which]
    if to.arrivals is not None and chunk.arrivals is not None:
        to.arrivals[rows] = chunk.arrivals[which]
    to.count += count


def _part(chunk: Chunk, which: slice) -> Chunk:
    part = chunk.rows(which.start, which.stop)
    part.count = which.stop - which.start
    return part


@dataclass(slots=True)
class LegStudy:
    """A leg's figures, and the series that a picture is drawn from: arrivals in ns, UTC."""

    figures: LegFigures
    own: Own
    video: VideoStudy | None = None
    audio: AudioStudy | None = None

    @property
    def arrivals(self) -> NDArray[np.int64]:
        """When its packets came."""
        return self.own.arrivals


@dataclass(slots=True)
class FlowStudy:
    """A flow's report and its legs' studies."""

    report: FlowReport
    legs: list[LegStudy] = field(default_factory=list)


def study(watches: Sequence[Watch], how: Sequence[Capturing], *, tai_utc_ns: int) -> FlowStudy:
    """What became of a flow, whose legs the watches are, in order."""
    seen = [watch.finish() for watch in watches]
    target, kind = watches[0].target, watches[0].kind
    stuck = _BITS[kind] > 16 and any(legs.is_stuck(each) for each in seen)
    bits = 16 if stuck else _BITS[kind]
    studies = [
        _leg(watch, kept, taken, bits=bits, tai_utc_ns=tai_utc_ns)
        for watch, kept, taken in zip(watches, seen, how, strict=True)
    ]
    rate = max((each.figures.megabits_per_s for each in studies), default=0.0) * 1e6
    found = _found(watches[0], studies[0])
    told = remarks.of_flow(kind, [each.figures for each in studies], _delay_us(target))
    if any(each.own.packets["interlaced"].any() for each in studies):
        told.append(remarks.INTERLACED)
    if stuck:
        told.append(remarks.STUCK)
    report = FlowReport(
        name=target.name,
        kind=kind,
        found=found,
        stated=None if target.format is None else _words(target.format),
        differences=remarks.differences(
            said=target.format,
            payload_type=target.payload_type,
            sending=target.sending,
            kind=kind,
            leg=studies[0].figures,
            raster=_raster(studies[0]),
            coding=None if watches[0].heard is None else watches[0].heard.format,
        ),
        legs=[each.figures for each in studies],
        redundancy=legs.redundancy([each.own for each in studies], bits=bits, rate_bits_s=rate),
        remarks=[*target.warnings, *told],
    )
    return FlowStudy(report, studies)


def _leg(watch: Watch, seen: packets.Packets, how: Capturing, *, bits: int, tai_utc_ns: int) -> LegStudy:
    """One leg's figures."""
    mine = legs.own(seen, bits=bits)
    pictures = sounds = None
    words = None
    if watch.kind == "video":
        pictures = video.study(mine, _stated(watch.target), tai_utc_ns=tai_utc_ns)
    elif watch.kind == "audio" and watch.heard is not None:
        sounds = audio.study(mine, watch.heard, tai_utc_ns=tai_utc_ns)
    elif watch.kind == "ancillary":
        words = ancillary.study(mine, watch.reading, tai_utc_ns=tai_utc_ns)
    span_ns = int(np.ptp(mine.arrivals)) if mine.timed else 0
    sender = legs.main_sender(mine.packets)
    figures = LegFigures(
        destination=f"{watch.leg.destination}:{watch.leg.port}",
        ssrc=None if sender is None else f"0x{sender:08X}",
        payload_type=legs.main_type(seen),
        seconds=round(span_ns / NS_PER_S, 6),
        megabits_per_s=round(int(seen["octets"].sum()) * 8e3 / span_ns, 3) if span_ns else 0.0,
        packets=legs.counts(seen, mine, bits=bits),
        stamps=legs.stamps(seen, how),
        inter_packet_us=legs.spread(np.diff(mine.arrivals), unit=NS_PER_US) if mine.timed else None,
        video=None if pictures is None else pictures.figures,
        audio=None if sounds is None else sounds.figures,
        ancillary=words,
    )
    return LegStudy(figures, mine, pictures, sounds)


def _stated(target: Target) -> Stated:
    """What of a transport file the judgement of video needs."""
    rate = target.format.rate if isinstance(target.format, VideoFormat) else None
    if target.sending is None:
        return Stated(rate)
    troff, limit = target.sending.troff_us, target.sending.maxudp
    return Stated(
        rate,
        troff_ns=None if troff is None else Fraction(troff * NS_PER_US),
        max_udp_octets=max(STANDARD_UDP_OCTETS, limit or 0),
        delay_ns=(target.sending.tsdelay_us or 0) * NS_PER_US,
    )


def _delay_us(target: Target) -> int:
    """By how much timestamps are older than what they go with, as the transport file says."""
    return 0 if target.sending is None else target.sending.tsdelay_us or 0


def _raster(of: LegStudy) -> VideoFormat | None:
    """The raster and rate that the packets show."""
    if of.video is None:
        return None
    try:
        return VideoFormat(of.video.width, of.video.height, of.video.measured_rate or of.video.rate)
    except FormatError:
        return None


def _found(watch: Watch, of: LegStudy) -> str:
    """The format in words, as the packets show it."""
    if not len(of.own.packets):
        return "nothing came" if not of.figures.packets.malformed else "not RTP"
    raster = _raster(of)
    if raster is not None:
        return f"{raster}, 4:2:2 10 bit"
    if watch.kind == "audio" and watch.heard is not None:
        return _words(watch.heard.format, of.figures.audio.packet_time_us if of.figures.audio else None)
    return {"video": "RFC 4175 video", "ancillary": "ancillary data (RFC 8331)"}.get(watch.kind, "RTP of an unknown kind")


def _words(form: Format, packet_time_us: float | None = None) -> str:
    """A format as an engineer says it."""
    if isinstance(form, VideoFormat):
        return f"{form}, 4:2:2 10 bit"
    if isinstance(form, AudioFormat):
        time = f"{float(form.packet_time * 1000):g}" if packet_time_us is None else f"{packet_time_us / 1000:g}"
        channels = "1 channel" if form.channels == 1 else f"{form.channels} channels"
        return f"L{form.depth}, {channels}, 48 kHz, {time} ms"
    return "ancillary data (RFC 8331)"
