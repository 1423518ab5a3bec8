"""The reference page of demo.json, read from its models; `python -m relip.peers.reference PATH` writes it.

Only words are made here: what the keys mean stands with the fields in `peers.report`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from relip.essence.errors import FormatError
from relip.peers.report import DemoReport


def page(model: type[BaseModel] = DemoReport) -> str:
    """The page docs/reference/demo-json.md: every key of demo.json with its type and meaning, read from the models."""
    schema = model.model_json_schema(mode="serialization")
    lines = [
        "# demo.json",
        "",
        "What one run of `relip demo` measured. Keys may be added; those listed here stay.",
        "This page is written from the models in `src/relip/peers/report.py`:",
        "`python -m relip.peers.reference docs/reference/demo-json.md`.",
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
    if isinstance(value.get("additionalProperties"), dict):
        return f"object of {_type(value['additionalProperties'])}"
    if "type" not in value:
        raise FormatError(f"no words for the type of {value}")
    return str(value["type"])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
