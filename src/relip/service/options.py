"""What several commands read the same way from their options."""

from __future__ import annotations

from fractions import Fraction

from relip.essence.errors import FormatError


def address(text: str, option: str) -> tuple[str, int]:
    """An ADDRESS:PORT of the command line; FormatError names the option."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal():
        raise FormatError(f"{option}={text!r} is not ADDRESS:PORT, as in 239.10.0.1:5004")
    return host, int(port)


def frames_of(seconds: float | None, rate: Fraction) -> int | None:
    """Whole grains in a time given in seconds."""
    return None if seconds is None else max(1, round(Fraction(seconds) * rate))
