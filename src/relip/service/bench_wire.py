"""`relip bench wire`: what a packet costs, what is lost, how packets leave, and what GStreamer needs for the same.

Everything runs on loopback, sender and receiver each in a process of its own, one measurement after the other and in turn with
the peer's, so that a machine that changes its mind does so for both.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Leg
from relip.essence.formats import VideoFormat, video_format
from relip.service import gstreamer, terminal
from relip.service.compose import traffic
from relip.service.compose.traffic import Line, Received, Sent
from relip.service.options import frames_of, outputs, publish
from relip.service.relay import relay

PORT = 20_030
MODES = ("hybrid", "spin", "spread", "burst")
LADDER = ("1080p50", "1080p59.94", "1080p60", "2160p25", "2160p50")
CEILING = "2160p"
SPARE_FRAMES = 15
"""The sender sends so many more than the peer is to give out: the first may be cut, and the last waits for its end."""
GRACE_S = 20.0
BYPASS_LATENCY = 1
"""Frames: the least that a service can have."""
Figures = dict[str, Any]
"""What is printed as JSON."""
Step = Callable[[], None]
"""Told when the next measurement begins."""


@dataclass(frozen=True, slots=True)
class WireOptions:
    """As the command line gives them."""

    format_: str
    seconds: float
    runs: int
    pacing: str
    formats: tuple[str, ...]
    relay: str
    soak: float
    json_: Path | None


def wire(options: WireOptions) -> None:
    """Measure, print tables, write the JSON. Raises FormatError, ResourceError."""
    outputs(options.json_)
    form, frames = video_format(options.format_), frames_of(options.seconds, video_format(options.format_).rate) or 1
    if frames < 2:
        raise FormatError(f"--seconds={options.seconds}: at least two frames are needed")
    tried = options.formats or LADDER
    for name in (*tried, options.relay):
        video_format(name)
    soak = Line(_leg(), video_format("1080p60"), frames_of(options.soak, video_format("1080p60").rate) or 1, options.pacing)
    reason = gstreamer.missing()
    steps, done = options.runs * (2 if reason else 4) + len(MODES) + len(tried) + 1 + bool(options.soak), itertools.count()
    with terminal.progress("measuring") as advance:

        def step() -> None:
            advance(next(done), steps)

        told = _costs(form, frames, options, step, reason)
        told["pacing"] = {mode: _paced(Line(_leg(), form, frames, mode), step) for mode in MODES}
        told["cinst_max"] = told["pacing"]["hybrid"]["cinst_max"]
        told["formats"] = {name: _rung(name, options, step) for name in tried}
        told["ceiling"] = _ceiling(told["formats"])
        told["bypass"] = _bypass(options, step)
        told["soak"] = _soak(soak, step) if options.soak else None
    _show(told)
    if options.json_ is not None:
        publish(json.dumps(told, indent=2), options.json_)


def _costs(form: VideoFormat, frames: int, options: WireOptions, step: Step, reason: str | None) -> Figures:
    """CPU a packet and a frame, ours and the peer's, run by run in turn."""
    ours: dict[str, list[tuple[Sent, Received]]] = {"joined": [], "one_by_one": []}
    peer: dict[str, list[float]] = {"receive": [], "send": []}
    failed: list[str] = []
    for _ in range(options.runs):
        for name, joined in (("joined", True), ("one_by_one", False)):
            step()
            ours[name].append(traffic.carry(Line(_leg(), form, frames, options.pacing, joined=joined)))
        for end, measure in () if reason else (("receive", _peer_receives), ("send", _peer_sends)):
            step()
            try:
                peer[end].append(measure(form, frames).ms_per_frame)
            except ResourceError as error:  # a peer that cannot keep up is a result, and no reason to stop
                failed.append(str(error))
    packets = Line(_leg(), form, 1).packets
    sends = [_ms(sent.report.cpu_s, sent.report.frames_sent) for sent, _ in ours["joined"]]
    every = [run for runs in ours.values() for run in runs]
    many, single = ([_ms(end.cpu_s, end.frames - 1) for _, end in ours[name]] for name in ours)
    return {
        "format": str(form),
        "cores": len(os.sched_getaffinity(0)),
        "runs": options.runs,
        "seconds": options.seconds,
        "mode": options.pacing,
        "receive": {
            **_cost(many, packets, peer["receive"]),
            "joined": all(end.joined for _, end in ours["joined"]),
            "one_by_one": _cost(single, packets, peer["receive"]),
        },
        "send": _cost(sends, packets, peer["send"]),
        "gstreamer": {
            "version": None if reason else gstreamer.version(),
            "missing": reason,
            "failed": failed,
            "receive_ms_per_frame": [round(ms, 2) for ms in peer["receive"]],
            "send_ms_per_frame": [round(ms, 2) for ms in peer["send"]],
        },
        "lost": sum(_lost(*run) for run in every),
        "late": sum(end.late for _, end in every),
    }


