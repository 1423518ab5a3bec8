"""`relip eval`: how good the dub of a folder of clips is, as a table, JSON and a contact sheet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from relip.essence.errors import RelipError
from relip.essence.formats import video_format
from relip.evaluation import lse, pixels, report, sidecars, vmaf
from relip.evaluation.clips import find, voices
from relip.evaluation.protocol import Plan, Said, Tick, evaluate
from relip.evaluation.report import EvalReport
from relip.evaluation.sheet import Sheet, chosen
from relip.evaluation.synthesis import utterances
from relip.offline.container import read_voice
from relip.peers.report import save_text
from relip.service import terminal
from relip.service.compose.evaluation import rig
from relip.service.options import frames_of, outputs


class GateMissedError(RelipError):
    """`--gate` was given, and a gate is missed."""


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What `relip eval` was asked for."""

    folder: Path
    format_: str
    limit: int | None
    seconds: float | None
    talker: str | None
    gallery: str
    voices: tuple[Path, ...]
    synthesise: int
    net: Path | None
    syncnet: Path | None
    vmaf: bool
    sheet: Path | None
    json_: Path | None
    gate: bool


def run(options: EvalOptions) -> None:
    """Evaluate, print, write. Raises FormatError, ResourceError, and GateMissedError where gates count."""
    format_ = video_format(options.format_)
    most = frames_of(options.seconds, format_.rate)
    outputs(options.json_, options.sheet)
    pixels.metrics()
    if options.vmaf:
        vmaf.program()
    clips = find(options.folder, pattern=options.talker, limit=options.limit)
    known, others = _voices(options)
    plan = Plan(clips=clips, voices=known, others=others, gallery=options.gallery, most=most, vmaf=options.vmaf)
    engines = rig(format_, articulation=options.net, syncnet=options.syncnet)
    if engines.lse is not None:
        lse.check(engines.lse, float(format_.rate))
    looking = Sheet(engines, chosen([clip.name for clip in clips])) if options.sheet is not None else None
    result = evaluate(engines, plan, _phase, looking.see if looking else None)
    if looking is not None and options.sheet is not None:
        looking.write(options.sheet, _title(result))
    _write(result, options)
    _show(result)
    missed = [row.name for row in result.gates if row.passed is False]
    if options.gate and missed:
        raise GateMissedError(f"{len(missed)} gates missed: {', '.join(missed)}")


def _voices(options: EvalOptions) -> tuple[list[Said], list[Said]]:
    """The voices with known phones, the demo's first; and those without, to dub clips with."""
    said = [_said(Path(str(resources.files("relip.peers"))) / "assets" / "voice.flac")]
    said += [_said(path) for path in (*options.voices, *voices(options.folder))]
    said += [Said(one.voice, one.samples, one.transcript) for one in utterances(options.synthesise)]
    known = [one for one in said if one.transcript is not None and one.transcript.phones is not None]
    others = [one for one in said if one.transcript is None or one.transcript.phones is None]
    return known, others


def _said(path: Path) -> Said:
    return Said(path.name, read_voice(path), sidecars.beside(path))


@contextmanager
def _phase(text: str, total: int | None) -> Iterator[Tick]:
    with terminal.progress(text) as advance:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            advance(done, total)

        yield tick


def _write(result: EvalReport, options: EvalOptions) -> None:
    if options.json_ is None:
        return
    if str(options.json_) == "-":
        sys.stdout.write(result.model_dump_json(indent=2) + "\n")
    else:
        save_text(result.model_dump_json(indent=2), options.json_)


def _show(result: EvalReport) -> None:
    """The table, and what was left out."""
    terminal.table(_title(result), ["metric", "value", "gate", "verdict", "beside it"], list(report.rows(result)))
    for clip in result.clips:
        for note in clip.notes:
            terminal.say(f"{clip.name}: {note}")
    for note in result.notes:
        terminal.say(note)


def _title(result: EvalReport) -> str:
    speakers = len({clip.talker for clip in result.clips})
    return f"relip eval: {len(result.clips)} clips, talkers: {speakers}, {result.format}, gallery: {result.gallery}"
