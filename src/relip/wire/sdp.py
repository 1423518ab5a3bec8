"""Transport files: the SDP of a flow, read and written (RFC 4566, ST 2110-10 §8, RFC 7104).

Two m= of one a=group:DUP are the two legs of one flow. What is wrong without harm is collected as warnings; what Relip
cannot receive is a FormatError that names the parameter and its value. Nothing here opens a file or a socket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from relip.essence.errors import FormatError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AudioFormat, Format
from relip.wire import sdp_lines, sdp_media
from relip.wire.sdp_lines import Section
from relip.wire.sdp_media import Sending

F = TypeVar("F", bound=Format)

MID = ("primary", "secondary")
_MEDIA = re.compile(r"(\S+)\s+([0-9]{1,5})(?:/[0-9]{1,5})?\s+(\S+)\s+(.+)")
_CONNECTION = re.compile(r"IN\s+IP4\s+([^\s/]+)(?:/\S*)?")
_FILTER = re.compile(r"(incl|excl)\s+IN\s+IP4\s+(\S+)\s+(\S+)(.*)")
_REFCLK = re.compile(
    r"ptp=IEEE1588-(?:2002|2008|2019):(?:traceable|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}(?::\S+)?)"
    r"|localmac=[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}"
)
_DIRECT = re.compile(r"direct=([0-9]{1,10})(?:\s+.*)?")


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One flow of a transport file, with what its sender says of clock and pace."""

    flow: Flow[Format]
    sending: Sending


@dataclass(frozen=True, slots=True)
class TransportFile:
    """A whole SDP: session name as written, its i= line, the flows in order, and what was odd about it."""

    name: str
    information: str | None
    media: tuple[MediaDescription, ...]
    warnings: tuple[str, ...]


def parse(
    text: str, *, interface: str = "127.0.0.1", second_interface: str | None = None, rate: Fraction | None = None
) -> TransportFile:
    """Read a transport file; FormatError names what cannot be received.

    The interfaces are those of this machine on which the first and second leg shall be received. `rate`: of video whose
    sender does not say it; what the file says goes first.
    """
    read = sdp_lines.parse(text)
    warnings = list(read.warnings)
    name = next(iter(read.session.values("s")), "").strip()
    if not name:
        warnings.append("s= is blank")
    singles = []
    for section in read.media:
        single = _describe(section, read.session, warnings, rate)
        singles.append(replace(single, flow=replace(single.flow, name=name or "unnamed")))
    mids = [next(iter(section.attributes("mid")), None) for section in read.media]
    media = _joined(singles, mids, _pairs(read.session, mids, warnings), warnings)
    interfaces = (interface, second_interface or interface)
    return TransportFile(
        name=name,
        information=next(iter(read.session.values("i")), None),
        media=tuple(replace(each, flow=_received_on(each.flow, interfaces)) for each in media),
        warnings=tuple(warnings),
    )


def flows(
    text: str, *, interface: str = "127.0.0.1", second_interface: str | None = None, rate: Fraction | None = None
) -> list[Flow[Format]]:
    """The flows of a transport file in order; FormatError as `parse`."""
    return [each.flow for each in parse(text, interface=interface, second_interface=second_interface, rate=rate).media]


def described(
    text: str,
    kind: type[F],
    *,
    interface: str = "127.0.0.1",
    second_interface: str | None = None,
    rate: Fraction | None = None,
) -> tuple[Flow[F], Sending]:
    """The first flow whose format is of `kind`, such as VideoFormat, and what its sender says; FormatError without one.

    The rest as `parse`.
    """
    for each in parse(text, interface=interface, second_interface=second_interface, rate=rate).media:
        flow = each.flow
        if isinstance(flow.format, kind):
            return Flow(format=flow.format, payload_type=flow.payload_type, legs=flow.legs, name=flow.name), each.sending
    raise FormatError(f"the SDP has no flow of {kind.__name__}")


def flow(
    text: str,
    kind: type[F],
    *,
    interface: str = "127.0.0.1",
    second_interface: str | None = None,
    rate: Fraction | None = None,
) -> Flow[F]:
    """The flow of `described`, without what its sender says."""
    return described(text, kind, interface=interface, second_interface=second_interface, rate=rate)[0]


