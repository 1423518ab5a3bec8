"""The clips and voices of a folder, who talks in each, and which of them may teach the gallery for which.

Each subfolder is one talker, or each name that a pattern finds; galleries and calibration never mix people. No picture is
decoded here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from pathlib import Path

from relip.essence.errors import FormatError, ResourceError
from relip.evaluation import sidecars
from relip.evaluation.sidecars import Transcript

SUFFIXES = frozenset(
    ".3gp .asf .avi .dv .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv .y4m".split()  # noqa: SIM905
)
"""What counts as a clip in a folder; a file named by its path may be called anything."""
VOICES = frozenset({".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav"})
"""What counts as a voice in a folder."""
FOLDS = 4
"""A talker's clips are dubbed in so many turns at most, each taught by the clips of the other turns."""
GUARD_FRAMES = 8
"""In a single clip, the frames so near to those that are dubbed teach nothing: they show nearly the same mouth."""
SPAN_FRAMES = 50
"""A single clip is cut into spans of about so many frames, which take turns."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A file with a talker in it. `name`: its path below the folder. `note`: why its sidecar is not used."""

    path: Path
    name: str
    talker: str
    transcript: Transcript | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Frames of a clip, from `first` up to but without `last`; `clip` is its number among the talker's."""

    clip: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Fold:
    """What is dubbed in one turn, and what teaches the gallery for it."""

    test: tuple[Span, ...]
    teach: tuple[Span, ...]


def find(folder: Path, *, pattern: str | None = None, limit: int | None = None) -> list[Clip]:
    """The clips below a folder, sorted by talker and name; with a limit, talkers take turns until it is reached.

    `pattern`: a regular expression that is searched in the name; its first group (or all of it) names the talker.
    Raises FormatError when there is no clip or the pattern is none, ResourceError when the folder cannot be read.
    """
    told = _compiled(pattern)
    if not folder.is_dir():
        raise ResourceError(f"{folder}: not a folder")
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as cause:
        raise ResourceError(f"{folder}: cannot be read: {cause.strerror}") from cause
    if not paths:
        raise FormatError(f"{folder}: no clip in this folder; looked for {' '.join(sorted(SUFFIXES))}")
    talkers: dict[str, list[Clip]] = {}
    for path in paths:
        clip = _clip(path, folder, told)
        talkers.setdefault(clip.talker, []).append(clip)
    turns = [clip for row in zip_longest(*talkers.values()) for clip in row if clip is not None]
    return sorted(turns[:limit], key=lambda clip: (clip.talker, clip.name))


def voices(folder: Path) -> list[Path]:
    """The voices below a folder, sorted; a sound with the stem of a clip is that clip's own, and is passed over."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    clips = {path.with_suffix("") for path in paths if path.suffix.lower() in SUFFIXES}
    return [path for path in paths if path.suffix.lower() in VOICES and path.with_suffix("") not in clips]


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as cause:
        raise FormatError(f"--talker={pattern!r} is not a regular expression: {cause}") from cause


def _clip(path: Path, folder: Path, told: re.Pattern[str] | None) -> Clip:
    name = path.relative_to(folder).as_posix()
    talker = path.parent.relative_to(folder).as_posix()
    if told is not None:
        found = told.search(name)
        if found is None:
            raise FormatError(f"--talker={told.pattern!r} finds nothing in {name}")
        talker = found[1] if told.groups and found[1] is not None else found[0]
    try:
        return Clip(path, name, talker, sidecars.beside(path))
    except FormatError as fault:
        return Clip(path, name, talker, note=f"not used: {fault}")


def folds(frames: Sequence[int], gallery: str) -> list[Fold]:
    """The turns of a talker whose clips have so many frames each.

    `gallery`: `others` (the clips of the other turns, or of a single clip its other spans), `own` (all of it, the tested
    clip included: an upper bound), or `causal` (nothing: each clip learns from its own past).
    """
    whole = tuple(Span(index, 0, count) for index, count in enumerate(frames))
    if gallery == "causal":
        return [Fold((span,), ()) for span in whole]
    if gallery == "own":
        return [Fold(whole, whole)]
    if len(whole) == 1:
        return _folds_within(whole[0])
    turns = min(FOLDS, len(whole))
    return [Fold(whole[k::turns], tuple(span for i, span in enumerate(whole) if i % turns != k)) for k in range(turns)]


def _folds_within(clip: Span) -> list[Fold]:
    """Turns within one clip: every other span teaches, less the frames at its ends."""
    count = max(2, round(clip.last / SPAN_FRAMES))
    edges = [clip.last * k // count for k in range(count + 1)]
    spans = [Span(clip.clip, a, b) for a, b in pairwise(edges)]
    taught = [
        replace(
            span,
            first=span.first + (GUARD_FRAMES if span.first else 0),
            last=span.last - (GUARD_FRAMES if span.last < clip.last else 0),
        )
        for span in spans
    ]
    return [Fold(tuple(spans[k::2]), tuple(span for span in taught[1 - k :: 2] if span.first < span.last)) for k in range(2)]
