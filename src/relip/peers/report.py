"""What sender, service and receiver each measured, and the demo's report that is made of the three.

Every field says its unit; the reference page is written from these models. Nothing here measures anything.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.frames.legs import LegCounters
from relip.graph.ancillary import CarriedCounters
from relip.graph.departures import Departures
from relip.graph.sounding import SoundCounters
from relip.graph.tally import Tally
from relip.ports import LegState


class Report(BaseModel):
    """What all reports share: no unknown keys, no change after the fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LegReport(Report):
    """One leg of a flow at one receiver (ST 2022-7); a flow of one leg has one."""

    leg: str = Field(description="where it is received, as in 239.10.0.1:5004 on 10.0.0.5")
    received: int = Field(0, description="packets, whatever they were")
    unique: int = Field(0, description="packets of which it brought the first copy; counted of two legs only")
    duplicate: int = Field(0, description="packets of which a copy had come before")
    lost: int = Field(0, description="packets that the other leg brought and this one did not")
    skew_ms: float = Field(0.0, description="by how much it followed the other leg, of the last pair of copies, milliseconds")
    skew_max_ms: float = Field(0.0, description="the most that it ever did, milliseconds")
    outages: int = Field(0, description="times its socket failed and was opened anew")
    fault: str | None = Field(None, description="why it cannot be received at the moment; null when it can")

    @classmethod
    def of(cls, leg: Leg, counters: LegCounters, state: LegState) -> Self:
        """What was counted of a leg, and how its socket fares."""
        return cls(
            leg=str(leg),
            received=counters.received,
            unique=counters.unique,
            duplicate=counters.duplicate,
            lost=counters.lost,
            skew_ms=round(counters.skew_ns / 1e6, 3),
            skew_max_ms=round(counters.skew_max_ns / 1e6, 3),
            outages=state.lost,
            fault=state.why or None,
        )


class SentLegReport(Report):
    """One leg of a flow that is sent."""

    leg: str = Field(description="where it is sent, as in 239.20.0.1:5004 on 10.0.0.5")
    packets: int = Field(0, description="packets that its link took")
    refused: int = Field(0, description="packets that its link did not take")
    outages: int = Field(0, description="times its socket failed and was opened anew")
    fault: str | None = Field(None, description="why it cannot be sent to at the moment; null when it can")

    @classmethod
    def of(cls, leg: Leg, state: LegState) -> Self:
        """How the socket of a leg fares."""
        return cls(leg=str(leg), packets=state.packets, refused=state.refused, outages=state.lost, fault=state.why or None)


class FlowCounters(Report):
    """Packets of one flow at one receiver."""

    packets: int = Field(0, description="packets received, the bad ones included")
    lost: int = Field(0, description="packets that never came")
    late: int = Field(0, description="packets that came after their grain had left")
    duplicate: int = Field(0, description="packets that came twice")
    malformed: int = Field(0, description="packets that break the standard; they were masked")
    other_type: int = Field(0, description="packets of another payload type than the flow's; they were not looked at")
    stranger: int = Field(0, description="packets of another synchronization source or far from the stream's timestamps")
    misplaced: int = Field(0, description="packets whose number, timestamp and place do not go together; they were masked")
    interlaced: int = Field(0, description="packets of a field or segment; they were masked")
    outside: int = Field(0, description="packets that named samples beyond the raster")
    resyncs: int = Field(0, description="times the sender changed or began anew")
    incomplete: int = Field(0, description="grains that lacked rows, which were taken from the grain before")
    concealed_rows: int = Field(0, description="rows so taken")
    dropped: int = Field(0, description="grains that lacked rows and had no former grain to take them from")
    other_format: int = Field(0, description="grains of another raster or rate than the flow's")
    absent: int = Field(0, description="grain periods between two grains of a sender for which none came")
    no_buffer: int = Field(0, description="grains for which the receiver had no memory free")
    legs: list[LegReport] = Field(default_factory=list, description="each of its legs")

    @classmethod
    def of(cls, counters: object, legs: list[LegReport] | None = None) -> Self:
        """What an assembler counted; its counters have the names of these fields, as far as its kind of flow has them."""
        named = {name: getattr(counters, name) for name in cls.model_fields if hasattr(counters, name)}
        return cls(**named, legs=legs or [])


