"""Writes a Triton model repository: a folder a net, with its configuration and one version of its file.

A folder is written under a hidden name and then renamed, so that a server that looks meanwhile sees a whole model or none.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from relip.essence.errors import FormatError, ResourceError
from relip.ports import Signature
from relip.weights import onnx_graph, triton_config
from relip.weights.triton_config import Hosting

VERSION = "1"
"""There is one version of each net at a time: what changes is the checksum."""


@dataclass(frozen=True, slots=True)
class Written:
    """A model that was written: its name on the server, what it takes and gives, whether the server joins requests for it."""

    name: str
    signature: Signature
    joins: bool


def name_of(path: Path) -> str:
    """What a net's model is called on a server: its file's name without the ending."""
    return path.stem


def write(folder: Path, nets: Mapping[str, Path], hosting: Hosting) -> list[Written]:
    """Write every net, by name, over what is there. Raises FormatError (a file is no net) and ResourceError."""
    return [_write(folder, name, path, hosting) for name, path in nets.items()]


def _write(folder: Path, name: str, path: Path, hosting: Hosting) -> Written:
    try:
        octets = path.read_bytes()
        signature = onnx_graph.describe(octets)
    except OSError as cause:
        raise ResourceError(f"{path}: {cause.strerror}") from cause
    except FormatError as cause:
        raise FormatError(f"{path}: {cause}") from cause
    joined = onnx_graph.opened(octets) if hosting.batch > 1 else None
    ends = (*signature.inputs, *signature.outputs)
    single = joined is not None and all(spec.shape[0] == 1 for spec in ends)
    text = triton_config.text(name, signature, hosting, joins=joined is not None, single=single)
    try:
        _place(folder / name, text, joined or octets, hosting)
    except OSError as cause:
        raise ResourceError(f"{folder / name}: cannot be written: {cause.strerror}") from cause
    return Written(name=name, signature=signature, joins=joined is not None)


def _place(model: Path, text: str, octets: bytes, hosting: Hosting) -> None:
    model.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model.parent, prefix=".") as temporary:
        made = Path(temporary) / model.name
        (made / VERSION).mkdir(parents=True)
        (made / "config.pbtxt").write_text(text, encoding="utf-8")
        (made / VERSION / "model.onnx").write_bytes(octets)
        if hosting.backend == "python":
            source = files("relip.weights").joinpath("triton_backend.py").read_text("utf-8")
            (made / VERSION / "model.py").write_text(source, encoding="utf-8")
        shutil.rmtree(model, ignore_errors=True)
        made.rename(model)
