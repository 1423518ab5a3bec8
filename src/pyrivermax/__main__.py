"""`python -m pyrivermax build` compiles the shim; `python -m pyrivermax check` starts the library once and says its version."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyrivermax.building import build
from pyrivermax.errors import RivermaxError, Unavailable
from pyrivermax.shim import path_of_shim, start, version


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 and a line on standard error when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m pyrivermax", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="compile the shim against the SDK on this machine")
    building.add_argument("--root", type=Path, help="folder of the SDK's include/ and lib/; RIVERMAX_ROOT by default")
    building.add_argument("--output", type=Path, help="where the shim goes; beside this package by default, or PYRIVERMAX_SHIM")
    commands.add_parser("check", help="start the library and print its version: are shim, licence and card there?")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "build":
            sys.stdout.write(f"{build(asked.output or path_of_shim(), root=asked.root)}\n")
        else:
            sys.stdout.write(f"{version()}\n")
            start()
    except (Unavailable, RivermaxError) as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
