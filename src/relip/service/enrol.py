"""`relip enrol`: learn a presenter from clips into a file that `serve` and `dub` start warm from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from relip.essence.errors import FormatError, RelipError
from relip.essence.formats import VideoFormat, video_format
from relip.offline import enrolment
from relip.offline.enrolling import Enrolling, Learned
from relip.service import terminal
from relip.service.compose.presenters import clip_reader, enrolling, own_format
from relip.service.options import outputs, publish

ADVANCE_EVERY = 5


@dataclass(frozen=True, slots=True)
class EnrolOptions:
    """What `relip enrol` was asked for."""

    clips: tuple[Path, ...]
    output: Path
    format_: str | None
    name: str | None
    note: str
    cache_dir: Path | None
    json_: Path | None


def run(options: EnrolOptions) -> None:
    """Learn from every clip, write the file, tell what was learned. Raises FormatError, ResourceError."""
    outputs(options.output, options.json_)
    form = own_format(options.clips[0]) if options.format_ is None else video_format(options.format_)
    learner = enrolling(form, options.cache_dir)
    for clip in options.clips:
        learner.begin_clip()
        _learn(learner, clip, form)
    made = learner.enrolment(name=options.name or options.output.stem, note=options.note)
    octets = enrolment.write(options.output, made)
    _tell(learner.learned, options, form, octets)


def _learn(learner: Enrolling, clip: Path, form: VideoFormat) -> None:
    with clip_reader(clip, form) as reader, terminal.progress(clip.name) as advance:
        expected = reader.expected
        for done, packed in enumerate(reader, start=1):
            try:
                learner.see(packed)
            except RelipError as cause:
                raise FormatError(f"{clip}: {cause}") from cause
            if done % ADVANCE_EVERY == 0:
                advance(done, expected or done)


def _tell(learned: Learned, options: EnrolOptions, form: VideoFormat, octets: int) -> None:
    if options.json_ is not None:
        said = {"file": str(options.output), "octets": octets, "format": str(form), **asdict(learned)}
        publish(json.dumps(said, indent=2), options.json_)
        return
    rows = [
        ("frames seen", str(learned.frames)),
        ("learned from", str(learned.used)),
        *((f"refused: {reason}", str(count)) for reason, count in learned.refused.items()),
        ("mouths kept", str(learned.mouths)),
        ("widest opening", f"{learned.widest:.3f} of the distance between the eyes"),
        ("yaw, degrees", f"{learned.yaw[0]:.0f} to {learned.yaw[1]:.0f}"),
        ("pitch, degrees", f"{learned.pitch[0]:.0f} to {learned.pitch[1]:.0f}"),
        ("between the eyes", f"{learned.iod:.0f} pixels at {form}"),
    ]
    terminal.table(f"{options.output}, {octets / 1e6:.1f} MB", ("", ""), rows)
    terminal.say("The file shows a person's face. Keep it with their consent, and delete it when that ends.")
