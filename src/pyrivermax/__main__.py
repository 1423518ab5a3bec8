"""`python -m pyrivermax build` compiles the shim; `python -m pyrivermax check` loads it and says which library answers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyrivermax.building import build
from pyrivermax.errors import Unavailable
from pyrivermax.shim import path_of_shim, version


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 and a line on standard error when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m pyrivermax", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="compile the shim against the SDK on this machine")
    building.add_argument("--root", type=Path, help="folder of the SDK's include/ and lib/; RIVERMAX_ROOT by default")
    building.add_argument("--output", type=Path, help="where the shim goes; beside this package by default, or PYRIVERMAX_SHIM")
    commands.add_parser("check", help="load the shim and print the library's version")
    asked = parser.parse_args(arguments)
    try:
        said = str(build(asked.output or path_of_shim(), root=asked.root)) if asked.command == "build" else version()
    except Unavailable as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
