"""What the service tells of time: its own clock and its senders', looked at once a second and logged when something changes."""

from __future__ import annotations

from dataclasses import replace

from relip.graph import epoch
from relip.graph.hearing import apart
from relip.peers.report import ClockReport, TimelineReport
from relip.service.compose.service import Service
from relip.service.logs import Log

ALONE = " (or ours is wrong, which PTP does not steer)"


class Clocks:
    """The clocks of one service."""

    def __init__(self, service: Service, log: Log) -> None:
        self._service = service
        self._log = log
        self._told: dict[str, str | None] = {}

    def look(self) -> None:
        """Ask the kernel and the timelines; a line for each thing that is new, and one when all is well again."""
        notes = self._service.clock.look().notes
        self._tell("clock", "; ".join(notes) or None, "; ".join(notes))
        for name, note in self._notes().items():
            self._tell(name, note.cause if note else None, note.sentence if note else "")
        sentence = self._apart()
        self._tell("picture and voice", "apart" if sentence else None, sentence or "")

    def clock(self) -> ClockReport:
        """Our own, as of the last look."""
        state = self._service.clock.state
        steering = state.steering
        return ClockReport(
            source=state.source,
            locked=state.locked,
            synchronised=None if steering is None else steering.synchronised,
            offset_s=state.offset_s,
            max_error_us=None if steering is None else steering.max_error_us,
            est_error_us=None if steering is None else steering.est_error_us,
            leap=None if steering is None else steering.leap,
            steps=state.steps,
            notes=list(state.notes),
        )

    def senders(self) -> dict[str, TimelineReport]:
        """Those of the flows that are received, as their timestamps tell."""
        notes = self._notes()
        reports = {}
        for name, sender in self._service.senders.items():
            note, drift = notes[name], sender.drift_ppm
            reports[name] = TimelineReport(
                locked=sender.locked if sender.known else None,
                behind_s=round(sender.behind_ns / 1e9, 3) if sender.known else None,
                drift_ppm=None if drift is None else round(float(drift), 1),
                relocks=sender.relocks,
                note=note.sentence if note else None,
            )
        return reports

    def _notes(self) -> dict[str, epoch.Note | None]:
        state = self._service.clock.state
        notes = {name: epoch.note(sender, leap_seconds=state.offset_s) for name, sender in self._service.senders.items()}
        if state.traceable:
            return notes
        return {name: note and replace(note, sentence=note.sentence + ALONE) for name, note in notes.items()}

    def _apart(self) -> str | None:
        if self._service.by_arrival:
            return None
        return apart(self._service.senders["video"], self._service.senders["voice"])

    def _tell(self, what: str, cause: str | None, sentence: str) -> None:
        """One line when a cause comes, changes or goes."""
        if cause == self._told.get(what):
            return
        self._told[what] = cause
        if cause is None:
            self._log.info("time", of=what, note="all is well again")
        else:
            self._log.warning("time", of=what, note=sentence)
