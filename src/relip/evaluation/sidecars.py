"""What was said when: words and phones from the files that lie beside a clip or a voice.

GRID `.align` (start end word, 1/25000 s), Praat `.TextGrid`, HTK and TIMIT `.lab` and `.phn`, and `.json` as beside the
demo's voice. Text in, values out; the reader of the folder says which file belongs to which clip.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from relip.essence.errors import FormatError, ResourceError

ALIGN_HZ = 25_000
HTK_HZ = 10_000_000
"""HTK writes hundreds of nanoseconds."""
TIMIT_HZ = 16_000
"""TIMIT writes samples at 16 kHz."""
HTK_FROM = 5_000_000
"""Half a second to HTK, five minutes to TIMIT: a file whose last label ends later is HTK's."""
QUIET = frozenset({"", "sil", "sp", "pau", "h#", "epi", "#", "_", "<eps>", "spn", "<p:>"})
"""Labels that say that nobody speaks."""
CLOSURES = {"bcl": "b", "pcl": "p"}
"""TIMIT writes a stop's closure and its burst as two phones."""
WORD_TIER, PHONE_TIER = re.compile(r"word|ort|orth", re.IGNORECASE), re.compile(r"phon|mau|segment|phn", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Label:
    """A word or a phone, in seconds from the start of the sound."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a sidecar says. Silence is left out. `None` where it has no such tier."""

    words: tuple[Label, ...] | None = None
    phones: tuple[Label, ...] | None = None

    @property
    def spoken(self) -> tuple[Label, ...]:
        """Stretches in which somebody speaks: of the words, else of the phones."""
        return self.words if self.words is not None else self.phones or ()


def beside(path: Path) -> Transcript | None:
    """The transcript of the first sidecar that lies beside a file, by the order of READERS; None without one.

    Raises ResourceError when it cannot be read, FormatError (naming file and line) when it is not what its name says.
    """
    for suffix, parse in READERS.items():
        for candidate in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
            if candidate.is_file() and candidate != path:
                return read(candidate, parse)
    return None


def read(path: Path, parse: Callable[[str], Transcript] | None = None) -> Transcript:
    """The transcript in a file, by its suffix."""
    known = {suffix.lower(): reader for suffix, reader in READERS.items()}
    parse = parse or known.get(path.suffix.lower())
    if parse is None:
        raise FormatError(f"{path}: not a transcript; known are {', '.join(READERS)}")
    try:
        octets = path.read_bytes()
    except OSError as cause:
        raise ResourceError(f"{path}: cannot be read: {cause.strerror}") from cause
    try:
        return parse(_decoded(octets))
    except FormatError as fault:
        raise FormatError(f"{path}: {fault}") from fault


def _decoded(octets: bytes) -> str:
    """Praat writes UTF-16 with a mark, everybody else UTF-8."""
    try:
        return octets.decode("utf-16" if octets[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError as cause:
        raise FormatError("neither UTF-8 nor UTF-16") from cause


def parse_align(text: str) -> Transcript:
    """GRID: `start end word`, in 1/25000 s."""
    return Transcript(words=_spoken(_rows(text, lambda _: ALIGN_HZ)))


def parse_phones(text: str) -> Transcript:
    """HTK (100 ns) or TIMIT (samples at 16 kHz): `start end phone`; which of the two, the numbers tell."""

    def clock(ends: Sequence[int]) -> int:
        return HTK_HZ if max(ends) >= HTK_FROM else TIMIT_HZ

    return Transcript(phones=_spoken(_joined(_rows(text, clock))))


def parse_json(text: str) -> Transcript:
    """`{"sample_rate": n, "phones": [[name, start, end], …], "words": […]}`, times in samples; either tier may be absent."""
    try:
        content = json.loads(text)
        rate = float(content["sample_rate"])
        tiers = {
            name: tuple(_label(str(row[0]), row[1] / rate, row[2] / rate) for row in content[name])
            for name in ("words", "phones")
            if name in content
        }
    except (ValueError, TypeError, KeyError, IndexError, ZeroDivisionError) as cause:
        raise FormatError(f'not {{"sample_rate": …, "phones": [[name, start, end], …]}}: {cause!r}') from cause
    if not tiers:
        raise FormatError("neither words nor phones")
    return Transcript(**{name: _spoken(labels) for name, labels in tiers.items()})


def parse_text_grid(text: str) -> Transcript:
    """Praat, long or short text form: the interval tiers whose names say words and phones; a sole tier counts as words."""
    tiers = dict(_tiers(_atoms(text)))
    words = next((tiers[name] for name in tiers if WORD_TIER.search(name)), None)
    phones = next((tiers[name] for name in tiers if PHONE_TIER.search(name)), None)
    if words is None and phones is None:
        if len(tiers) != 1:
            raise FormatError(f"no interval tier is called words or phones; there are: {', '.join(tiers) or 'none'}")
        words = next(iter(tiers.values()))
    return Transcript(
        words=None if words is None else _spoken(words), phones=None if phones is None else _spoken(_joined(phones))
    )


def _atoms(text: str) -> list[str]:
    """What a TextGrid holds once its decoration is dropped: strings with their first quote, numbers and flags."""
    found = re.findall(r'"(?:[^"]|"")*"|<\w+>|(?<![\w\[])-?\d+(?:\.\d+)?(?:[eE]-?\d+)?(?![\w\]])', text)
    if len(found) < 2 or found[0] != '"ooTextFile"' or found[1] != '"TextGrid"':
        raise FormatError("not a TextGrid in text form")
    return [atom[:-1].replace('""', '"') if atom.startswith('"') else atom for atom in found]


def _tiers(atoms: list[str]) -> Iterator[tuple[str, tuple[Label, ...]]]:
    """Name and intervals of each interval tier."""
    at = 6  # file type, class, two times, the flag, the number of tiers
    try:
        for _ in range(int(float(atoms[5]))):
            kind, name, count = atoms[at], atoms[at + 1], int(float(atoms[at + 4]))
            at += 5
            size = 3 if kind == '"IntervalTier' else 2
            rows = [atoms[at + i * size : at + (i + 1) * size] for i in range(count)]
            at += count * size
            if size == 3:
                yield name[1:], tuple(_label(row[2][1:], float(row[0]), float(row[1])) for row in rows)
    except (IndexError, ValueError) as cause:
        raise FormatError(f"the TextGrid breaks off or is damaged: {cause}") from cause


def _rows(text: str, clock: Callable[[Sequence[int]], int]) -> tuple[Label, ...]:
    """Lines of `start end name`; the clock may be told from all ends."""
    rows: list[tuple[int, int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        try:
            rows.append((int(parts[0]), int(parts[1]), parts[2]))
        except (ValueError, IndexError) as cause:
            raise FormatError(f"line {number}: {line.strip()!r} is not `start end name`") from cause
    if not rows:
        raise FormatError("no line in it")
    hz = clock([end for _, end, _ in rows])
    return tuple(_label(name, start / hz, end / hz) for start, end, name in rows)


def _label(name: str, start: float, end: float) -> Label:
    if not 0 <= start <= end:
        raise FormatError(f"{name!r} lasts from {start:g} to {end:g} s")
    return Label(name.strip().lower(), start, end)


def _joined(labels: tuple[Label, ...]) -> tuple[Label, ...]:
    """The closure of a bilabial stop and its burst as one phone: it is in the closure that the lips meet."""
    joined: list[Label] = []
    for label in labels:
        name = CLOSURES.get(label.name, label.name)
        if joined and label.name == joined[-1].name and label.name in CLOSURES.values() and joined[-1].end == label.start:
            joined[-1] = Label(name, joined[-1].start, label.end)
        else:
            joined.append(Label(name, label.start, label.end))
    return tuple(joined)


def _spoken(labels: tuple[Label, ...]) -> tuple[Label, ...]:
    return tuple(label for label in labels if label.name not in QUIET and label.end > label.start)


READERS: dict[str, Callable[[str], Transcript]] = {
    ".align": parse_align,
    ".TextGrid": parse_text_grid,
    ".json": parse_json,
    ".phn": parse_phones,
    ".lab": parse_phones,
}
