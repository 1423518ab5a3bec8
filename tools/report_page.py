"""Writes the reference page of a report from its models: python tools/report_page.py demo-json|eval-json PATH.

What the keys mean stands with the fields; only the tables are made here.
"""

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from relip.evaluation.report import EvalReport
from relip.peers.report import DemoReport

PAGES: dict[str, tuple[type[BaseModel], str]] = {
    "demo-json": (
        DemoReport,
        """# demo.json

What one run of `relip demo` measured. Keys may be added; those listed here stay.
This page is written from the models in `src/relip/peers/report.py`: `make pages`.
""",
    ),
    "eval-json": (
        EvalReport,
        """# eval.json

What one run of `relip eval --json` measured. Keys may be added; those listed here stay. A figure that the input does not allow
is null. How each is defined: [Evaluate a dub](../how-to/evaluate.md).
This page is written from the models in `src/relip/evaluation/report.py`: `make pages`.
""",
    ),
}


def page(model: type[BaseModel], head: str) -> str:
    """The whole page: every key of a report with its type and meaning, then each kind of part."""
    schema = model.model_json_schema(mode="serialization")
    lines = [head, *_table(schema["properties"])]
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
    Path(sys.argv[2]).write_text(page(*PAGES[sys.argv[1]]), encoding="utf-8")
