"""The reference pages of the reports, read from their models; `python -m relip.peers.reference PATH` writes one.

Only words are made here: what the keys mean stands with the fields in `peers.report`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from relip.essence.errors import FormatError
from relip.peers.report import DemoReport, DubReport

PAGES: dict[str, tuple[type[BaseModel], str, str]] = {
    "demo-json.md": (DemoReport, "demo.json", "What one run of `relip demo` measured."),
    "dub-json.md": (DubReport, "The report of dub", "What `relip dub --json` tells of one file."),
}
"""By the name of the page: model, heading, first words."""


def page(name: str = "demo-json.md") -> str:
    """A page of docs/reference: every key of a report with its type and meaning. FormatError for no such page."""
    if name not in PAGES:
        raise FormatError(f"{name}: there are {', '.join(PAGES)}")
    return written(name, *PAGES[name])


def written(name: str, model: type[BaseModel], heading: str, words: str) -> str:
    """The page of one model."""
    schema = model.model_json_schema(mode="serialization")
    lines = [
        f"# {heading}",
        "",
        f"{words} Keys may be added; those listed here stay.",
        "This page is written from the models in `src/relip/peers/report.py`:",
        f"`python -m relip.peers.reference docs/reference/{name}`.",
        "",
        *_table(schema["properties"]),
    ]
    for part_name, part in schema["$defs"].items():
        lines += ["", f"## {part_name}", "", " ".join(part["description"].split()), "", *_table(part["properties"])]
    return "\n".join(lines) + "\n"


def _table(properties: dict[str, Any]) -> list[str]:
    """The rows of one object's keys."""
    rows = [f"| `{key}` | {_type(value)} | {value['description']} |" for key, value in properties.items()]
    return ["| key | type | meaning |", "|---|---|---|", *rows]


def _type(value: dict[str, Any]) -> str:
    """A key's type in words."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_type(part) for part in value["anyOf"])
    if isinstance(value.get("additionalProperties"), dict):
        return f"object of {_type(value['additionalProperties'])}"
    if "type" not in value:
        raise FormatError(f"no words for the type of {value}")
    return str(value["type"])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(Path(sys.argv[1]).name), encoding="utf-8")