def _peer_receives(form: VideoFormat, frames: int) -> gstreamer.Used:
    leg = _leg()
    end = gstreamer.Depayloader(leg, form, payload_type=traffic.PAYLOAD_TYPE, frames=frames)
    try:
        traffic.send(Line(leg, form, frames + SPARE_FRAMES))
        return end.end(GRACE_S)
    finally:
        end.close()


def _peer_sends(form: VideoFormat, frames: int) -> gstreamer.Used:
    """With our receiver at the other end, as our sender has."""
    line = Line(_leg(), form, frames)
    with traffic.receiving(line) as end:
        used = gstreamer.pay(line.leg, form, payload_type=traffic.PAYLOAD_TYPE, frames=frames)
        came = end.stop()
    if came.frames < frames // 2:
        raise ResourceError(f"of {frames} frames that rtpvrawpay sent {came.frames} arrived")
    return used


def _paced(line: Line, step: Step) -> Figures:
    """How packets leave in one mode, by the sender's own figures."""
    step()
    sent, received = traffic.carry(line)
    output = sent.report.output
    assert output is not None, "a sender measures its output"
    return {
        **output.model_dump(exclude={"late_share_worst"}),
        "cpu_share": round(sent.report.cpu_s * float(line.format.rate) / line.frames, 3),
        "lost": _lost(sent, received),
    }


def _rung(name: str, options: WireOptions, step: Step) -> Figures:
    """Whether this machine carries a format at all."""
    form = video_format(name)
    line = Line(_leg(), form, frames_of(options.seconds, form.rate) or 1, options.pacing)
    step()
    sent, received = traffic.carry(line)
    return {
        "frames": line.frames,
        "whole": received.frames - received.incomplete,
        "lost": _lost(sent, received),
        "late": received.late,
        "late_starts": sent.report.late_starts,
        "send_ns_per_packet": round(sent.report.cpu_s * 1e9 / max(1, sent.packets)),
        "receive_ns_per_packet": round(_ms(received.cpu_s, received.frames - 1) * 1e6 / line.packets),
    }


def _ceiling(rungs: Figures) -> Figures | None:
    """What a CPU has time for at the largest raster, if it did nothing else, and the fastest rate that was carried whole.

    None where that raster was not tried.
    """
    names = [name for name in rungs if name.startswith(CEILING)]
    if not names:
        return None
    packets = Line(_leg(), video_format(names[0]), 1).packets
    carried = [name for name in names if _carried(rungs[name])]
    return {
        "raster": CEILING,
        "carried": carried[-1] if carried else None,
        **{
            f"{end}_fps": round(1e9 / (packets * least), 1) if (least := min(rungs[name][key] for name in names)) else None
            for end, key in (("send", "send_ns_per_packet"), ("receive", "receive_ns_per_packet"))
        },
    }


def _carried(rung: Figures) -> bool:
    """Whether every frame came whole and left in time; what the sender's own link refused is lost to nobody else."""
    return rung["whole"] == rung["frames"] and not rung["lost"] and not rung["late_starts"]


def _bypass(options: WireOptions, step: Step) -> Figures:
    """Through a service that passes everything on: what it loses, and by how much it is later."""
    step()
    form = video_format(options.relay)
    line = Line(_leg(), form, frames_of(options.seconds, form.rate) or 1, options.pacing)
    run = relay(line, replace(line.leg, port=PORT + 4), frames_of_latency=BYPASS_LATENCY)
    return {
        "format": str(form),
        "latency_frames": run.service.latency_frames,
        "frames": line.frames,
        "whole": run.behind.frames - run.behind.incomplete,
        "lost": max(0, run.sent.packets - run.behind.packets),
        "lost_before": _lost(run.sent, run.before),
        "late": run.behind.late,
        "added_ms": round(run.added_ms, 3),
        "added_frames": round(run.added_ms * float(form.rate) / 1000, 3),
        "service_ms_per_frame": round(_ms(run.service.cpu_s, run.service.frames.sent), 3),
    }


