"""What the format parameters of one m= stand for, and how they are written (ST 2110-20 §7, -21 §8, -30 §6, -40 §6).

Essence that Relip does not know (interlaced, other samplings, depths, encodings) is refused by parameter and value.
What a sender may leave out or get wrong without harm becomes a warning. Keys are taken as written; only
encoding names are compared without regard to case (RFC 4855).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from relip.essence.errors import FormatError
from relip.essence.formats import RATES, AncFormat, AudioFormat, Format, VideoFormat
from relip.essence.tai import VIDEO_CLOCK_HZ

SAMPLING = "YCbCr-4:2:2"
DEPTH = "10"
COLORIMETRIES = frozenset(
    {"BT601", "BT709", "BT2020", "BT2100", "ST2065-1", "ST2065-3", "UNSPECIFIED", "XYZ", "ALPHA"},
)
"""Words of ST 2110-20 §7.5."""
STANDARD_MAX_UDP = 1460
"""UDP datagram with its header, unless MAXUDP says more (ST 2110-10 §6.3)."""

_RTPMAP = re.compile(r"([^/\s]+)/([0-9]{1,9})(?:/([0-9]{1,4}))?")
_RATE = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9}))?")
_PTIME = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6})?")
_INTEGER = re.compile(r"[0-9]{1,9}")
_DID_SDID = re.compile(r"\{\s*0x([0-9A-Fa-f]{1,2})\s*,\s*0x([0-9A-Fa-f]{1,2})\s*\}")
_KNOWN_WORDS = {
    "TP": ("2110TPN", "2110TPNL", "2110TPW"),
    "PM": ("2110GPM", "2110BPM"),
    "TSMODE": ("SAMP", "NEW", "PRES"),
}


@dataclass(frozen=True, slots=True)
class Sending:
    """What a sender says of its clock and its pace; None where it says nothing.

    `ts_refclk`: the reference clock in SDP's words (RFC 7273 §4), needed for writing. `media_clock_offset`: of
    mediaclk:direct, 0 in ST 2110; None for a clock of the sender's own. `tp`, `pm`, `tsmode`: the
    SDP's words. `tsdelay_us`, `troff_us`: microseconds. `cmax`: packets. `maxudp`: octets of a UDP datagram with its header.
    """

    ts_refclk: str | None = None
    media_clock_offset: int | None = 0
    tp: str | None = None
    pm: str | None = "2110GPM"
    tsmode: str | None = None
    tsdelay_us: int | None = None
    troff_us: int | None = None
    cmax: int | None = None
    maxudp: int | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """An a=rtpmap: encoding name in lower case, clock rate, channels."""

    payload_type: int
    name: str
    clock_hz: int
    channels: int


@dataclass(slots=True)
class Parameters:
    """The parameters of one a=fmtp, what to take for a rate that is not among them, and the warnings that reading gives."""

    pairs: Sequence[tuple[str, str]]
    rate: Fraction | None = None
    warnings: list[str] = field(default_factory=list)

    def get(self, key: str) -> str | None:
        """The value, '' for a flag, None when it is not there; the first where it is there twice."""
        return next((value for name, value in self.pairs if name == key), None)

    def required(self, key: str) -> str:
        """The value, or FormatError."""
        value = self.get(key)
        if not value:
            raise FormatError(f"{key} is missing")
        return value

    def word(self, key: str, *, expected: bool = False) -> str | None:
        """One of the known words of a key; None and a warning when it is another, or `expected` and not there."""
        value = self.get(key)
        if value in _KNOWN_WORDS[key]:
            return value
        if value is not None:
            self.warnings.append(f"{key}={value} is not known")
        elif expected:
            self.warnings.append(f"{key} is missing")
        return None

    def integer(self, key: str) -> int | None:
        """A whole number, 0 or more; None and a warning when it is anything else."""
        value = self.get(key)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            self.warnings.append(f"{key}={value} is not a whole number")
            return None
        return int(value)


def encoding(payload_type: str, rtpmap: str | None) -> Encoding:
    """What an a=rtpmap says of a payload type, the two as written; FormatError when it says nothing."""
    if rtpmap is None or not _INTEGER.fullmatch(payload_type):
        raise FormatError(f"rtpmap is missing for payload type {payload_type[:20]}")
    match = _RTPMAP.fullmatch(rtpmap)
    if match is None:
        raise FormatError(f"rtpmap={rtpmap[:40]!r} is not 'name/clock'")
    return Encoding(int(payload_type), match[1].lower(), int(match[2]), int(match[3] or 1))


def format_of(coded: Encoding, kind: str, *, ptime: str | None, parameters: Parameters) -> Format:
    """The format of a media section of `kind` (the word after m=); FormatError names parameter and value."""
    if kind == "video" and coded.name in ("raw", "smpte291"):
        if coded.clock_hz != VIDEO_CLOCK_HZ:
            raise FormatError(f"rate={coded.clock_hz}: {coded.name} has a clock of {VIDEO_CLOCK_HZ}")
        return _video(parameters) if coded.name == "raw" else _anc(parameters)
    if kind == "audio" and coded.name in ("l16", "l24"):
        return _audio(coded, ptime, parameters)
    raise FormatError(f"encoding={coded.name} in m={kind}: only video raw, audio L16 and L24, video smpte291 are known")


def sending_of(format: Format, parameters: Parameters) -> Sending:  # noqa: A002  the essence's own word
    """Pace and timestamp mode as the parameters tell them; the clocks are attributes and left at their defaults."""
    video = isinstance(format, VideoFormat)
    maxudp = parameters.integer("MAXUDP")
    if maxudp is not None and maxudp > STANDARD_MAX_UDP:
        parameters.warnings.append(f"MAXUDP={maxudp}: packets beyond {STANDARD_MAX_UDP} octets may be refused on receipt")
    return Sending(
        tp=parameters.word("TP", expected=video),
        pm=parameters.word("PM", expected=video),
        tsmode=parameters.word("TSMODE"),
        tsdelay_us=parameters.integer("TSDELAY"),
        troff_us=parameters.integer("TROFF"),
        cmax=parameters.integer("CMAX"),
        maxudp=maxudp,
    )


def rtpmap_of(format: Format) -> str:  # noqa: A002  the essence's own word
    """Encoding name, clock and channels as a=rtpmap has them."""
    if isinstance(format, VideoFormat):
        return f"raw/{format.clock_hz}"
    if isinstance(format, AudioFormat):
        return f"L{format.depth}/{format.clock_hz}/{format.channels}"
    return f"smpte291/{format.clock_hz}"


def fmtp_of(format: Format, sending: Sending) -> str:  # noqa: A002  the essence's own word
    """The parameters of an a=fmtp in the standards' order, without a ';' at the end."""
    if isinstance(format, VideoFormat):
        own = _video_fmtp(format, sending)
    elif isinstance(format, AudioFormat):
        own = [f"channel-order=SMPTE2110.({_channel_group(format.channels)})"]
    else:
        own = _anc_fmtp(format)
    shared = {
        "TSMODE": sending.tsmode,
        "TSDELAY": sending.tsdelay_us,
        "TROFF": sending.troff_us,
        "CMAX": sending.cmax,
        "MAXUDP": sending.maxudp,
    }
    return "; ".join([*own, *(f"{key}={value}" for key, value in shared.items() if value is not None)])