class StageTimes(Report):
    """How long one stage of the service works on a grain."""

    p50_ms: float = Field(description="median, milliseconds")
    p99_ms: float = Field(description="99th percentile, milliseconds")


class Spread(Report):
    """A measure over all grains."""

    min: float = Field(description="smallest")
    median: float = Field(description="middle")
    max: float = Field(description="largest")


class OutputFigures(Report):
    """How the packets of a video flow left, by the arithmetic of ST 2110-21 and the sender's own clock."""

    frames: int = Field(description="frames measured")
    within_share: float | None = Field(
        description="share of them inside every limit of a wide sender, or of a narrow one by a card; null before"
    )
    late_share: float | None = Field(description="share in which a packet left after it should have been read; null before")
    late_share_worst: float | None = Field(None, description="the same in the worst second; null where nobody looked")
    late: int = Field(0, description="frames in which a packet left after it should have been read")
    early: int = Field(0, description="frames of which more was sent ahead than the receiver model's buffer holds")
    bunched: int = Field(0, description="frames in which Cinst was above its limit")
    cinst_max: int = Field(description="greatest Cinst, packets")
    cinst_limit: int = Field(description="C_MAX of this flow for a wide sender, packets; for a narrow one where a card paces")
    vrx_min: int | None = Field(description="least VRX, packets; below 0 one was late; null before the first frame")
    vrx_max: int | None = Field(description="greatest VRX, packets; null before the first frame")
    vrx_limit: int = Field(description="VRX_FULL of the same, packets")
    worst_start_ms: float = Field(description="latest first packet of a frame after the frame's instant, milliseconds")
    claimed: bool = Field(description="whether the transport file says that the sender keeps to these limits")

    @classmethod
    def of(cls, departures: Departures, late_share_worst: float | None = None) -> Self:
        """What a sender's departures counted."""
        frames = departures.frames
        return cls(
            frames=frames,
            within_share=round(departures.within / frames, 4) if frames else None,
            late_share=round(departures.late / frames, 4) if frames else None,
            late_share_worst=late_share_worst,
            late=departures.late,
            early=departures.early,
            bunched=departures.bunched,
            cinst_max=departures.cinst_max,
            cinst_limit=departures.limits.c_max,
            vrx_min=departures.vrx_min,
            vrx_max=departures.vrx_max,
            vrx_limit=departures.limits.vrx_full,
            worst_start_ms=round(departures.worst_start_ns / 1e6, 3),
            claimed=departures.claimed,
        )


class SenderReport(Report):
    """What `relip send` did."""

    format: str = Field(description="raster and rate of the video flow, as in 1080p25")
    frames_sent: int = Field(description="video grains sent whole")
    packets_sent: dict[str, int] = Field(description="packets the network took, by flow: video, audio, anc")
    packets_refused: int = Field(0, description="packets the network refused, all flows")
    late_starts: int = Field(0, description="video grains whose first packet left over 5 ms after its instant")
    worst_start_ms: float = Field(0.0, description="latest start of a video grain, milliseconds after its instant")
    output: OutputFigures | None = Field(None, description="how the picture's packets left")
    first_ticks: int | None = Field(None, description="origin timestamp of the first video grain, 90 kHz ticks since the epoch")
    cpu_s: float = Field(0.0, description="CPU time of the sending, seconds")
    cut_short: bool = Field(False, description="stopped before its planned end")


class ServiceFrames(Report):
    """What became of the service's video grains."""

    received: int = Field(description="grains that came in")
    sent: int = Field(description="grains that went out")
    altered: int = Field(description="grains that went out with a new mouth")
    bypassed: dict[str, int] = Field(default_factory=dict, description="grains that went out untouched, by reason")
    limited: dict[str, int] = Field(
        default_factory=dict, description="altered grains in which the lips were drawn anew and the jaw was not, by reason"
    )
    tracked: int = Field(0, description="grains in which a face was tracked")

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """What a chain's tally counted."""
        return cls(
            received=tally.received,
            sent=tally.sent,
            altered=tally.altered,
            bypassed={str(reason): count for reason, count in sorted(tally.bypassed.items())},
            limited={str(reason): count for reason, count in sorted(tally.limited.items())},
            tracked=tally.tracked,
        )


