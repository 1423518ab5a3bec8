"""Writes docs/reference/cli.md from the commands themselves: python tools/cli_page.py PATH.

What options mean stands with the options; only the table is made here.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

HEAD = """# Command line

Exit codes: 0 done, 1 failed, 2 wrong usage. This page is written from the commands: `make pages`.
"""


def page(root: click.Group, name: str = "relip") -> str:
    """The whole page for a group called `name`."""
    return "\n".join([HEAD, *_command(root, click.Context(root, info_name=name))])


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    """Lines on one command and, in the order of their names, those below it."""
    if not isinstance(command, click.Group):
        yield from _section(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _command(below, click.Context(below, info_name=name, parent=context))


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    yield from (f"## {context.command_path}", "", f"`{' '.join([context.command_path, *pieces])}`", "")
    for paragraph in (command.help or "").replace("\b", "").strip().split("\n\n"):
        yield from (" ".join(paragraph.split()), "")
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    if options:
        yield from ("| option | default | meaning |", "|---|---|---|")
        yield from (_row(option, context) for option in options)
        yield ""


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag or option.count else " " + option.make_metavar(context)
    default = "required" if option.required else _default(option)
    cells = (f"`{names}{value}`", default, " ".join((option.help or "").split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(option: click.Option) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    value = option.to_info_dict()["default"]
    return "" if value is None or value is False or value == () else f"`{value}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(import_module("relip.service.cli").commands), encoding="utf-8")