def _soak(line: Line, step: Step) -> Figures:
    """A long run: nothing lost, nothing late, and memory as it was."""
    step()
    sent, received = traffic.carry(line)
    return {
        "format": str(line.format),
        "mode": line.mode,
        "frames": line.frames,
        "lost": _lost(sent, received),
        "late": received.late,
        "late_starts": sent.report.late_starts,
        "worst_start_ms": sent.report.worst_start_ms,
        "send_grown_octets": sent.grown_octets,
        "receive_grown_octets": received.grown_octets,
    }


def _cost(ms: Sequence[float], packets: int, peer: Sequence[float]) -> Figures:
    """Medians over runs, and the runs."""
    middle = statistics.median(ms)
    return {
        "ns_per_packet": round(middle * 1e6 / packets),
        "ms_per_frame": round(middle, 3),
        "ratio_gstreamer": round(statistics.median(peer) / middle, 2) if peer and middle else None,
        "runs_ns_per_packet": [round(each * 1e6 / packets) for each in ms],
    }


def _ms(cpu_s: float, frames: int) -> float:
    return 1000 * cpu_s / frames if frames > 0 else 0.0


def _lost(sent: Sent, received: Received) -> int:
    """Packets that left and did not come."""
    return max(0, sent.packets - received.packets)


def _leg() -> Leg:
    """A group of this process's own."""
    number = os.getpid()
    return Leg(f"239.{number % 200 + 20}.{number // 200 % 250}.9", PORT)


def _show(told: Figures) -> None:
    """The tables."""
    gst = told["gstreamer"]
    receive, single, send = told["receive"], told["receive"]["one_by_one"], told["send"]
    rows = [
        [name, f"{each['ns_per_packet']}", f"{each['ms_per_frame']:.2f}", _middle(gst[key]), _times(each["ratio_gstreamer"])]
        for name, each, key in (
            ("receive, joined" if receive["joined"] else "receive", receive, "receive_ms_per_frame"),
            ("receive, one by one", single, "receive_ms_per_frame"),
            ("send", send, "send_ms_per_frame"),
        )
    ]
    title = f"CPU on {told['cores']} cores, {told['format']}, medians of {told['runs']} runs"
    terminal.table(title, ["", "ns a packet", "ms a frame", "GStreamer, ms", "ratio"], rows)
    if gst["missing"]:
        terminal.say(f"not measured beside GStreamer: {gst['missing']}")
    for failure in gst["failed"]:
        terminal.say(f"GStreamer: {failure}")
    terminal.say(f"packets lost / late: {told['lost']} / {told['late']}")
    terminal.table(f"how packets leave, {told['format']}", ["mode", "Cinst (limit)", "VRX", "within", "CPU"], list(_ways(told)))
    rungs = [
        [name, *(str(rung[key]) for key in ("whole", "frames", "lost", "late_starts"))]
        for name, rung in told["formats"].items()
    ]
    terminal.table("what is carried", ["format", "whole", "sent", "lost", "late starts"], rungs)
    if ceiling := told["ceiling"]:
        fps = f"one CPU would send {ceiling['send_fps']} and receive {ceiling['receive_fps']} frames a second"
        terminal.say(f"{ceiling['raster']}: {fps}; carried whole: {ceiling['carried'] or 'none of those tried'}")
    bypass = [[key, str(value)] for key, value in told["bypass"].items()]
    terminal.table("through a service with bypass", ["", ""], bypass)
    if told["soak"]:
        terminal.table("soak", ["", ""], [[key, str(value)] for key, value in told["soak"].items()])


def _ways(told: Figures) -> Iterator[list[str]]:
    for mode, way in told["pacing"].items():
        yield [
            mode,
            f"{way['cinst_max']} ({way['cinst_limit']})",
            f"{way['vrx_min']} to {way['vrx_max']}",
            f"{100 * (way['within_share'] or 0):.1f} %",
            f"{100 * way['cpu_share']:.0f} %",
        ]


def _middle(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f}" if values else "–"


def _times(ratio: float | None) -> str:
    return f"{ratio:.1f}" if ratio is not None else "–"
