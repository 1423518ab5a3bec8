"""Writes the reference pages of the reports from their models: python tools/report_page.py PATH...

The file's name says which report. What the keys mean stands with the fields; only the tables are made here.
"""

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from relip.evaluation.report import EvalReport
from relip.peers.report import DemoReport, DubReport
from relip.probe.report import ProbeReport

PAGES: dict[str, tuple[type[BaseModel], str, str]] = {
    "demo-json.md": (DemoReport, "demo.json", "What one run of `relip demo` measured."),
    "dub-json.md": (DubReport, "The report of dub", "What `relip dub --json` tells of one file."),
    "eval-json.md": (
        EvalReport,
        "eval.json",
        "What `relip eval --json` measured ([how](../how-to/evaluate.md)); null where the input does not allow it.",
    ),
    "probe-json.md": (
        ProbeReport,
        "probe.json",
        "What `relip probe --json` found out ([how](../how-to/probe-a-flow.md)); null where what came does not tell.",
    ),
}
"""By the name of the page: model, heading, first words."""


def page(model: type[BaseModel], heading: str, words: str) -> str:
    """The page of one model: every key with its type and meaning, then each kind of part."""
    schema = model.model_json_schema(mode="serialization")
    source = f"src/{model.__module__.replace('.', '/')}.py"
    lines = [
        f"# {heading}",
        "",
        f"{words} Keys may be added; those listed here stay.",
        f"This page is written from the models in `{source}`: `make pages`.",
        "",
        *_table(schema["properties"]),
    ]
    for name, part in schema["$defs"].items():
        lines += ["", f"## {name}", "", " ".join(part["description"].split()), "", *_table(part["properties"])]
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
    if "items" in value:
        return f"list of {_type(value['items'])}"
    if isinstance(value.get("additionalProperties"), dict):
        return f"object of {_type(value['additionalProperties'])}"
    if "type" not in value:
        raise ValueError(f"no words for the type of {value}")
    return str(value["type"])


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(page(*PAGES[path.name]), encoding="utf-8")
