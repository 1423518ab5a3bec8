"""Where flows run, as the configuration names them: by transport file or by keys, with one leg or two."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Rate = Annotated[
    str, Field(pattern=r"^[1-9]\d{0,8}(/[1-9]\d{0,8})?$", coerce_numbers_to_str=True, json_schema_extra={"format": "ratio"})
]
Ipv4 = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$", json_schema_extra={"format": "ipv4"})]

Place = tuple[str, int, str]
"""Destination, port and the interface by which it is reached."""
SAID_BY_SDP = frozenset({"payload_type", "source", "depth", "channels", "packet_time_us"})
"""Keys that would contradict a transport file, or be passed over."""


class Section(BaseModel):
    """What all sections share: an unknown key is an error, named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Transport = Annotated[
    Literal["udp", "rivermax"],
    Field(
        description="udp for kernel sockets; rivermax for the network card's own way past the kernel, where its library is "
        "installed and bound (`python -m pyrivermax check`)"
    ),
]


class RedundantIn(Section):
    """The second leg of a flow that is received twice (ST 2022-7)."""

    destination: Ipv4 | None = Field(None, description="multicast group or unicast address; an SDP says it itself")
    port: int | None = Field(None, ge=1, le=65535, description="UDP port; an SDP says it itself")
    interface: Ipv4 | None = Field(None, description="address of the local interface; by default that of the first leg")
    source: Ipv4 | None = Field(None, description="sender's address to filter on (SSM); none accepts any sender")
    path_class: Literal["A", "B", "C", "D"] = Field(
        "A",
        description="how far the legs may be apart (ST 2022-7): A 10 ms, B 50 ms, C 150 ms for video and 450 ms for audio,"
        " D 0.15 ms; the latency allows for it",
    )


class RedundantOut(Section):
    """The second leg of a flow that is sent twice (ST 2022-7)."""

    destination: Ipv4 = Field(description="multicast group or unicast address")
    port: int = Field(ge=1, le=65535, description="UDP port")
    interface: Ipv4 = Field(description="address of the local interface; on another network than the first leg's")


class FlowKeys(Section):
    """Where a flow runs. Either `sdp` alone, or the keys."""

    sdp: Path | None = Field(None, description="transport file to read; the other keys must then be left out, but `interface`")
    destination: Ipv4 | None = Field(None, description="multicast group or unicast address")
    port: int | None = Field(None, ge=1, le=65535, description="UDP port")
    interface: Ipv4 = Field("127.0.0.1", description="address of the local interface; loopback is right for a first try only")
    source: Ipv4 | None = Field(None, description="sender's address to filter on (SSM); none accepts any sender")
    payload_type: int = Field(96, ge=96, le=127, description="RTP payload type; 96 is what most senders use")
    transport: Transport = "udp"
    redundant: RedundantIn | None = Field(
        None, description="second leg of the flow (ST 2022-7); with an SDP, its interface and path class only"
    )

    @model_validator(mode="after")
    def _one_way(self) -> FlowKeys:
        keys = self.destination is not None or self.port is not None
        if (self.sdp is not None) == keys:
            raise ValueError("give either sdp, or destination and port")
        if keys and (self.destination is None or self.port is None):
            raise ValueError("destination and port go together")
        beside = sorted(self.model_fields_set & SAID_BY_SDP)
        if self.sdp is not None and beside:
            raise ValueError(f"leave out {', '.join(beside)}: the transport file says it")
        return self

    @model_validator(mode="after")
    def _second_leg(self) -> FlowKeys:
        if self.redundant is None:
            return self
        given = self.redundant.destination is not None, self.redundant.port is not None
        if self.sdp is not None and (any(given) or self.redundant.source is not None):
            raise ValueError("redundant: leave out destination, port and source: the transport file says them")
        if self.sdp is None and not all(given):
            raise ValueError("redundant: destination and port are needed")
        own = self.redundant.source, self.redundant.destination, self.redundant.port, self.redundant.interface or self.interface
        if own == (self.source, self.destination, self.port, self.interface):
            raise ValueError("redundant: this is the first leg again: another destination, port, interface or source is needed")
        return self

    @property
    def places(self) -> set[Place]:
        """Where it is received from any sender, as far as the keys say."""
        legs = [leg for leg in (self, self.redundant) if leg is not None and leg.source is None]
        named = [(leg.destination, leg.port, leg.interface or self.interface) for leg in legs]
        return {(to, port, on) for to, port, on in named if to is not None and port is not None}


