"""Enrolment files: what is known of one presenter, written down. The reference page docs/reference/enrolment.md has the format.

A ZIP of `card.json` and plain NumPy arrays, nothing that can be executed. Everything is checked before it is believed. The file
shows a person's face: it is written for its owner's eyes alone.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.face.features import LENGTH
from relip.mouth.keeping import Mouths

KIND, VERSION = "relip enrolment", 1
OWNER_ONLY = 0o600
MOST_OCTETS = 192_000_000
"""Of all arrays together, unpacked: a gallery at its largest, and room for the rest."""
MOST_CARD = 65_536
MOST_VIEWS, MOST_OBSERVATIONS = 16, 100_000
MOUTHS = ("measures", "landmarks", "iod", "y", "cb", "cr")
TYPES = {
    "measures": "<f8",
    "landmarks": "<f4",
    "iod": "<f8",
    "y": "<u2",
    "cb": "<u2",
    "cr": "<u2",
    "features": "<f4",
    "observations": "<f4",
}
"""Every array of a file, and its type."""
DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, MemoryError)
"""What a damaged archive makes the readers raise; RuntimeError includes what is encrypted or packed in another way."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One presenter. `name` and `note` are the operator's: who it is, and what they have agreed to.

    `raster`: width and height that the mouths were seen at. `features` (views, LENGTH) as `face.features` takes them.
    `observations` (n, 3) as `articulation.speaker` recalls them.
    """

    name: str
    note: str
    raster: tuple[int, int]
    mouths: Mouths
    features: NDArray[np.float32]
    observations: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or self.features.shape[1] != LENGTH or not 0 < len(self.features) <= MOST_VIEWS:
            raise FormatError(f"features of shape {self.features.shape} where (views, {LENGTH}) is due")
        if self.observations.ndim != 2 or self.observations.shape[1] != 3 or len(self.observations) > MOST_OBSERVATIONS:
            raise FormatError(f"observations of shape {self.observations.shape} where (n, 3) is due")
        if not (np.isfinite(self.features).all() and np.isfinite(self.observations).all()):
            raise FormatError("features or observations are not numbers")
        if min(self.raster) < 1:
            raise FormatError(f"a raster of {self.raster[0]}x{self.raster[1]} shows nobody")


def write(path: Path, enrolment: Enrolment) -> int:
    """Write it, readable by its owner alone, and return its size in octets. Raises ResourceError.

    The file appears under its name only when it is complete.
    """
    arrays = _arrays(enrolment)
    card = _card(enrolment)
    card["sha256"] = _digest(card, arrays)
    part = path.parent / f"{path.name}.part"
    try:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()  # an old part may have been left with other rights
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("card.json", json.dumps(card, indent=2, ensure_ascii=False))
            for name, array in arrays.items():
                octets = io.BytesIO()
                np.lib.format.write_array(octets, array, allow_pickle=False)
                archive.writestr(f"{name}.npy", octets.getbuffer())
        part.replace(path)
        return path.stat().st_size
    except OSError as cause:
        with contextlib.suppress(OSError):
            part.unlink()
        raise ResourceError(f"{path}: cannot be written: {cause.strerror}") from cause


def read(path: Path) -> Enrolment:
    """Read and check one. ResourceError when it cannot be read, FormatError when it is damaged or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            card = _read_card(archive)
            arrays = {name: _read_array(archive, name) for name in TYPES}
    except OSError as cause:
        if cause.errno in {None, errno.EINVAL}:  # the archive's directory points to where nothing can be; the disk is well
            raise FormatError(f"{path} is no enrolment, or a damaged one: {cause}") from cause
        raise ResourceError(f"{path}: cannot be read: {cause.strerror}") from cause
    except FormatError as cause:
        raise FormatError(f"{path}: {cause}") from cause
    except DAMAGED as cause:
        raise FormatError(f"{path} is no enrolment, or a damaged one: {cause}") from cause
    if card.pop("sha256", None) != _digest(card, arrays):
        raise FormatError(f"{path} is a damaged enrolment: its checksum is another")
    try:
        return Enrolment(
            name=str(card["name"]),
            note=str(card["note"]),
            raster=(int(card["width"]), int(card["height"])),
            mouths=Mouths(**{name: arrays[name] for name in MOUTHS}),
            features=arrays["features"],
            observations=arrays["observations"],
        )
    except (FormatError, KeyError, TypeError, ValueError) as cause:
        raise FormatError(f"{path} is a damaged enrolment: {cause}") from cause


def _card(enrolment: Enrolment) -> dict[str, Any]:
    width, height = enrolment.raster
    said = {"name": enrolment.name, "note": enrolment.note, "width": width, "height": height}
    return {"kind": KIND, "version": VERSION, **said}


def _arrays(enrolment: Enrolment) -> dict[str, NDArray[Any]]:
    held = {name: getattr(enrolment.mouths, name) for name in MOUTHS}
    held |= {"features": enrolment.features, "observations": enrolment.observations}
    return {name: np.ascontiguousarray(held[name], dtype) for name, dtype in TYPES.items()}


def _digest(card: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> str:
    """SHA-256 of the card and of every array's name, shape and octets: it tells damage, not forgery."""
    digest = hashlib.sha256(json.dumps(card, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _read_card(archive: zipfile.ZipFile) -> dict[str, Any]:
    """The card of an archive that is an enrolment of this version, with arrays that fit in memory."""
    sizes = {info.filename: info.file_size for info in archive.infolist()}
    missing = [name for name in ("card.json", *(f"{name}.npy" for name in TYPES)) if name not in sizes]
    if missing:
        raise FormatError(f"no enrolment: {missing[0]} is not in it")
    if sizes["card.json"] > MOST_CARD or sum(sizes.values()) > MOST_OCTETS:
        raise FormatError(f"no enrolment: {sum(sizes.values())} octets where {MOST_OCTETS} are the most")
    card = json.loads(archive.read("card.json"))
    if not isinstance(card, dict) or card.get("kind") != KIND:
        raise FormatError("no enrolment: card.json does not say so")
    if card.get("version") != VERSION:
        raise FormatError(f"an enrolment of version {card.get('version')}, and only {VERSION} is known: enrol again")
    return card


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.str != TYPES[name]:
        raise FormatError(f"{name} is {array.dtype.str} where {TYPES[name]} is due")
    return np.ascontiguousarray(array)
