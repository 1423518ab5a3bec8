"""`relip models`: build the face nets, say which nets are there, and write them for a Triton server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from relip.essence.errors import FormatError, RelipError
from relip.service import terminal
from relip.service.options import folder as folder_to_write
from relip.weights import cache, shipped
from relip.weights.build import build as build_nets
from relip.weights.repository import name_of, write
from relip.weights.triton_config import Hosting


@dataclass(frozen=True, slots=True)
class RepositoryOptions:
    """As the command line gives them."""

    folder: Path
    backend: Literal["onnxruntime", "python"]
    instances: int
    gpu: bool
    threads: int
    batch: int
    delay_us: int
    nets: tuple[Path, ...]
    cache_dir: Path | None


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


def repository(options: RepositoryOptions) -> None:
    """Write a Triton model repository. FormatError: two nets of one name, or a file that is none. Raises ResourceError."""
    cached = [cache.locate(name, options.cache_dir) for name in cache.NETS]
    wanted: dict[str, Path] = {}
    for path in (*cached, *(shipped.locate(name) for name in shipped.NETS), *options.nets):
        if name_of(path) in wanted:
            raise FormatError(f"{path}: Relip has a net called {name_of(path)}; call the file something else")
        wanted[name_of(path)] = path
    hosting = Hosting(
        backend=options.backend,
        instances=options.instances,
        gpu=options.gpu,
        threads=options.threads,
        batch=options.batch,
        delay_us=options.delay_us,
    )
    written = write(folder_to_write(options.folder), wanted, hosting)
    rows = [[one.name, one.signature.sha256[:16], "yes" if one.joins else "no"] for one in written]
    terminal.table(
        f"models in {options.folder}, run by Triton's {options.backend} backend", ["model", "sha256", "joined"], rows
    )
