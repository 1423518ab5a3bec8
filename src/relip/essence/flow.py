"""Where a flow runs: its format, payload type and one or two legs (ST 2110-10 §6, ST 2022-7)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Generic, TypeVar

from relip.essence.errors import FormatError
from relip.essence.formats import AncFormat, AudioFormat, Format, VideoFormat

F_co = TypeVar("F_co", bound=Format, covariant=True)


@dataclass(frozen=True, slots=True)
class Leg:
    """One path of a flow.

    `interface` is the IPv4 address of the local interface; `source` the sender's address when the
    receiver must filter on it (RFC 4607), else None.
    """

    destination: str
    port: int
    interface: str = "127.0.0.1"
    source: str | None = None

    def __post_init__(self) -> None:
        for name in ("destination", "interface", "source"):
            value = getattr(self, name)
            if value is None:
                continue
            try:
                IPv4Address(value)
            except AddressValueError as cause:
                raise FormatError(f"{name}={value!r} is not an IPv4 address") from cause
        if not 0 < self.port < 65536:
            raise FormatError(f"port={self.port} is not a UDP port")

    def __str__(self) -> str:
        return f"{self.destination}:{self.port} on {self.interface}"

    @property
    def is_multicast(self) -> bool:
        """Whether receivers must join a group."""
        return IPv4Address(self.destination).is_multicast


@dataclass(frozen=True, slots=True)
class Flow(Generic[F_co]):
    """A concrete rendition of a source on the network. `name` is what goes into `s=` and is never blank."""

    format: F_co
    payload_type: int
    legs: tuple[Leg, ...]
    name: str = "relip"

    def __post_init__(self) -> None:
        if not 96 <= self.payload_type <= 127:
            raise FormatError(f"payload type {self.payload_type}: dynamic types are 96 to 127 (RFC 3551 §3)")
        if not 1 <= len(self.legs) <= 2:
            raise FormatError(f"{len(self.legs)} legs: a flow has one, or two for ST 2022-7")
        if not self.name.strip():
            raise FormatError("a flow without a name: receivers refuse a blank s=")


VideoFlow = Flow[VideoFormat]
AudioFlow = Flow[AudioFormat]
AncFlow = Flow[AncFormat]
