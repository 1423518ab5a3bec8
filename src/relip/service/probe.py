"""`relip probe`: look at flows on the network or in a capture, and tell what they are and how well they keep the standards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from relip.essence.errors import FormatError, RelipError, ResourceError
from relip.essence.flow import Leg
from relip.essence.formats import VideoFormat, video_format
from relip.essence.tai import NS_PER_S
from relip.probe import page, remarks
from relip.probe.legs import Capturing
from relip.probe.listen import Feed, listen, replay, warm
from relip.probe.report import LegFigures, ProbeReport
from relip.probe.study import FlowStudy, Target, Watch, study
from relip.service import terminal
from relip.service.compose import ends, probing
from relip.service.options import frames_of, legs, outputs, publish
from relip.wire import sdp

CAPTURES = (".pcap", ".pcapng", ".cap")
KERNEL_STAMPS = Capturing("this machine's kernel (SO_TIMESTAMPNS, software)", 1)


class GateMissedError(RelipError):
    """`--gate` was given, and a flow is not what it should be."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What `relip probe` was asked for."""

    where: tuple[str, ...]
    format_: str | None
    interface: str
    seconds: float
    leap_seconds: int | None
    png: Path | None
    gate: bool
    json_: Path | None


def run(options: ProbeOptions) -> None:
    """Listen or replay, then report. Raises FormatError, ResourceError, and GateMissedError where asked."""
    frames_of(options.seconds, Fraction(1))  # refuses what is no time
    outputs(options.png, options.json_)
    if options.png is not None:
        page.ready()
    captures = [where for where in options.where if Path(where).suffix in CAPTURES]
    if len(captures) > 1:
        raise FormatError(f"{captures[1]}: one capture at a time")
    targets = [target for where in options.where if where not in captures for target in _targets(where, options)]
    named = [leg for target in targets for leg in target.legs]
    for number, leg in enumerate(named):
        if leg in named[:number]:
            raise FormatError(f"{leg.destination}:{leg.port} on {leg.interface} is named twice")
    report, studies = _replayed(Path(captures[0]), targets, options) if captures else _heard(targets, options)
    _tell(report)
    if options.json_ is not None:
        publish(report.model_dump_json(indent=2), options.json_)
    if options.png is not None:
        page.draw(report, studies, options.png)
    if not any(leg.packets.received for flow in report.flows for leg in flow.legs):
        asked = ", ".join(leg.destination for flow in report.flows for leg in flow.legs)
        raise ResourceError(f"no packet of RTP came: {asked or f'there is none in {report.source}'}")
    failings = [f"{flow.name}: {failing}" for flow in report.flows for failing in remarks.failings(flow)]
    if options.gate and failings:
        raise GateMissedError("; ".join(failings))


def _targets(where: str, options: ProbeOptions) -> list[Target]:
    """The flows that one argument names: all of a transport file, or the one that goes to ADDRESS:PORT."""
    said = None if options.format_ is None else video_format(options.format_)
    if not where.endswith(".sdp"):
        if Path(where).exists():
            raise FormatError(f"{where}: neither a transport file (.sdp) nor a capture ({', '.join(CAPTURES)})")
        return [Target(where, legs(where, "WHERE", options.interface), said)]
    path = Path(where)
    first, _, second = options.interface.partition(",")
    try:
        text = path.read_text(encoding="utf-8")
        read = sdp.parse(
            text,
            interface=first,
            second_interface=second or None,
            rate=said.rate if isinstance(said, VideoFormat) else None,
        )
    except OSError as cause:
        raise ResourceError(f"{path}: {cause.strerror}") from cause
    except (UnicodeDecodeError, FormatError) as cause:
        raise FormatError(f"{path}: {cause}") from cause
    return [
        Target(
            name=each.flow.name,
            legs=each.flow.legs,
            format=each.flow.format,
            payload_type=each.flow.payload_type,
            sending=each.sending,
            warnings=tuple(f"{path.name}: {warning}" for warning in read.warnings) if number == 0 else (),
        )
        for number, each in enumerate(read.media)
    ]


def _heard(targets: Sequence[Target], options: ProbeOptions) -> tuple[ProbeReport, list[FlowStudy]]:
    """What came from the network in the time given, or until a signal."""
    clock = ends.tai_clock()
    offset_ns = _offset_ns(options, clock.state.offset_s)
    warm()
    sources = {leg: probing.stamped_source(leg) for target in targets for leg in target.legs}
    feeds = [[Feed(Watch(target, leg), sources[leg]) for leg in target.legs] for target in targets]
    every = [feed for flow in feeds for feed in flow]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    terminal.say(f"joined {', '.join(f'{leg.destination}:{leg.port} on {leg.interface}' for leg in sources)}")
    with terminal.progress("listening") as advance:

        def tell(passed: float) -> None:
            if not passed:
                terminal.say("listening")
            advance(int(passed), int(options.seconds))

        listen(every, options.seconds, stop=stop, tell=tell)
    for source in sources.values():
        source.close()
    studies = [
        study([f.watch for f in flow], [replace(KERNEL_STAMPS, dropped=f.dropped) for f in flow], tai_utc_ns=offset_ns)
        for flow in feeds
    ]
    told = [source.report.warning for source in sources.values() if source.report.warning]
    state = clock.look()
    if not state.traceable:
        told += [
            *(note for note in state.notes if note != state.source),
            "first packet, RTP offset, RTP age and VRX carry the error of this clock",
        ]
    return _report("network", state.source, studies, told), studies


