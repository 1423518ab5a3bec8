"""From start to drain: signals, the log's one line a second, and the report at the end.

A stream's loss never ends the process (DESIGN invariant 10); SIGTERM and SIGINT do, with what is in the house sent on.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from relip.essence.errors import ResourceError
from relip.peers.report import (
    CarriedFigures,
    FlowCounters,
    OutputFigures,
    ServiceFrames,
    ServiceReport,
    VoiceOutFigures,
    save,
    stage_times,
)
from relip.service import memory
from relip.service.clocks import Clocks
from relip.service.compose.service import Service
from relip.service.legs import LegLog
from relip.service.logs import Log

WORTH_A_LINE = (
    "lost",
    "late",
    "malformed",
    "misplaced",
    "other_type",
    "other_format",
    "absent",
    "interlaced",
    "no_buffer",
    "resyncs",
)
"""What an engineer wants to read about a flow when it grows."""
LOOK_S, LOG_S = 0.05, 1.0


class Lifecycle:
    """Runs one service until it is told to stop. Belongs to the main thread."""

    def __init__(self, service: Service, log: Log, report: Path | None) -> None:
        self._service = service
        self._log = log
        self._report = report
        self._stop = threading.Event()
        self._logged: dict[str, int] = {}
        self._legs = LegLog(log)
        self._strangers_told = False
        self._clocks = Clocks(service, log)
        self._cpu_at_first: float | None = None
        self._cold_start_s: float | None = None
        self._left = (0, 0)
        self._worst_late: float | None = None

    def run(self) -> None:
        """Start, log once a second what changed, drain on a signal. Raises what ended the graph, if anything did."""
        channel = self._service.channel
        for note in self._service.notes:
            self._log.warning("start", note=note)
        self._clocks.look()
        memory.freeze()
        channel.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._cold_start_s = round(_age_s(), 2)
        self._log.info(
            "ready",
            format=str(self._service.format),
            latency_frames=self._service.delay.frames,
            cold_start_s=self._cold_start_s,
        )
        self._watch()
        failed = channel.failed
        channel.drain()
        self._log_changes()
        if self._report is not None:
            save(self.report(), self._report)
        self._log.info("stopped", frames=channel.tally.sent, altered=channel.tally.altered)
        if failed is not None:
            raise ResourceError(f"the service cannot go on: {failed}") from failed

    def _watch(self) -> None:
        """Until a signal or a failure: a look every 50 ms while nothing has come, for the CPU time, then one a second."""
        channel = self._service.channel
        log_at = time.monotonic() + LOG_S
        while not self._stop.wait(LOOK_S if self._cpu_at_first is None else LOG_S) and channel.failed is None:
            if channel.tally.received and self._cpu_at_first is None:
                self._cpu_at_first = time.process_time()
            if time.monotonic() >= log_at:
                self._clocks.look()
                self._log_changes()
                log_at = time.monotonic() + 0.9 * LOG_S  # a wait that ends a little early must not cost a second

    def report(self) -> ServiceReport:
        """What the service did so far."""
        tally = self._service.channel.tally
        used = time.process_time() - (self._cpu_at_first or time.process_time())
        return ServiceReport(
            format=str(self._service.format),
            frames=ServiceFrames.of(tally),
            flows={
                name: FlowCounters.of(read(), self._service.incoming[name].legs())
                for name, read in self._service.channel.flows.items()
            },
            outputs={name: sent.legs() for name, sent in self._service.outgoing.items()},
            stages=stage_times(tally),
            output=OutputFigures.of(self._service.departures, self._worst_late),
            latency_frames=self._service.delay.frames,
            failures=dict(tally.failures),
            people=dict(sorted(tally.people.items())),
            late_verdicts=tally.late_verdicts,
            sender_locked=self._service.senders["video"].locked if tally.received else None,
            relocks=self._service.senders["video"].relocks,
            cpu_s=round(used, 3),
            cold_start_s=self._cold_start_s,
            clock=self._clocks.clock(),
            senders=self._clocks.senders(),
            ancillary_out=None if self._service.carried is None else CarriedFigures.of(self._service.carried.counters),
            voice_out=None if self._service.voice_out is None else VoiceOutFigures.of(self._service.voice_out.counters),
        )

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _log_changes(self) -> None:
        tally = self._service.channel.tally
        for name, read in self._service.channel.flows.items():
            counters = read()
            self._line("packets", {key: getattr(counters, key, 0) for key in WORTH_A_LINE}, flow=name)
            self._legs.look(name, self._service.incoming[name].legs())
        for name, sent in self._service.outgoing.items():
            self._legs.look_out(f"output {name}", sent.legs())
        self._line("bypass", {str(reason): count for reason, count in dict(tally.bypassed).items()})
        self._line("failure", dict(tally.failures))
        self._look_at_output()
        if self._service.enrolled and tally.people["new"] and not self._strangers_told:
            self._strangers_told = True
            self._log.warning("enrolment", note="somebody in the picture is not enrolled: learned as the programme runs")

    def _look_at_output(self) -> None:
        """Remember the worst second; warn of what the transport file says and the output did not keep."""
        out = self._service.departures
        frames, late = out.frames - self._left[0], out.late - self._left[1]
        if frames:
            self._left = (out.frames, out.late)
            self._worst_late = round(max(self._worst_late or 0.0, late / frames), 4)
        sounding = self._service.voice_out
        if sounding is not None:
            counters = sounding.counters
            self._line("voice out", {key: getattr(counters, key) for key in ("silent", "late", "refused", "resyncs")})
        if self._service.carried is not None:
            carried = self._service.carried.counters
            self._line("ancillary out", {"late": carried.late, "dropped": carried.dropped})
        if out.claimed:
            self._line("output", {"late": out.late, "early": out.early, "bunched": out.bunched})

    def _line(self, cause: str, counts: Mapping[str, int], **where: str) -> None:
        """One warning for what grew since the last second."""
        grown = {}
        for key, count in counts.items():
            before = self._logged.get(f"{cause}.{where}.{key}", 0)
            if count > before:
                grown[key] = count - before
                self._logged[f"{cause}.{where}.{key}"] = count
        if grown:
            self._log.warning(cause, **where, grown=grown)


def _age_s() -> float:
    """Seconds since this process was started, by the kernel's account (proc(5), field 22 of stat)."""
    started = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
