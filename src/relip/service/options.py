"""What several commands read the same way from their options."""

from __future__ import annotations

import math
import os
import sys
from fractions import Fraction
from pathlib import Path

from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Leg
from relip.peers.report import save_text


def address(text: str, option: str) -> tuple[str, int]:
    """An ADDRESS:PORT of the command line; FormatError names the option."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal():
        raise FormatError(f"{option}={text!r} is not ADDRESS:PORT, as in 239.10.0.1:5004")
    return host, int(port)


def legs(text: str, option: str, interface: str) -> tuple[Leg, ...]:
    """One leg from ADDRESS:PORT, or two with a comma between; `interface` may be two likewise. FormatError names the option."""
    places = text.split(",")
    interfaces = interface.split(",")
    if len(places) > 2 or len(interfaces) > 2:
        raise FormatError(f"{option}={text!r} on --interface={interface!r}: a flow has one leg, or two")
    made = []
    for place, where in zip(places, interfaces * 2, strict=False):
        host, port = address(place, option)
        made.append(Leg(destination=host, port=port, interface=where))
    return tuple(made)


def frames_of(seconds: float | None, rate: Fraction) -> int | None:
    """Whole grains in a time given in seconds; FormatError when that is no time."""
    if seconds is not None and not math.isfinite(seconds):
        raise FormatError(f"--seconds={seconds} is not a time")
    return None if seconds is None else max(1, round(Fraction(seconds) * rate))


def outputs(*paths: Path | None) -> None:
    """Refuse, before anything runs, a file that could not be written when it is over. ResourceError names the path."""
    for path in paths:
        if path is None or str(path) == "-":
            continue
        part = path.parent / f"{path.name}.part"
        try:
            part.touch()
            part.unlink()
        except OSError as cause:
            raise ResourceError(f"{path}: cannot be written: {cause.strerror}") from cause
        if path.is_dir():
            raise ResourceError(f"{path}: cannot be written: it is a folder")


def publish(text: str, path: Path) -> None:
    """Write JSON where the command line asked for it: a file, or - for standard output. Raises ResourceError."""
    if str(path) == "-":
        sys.stdout.write(text + "\n")
    else:
        save_text(text, path)


def folder(path: Path) -> Path:
    """A folder to write into, made if need be. ResourceError names it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise ResourceError(f"{path}: cannot be a folder: {cause.strerror}") from cause
    if not os.access(path, os.W_OK | os.X_OK):
        raise ResourceError(f"{path}: nothing can be written in this folder")
    return path