def _replayed(path: Path, targets: Sequence[Target], options: ProbeOptions) -> tuple[ProbeReport, list[FlowStudy]]:
    """What a capture file holds: of the flows named, or of every one that is RTP."""
    capture = probing.capture(path)
    every = not targets
    senders = probing.captured_legs(capture)
    targets = targets or [Target(f"{leg.destination}:{leg.port}", (leg,)) for leg in senders]
    offset_ns = _offset_ns(options, probing.UTC_TO_TAI_S)
    studies, passed = [], []
    with terminal.progress("packets") as advance:
        for target in targets:
            watches = [Watch(target, leg) for leg in target.legs]
            how = []
            for watch in watches:
                source = probing.captured_source(capture, watch.leg)
                replay(watch, source, tell=lambda taken: advance(taken, len(capture.port)))
                how.append(Capturing("the capture file", capture.resolution_ns, capture.dropped, source.skipped))
            done = study(watches, how, tai_utc_ns=offset_ns)
            if every and not done.report.legs[0].packets.received:
                passed.append(target.name)
            else:
                studies.append(done)
    told = [f"passed over, not RTP: {', '.join(passed)}"] if passed else []
    told += _other_senders(senders, targets)
    if capture.ends_early:
        told.append("the file ends inside a packet: it was cut off while it was written or copied")
    clock = f"the file's stamps, taken as UTC, + {offset_ns // NS_PER_S} s"
    return _report(str(path), clock, studies, told), studies


def _other_senders(senders: Mapping[Leg, tuple[str, ...]], targets: Sequence[Target]) -> list[str]:
    """Legs of which a source filter keeps everything out that the capture has."""
    told = []
    for leg in (leg for target in targets for leg in target.legs):
        there = senders.get(Leg(leg.destination, leg.port), ())
        if leg.source and there and leg.source not in there:
            told.append(f"{leg.destination}:{leg.port} is sent by {', '.join(there)}, and {leg.source} was asked for")
    return told


def _offset_ns(options: ProbeOptions, seconds: int) -> int:
    """TAI − UTC, or what was given for it."""
    return (seconds if options.leap_seconds is None else options.leap_seconds) * NS_PER_S


def _report(source: str, clock: str, studies: list[FlowStudy], told: list[str]) -> ProbeReport:
    timed = [leg.arrivals for flow in studies for leg in flow.legs if leg.own.timed]
    span_ns = max(int(a[-1]) for a in timed) - min(int(a[0]) for a in timed) if timed else 0
    return ProbeReport(
        source=source,
        seconds=round(span_ns / NS_PER_S, 6),
        clock=clock,
        flows=[each.report for each in studies],
        remarks=told,
    )


def _tell(report: ProbeReport) -> None:
    """A table on the terminal, then what is to be said."""
    rows = []
    for flow in report.flows:
        for leg in flow.legs:
            counts = f"{leg.packets.received}\nlost {leg.packets.lost}"
            rows.append([flow.name, leg.destination, flow.found, counts, "\n".join(_verdict(leg))])
    terminal.table(f"{report.source}, {report.seconds:.1f} s", ["flow", "to", "found", "packets", "verdict"], rows)
    for flow in report.flows:
        for line in (*flow.differences, *flow.remarks):
            terminal.say(f"{flow.name}: {line}")
        if flow.redundancy is not None:
            both = flow.redundancy
            skew = "" if both.skew_us is None else f", skew {both.skew_us.min:.0f} to {both.skew_us.max:.0f} µs"
            terminal.say(f"{flow.name}: lost on both legs {both.lost}, on one alone {both.only}{skew}, class {both.path_class}")
    for line in report.remarks:
        terminal.say(line)


def _verdict(leg: LegFigures) -> list[str]:
    """A few lines of the figures that decide."""
    if leg.video is not None:
        video = leg.video
        lines = [
            f"{name} {'–' if of.share is None else f'{of.share:.1%}'} of {video.frames.complete} frames"
            for name, of in video.types.items()
        ]
        if video.cinst is not None and video.vrx_linear is not None:
            lines.append(f"Cinst ≤ {video.cinst.max}, VRX {video.vrx_linear.min} to {video.vrx_linear.max} (linear)")
        if video.frames.incomplete or video.frames.absent:
            lines.append(f"incomplete {video.frames.incomplete}, absent {video.frames.absent}")
        return lines
    if leg.audio is not None:
        factor = leg.audio.delay_factor
        told = "not timed" if factor is None else f"TS-DF {factor.max_us:.0f} µs: {factor.verdict}"
        loud = [level.peak_dbfs for level in leg.audio.levels if level.peak_dbfs is not None]
        return [told, f"peak {max(loud):.1f} dBFS" if loud else "digital silence"]
    if leg.ancillary is not None:
        anc = leg.ancillary
        return [f"{each.name} in {each.frames} frames" for each in anc.contents] or [f"{anc.keep_alives} keep-alive packets"]
    return ["–"]
