"""`relip models`: build the face nets, and say which nets are there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from relip.essence.errors import RelipError
from relip.service import terminal
from relip.weights import cache, shipped
from relip.weights.build import build as build_nets


def build(folder: Path | None) -> None:
    """Build what is missing, with progress. Raises ResourceError."""
    build_nets(folder, lambda text, done, total: terminal.say(f"[{min(done + 1, total)}/{total}] {text}"))


def show(folder: Path | None) -> None:
    """List every net, its checksum and its file. RelipError when one is missing."""
    folder = folder or cache.directory()
    rows, missing = [], []
    places: list[tuple[str, Callable[[str], Path]]] = [(name, partial(cache.locate, folder=folder)) for name in cache.NETS]
    for name, locate in [*places, *((name, shipped.locate) for name in shipped.NETS)]:
        try:
            path = locate(name)
        except RelipError as error:
            missing.append(str(error))
        else:
            rows.append([name, hashlib.sha256(path.read_bytes()).hexdigest()[:16], str(path)])
    terminal.table("nets", ["net", "sha256", "file"], rows)
    if missing:
        raise RelipError("; ".join(missing))