def ptime_of(format: AudioFormat) -> str:  # noqa: A002  the essence's own word
    """Packet time in milliseconds as a=ptime has it."""
    return f"{float(format.packet_time * 1000):g}"


def _video(parameters: Parameters) -> VideoFormat:
    for flag in ("interlace", "segmented"):
        value = parameters.get(flag)
        if value is not None:
            raise FormatError(f"{flag}{value and '=' + value}: only progressive video is known")
    for key, known in (("sampling", SAMPLING), ("depth", DEPTH)):
        if parameters.required(key) != known:
            raise FormatError(f"{key}={parameters.get(key)}: only {known} is known")
    _expect_default(parameters, "PAR", "1:1")
    ssn = parameters.get("SSN")
    if ssn is None or not ssn.startswith("ST2110-20:"):
        parameters.warnings.append("SSN is missing" if ssn is None else f"SSN={ssn} is not known")
    colorimetry = parameters.get("colorimetry")
    if colorimetry not in COLORIMETRIES:
        parameters.warnings.append(f"colorimetry={colorimetry} is not known" if colorimetry else "colorimetry is missing")
    return VideoFormat(
        width=_dimension(parameters, "width"),
        height=_dimension(parameters, "height"),
        rate=_exact_rate(parameters),
        colorimetry=colorimetry or "BT709",
        tcs=parameters.get("TCS") or "SDR",
        range=parameters.get("RANGE") or "NARROW",
    )