def format(  # noqa: A001  the pair of parse, as everywhere here
    flow: Flow[F],
    *,
    sending: Sending,
    source: str | None = None,
    information: str | None = None,
    session_id: int = 1,
    session_version: int = 1,
    ttl: int = 64,
) -> str:
    """The transport file of a flow we send: a media section for each leg, CRLF line ends.

    A leg's sender address is its own `source`, else `source`, else the address of its interface; the source filter is
    always written because some receivers refuse without it. `information` becomes i=. Raises FormatError without a
    reference clock (ST 2110-10 §8.2), or for a name, an information or a clock that is not one line.
    """
    for label, value in (("s", flow.name), ("i", information or ""), ("ts-refclk", sending.ts_refclk or "")):
        if value.splitlines() not in ([], [value]):
            raise FormatError(f"{label}={value!r} is not one line")
    sources = [leg.source or source or leg.interface for leg in flow.legs]
    lines = [
        "v=0",
        f"o=- {session_id} {session_version} IN IP4 {sources[0]}",
        f"s={flow.name}",
        *([f"i={information}"] if information else []),
        "t=0 0",
    ]
    if len(flow.legs) == 2:
        lines.append(f"a=group:DUP {' '.join(MID)}")
    for leg, sender, mid in zip(flow.legs, sources, MID, strict=False):
        lines += _media_lines(flow, leg, sender=sender, sending=sending, ttl=ttl)
        if len(flow.legs) == 2:
            lines.append(f"a=mid:{mid}")
    return "\r\n".join([*lines, ""])


def _media_lines(flow: Flow[F], leg: Leg, *, sender: str, sending: Sending, ttl: int) -> list[str]:
    """One m= and what belongs to it."""
    if not sending.ts_refclk:
        raise FormatError("ts-refclk is missing: a sender names its reference clock (ST 2110-10 §8.2)")
    kind = "audio" if isinstance(flow.format, AudioFormat) else "video"
    clock = "sender" if sending.media_clock_offset is None else f"direct={sending.media_clock_offset}"
    number = flow.payload_type
    return [
        f"m={kind} {leg.port} RTP/AVP {number}",
        f"c=IN IP4 {leg.destination}" + (f"/{ttl}" if leg.is_multicast else ""),
        f"a=source-filter: incl IN IP4 {leg.destination} {sender}",
        f"a=rtpmap:{number} {sdp_media.rtpmap_of(flow.format)}",
        f"a=fmtp:{number} {sdp_media.fmtp_of(flow.format, sending)}",
        *([f"a=ptime:{sdp_media.ptime_of(flow.format)}"] if isinstance(flow.format, AudioFormat) else []),
        f"a=ts-refclk:{sending.ts_refclk}",
        f"a=mediaclk:{clock}",
    ]


def _describe(section: Section, session: Section, warnings: list[str], rate: Fraction | None) -> MediaDescription:
    """A media section as a flow of one leg."""
    match = _MEDIA.fullmatch(section.lines[0][1])
    if match is None:
        raise FormatError(f"m={section.lines[0][1][:60]!r} is not 'media port protocol type'")
    kind, port, protocol = match[1], int(match[2]), match[3]
    if protocol != "RTP/AVP":
        raise FormatError(f"m={kind} protocol={protocol}: only RTP/AVP is known")
    number = match[4].split()[0]
    coded = sdp_media.encoding(number, _of_type(section, "rtpmap", number))
    said = next(iter(section.attributes("framerate")), "")
    parameters = sdp_media.Parameters(
        sdp_lines.parameters(_of_type(section, "fmtp", number) or ""), sdp_media.framerate(said) or rate
    )
    ptime = next(iter(section.attributes("ptime")), None)
    essence = sdp_media.format_of(coded, kind, ptime=ptime, parameters=parameters)
    sending = sdp_media.sending_of(essence, parameters)
    notes = parameters.warnings
    sending = replace(
        sending,
        ts_refclk=_reference_clock(section, session, notes),
        media_clock_offset=_media_clock(section, session, notes),
    )
    leg = _leg(section, session, port=port, notes=notes)
    warnings += [f"m={kind} {port}: {note}" for note in notes]
    return MediaDescription(Flow(format=essence, payload_type=coded.payload_type, legs=(leg,)), sending)


def _of_type(section: Section, name: str, number: str) -> str | None:
    """What an attribute says for a payload type: the rest of the first `a=name:number rest`."""
    split = (value.partition(" ") for value in section.attributes(name))
    return next((rest.strip() for key, _, rest in split if key == number), None)


