"""`relip receive`: the dubbed picture compared, measured and recorded."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from relip.control.static import flow_of_file
from relip.essence.errors import FormatError
from relip.essence.flow import Flow
from relip.essence.formats import AncFormat, AudioFormat, Format, VideoFormat, video_format
from relip.peers.intake import AncIn, AudioIn, States, VideoIn
from relip.peers.receive import IDLE_NS, Receiver
from relip.peers.record import Recorder
from relip.peers.report import ReceiverReport
from relip.ports import PacketSource
from relip.service import logs, memory, terminal
from relip.service.compose import ends
from relip.service.options import frames_of, legs, outputs, publish
from relip.service.send import PAYLOAD_TYPES

FOREVER_NS = 1 << 62
"""Without a time given, a flow that pauses is waited for; with one, it has ended after two seconds of silence."""
F = TypeVar("F", VideoFormat, AudioFormat, AncFormat)


@dataclass(frozen=True, slots=True)
class ReceiveOptions:
    """What `relip receive` was asked for."""

    format_: str
    dubbed: str
    original: str | None
    voice: str | None
    disclosure: str | None
    interface: str
    seconds: float | None
    record: Path | None
    json_: Path | None


def run(options: ReceiveOptions) -> None:
    """Receive until the time is over or a signal comes; record and report. Raises FormatError, ResourceError."""
    log = logs.configure(as_json=not sys.stderr.isatty())
    clock = ends.tai_clock()
    outputs(options.record, options.json_)
    dubbed = _flow(options, options.dubbed, "dubbed", video_format(options.format_))
    frames = frames_of(options.seconds, dubbed.format.rate)
    recorder = None if options.record is None else Recorder(dubbed.format, with_before=options.original is not None)
    original = None
    if options.original is not None:
        flow = _flow(options, options.original, "original", dubbed.format)
        _same_raster(flow.format, dubbed.format)
        original = VideoIn(flow, *_from(flow))
    audio = None
    if options.voice is not None:
        voice = _flow(options, options.voice, "voice", AudioFormat())
        audio = AudioIn(voice, *_from(voice))
    disclosures = None
    if options.disclosure is not None:
        anc = _flow(options, options.disclosure, "disclosure", AncFormat(rate=dubbed.format.rate))
        disclosures = AncIn(anc, *_from(anc))
    receiver = Receiver(
        VideoIn(dubbed, *_from(dubbed)),
        clock=clock,
        original=original,
        audio=audio,
        disclosures=disclosures,
        recorder=recorder,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    memory.freeze()
    log.info("receiving", format=str(dubbed.format), clock=clock.source)
    report = receiver.run(stop=stop, frames=frames, idle_ns=FOREVER_NS if frames is None else IDLE_NS)
    if recorder is not None and options.record is not None:
        _record(recorder, options.record)
    _tell(report, options)


def _same_raster(original: VideoFormat, dubbed: VideoFormat) -> None:
    """Refuse to compare what lies sample by sample or grain by grain in another grid."""
    if (original.width, original.height, original.rate) != (dubbed.width, dubbed.height, dubbed.rate):
        raise FormatError(f"--original is {original} and --dubbed is {dubbed}: only the same raster and rate can be compared")


def _record(recorder: Recorder, path: Path) -> None:
    if not len(recorder):
        terminal.say(f"not one frame was received: {path} is not written")
        return
    with terminal.progress("encoding") as advance:
        recorder.write(path, progress=advance)
    recorder.close()


def _flow(options: ReceiveOptions, where: str, option: str, form: F) -> Flow[F]:
    """A flow from a transport file, or from ADDRESS:PORT and what such a flow usually is."""
    if where.endswith(".sdp"):
        rate = form.rate if isinstance(form, VideoFormat) else None
        first, _, second = options.interface.partition(",")
        return flow_of_file(Path(where), type(form), interface=first, second_interface=second or None, rate=rate)
    number = {"voice": PAYLOAD_TYPES["voice"], "disclosure": PAYLOAD_TYPES["anc"]}.get(option, PAYLOAD_TYPES["video"])
    return Flow(format=form, payload_type=number, legs=legs(where, f"--{option}", options.interface), name=option)


def _from(flow: Flow[Format]) -> tuple[PacketSource, States]:
    """A flow's sockets, and what tells how each fares."""
    source = ends.source(flow)
    return source, source.states


def _tell(report: ReceiverReport, options: ReceiveOptions) -> None:
    if options.json_ is None:
        terminal.say(f"received {report.received} frames, {report.outside_changed} samples changed outside the declared region")
    else:
        publish(report.model_dump_json(indent=2), options.json_)
