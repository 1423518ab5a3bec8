"""`relip dub`: a recorded picture dubbed with a recorded voice, into a file."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relip.config import LipSync, Settings, settings
from relip.essence.errors import FormatError, RelipError
from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.graph import overlay
from relip.graph.chain import Chain
from relip.graph.take import Take
from relip.offline.container import OwnSound, SourceReader, read_voice
from relip.offline.delivery import Delivery, delivery
from relip.offline.dubbing import dub, lay
from relip.offline.movie import MovieWriter, Track, Voice
from relip.peers.compare import difference
from relip.peers.report import DubReport, ServiceFrames, stage_times
from relip.service import terminal
from relip.service.compose import engines
from relip.service.compose.ends import host_device
from relip.service.options import outputs, publish

ENDLESS_MS = 1 << 40
"""A recorded voice that has ended is silent, not gone: the mouth rests."""


@dataclass(frozen=True, slots=True)
class DubOptions:
    """What `relip dub` was asked for."""

    picture: Path
    voice: Path
    output: Path
    codec: str | None
    config_path: Path | None
    offset_ms: float | None
    amplitude: float | None
    enrolments: tuple[Path, ...]
    start: float
    end: float | None
    original_sound: bool
    overlay: bool
    json_: Path | None


def run(options: DubOptions) -> None:
    """Dub, with progress; write the file and the report. Raises FormatError, ResourceError, RelipError when cut short."""
    made = delivery(options.output, options.codec)
    _keep_inputs(options)
    _check_stretch(options)
    outputs(options.output, options.json_)
    wanted = _settings(options)
    whole_voice = read_voice(options.voice)
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(SourceReader(options.picture, pack=host_device().pack))
        stretch = _grains(options, reader.format.rate)
        since = stretch[0] / reader.format.rate
        voice = whole_voice[round(since * AUDIO_CLOCK_HZ) :]
        tracks = [Track("dub", Voice(voice)), *stack.enter_context(_own_sound(options, since))]
        nets = engines.load_nets(wanted.models, wanted.lip_sync.look_ahead_ms)
        stack.callback(nets.close)
        chain = engines.chain_for_files(wanted.lip_sync, nets, reader.format)
        work = _Dub(options, made, reader, chain)
        with MovieWriter(options.output, made, reader.delivered.later(stretch[0]), tracks=tracks) as writer:
            work.through(voice, stretch, writer)
        report = work.report(writer)
    _tell(report, options)
    if options.json_ is not None:
        publish(report.model_dump_json(indent=2), options.json_)
    if report.cut_short:
        raise RelipError(f"interrupted: {options.output} is whole and holds the first {report.frames.sent} frames")


class _Dub:
    """One run: frames from a reader through a chain into a writer, and what is measured on the way."""

    def __init__(self, options: DubOptions, made: Delivery, reader: SourceReader, chain: Chain) -> None:
        self._options = options
        self._made = made
        self._reader = reader
        self._chain = chain
        self._planes = Planes.of(reader.format.width, reader.format.height)
        self._whole = Region(0, 0, reader.format.width, reader.format.height)
        self._before = np.zeros((reader.format.height, reader.format.row_octets), np.uint8)
        self._outside = 0
        self._reading_ns = self._working_ns = 0
        self._stop = threading.Event()
        self._began = time.monotonic()

    def through(self, voice: NDArray[np.float32], stretch: tuple[int, int | None], writer: MovieWriter) -> None:
        """Dub every grain of a stretch, until a signal comes. `voice`: from its first grain on."""
        first, last = stretch
        expected = self._reader.expected
        total = None if expected is None else (expected if last is None else min(expected, last)) - first
        with _signals(self._stop), terminal.progress("dubbing") as advance:
            takes = dub(self._read(first, last), voice, self._chain)
            while not self._stop.is_set():
                before = time.thread_time_ns()
                take = next(takes, None)
                self._working_ns += time.thread_time_ns() - before
                if take is None:
                    break
                self._write(take, writer)
                advance(writer.written, max(writer.written, total or 0))
        if not writer.written and self._stop.is_set():
            raise RelipError("interrupted before the first frame")
        if not writer.written:
            raise FormatError(f"--start={self._options.start}: {self._options.picture} is over by then")

    def report(self, writer: MovieWriter) -> DubReport:
        """What was done."""
        tally = self._chain.tally
        busy_ns = self._working_ns - self._reading_ns
        return DubReport(
            format=str(self._reader.format),
            codec=self._made.codec,
            encoder=writer.encoder,
            frames=ServiceFrames.of(tally),
            outside_changed=self._outside,
            cpu_ms_per_frame=round(busy_ns / 1e6 / max(1, writer.written), 3),
            stages=stage_times(tally),
            failures=dict(tally.failures),
            people=dict(sorted(tally.people.items())),
            elapsed_s=round(time.monotonic() - self._began, 3),
            notes=self._notes(),
            cut_short=self._stop.is_set(),
        )

    def _notes(self) -> list[str]:
        """What was odd about the input, as far as it was read on purpose, and about the output."""
        told = [] if self._options.end is not None or self._stop.is_set() else self._reader.notes
        if not self._made.keeps_aspect and self._reader.delivered.aspect != 1:
            told.append(f"this container does not say that pixels are {self._reader.delivered.aspect} as wide as high")
        return told

    def _read(self, first: int, last: int | None) -> Iterator[NDArray[np.uint8]]:
        """The frames that are asked for; what reading them costs is noted."""
        frames = islice(self._reader, first, last)
        while True:
            before = time.thread_time_ns()
            packed = next(frames, None)
            self._reading_ns += time.thread_time_ns() - before
            if packed is None:
                return
            yield packed

    def _write(self, take: Take, writer: MovieWriter) -> None:
        assert take.verdict is not None, "a finished take has a verdict"
        if take.verdict.patch is not None:
            self._before[:] = take.grain.packed
            self._outside += difference(self._before, lay(take), take.verdict.patch.region).outside
        if self._options.overlay:
            overlay.draw(take.grain, take.verdict)
        host_device().unpack(take.grain.packed, self._whole, self._planes)
        writer.write(self._planes)


def _settings(options: DubOptions) -> Settings:
    """The configuration's lip_sync and models, with what the command line says before them."""
    said = {key: getattr(options, key) for key in ("offset_ms", "amplitude") if getattr(options, key) is not None}
    if options.enrolments:
        said["enrolments"] = [path.absolute() for path in options.enrolments]
    read = settings(options.config_path, said)
    endless: LipSync = read.lip_sync.model_copy(update={"voice_gone_ms": ENDLESS_MS})
    return read.model_copy(update={"lip_sync": endless})