class VoiceOutFigures(Report):
    """How the voice was sent on, in packets."""

    packets: int = Field(description="packets the network took")
    silent: int = Field(0, description="packets with silence in them, for samples that did not come, or not in time")
    late: int = Field(
        0, description="packets that came after their instant when nothing was left to be sent; they were left out"
    )
    refused: int = Field(0, description="packets the network refused")
    resyncs: int = Field(0, description="times that the place in the voice was found anew: timestamps or the clock had leapt")

    @classmethod
    def of(cls, counters: SoundCounters) -> Self:
        """What the voice's way out counted."""
        return cls(**asdict(counters))


class CarriedFigures(Report):
    """How ancillary data was sent on, in ANC packets."""

    passed: int = Field(description="sent on, as they came")
    late: int = Field(0, description="of those, with a later frame than their own, which had left")
    dropped: int = Field(0, description="belonged to no frame that left")

    @classmethod
    def of(cls, counters: CarriedCounters) -> Self:
        """What the way out counted."""
        return cls(**asdict(counters))


class ClockReport(Report):
    """The service's clock, as the kernel tells of it."""

    source: str = Field(description="where TAI was taken from")
    locked: bool = Field(description="whether the kernel knows the TAI offset, as it does where PTP steers it")
    synchronised: bool | None = Field(
        None, description="whether somebody steers the kernel's clock; null when it would not say"
    )
    offset_s: int = Field(description="TAI − UTC in use, seconds")
    max_error_us: int | None = Field(None, description="largest error that the kernel vouches for, microseconds")
    est_error_us: int | None = Field(None, description="error that the kernel expects, microseconds")
    leap: int | None = Field(
        None, description="1 when the end of this day inserts a leap second, −1 when it deletes one, else 0"
    )
    steps: int = Field(0, description="how often the clock was set while the service ran")
    notes: list[str] = Field(default_factory=list, description="what is wrong with it, a sentence each")


class TimelineReport(Report):
    """A sender's clock, as its timestamps tell of it."""

    locked: bool | None = Field(None, description="whether its timestamps were TAI; null when nothing came")
    behind_s: float | None = Field(None, description="how far they were found to lie behind our TAI, seconds")
    drift_ppm: float | None = Field(
        None, description="how much faster its clock runs than ours, millionths; null before a minute"
    )
    relocks: int = Field(0, description="how often its timeline had to be found anew")
    note: str | None = Field(None, description="what is wrong with its timestamps")


class ServiceReport(Report):
    """What `relip serve` did."""

    format: str = Field(description="raster and rate of the video flow, as in 1080p25")
    frames: ServiceFrames = Field(description="video grains")
    flows: dict[str, FlowCounters] = Field(default_factory=dict, description="packets received, by flow")
    outputs: dict[str, list[SentLegReport]] = Field(default_factory=dict, description="the legs of each flow sent, by flow")
    stages: dict[str, StageTimes] = Field(default_factory=dict, description="time of each stage on a grain")
    output: OutputFigures | None = Field(None, description="how the packets of the picture left")
    latency_frames: int = Field(description="declared latency, whole grain periods")
    failures: dict[str, int] = Field(default_factory=dict, description="caught failures of an operator, by name of the error")
    people: dict[str, int] = Field(
        default_factory=dict, description="faces that came into the picture: enrolled, returned, new, mistaken for another"
    )
    sender_locked: bool | None = Field(None, description="whether the picture's timestamps were TAI; null when none came")
    relocks: int = Field(0, description="how often the picture's timeline had to be found anew")
    late_verdicts: int = Field(0, description="grains whose new mouth was ready only when they had left")
    cpu_s: float = Field(description="CPU time of the service process from its first grain to its last, seconds")
    cold_start_s: float | None = Field(None, description="from the start of the process to readiness, seconds")
    clock: ClockReport | None = Field(None, description="the service's clock")
    voice_out: VoiceOutFigures | None = Field(None, description="how the voice was sent on; null where it was not")
    ancillary_out: CarriedFigures | None = Field(None, description="how ancillary data was sent on; null where it was not")
    senders: dict[str, TimelineReport] = Field(default_factory=dict, description="the clock of each flow's sender, by flow")
    cut_short: bool = Field(False, description="ended before its planned end")