def _leg(section: Section, session: Section, *, port: int, notes: list[str]) -> Leg:
    """Where the section's packets go to, and from whom."""
    connection = next(iter(section.values("c") or session.values("c")), None)
    if connection is None:
        raise FormatError("c= is missing: the SDP does not say where the packets go")
    match = _CONNECTION.fullmatch(connection)
    if match is None:
        raise FormatError(f"c={connection[:60]!r}: only IN IP4 is known")
    destination = match[1]
    return Leg(destination=destination, port=port, source=_source(section, session, destination, notes))


def _source(section: Section, session: Section, destination: str, notes: list[str]) -> str | None:
    """The sender's address from a source filter on this destination (RFC 4570 §3)."""
    for value in section.attributes("source-filter") or session.attributes("source-filter"):
        match = _FILTER.fullmatch(value)
        if match is None or match[1] == "excl":
            notes.append(f"source-filter={value[:60]} is passed over")
        elif match[2] in (destination, "*"):
            if match[4].strip():
                notes.append(f"source-filter names more than one sender: {match[3]} is taken")
            return match[3]
    return None


def _reference_clock(section: Section, session: Section, notes: list[str]) -> str | None:
    """The first a=ts-refclk, as written."""
    clock = next(iter(section.attributes("ts-refclk") or session.attributes("ts-refclk")), None)
    if clock is None:
        notes.append("ts-refclk is missing")
    elif not _REFCLK.fullmatch(clock):
        notes.append(f"ts-refclk={clock[:60]} is not known")
    return clock


def _media_clock(section: Section, session: Section, notes: list[str]) -> int | None:
    """The offset of a=mediaclk:direct; None when the clock is the sender's own, or not told."""
    clock = next(iter(section.attributes("mediaclk") or session.attributes("mediaclk")), None)
    if clock is None or clock == "sender":
        notes.append("mediaclk is missing" if clock is None else "mediaclk=sender: timestamps are not of TAI")
        return None
    match = _DIRECT.fullmatch(clock)
    if match is None:
        notes.append(f"mediaclk={clock[:60]} is not known")
        return None
    if int(match[1]):
        notes.append(f"mediaclk=direct={match[1]}: ST 2110-10 §8.3 wants 0")
    return int(match[1])


def _pairs(session: Section, mids: list[str | None], warnings: list[str]) -> dict[int, int]:
    """Which media section is the second leg of which: {first: second}."""
    pairs: dict[int, int] = {}
    for group in session.attributes("group"):
        members = group.split()
        if members[:1] != ["DUP"]:
            continue
        del members[0]
        if len(members) != 2 or len(set(members)) != 2 or not set(members) <= set(mids):
            warnings.append(f"group={group[:60]}: not two media sections of this SDP")
            continue
        first, second = sorted(mids.index(member) for member in members)
        if {first, second} & {*pairs, *pairs.values()}:
            warnings.append(f"group={group[:60]}: a media section is in two groups")
            continue
        pairs[first] = second
    return pairs


def _joined(
    singles: list[MediaDescription], mids: list[str | None], pairs: dict[int, int], warnings: list[str]
) -> list[MediaDescription]:
    """The flows, two legs where a pair says so; FormatError when a pair does not carry the same essence."""
    joined = []
    for i, single in enumerate(singles):
        if i in pairs.values():
            continue
        if i in pairs:
            other = singles[pairs[i]]
            same = (single.flow.format, single.flow.payload_type) == (other.flow.format, other.flow.payload_type)
            if not same:
                raise FormatError(f"group=DUP {mids[i]} {mids[pairs[i]]}: the two legs differ in format or payload type")
            if single.sending != other.sending:
                warnings.append(f"group=DUP {mids[i]} {mids[pairs[i]]}: the two legs differ in clock or pace")
            single = replace(single, flow=replace(single.flow, legs=single.flow.legs + other.flow.legs))  # noqa: PLW2901
        joined.append(single)
    return joined


def _received_on(flow: Flow[Format], interfaces: tuple[str, str]) -> Flow[Format]:
    """The flow with this machine's interfaces on its legs."""
    legs = tuple(replace(leg, interface=where) for leg, where in zip(flow.legs, interfaces, strict=False))
    return replace(flow, legs=legs)
