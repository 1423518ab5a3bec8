"""`relip send`: a presenter and a voice as ST 2110 flows."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar

from relip.control.static import write_transport_file
from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat, video_format
from relip.graph.pacing import Pacing
from relip.offline.container import VideoReader, read_voice
from relip.peers.presenter import present
from relip.peers.reel import Progress, Reel, lay
from relip.peers.report import SenderReport
from relip.peers.send import AncillaryOut, Sender, VideoOut, VoiceOut
from relip.ports import Burst, PacketSink
from relip.service import logs, memory, terminal
from relip.service.compose import ends
from relip.service.options import folder, frames_of, legs, outputs, publish
from relip.wire import sdp
from relip.wire.st2110_20 import FrameHeaders

LONGEST_FILE_S = 60
"""A longer file is played up to here: its frames are unpacked and ready, a minute of 1080p25 takes 8 GB of disk."""
F = TypeVar("F", VideoFormat, AudioFormat, AncFormat)
PAYLOAD_TYPES = {"video": 96, "voice": 97, "anc": 100}


@dataclass(frozen=True, slots=True)
class Patient:
    """A sink whose network may be away for a while: what it refuses is refused, and the next grain is sent all the same."""

    sink: PacketSink

    def send(self, burst: Burst) -> int:
        """See PacketSink."""
        try:
            return self.sink.send(burst)
        except ResourceError:
            burst.measured[:] = 0  # what is there is of the burst before
            return 0

    def close(self) -> None:
        """See PacketSink."""
        self.sink.close()


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What `relip send` was asked for."""

    format_: str
    video: Path | None
    voice: Path | None
    video_to: str
    voice_to: str | None
    anc_to: str | None
    interface: str
    seconds: float | None
    pacing: str
    sdp_dir: Path | None
    json_: Path | None


def run(options: SendOptions) -> None:
    """Send until the time is over or a signal comes; write the report.

    Raises FormatError, and ResourceError also when the network took not one whole frame.
    """
    log = logs.configure(as_json=not sys.stderr.isatty())
    form = video_format(options.format_)
    frames = frames_of(options.seconds, form.rate)
    outputs(options.json_)
    if options.sdp_dir is not None:
        folder(options.sdp_dir)
    clock = ends.tai_clock()
    packets = FrameHeaders(form, payload_type=PAYLOAD_TYPES["video"], ssrc=0).packets
    picture = Flow(format=form, payload_type=PAYLOAD_TYPES["video"], legs=_legs(options, "video"))
    paced = ends.pacing(picture, packets, mode=options.pacing)
    sender = Sender(
        VideoOut(_reel(options, form, frames), *_out(options, "video", form, paced), paced),
        clock=clock,
        voice=_voice(options),
        ancillary=_ancillary(options, form),
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    memory.freeze()
    log.info("sending", format=str(form), clock=clock.source)
    report = sender.run(frames=frames, stop=stop)
    _tell(report, options)


def _reel(options: SendOptions, form: VideoFormat, frames: int | None) -> Reel:
    device = ends.host_device()
    with terminal.progress("rendering the pictures") as advance:
        if options.video is None:
            return present(form, pack=device.pack, progress=advance)
        return _file_reel(options.video, form, frames, advance)


def _file_reel(path: Path, form: VideoFormat, frames: int | None, advance: Progress) -> Reel:
    with VideoReader(path, format=form, pack=ends.host_device().pack) as reader:
        most = int(LONGEST_FILE_S * form.rate)
        most = min(most, frames or most, reader.expected or most)
        return lay(reader, format=form, most=most, progress=advance)


def _voice(options: SendOptions) -> VoiceOut | None:
    if options.voice_to is None:
        return None
    if options.voice is not None:
        samples = read_voice(options.voice)
    else:
        with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
            samples = read_voice(path)
    return VoiceOut(samples, *_out(options, "voice", AudioFormat()), lead_s=Fraction(1))


def _ancillary(options: SendOptions, form: VideoFormat) -> AncillaryOut | None:
    if options.anc_to is None:
        return None
    return AncillaryOut(*_out(options, "anc", AncFormat(rate=form.rate)))


def _legs(options: SendOptions, name: str) -> tuple[Leg, ...]:
    to = {"video": options.video_to, "voice": options.voice_to, "anc": options.anc_to}[name]
    assert to is not None, "asked for only where the flow is wanted"
    return legs(to, f"--{name}-to", options.interface)


def _out(options: SendOptions, name: str, form: F, paced: Pacing | None = None) -> tuple[Flow[F], PacketSink]:
    """The flow and its sockets, and its transport file where one is wanted."""
    flow = Flow(format=form, payload_type=PAYLOAD_TYPES[name], legs=_legs(options, name), name=f"relip send {name}")
    if options.sdp_dir is not None:
        text = sdp.format(flow, sending=ends.sending(ends.tai_clock(), paced=paced), ttl=ends.TTL)
        write_transport_file(options.sdp_dir / f"{name}.sdp", text)
    return flow, Patient(ends.sink(flow, ttl=ends.TTL))


def _tell(report: SenderReport, options: SendOptions) -> None:
    refused = f"the network refused {report.packets_refused} packets"
    if options.json_ is not None:
        publish(report.model_dump_json(indent=2), options.json_)
    else:
        sent = f"sent {report.frames_sent} frames, {report.late_starts} started late"
        terminal.say(f"{sent}, {refused}" if report.packets_refused else sent)
    if report.packets_refused and not report.frames_sent:
        raise ResourceError(f"not one whole frame was sent: {refused}")
