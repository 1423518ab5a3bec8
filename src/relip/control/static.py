"""Static control: the flows are named once, by transport files (SDP) or by keys, and never change.

Reads files; knows no socket. NMOS control will give the same values at other times.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Flow
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat
from relip.wire import sdp
from relip.wire.sdp_media import Sending

F = TypeVar("F", VideoFormat, AudioFormat, AncFormat)


def flow_of_file(
    path: Path, kind: type[F], *, interface: str, second_interface: str | None = None, rate: Fraction | None = None
) -> Flow[F]:
    """The first flow of `kind` in a transport file; FormatError names the file and what is wrong with it.

    The interfaces are those of this machine for the first and the second leg; the first is for both when that is all.
    `rate`: of video whose sender leaves it out, as FFmpeg does.
    """
    return described_in_file(path, kind, interface=interface, second_interface=second_interface, rate=rate)[0]


def described_in_file(
    path: Path, kind: type[F], *, interface: str, second_interface: str | None = None, rate: Fraction | None = None
) -> tuple[Flow[F], Sending]:
    """The same with what its sender says of clock and pace."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as cause:
        raise FormatError(f"{path}: not a transport file: {cause}") from cause
    except OSError as cause:
        raise ResourceError(f"{path}: {cause.strerror}") from cause
    try:
        return sdp.described(text, kind, interface=interface, second_interface=second_interface, rate=rate)
    except FormatError as cause:
        raise FormatError(f"{path}: {cause}") from cause


def write_transport_file(path: Path, text: str) -> None:
    """Write a transport file; it appears only when it is whole."""
    part = path.parent / f"{path.name}.part"
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as cause:
        with suppress(OSError):  # where it cannot be written, there may be nothing to unlink either
            part.unlink()
        raise ResourceError(f"{path}: {cause.strerror}") from cause