class ReceiverReport(Report):
    """What `relip receive` saw."""

    format: str = Field(description="raster and rate of the video flow, as in 1080p25")
    received: int = Field(description="dubbed video grains received")
    incomplete: int = Field(0, description="dubbed video grains that lacked rows")
    originals: int = Field(0, description="original video grains received")
    compared: int = Field(0, description="pairs of original and dubbed grains with the same origin timestamp")
    disclosed: int = Field(0, description="dubbed grains whose ancillary packet says that they are altered")
    changed: int = Field(0, description="pairs in which at least one sample differs")
    outside_changed: int = Field(0, description="samples that differ outside the declared region, summed over all pairs")
    skipped: int = Field(0, description="dubbed grains that could not be compared: their original did not arrive, or no time")
    bad_disclosures: int = Field(0, description="disclosure packets that break their table; they were ignored")
    overrun: int = Field(0, description="grains dropped by the receiver because it was too slow to measure them")
    latency_ms: Spread | None = Field(None, description="arrival of the dubbed grain after its original, milliseconds")
    latency_frames: Spread | None = Field(None, description="the same in grain periods, each rounded to whole ones")
    skew_ms: float | None = Field(None, description="picture later than voice by RTP timestamp, milliseconds; median")
    picture_after_ms: Spread | None = Field(
        None, description="last packet of a dubbed grain after its RTP timestamp, milliseconds; a frame's sending time is in it"
    )
    voice_after_ms: Spread | None = Field(None, description="voice packets after their RTP timestamps, milliseconds")
    flows: dict[str, FlowCounters] = Field(default_factory=dict, description="packets received, by flow")
    audio_samples: int = Field(0, description="samples of voice received")
    cpu_s: float = Field(0.0, description="CPU time of the receiving, seconds, without the encoding of the recording")
    cut_short: bool = Field(False, description="ended before its planned end")


class DubReport(Report):
    """What `relip dub` did."""

    format: str = Field(description="raster and rate of the picture, as in 1080p25")
    codec: str = Field(description="how the picture of the file is coded: h264, prores or ffv1")
    encoder: str = Field(description="the encoder that did it, in FFmpeg's words")
    frames: ServiceFrames = Field(description="frames; more were received than sent when it was cut short")
    outside_changed: int = Field(description="samples that differ outside the declared region before coding: must be 0")
    cpu_ms_per_frame: float = Field(description="CPU time of all stages a frame, milliseconds, without decoding and coding")
    stages: dict[str, StageTimes] = Field(default_factory=dict, description="CPU time of each stage on a frame")
    failures: dict[str, int] = Field(default_factory=dict, description="caught failures of an engine, by name of the error")
    people: dict[str, int] = Field(
        default_factory=dict, description="faces that came into the picture: enrolled, returned, new, mistaken for another"
    )
    elapsed_s: float = Field(description="from the first frame to the complete file, seconds")
    notes: list[str] = Field(default_factory=list, description="what was odd about the input")
    cut_short: bool = Field(False, description="interrupted: the file is whole but ends early")


class DemoFrames(Report):
    """Video grains from end to end."""

    sent: int = Field(description="grains the sender sent")
    received: int = Field(description="dubbed grains the receiver got")
    altered: int = Field(description="grains the service sent with a new mouth")
    bypassed: dict[str, int] = Field(description="grains the service sent untouched, by reason")