def _audio(coded: Encoding, ptime: str | None, parameters: Parameters) -> AudioFormat:
    if ptime is None:
        parameters.warnings.append("ptime is missing: 1 ms is taken")
    elif not _PTIME.fullmatch(ptime):
        raise FormatError(f"ptime={ptime} is not a time in milliseconds")
    return AudioFormat(
        channels=coded.channels,
        depth=int(coded.name[1:]),
        packet_time=Fraction(ptime or "1") / 1000,
        clock_hz=coded.clock_hz,
    )


def _anc(parameters: Parameters) -> AncFormat:
    rate = parameters.get("exactframerate")
    identifiers = []
    for value in (value for key, value in parameters.pairs if key == "DID_SDID"):
        match = _DID_SDID.fullmatch(value)
        if match is None:
            parameters.warnings.append(f"DID_SDID={value} is not {{0xDD,0xSS}}")
        else:
            identifiers.append((int(match[1], 16), int(match[2], 16)))
    return AncFormat(rate=_rate(rate) if rate is not None else None, did_sdid=tuple(identifiers))


def framerate(value: str) -> Fraction | None:
    """An a=framerate of RFC 4566 §6 where it stands for one exact rate: a whole number, or the name of a rate such as 59.94."""
    return RATES.get(value) or (Fraction(int(value)) if _INTEGER.fullmatch(value) and int(value) else None)


def _dimension(parameters: Parameters, key: str) -> int:
    value = parameters.required(key)
    if not _INTEGER.fullmatch(value):
        raise FormatError(f"{key}={value} is not a number of pixels")
    return int(value)


def _rate(value: str) -> Fraction:
    """An exactframerate: an integer or a ratio (ST 2110-20 §7.2); 59.94 is neither and stands for no exact rate."""
    match = _RATE.fullmatch(value)
    if match is None or not int(match[1]) or not int(match[2] or 1):
        raise FormatError(f"exactframerate={value}: say an integer or a ratio such as 60000/1001")
    return Fraction(int(match[1]), int(match[2] or 1))


def _exact_rate(parameters: Parameters) -> Fraction:
    """The exactframerate; where it is missing, as FFmpeg leaves it out, what is known from elsewhere."""
    if parameters.get("exactframerate") is None and parameters.rate is not None:
        parameters.warnings.append(f"exactframerate is missing: {parameters.rate} is taken")
        return parameters.rate
    return _rate(parameters.required("exactframerate"))


def _expect_default(parameters: Parameters, key: str, default: str) -> None:
    value = parameters.get(key)
    if value is not None and value != default:
        parameters.warnings.append(f"{key}={value}: taken as {default}")


def _video_fmtp(format: VideoFormat, sending: Sending) -> list[str]:  # noqa: A002  the essence's own word
    return [
        f"sampling={SAMPLING}",
        f"width={format.width}",
        f"height={format.height}",
        f"exactframerate={format.rate}",
        f"depth={DEPTH}",
        f"TCS={format.tcs}",
        *([f"RANGE={format.range}"] if format.range != "NARROW" else []),
        f"colorimetry={format.colorimetry}",
        f"PM={sending.pm or '2110GPM'}",
        "SSN=ST2110-20:2017",
        *([f"TP={sending.tp}"] if sending.tp else []),
    ]


def _anc_fmtp(format: AncFormat) -> list[str]:  # noqa: A002  the essence's own word
    return [
        *(f"DID_SDID={{0x{did:02X},0x{sdid:02X}}}" for did, sdid in format.did_sdid),
        *([f"exactframerate={format.rate}"] if format.rate is not None else []),
        "SSN=ST2110-40:2018",
    ]


def _channel_group(channels: int) -> str:
    """Mono, stereo, or so many channels of no declared use (ST 2110-30 §6.2.2, table 1)."""
    return {1: "M", 2: "ST"}.get(channels, f"U{channels:02d}")
