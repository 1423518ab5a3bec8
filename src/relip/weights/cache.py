"""Where converted nets lie: one folder a converter version, with a manifest that says what each file hashes to.

A file that is not in the manifest, or hashes to something else, does not exist. Nothing is built or fetched here.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from relip.essence.errors import ResourceError

CONVERTER_VERSION = 2
"""Raised with every change to what the converter writes: old folders are then simply not looked at."""
FACE_DETECTOR = "face_detector.onnx"
FACE_MESH = "face_mesh.onnx"
NETS = (FACE_DETECTOR, FACE_MESH)
MANIFEST = "manifest.json"


def directory() -> Path:
    """The cache of this user: `RELIP_CACHE`, or `relip` under `XDG_CACHE_HOME` (by default ~/.cache)."""
    own = os.environ.get("RELIP_CACHE")
    root = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relip"
    return root / f"models-v{CONVERTER_VERSION}"


def locate(name: str, folder: Path | None = None) -> Path:
    """Path of a net that is there and whole. Raises ResourceError saying how to build it."""
    folder = folder or directory()
    path = folder / name
    if _manifest(folder).get(name) != _sha256(path):
        raise ResourceError(f"no whole {name} in {folder}: run `relip models build`")
    return path


def complete(folder: Path) -> bool:
    """Whether every net is there and whole."""
    manifest = _manifest(folder)
    return all(name in manifest and manifest[name] == _sha256(folder / name) for name in NETS)


def store(folder: Path, nets: dict[str, bytes]) -> None:
    """Write nets, then the manifest; each appears whole or not at all, also with two writers at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, octets in nets.items():
            _replace(folder / name, octets)
        manifest = {name: hashlib.sha256(octets).hexdigest() for name, octets in sorted(nets.items())}
        _replace(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    except OSError as cause:
        raise ResourceError(f"the model cache {folder} cannot be written: {cause}") from cause


def _replace(path: Path, octets: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _manifest(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "absent"