class DemoPackets(Report):
    """Packets, summed over all flows of service and receiver."""

    lost: int = Field(description="packets that never came")
    late: int = Field(description="packets that came after their grain had left")
    flows: dict[str, FlowCounters] = Field(description="the same for each flow: `service.video`, `receiver.dubbed` …")


class DemoLatency(Report):
    """From the arrival of an original grain at the receiver to that of its dubbed one."""

    frames: int | None = Field(description="whole grain periods; median, null when no pair was seen")
    ms: float | None = Field(description="milliseconds; median, null when no pair was seen")
    min_ms: float | None = Field(None, description="smallest, milliseconds")
    max_ms: float | None = Field(None, description="largest, milliseconds")
    declared_frames: int | None = Field(None, description="what the service declares, whole grain periods")


class DemoReport(Report):
    """`demo.json`: what one run of `relip demo` measured."""

    format: str = Field(description="raster and rate, as in 1080p25")
    frames: DemoFrames = Field(description="video grains")
    packets: DemoPackets = Field(description="packets")
    latency: DemoLatency = Field(description="delay of the picture through the service")
    skew_ms: float | None = Field(description="picture later than voice by RTP timestamp, milliseconds; null when unknown")
    outside_changed: int | None = Field(
        description="samples that differ outside the declared region: must be 0; null when no pair was compared"
    )
    cpu_ms_per_frame: float | None = Field(description="CPU time of the service a grain, milliseconds, all its threads")
    stages: dict[str, StageTimes] = Field(description="time of each stage of the service on a grain")
    cut_short: bool = Field(description="a process ended before its planned end: the figures cover a part of the run")
    sender: SenderReport = Field(description="the sender's own report")
    service: ServiceReport = Field(description="the service's own report")
    receiver: ReceiverReport = Field(description="the receiver's own report")


def stage_times(tally: Tally) -> dict[str, StageTimes]:
    """Median and 99th percentile of each stage that has worked."""
    quantiles = {stage: tally.quantiles_ms(stage) for stage in tally.stages}
    return {stage: StageTimes(p50_ms=round(p50, 3), p99_ms=round(p99, 3)) for stage, (p50, p99) in quantiles.items()}


def merge(sender: SenderReport, service: ServiceReport, receiver: ReceiverReport) -> DemoReport:
    """The demo's report of the three ends of one run."""
    flows = {f"service.{name}": counters for name, counters in service.flows.items()}
    flows |= {f"receiver.{name}": counters for name, counters in receiver.flows.items()}
    ms, frames = receiver.latency_ms, receiver.latency_frames
    return DemoReport(
        format=service.format,
        frames=DemoFrames(
            sent=sender.frames_sent,
            received=receiver.received,
            altered=service.frames.altered,
            bypassed=service.frames.bypassed,
        ),
        packets=DemoPackets(
            lost=sum(counters.lost for counters in flows.values()),
            late=sum(counters.late for counters in flows.values()),
            flows=flows,
        ),
        latency=DemoLatency(
            frames=round(frames.median) if frames else None,
            ms=ms.median if ms else None,
            min_ms=ms.min if ms else None,
            max_ms=ms.max if ms else None,
            declared_frames=service.latency_frames,
        ),
        skew_ms=receiver.skew_ms,
        outside_changed=receiver.outside_changed if receiver.compared else None,
        cpu_ms_per_frame=round(1000 * service.cpu_s / service.frames.sent, 3) if service.frames.sent else None,
        stages=service.stages,
        cut_short=sender.cut_short or service.cut_short or receiver.cut_short,
        sender=sender,
        service=service,
        receiver=receiver,
    )


def save(report: Report, path: Path) -> None:
    """Write a report as JSON; it appears under its name only when it is complete. Raises ResourceError."""
    save_text(report.model_dump_json(indent=2), path)


def save_text(text: str, path: Path) -> None:
    """The same for a text that is there already."""
    part = path.parent / f"{path.name}.part"
    try:
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as cause:
        with suppress(OSError):  # where it cannot be written, there may be nothing to unlink either
            part.unlink()
        raise ResourceError(f"{path}: cannot be written: {cause.strerror}") from cause
