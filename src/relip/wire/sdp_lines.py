"""An SDP text as sections of lines, before anybody asks what they mean (RFC 4566 §5).

Reads what senders write rather than what they should: any line end, a byte-order mark, lines out of order. What is
passed over is told as a warning; only a text that is no SDP at all is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relip.essence.errors import FormatError

_LINE = re.compile(r"([a-z])=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """The lines of the session or of one m=, as (type, value) in their order."""

    lines: tuple[tuple[str, str], ...]

    def values(self, kind: str) -> list[str]:
        """The values of every line of a type, such as `c`."""
        return [value for line, value in self.lines if line == kind]

    def attributes(self, name: str) -> list[str]:
        """The values of every `a=name:value`; an `a=name` alone has the value ''."""
        split = (value.partition(":") for value in self.values("a"))
        return [value.strip() for key, _, value in split if key.strip() == name]


@dataclass(frozen=True, slots=True)
class Text:
    """The session's own section, the media sections, each beginning with its m=, and what was passed over."""

    session: Section
    media: tuple[Section, ...]
    warnings: tuple[str, ...]


def parse(text: str) -> Text:
    """Cut a text into sections; FormatError when it does not begin with v=0 or describes no media."""
    sections: list[list[tuple[str, str]]] = [[]]
    warnings = []
    for line in filter(None, map(str.strip, text.lstrip("\ufeff").splitlines())):
        match = _LINE.fullmatch(line)
        if match is None:
            warnings.append(f"{line[:40]!r} is not a line of SDP")
            continue
        if match[1] == "m":
            sections.append([])
        sections[-1].append((match[1], match[2].strip()))
    if sections[0][:1] != [("v", "0")]:
        raise FormatError("v=0 is missing: this is not an SDP (RFC 4566 §5.1)")
    if len(sections) == 1:
        raise FormatError("m= is missing: the SDP describes no media")
    session, *media = (Section(tuple(lines)) for lines in sections)
    return Text(session, tuple(media), tuple(warnings))


def parameters(fmtp: str) -> list[tuple[str, str]]:
    """The parameters after the payload type of an a=fmtp, in order; a flag has the value ''.

    The ';' at the end, which the 2017 text of ST 2110-20 §7.1 wants and the 2022 text forbids, may be there or not.
    """
    parts = (part.partition("=") for part in fmtp.split(";") if part.strip())
    return [(key.strip(), value.strip()) for key, _, value in parts]
