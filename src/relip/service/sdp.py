"""`relip sdp`: read and write transport files on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relip.essence.errors import ResourceError
from relip.essence.flow import Flow
from relip.essence.formats import AncFormat, AudioFormat, Format, video_format
from relip.service import terminal
from relip.service.options import legs
from relip.wire import sdp
from relip.wire.sdp_media import Sending


@dataclass(frozen=True, slots=True)
class SdpOptions:
    """What `relip sdp make` was asked for. `tp`: what the sender promises of its pace; `ts_refclk`: its clock."""

    format_: str
    kind: str
    to: str
    name: str
    payload_type: int
    interface: str
    tp: str | None
    ts_refclk: str


def show(path: Path, interface: str) -> None:
    """Print the flows of a transport file and its oddities."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as cause:
        raise ResourceError(f"{path}: {cause.strerror}") from cause
    first, _, second = interface.partition(",")
    read = sdp.parse(text, interface=first, second_interface=second or None)
    rows = []
    for each in read.media:
        places = "\n".join(f"{leg.destination}:{leg.port} from {leg.source or 'any'}" for leg in each.flow.legs)
        clock = "\n".join([each.sending.ts_refclk or "not told", *_timestamps(each.sending)])
        rows.append([_kind(each.flow.format), _words(each.flow.format), str(each.flow.payload_type), places, clock])
    terminal.table(read.name, ["flow", "format", "type", "legs", "clock"], rows)
    for warning in read.warnings:
        terminal.say(f"warning: {warning}")


def _timestamps(sending: Sending) -> list[str]:
    """What the sender says of its timestamps."""
    said = {"TSMODE": sending.tsmode, "TSDELAY": sending.tsdelay_us}
    return [f"{key}={value}" for key, value in said.items() if value is not None]


def make(options: SdpOptions) -> str:
    """The transport file of one flow."""
    flow = Flow(
        format=_format(options),
        payload_type=options.payload_type,
        legs=legs(options.to, "--to", options.interface),
        name=options.name,
    )
    return sdp.format(flow, sending=Sending(ts_refclk=options.ts_refclk, tp=options.tp))


def _format(options: SdpOptions) -> Format:
    video = video_format(options.format_)
    if options.kind == "video":
        return video
    return AudioFormat() if options.kind == "voice" else AncFormat(rate=video.rate)


def _kind(format: Format) -> str:  # noqa: A002  the essence's own word
    if isinstance(format, AudioFormat):
        return "audio (ST 2110-30)"
    return "ancillary (ST 2110-40)" if isinstance(format, AncFormat) else "video (ST 2110-20)"


def _words(format: Format) -> str:  # noqa: A002  the essence's own word
    if isinstance(format, AudioFormat):
        return f"L{format.depth} {format.channels} ch {float(format.packet_time * 1000):g} ms"
    return f"ANC {format.rate or ''}" if isinstance(format, AncFormat) else str(format)