class VideoIn(FlowKeys):
    """The presenter's picture, ST 2110-20."""

    format: str | None = Field(None, description="raster and rate, as in 1080p25; only with keys, an SDP says it itself")
    rate: Rate | None = Field(
        None, description="exact frame rate, as in 25 or 60000/1001, for an SDP that does not say it, as FFmpeg's; else unused"
    )

    @model_validator(mode="after")
    def _format_with_keys(self) -> VideoIn:
        if (self.format is None) == (self.sdp is None):
            raise ValueError("format goes with destination and port, and only with them")
        if self.rate is not None and self.sdp is None:
            raise ValueError("rate goes with sdp: the format says it")
        return self

    @property
    def exact_rate(self) -> Fraction | None:
        """The rate of a transport file that does not say it."""
        return None if self.rate is None else Fraction(self.rate)


class VoiceIn(FlowKeys):
    """The translated voice, ST 2110-30."""

    payload_type: int = Field(97, ge=96, le=127, description="RTP payload type; 97 is what `relip send` uses for the voice")
    depth: Literal[16, 24] = Field(24, description="bits a sample; ST 2110-30 level A senders use 24")
    channels: int = Field(1, ge=1, le=64, description="channels of the flow; the first one is heard")
    packet_time_us: Literal[125, 1000] = Field(1000, description="packet time in microseconds; 1000 is level A, 125 level B")

    align: Literal["timestamps", "arrival"] = Field(
        "timestamps",
        description="timestamps lays voice and picture together by RTP timestamp, as ST 2110 means it; arrival by the instants "
        "at which they come, for senders that share no clock",
    )

    @property
    def packet_time(self) -> Fraction:
        """The packet time in seconds."""
        return Fraction(self.packet_time_us, 1_000_000)


class AncillaryIn(FlowKeys):
    """Ancillary data that belongs to the picture, ST 2110-40."""

    payload_type: int = Field(100, ge=96, le=127, description="RTP payload type; 100 is what `relip send` uses for it")


class FlowOut(Section):
    """Where a flow is sent."""

    destination: Ipv4 = Field(description="multicast group or unicast address")
    port: int = Field(ge=1, le=65535, description="UDP port")
    interface: Ipv4 = Field("127.0.0.1", description="address of the local interface")
    payload_type: int = Field(96, ge=96, le=127, description="RTP payload type")
    ttl: int = Field(16, ge=1, le=255, description="hops a packet may take; 16 crosses a plant")
    dscp: int = Field(34, ge=0, le=63, description="DiffServ code point; 34 (AF41) is usual for media")
    transport: Transport = "udp"
    redundant: RedundantOut | None = Field(None, description="second leg of the flow (ST 2022-7): the same packets once more")
    sdp: Path | None = Field(None, description="where to write the transport file of this flow")

    @model_validator(mode="after")
    def _second_leg(self) -> FlowOut:
        if self.redundant is not None and len(self.places) == 1:
            raise ValueError("redundant: this is the first leg again: another destination, port or interface is needed")
        return self

    @property
    def places(self) -> set[Place]:
        """Where it is sent."""
        return {(leg.destination, leg.port, leg.interface) for leg in (self, self.redundant) if leg is not None}


class SoundOut(FlowOut):
    """Where the voice is sent, as it came, the latency later."""

    payload_type: int = Field(97, ge=96, le=127, description="RTP payload type; 97 is what `relip send` uses for the voice")


class DisclosureOut(FlowOut):
    """Where it is told of each frame what was done to it."""

    did: int = Field(
        0x52, ge=0x01, le=0xFF, description="data identifier of the packet (ST 291-1); 0x52 lies among those for users' own"
    )
    sdid: int = Field(0x4C, ge=0x01, le=0xFF, description="secondary data identifier of the packet")
