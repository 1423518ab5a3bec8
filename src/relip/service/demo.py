"""`relip demo`: sender, service and receiver as three processes on loopback, and the report of what was measured.

The service is the product, started as a user would start it, with a configuration file; the demo only looks on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from relip import config
from relip.essence.errors import ResourceError
from relip.essence.formats import video_format
from relip.peers.report import DemoReport, ReceiverReport, SenderReport, ServiceReport, merge
from relip.service import terminal
from relip.service.options import folder, frames_of, outputs, publish

READY_S = 120.0
"""First start on a slow machine, compiling every kernel."""
END_S = 600.0
RECEIVER_NICENESS = 10
"""The receiver only measures, and its socket buffers hold a second: on a small machine it must not take the service's time."""
GROUPS = {"original": 1, "voice": 2, "dubbed": 3, "disclosure": 4, "anc": 5}


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What `relip demo` was asked for."""

    format_: str
    video: Path | None
    voice: Path | None
    seconds: float
    bypass: bool
    output: Path
    json_: Path
    keep: Path | None


@dataclass(slots=True)
class _Child:
    """One of the three processes; its log goes to a file beside its report."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def end(self, timeout_s: float) -> None:
        """Wait for its own end. ResourceError with the end of its log when it failed or did not end."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired as cause:
            raise ResourceError(f"relip {self.name} did not end within {timeout_s:.0f} s") from cause
        if code:
            raise ResourceError(f"relip {self.name} ended with {code}:\n{_tail(self.log)}")

    def stop(self) -> None:
        """Ask it to drain."""
        self.process.send_signal(signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where the run takes place: a folder, and a multicast group and port for each flow that no other run uses."""

    folder: Path
    options: DemoOptions
    second_octet: int = field(default_factory=lambda: os.getpid() % 200 + 20)
    third_octet: int = field(default_factory=lambda: os.getpid() // 200 % 250)

    def flow(self, name: str) -> tuple[str, int]:
        """Group and port of a flow."""
        number = GROUPS[name]
        return f"239.{self.second_octet}.{self.third_octet}.{number}", 20000 + 2 * number

    def to(self, name: str) -> str:
        """The same as ADDRESS:PORT."""
        host, port = self.flow(name)
        return f"{host}:{port}"

    def configuration(self) -> Path:
        """Write the service's configuration."""

        def keys(name: str, **more: object) -> dict[str, object]:
            host, port = self.flow(name)
            return {"destination": host, "port": port, **more}

        content = {
            "name": "relip demo",
            "video": keys("original", format=self.options.format_),
            "voice": keys("voice", payload_type=97),
            "output": {
                "video": keys("dubbed", sdp=str(self.folder / "dubbed.sdp")),
                "disclosure": keys("disclosure", payload_type=100, sdp=str(self.folder / "disclosure.sdp")),
            },
            "lip_sync": {"bypass": self.options.bypass},
            "report": str(self.folder / "service.json"),
        }
        path = self.folder / "relip.yaml"
        config.write(path, config.parse(content, where="the demo's configuration"))
        return path


def run(options: DemoOptions) -> None:
    """Run the demo and write recording and report. Raises FormatError, ResourceError."""
    frames_of(options.seconds, video_format(options.format_).rate)
    outputs(options.output, options.json_)
    with ExitStack() as stack:
        place = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relip-demo-")))
        report = _perform(_Stage(folder(place).resolve(), options))
    publish(report.model_dump_json(indent=2), options.json_)
    _show(report, options)
    if not report.frames.received:
        raise ResourceError("not one dubbed frame reached the receiver: nothing was measured, and nothing recorded")


def _perform(stage: _Stage) -> DemoReport:
    options = stage.options
    with _children() as children:
        terminal.say("[1/4] starting the service and the receiver; the first start on a machine compiles for some seconds")
        serve = _spawn(children, stage, "serve", ["--config", str(stage.configuration()), "--log-json"])
        _wait_event(serve, "ready")
        receiver = _spawn(children, stage, "receive", _receive_arguments(stage), niceness=RECEIVER_NICENESS)
        _wait_event(receiver, "receiving")
        terminal.say("[2/4] rendering the pictures that the sender will send")
        sender = _spawn(children, stage, "send", _send_arguments(stage))
        _wait_event(sender, "sending")
        terminal.say(f"[3/4] live: {options.format_} over multicast on loopback, {options.seconds:g} s")
        sender.end(options.seconds + END_S)
        time.sleep(0.5)  # the last frames are still in the service, which holds them for less than this
        serve.stop()
        serve.end(30)
        terminal.say("[4/4] encoding the recording")
        receiver.stop()
        receiver.end(END_S)
    return merge(
        _report(SenderReport, stage.folder / "sender.json"),
        _report(ServiceReport, stage.folder / "service.json"),
        _report(ReceiverReport, stage.folder / "receiver.json"),
    )


R = TypeVar("R", SenderReport, ServiceReport, ReceiverReport)


def _report(kind: type[R], path: Path) -> R:
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ResourceError(f"{path.name} was not written: {cause.strerror}") from cause


def _send_arguments(stage: _Stage) -> list[str]:
    options = stage.options
    arguments = ["--format", options.format_, "--seconds", str(options.seconds), "--json", str(stage.folder / "sender.json")]
    arguments += ["--video-to", stage.to("original"), "--voice-to", stage.to("voice"), "--anc-to", stage.to("anc")]
    for name, path in (("--video", options.video), ("--voice", options.voice)):
        arguments += [name, str(path)] if path is not None else []
    return [*arguments, "--sdp-dir", str(stage.folder)]


def _receive_arguments(stage: _Stage) -> list[str]:
    arguments = ["--format", stage.options.format_, "--json", str(stage.folder / "receiver.json")]
    arguments += ["--dubbed", str(stage.folder / "dubbed.sdp"), "--disclosure", str(stage.folder / "disclosure.sdp")]
    arguments += ["--original", stage.to("original"), "--voice", stage.to("voice")]
    return [*arguments, "--record", str(stage.options.output)]


@contextmanager
def _children() -> Iterator[list[_Child]]:
    """The processes; whatever happens, a SIGTERM included, none is left behind."""
    children: list[_Child] = []
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield children
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not stop the tidying up
        for child in children:
            child.process.kill()
        for child in children:
            child.process.wait()
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def _spawn(children: list[_Child], stage: _Stage, name: str, arguments: list[str], *, niceness: int = 0) -> _Child:
    log = stage.folder / f"{name}.log"
    command = ["nice", "-n", str(niceness), sys.executable, "-m", "relip", name, *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603  our own command, no shell
    child = _Child(name, process, log)
    children.append(child)
    return child


def _wait_event(child: _Child, event: str) -> None:
    """Wait until a process has logged an event."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if any(line.get("event") == event for line in _events(child.log)):
            return
        if child.process.poll() is not None:
            child.end(0)
            raise ResourceError(f"relip {child.name} ended before it was {event}:\n{_tail(child.log)}")
        time.sleep(0.05)
    raise ResourceError(f"relip {child.name} was not {event} after {READY_S:.0f} s:\n{_tail(child.log)}")


def _events(log: Path) -> Iterator[dict[str, object]]:
    """The JSON lines of a log; other lines (a library's) are passed over."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _show(report: DemoReport, options: DemoOptions) -> None:
    """The table that proves it."""
    frames, latency = report.frames, report.latency
    untouched = ", ".join(f"{reason} {count}" for reason, count in frames.bypassed.items()) or "none"
    rows = [
        ["frames sent / received", f"{frames.sent} / {frames.received}"],
        ["frames altered", str(frames.altered)],
        ["frames bypassed, by reason", untouched],
        ["packets lost / late", f"{report.packets.lost} / {report.packets.late}"],
        ["latency", f"{latency.frames} frames, {latency.ms} ms (declared {latency.declared_frames})"],
        ["picture against voice", f"{report.skew_ms} ms"],
        ["samples changed outside the region", str(report.outside_changed)],
        ["service CPU a frame", f"{report.cpu_ms_per_frame} ms"],
        *(
            [f"  {stage}, median / p99", f"{times.p50_ms:.2f} / {times.p99_ms:.2f} ms"]
            for stage, times in report.stages.items()
        ),
    ]
    terminal.table(f"relip demo, {report.format}", ["measured", "value"], rows)
    terminal.say(f"recording: {options.output}   report: {options.json_}")
