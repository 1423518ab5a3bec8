"""The page that is written from the commands."""

from pathlib import Path

import click
import pytest

from cli_page import page
from relip.service.cli import commands

pytestmark = pytest.mark.unit


@click.group()
def main():
    """The root says nothing on the page."""


@main.command()
@click.option("--format", default="1080p25", help="Raster\nand rate.")
@click.option("--side", type=click.Choice(["left", "right"]), help="Left | right.")
@click.option("-o", "--out", required=True, help="Where to.")
@click.option("--bypass", is_flag=True, help="Leave every grain alone.")
@click.option("--secret", hidden=True)
@click.argument("voice")
def dub(**_options):
    """Dub it.

    In two
    lines.
    """


@main.group()
def nets():
    """Nets."""


@nets.command()
def build():
    """Build them."""


def test_the_page_is_what_the_commands_say():
    written = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
    assert written.read_text("utf-8") == page(commands), "run: make pages"


def test_an_option_is_a_row_with_its_metavar_default_and_meaning():
    rows = [line for line in page(main).splitlines() if line.startswith("| `-")]
    assert rows == [
        "| `--format TEXT` | `1080p25` | Raster and rate. |",
        r"| `--side [left\|right]` |  | Left \| right. |",
        "| `-o, --out TEXT` | required | Where to. |",
        "| `--bypass` |  | Leave every grain alone. |",
    ]


def test_a_command_has_its_usage_and_help_and_a_command_below_a_group_its_whole_path():
    text = page(main)
    assert "## relip dub\n\n`relip dub VOICE`\n\nDub it.\n\nIn two lines.\n" in text
    assert "## relip nets build\n\n`relip nets build`\n\nBuild them.\n" in text
