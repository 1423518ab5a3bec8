"""What an essence looks like: raster, rate, depth, channels (ST 2110-20 §7, -30 §6, -40 §6).

One video sampling is known on purpose: Y'CbCr 4:2:2, 10 bit, progressive. Others are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from relip.essence.errors import FormatError
from relip.essence.tai import AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ

PGROUP_OCTETS = 5
"""One pgroup of 4:2:2 10 bit: Cb Y0 Cr Y1, 40 bits (ST 2110-20 table 4)."""
PGROUP_PIXELS = 2
MAX_RASTER = 32767
"""Row number and offset are 15-bit fields (RFC 4175 §4.1)."""

RASTERS: dict[str, tuple[int, int]] = {"720p": (1280, 720), "1080p": (1920, 1080), "2160p": (3840, 2160)}
RATES: dict[str, Fraction] = {
    "23.98": Fraction(24000, 1001),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "60": Fraction(60),
}


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """A progressive Y'CbCr 4:2:2 10-bit raster and its rate.

    `colorimetry`, `tcs` and `range` are the SDP's own words and are carried through untouched.
    """

    width: int
    height: int
    rate: Fraction
    colorimetry: str = "BT709"
    tcs: str = "SDR"
    range: str = "NARROW"

    def __post_init__(self) -> None:
        if not (0 < self.width <= MAX_RASTER and 0 < self.height <= MAX_RASTER):
            raise FormatError(f"a raster of {self.width}x{self.height} is not an image")
        if self.width % PGROUP_PIXELS:
            raise FormatError(f"width={self.width}: 4:2:2 needs an even number of pixels a row")
        if self.rate <= 0:
            raise FormatError(f"exactframerate={self.rate} is not a rate")

    @property
    def row_octets(self) -> int:
        """Octets of one packed sample row."""
        return self.width // PGROUP_PIXELS * PGROUP_OCTETS

    @property
    def frame_octets(self) -> int:
        """Octets of one packed frame."""
        return self.row_octets * self.height

    @property
    def clock_hz(self) -> int:
        """Media clock of the flow."""
        return VIDEO_CLOCK_HZ

    def __str__(self) -> str:
        """The engineer's short name: 1080p25, or 360x288p25 where the raster has no name."""
        raster = next((n for n, wh in RASTERS.items() if wh == (self.width, self.height)), f"{self.width}x{self.height}p")
        rate = next((n for n, r in RATES.items() if r == self.rate), str(self.rate))
        return raster + rate


def video_format(name: str) -> VideoFormat:
    """The format a short name such as `1080p25` or `720p59.94` stands for; FormatError lists the legal ones."""
    match = re.fullmatch(r"(\d+p)([\d.]+)", name)
    if not match or match[1] not in RASTERS or match[2] not in RATES:
        raise FormatError(
            f"format={name!r}: say a raster ({', '.join(RASTERS)}) and a rate ({', '.join(RATES)}), as in 1080p25"
        )
    width, height = RASTERS[match[1]]
    return VideoFormat(width=width, height=height, rate=RATES[match[2]])


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Linear PCM at 48 kHz, L16 or L24 (ST 2110-30 levels A and B)."""

    channels: int = 1
    depth: int = 24
    packet_time: Fraction = Fraction(1, 1000)
    clock_hz: int = AUDIO_CLOCK_HZ

    def __post_init__(self) -> None:
        if self.depth not in (16, 24):
            raise FormatError(f"depth={self.depth}: only L16 and L24 are known")
        if not 1 <= self.channels <= 64:
            raise FormatError(f"channels={self.channels}: ST 2110-30 knows 1 to 64")
        if self.clock_hz != AUDIO_CLOCK_HZ:
            raise FormatError(f"rate={self.clock_hz}: only 48000 Hz is taken")
        if self.packet_time not in (Fraction(1, 1000), Fraction(1, 8000)):
            raise FormatError(f"ptime={float(self.packet_time * 1000):g}: only 1 and 0.125 ms are known")

    @property
    def packet_samples(self) -> int:
        """Samples a packet carries for each channel."""
        return int(self.packet_time * self.clock_hz)

    @property
    def sample_octets(self) -> int:
        """Octets of one sample of every channel."""
        return self.depth // 8 * self.channels


@dataclass(frozen=True, slots=True)
class AncFormat:
    """Ancillary data that accompanies video of `rate` (ST 2110-40)."""

    rate: Fraction | None = None
    did_sdid: tuple[tuple[int, int], ...] = ()

    @property
    def clock_hz(self) -> int:
        """Media clock of the flow."""
        return VIDEO_CLOCK_HZ


Format = VideoFormat | AudioFormat | AncFormat