def _keep_inputs(options: DubOptions) -> None:
    """Refuse to write over what is read. FormatError names the path."""
    for written in (options.output, options.json_):
        for read in (options.picture, options.voice, options.config_path, *options.enrolments):
            if written is not None and read is not None and written.exists() and written.samefile(read):
                raise FormatError(f"{written}: this is an input, and would be written over")
    if options.json_ is not None and options.json_.absolute() == options.output.absolute():
        raise FormatError(f"{options.json_}: both the file and its report")


def _check_stretch(options: DubOptions) -> None:
    """Refuse times that are none, and a stretch of no length. FormatError names the option."""
    for name, seconds in (("start", options.start), ("end", options.end)):
        if seconds is not None and not math.isfinite(seconds):
            raise FormatError(f"--{name}={seconds} is not a time")
    if options.end is not None and options.end <= options.start:
        raise FormatError(f"--end={options.end} is not after --start={options.start}")


def _grains(options: DubOptions, rate: Fraction) -> tuple[int, int | None]:
    """The first grain that is asked for and the one past the last: whole ones, so that sound is cut where the picture is."""
    first = round(Fraction(options.start) * rate)
    return first, None if options.end is None else max(first + 1, round(Fraction(options.end) * rate))


@contextlib.contextmanager
def _own_sound(options: DubOptions, since: Fraction) -> Iterator[list[Track]]:
    """The picture's own sound as a second track, where it is wanted and there."""
    if not options.original_sound:
        yield []
        return
    sound = OwnSound(options.picture, skip=since)
    try:
        if not sound.channels:
            raise FormatError(f"--original-sound: {options.picture} has no sound")
        yield [Track("original", sound)]
    finally:
        sound.close()


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM end the work after the frame in hand."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _tell(report: DubReport, options: DubOptions) -> None:
    """What a person wants to read when it is over."""
    frames = report.frames
    for note in report.notes:
        terminal.say(note)
    left = ", ".join(f"{reason} {count}" for reason, count in frames.bypassed.items())
    terminal.say(
        f"{options.output}: {frames.sent} frames {report.format}, {report.encoder}; {frames.altered} altered"
        + (f", left alone: {left}" if left else "")
    )
    if not frames.altered:
        terminal.say("not one frame was altered: the picture is as it was, with another voice")
