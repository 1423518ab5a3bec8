"""Writes docs/reference/configuration.md from the models in relip.config: python tools/config_page.py PATH.

What a key means stands with the field; only the tables are made here.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from relip.config import Config

HEAD = """# Configuration

What `relip serve --config relip.yaml` reads. An unknown key, or a value outside its range, is refused at start, by name.
Relative paths are taken from its folder. An environment variable `RELIP_SECTION__KEY` goes
before the file, as in `RELIP_LIP_SYNC__BYPASS=true`. This page is written from `src/relip/config/`: `make pages`.
"""

WORDS = {"ratio": "whole number or ratio", "ipv4": "IPv4 address", "endpoint": "address and port"}
"""What texts of a certain form are called, by the format that the field gives them."""


def page(model: type[BaseModel] = Config) -> str:
    """The whole page: the keys at the top, then each section under the name of its key."""
    schema = model.model_json_schema()
    lines = [HEAD, *_table(schema, "")]
    for path, section in _sections(schema, schema, ""):
        lines += [f"## {path}", "", " ".join(section.get("description", "").split()), "", *_table(section, path)]
    return "\n".join(lines)


def _sections(schema: dict[str, Any], at: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every section below one, with the dotted path of its key."""
    for key, value in at["properties"].items():
        name = _reference(value)
        if name is not None:
            yield f"{path}{key}", schema["$defs"][name]
            yield from _sections(schema, schema["$defs"][name], f"{path}{key}.")


def _table(section: dict[str, Any], path: str) -> Iterator[str]:
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for key, value in section["properties"].items():
        default = "required" if key in section.get("required", []) else _default(value)
        yield f"| `{key}` | {_kind(value, f'{path}.{key}'.strip('.'))} | {default} | {value['description']} |"
    yield ""


def _reference(value: dict[str, Any]) -> str | None:
    """The model a key's value is made of, if it is one."""
    options = [value, *value.get("anyOf", [])]
    return next((option["$ref"].rsplit("/", 1)[1] for option in options if "$ref" in option), None)


def _kind(value: dict[str, Any], path: str) -> str:
    """What a value may be, in words."""
    if _reference(value) is not None:
        return f"[section](#{path.replace('.', '')})"
    if "anyOf" in value:
        return " or ".join(_kind(option, path) for option in value["anyOf"] if option.get("type") != "null")
    if "enum" in value:
        return " or ".join(f"`{choice}`" for choice in value["enum"])
    if "pattern" in value:
        return WORDS.get(value.get("format", ""), "text")
    if value["type"] == "array":
        return f"list of up to {value['maxItems']}: {_kind(value['items'], path)}"
    name = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}[value["type"]]
    name = "path" if value.get("format") == "path" else name
    if "minimum" in value:
        name += (
            f", {value['minimum']:.10g} to {value['maximum']:.10g}"
            if "maximum" in value
            else f", {value['minimum']:.10g} or more"
        )
    return name


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ((), []):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
