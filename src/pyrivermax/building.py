"""Compiles the shim against an SDK that is installed on this machine.

The SDK is looked for under `RIVERMAX_ROOT`, which holds `include/rivermax_api.h` and `lib/librivermax.so`, and then where the
vendor's packages put them. The result needs the SDK's library at run time, and is never to be given to others with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pyrivermax.errors import Unavailable

ROOT = "RIVERMAX_ROOT"
HEADER = "rivermax_api.h"
LIBRARY = "librivermax.so"
SOURCE = Path(__file__).with_name("shim.cpp")
SHIM = "libpyrivermax.so"
PACKAGED = Path("/usr/include/mellanox"), Path("/usr/include"), Path("/opt/mellanox/rivermax/include")
"""Folders of the header where no root is named."""
FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-Wall", "-Wextra")
ADVICE = (
    "Rivermax is proprietary and comes from its vendor: install the SDK under its licence, say where with RIVERMAX_ROOT"
    " (the folder of include/ and lib/), and run `python -m pyrivermax build`"
)


def find_sdk(root: Path | None) -> tuple[Path, Path | None]:
    """Folders of header and library; None leaves the library to the linker. Raises Unavailable.

    `root`: taken before `RIVERMAX_ROOT` of the environment.
    """
    named = root or (Path(os.environ[ROOT]) if os.environ.get(ROOT) else None)
    if named is None:
        include = next((folder for folder in PACKAGED if (folder / HEADER).exists()), None)
        if include is None:
            raise Unavailable(f"no {HEADER} is installed and {ROOT} is not set. {ADVICE}")
        return include, None
    include = next((path.parent for path in sorted(named.glob(f"include/**/{HEADER}"))), None)
    library = next((path.parent for path in sorted(named.glob(f"lib*/**/{LIBRARY}"))), None)
    if include is None or library is None:
        missing = f"include/{HEADER}" if include is None else f"lib/{LIBRARY}"
        raise Unavailable(f"{named} has no {missing}. {ADVICE}")
    return include, library


def build(output: Path, *, root: Path | None = None) -> Path:
    """Compile the shim to `output`.

    Raises Unavailable when SDK or compiler are missing or do not agree with the shim, or nothing can be written there.
    """
    include, library = find_sdk(root)
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        raise Unavailable(f"no C++ compiler ({os.environ.get('CXX', 'c++')}): install one, or name it in CXX")
    linked = [] if library is None else [f"-L{library}", f"-Wl,-rpath,{library.resolve()}"]
    made = output.with_name(f"{output.name}.new")
    command = [compiler, *FLAGS, f"-I{include}", str(SOURCE), "-o", str(made), *linked, "-lrivermax", "-lpthread"]
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  the compiler that was asked for
        if done.returncode:
            made.unlink(missing_ok=True)
            raise Unavailable(f"the shim does not compile against the SDK in {include}:\n{done.stderr.strip()}")
        made.replace(output)  # a process that has the old one loaded keeps it
    except OSError as cause:
        raise Unavailable(f"{output}: the shim cannot be written: {cause.strerror}") from cause
    return output
