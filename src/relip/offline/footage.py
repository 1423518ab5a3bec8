"""What a media file says of its picture, and how frames that carry times are laid on a grid of grains.

No file is opened here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat

F = TypeVar("F")

SLACK = Fraction(1, 4)
"""A frame may be marked so many periods late and still be this grain's: containers round times to milliseconds."""
SAME_RATE = Fraction(1, 10_000)
"""A rate as near as this to a usual one is meant as that: muxers write 23.976 and 2997/100."""
USUAL_RATES = (Fraction(25), Fraction(50), *(Fraction(n * 1000, d) for n in (24, 30, 48, 60, 120) for d in (1000, 1001)))
HD_ROWS = 720
"""From this height on, a file that does not say its matrix is taken as BT.709, below as BT.601."""
NARROW, FULL = 1, 2
"""Code points of `Colour.range`, as FFmpeg counts; 0 is unsaid."""
MATRICES = {1: "BT709", 5: "BT601", 6: "BT601", 9: "BT2020"}
TRANSFERS = {16: "PQ", 18: "HLG"}


TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d{2,3})")
"""Hours, minutes, seconds, frames; before the frames a colon, or where frame numbers are dropped anything else."""


@dataclass(frozen=True, slots=True)
class Colour:
    """How code values mean colours: code points of ITU-T H.273, where 2 is unsaid, and the range."""

    range: int = 0
    matrix: int = 2
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, slots=True)
class Footage:
    """A picture as its file describes it.

    `rate`: frames a second, as said, 0 if it is not. `aspect`: of one sample. `layout`: how samples lie, in FFmpeg's words, as
    `yuv420p`. `frames`, `seconds`: how much there is of it, as the file says, or None. `timecode`: of the first frame.
    """

    width: int
    height: int
    rate: Fraction
    layout: str
    colour: Colour = Colour()
    aspect: Fraction = Fraction(1)
    frames: int | None = None
    seconds: Fraction | None = None
    timecode: str | None = None

    def format(self, quarters: int = 0) -> VideoFormat:
        """The essence it is once turned upright by `quarters` of a circle. Raises FormatError for an odd width or no rate."""
        width, height = (self.height, self.width) if quarters % 2 else (self.width, self.height)
        return VideoFormat(
            width=width,
            height=height,
            rate=exact_rate(self.rate),
            colorimetry=MATRICES.get(self.colour.matrix, "BT709" if self.height >= HD_ROWS else "BT601"),
            tcs=TRANSFERS.get(self.colour.transfer, "SDR"),
        )

    def later(self, frames: int) -> Footage:
        """The same from so many frames on; a timecode that cannot be counted on is left out."""
        if not frames or self.timecode is None:
            return self
        return replace(self, timecode=timecode_after(self.timecode, frames, self.rate))

    def grains(self, rate: Fraction) -> int | None:
        """How many grains of a rate it lasts, as the file says, rounded up; None when it does not say."""
        return None if self.seconds is None else -int(-self.seconds * rate // 1)


def timecode_after(timecode: str, frames: int, rate: Fraction) -> str | None:
    """The timecode so many frames after one of SMPTE ST 12-1, drop-frame where it says so; None when it is none."""
    found = TIMECODE.fullmatch(timecode)
    if found is None or rate <= 0:
        return None
    hours, minutes, seconds, mark, number = int(found[1]), int(found[2]), int(found[3]), found[4], int(found[5])
    nominal = -int(-rate // 1)
    left_out = nominal // 15 if mark != ":" and nominal % 30 == 0 else 0
    minutes += 60 * hours
    count = (60 * minutes + seconds) * nominal + number - left_out * (minutes - minutes // 10) + frames
    tens, within = divmod(count, 600 * nominal - 9 * left_out)
    count += left_out * (9 * tens + max(0, (within - left_out) // (60 * nominal - left_out)))
    seconds, number = divmod(count, nominal)
    return f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{number:02}"


def exact_rate(said: Fraction) -> Fraction:
    """The rate that is meant by what a container says. Raises FormatError for no rate at all."""
    if said <= 0:
        raise FormatError("the file does not say how many frames a second it has")
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual - said))
    return nearest if abs(nearest - said) <= SAME_RATE * nearest else said


def likely_rate(guessed: Fraction, average: Fraction) -> Fraction:
    """Frames a second of a file: FFmpeg's guess, but where times vary that is the rate of their smallest step, up to 1000."""
    return average if average and guessed > 2 * average else guessed or average


@dataclass(slots=True)
class Paced:
    """Counts of what became of frames on the grid: `repeated` grains showed a frame again, `dropped` frames none."""

    repeated: int = 0
    dropped: int = 0


def paced(timed: Iterable[tuple[F, Fraction]], rate: Fraction, counts: Paced) -> Iterator[F]:
    """The frame that each grain shows, in order: the latest whose time is not later than the grain's, but for `SLACK`.

    `timed`: frames with their seconds since the first, and at the end the last once more with the second at which it is over.
    """
    grain = 0
    shown: F | None = None
    for frame, since in timed:
        due = -int(-(since * rate - SLACK) // 1)
        if shown is not None:
            counts.repeated += max(0, due - grain - 1)
            counts.dropped += due <= grain
            for _ in range(grain, due):
                yield shown
        grain = max(grain, due)
        shown = frame
