"""Media files in: a picture as packed 4:2:2 10-bit frames, a voice as mono samples at 48 kHz.

`VideoReader` brings any file to a given raster, rate and colour; `SourceReader` leaves a file's own as they are. Nothing here
knows of a face, a flow or the time of day, and nothing of how FFmpeg is spoken to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.offline import pyav
from relip.offline.footage import FULL, NARROW, Footage, Paced, paced
from relip.offline.pyav import Frame, Input

Pack = Callable[[Planes, NDArray[np.uint8]], None]
"""Packs planes into pgroups, as `Device.pack` does."""

BLACK_Y = 64
BLACK_C = 512
"""Black in 10-bit narrow range (BT.709-6 §4)."""
SHORT_OF = Fraction(1, 2)
"""A file that ends so many seconds before it said it would is told of as cut short."""


class _Reader:
    """What the readers share: the file, its frames on a grid of grains, and what happened to them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._input = Input(path)
        self._counts = Paced()
        try:
            self.footage = self._input.footage
            """What the file says of its picture."""
        except FormatError:
            self._input.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._input.close()

    def _grains(self, rate: Fraction, draw: Callable[[Frame], None]) -> Iterator[None]:
        """Draw the frame of each grain, where it is another than before, and stop at each."""
        shown: Frame = None
        for frame in paced(self._input.frames(), rate, self._counts):
            if frame is not shown:
                draw(frame)
                shown = frame
            yield
        if shown is None:
            raise FormatError(f"{self._path}: not one frame of the video stream can be decoded")


class VideoReader(_Reader):
    """The frames of a file as packed frames of one raster and rate, in order.

    The picture keeps its aspect and is centred on black; the colour becomes BT.709 narrow range; grain k shows the latest
    source frame that is not later than k grain periods after the first.
    """

    def __init__(self, path: Path, *, format: VideoFormat, pack: Pack) -> None:  # noqa: A002 -- the standard's word
        """Open `path`. Raises ResourceError when it cannot be read, FormatError when it holds no picture."""
        super().__init__(path)
        self._format = format
        self._pack = pack

    @property
    def expected(self) -> int | None:
        """Grains the file says it lasts, rounded up; None when it does not say."""
        return self.footage.grains(self._format.rate)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Each grain's packed frame, (height, row_octets) uint8, owned by the reader until the next is asked for."""
        canvas = _Canvas(self._format, self._pack, self.footage.aspect)
        for _ in self._grains(self._format.rate, canvas.draw):
            yield canvas.packed


class SourceReader(_Reader):
    """The frames of a file as packed frames of its own raster, rate and colour; what is 10-bit 4:2:2 keeps every bit.

    Other samplings are brought to it, full range to narrow. A picture that was filmed turned is turned upright. Frames that
    came at varying times are laid on a constant rate.
    """

    def __init__(self, path: Path, *, pack: Pack) -> None:
        """Open `path` and look at its first frame.

        Raises ResourceError when it cannot be read, FormatError when it holds no picture that Relip can work on: none at all,
        an odd width, fields instead of frames.
        """
        super().__init__(path)
        self._pack = pack
        try:
            self._quarters = self._look()
            self.format = self.footage.format(self._quarters)
            """The essence it is read as."""
        finally:
            self._input.close()
        self._input = Input(path)
        self.read = 0
        """Grains given so far."""

    @property
    def expected(self) -> int | None:
        """Grains the file says it has; None when it does not say."""
        return self.footage.frames or self.footage.grains(self.format.rate)

    @property
    def delivered(self) -> Footage:
        """What a file is that holds what is read here: upright, narrow range."""
        aspect = self.footage.aspect
        colour = self.footage.colour
        return replace(
            self.footage,
            width=self.format.width,
            height=self.format.height,
            rate=self.format.rate,
            aspect=1 / aspect if self._quarters % 2 else aspect,
            colour=replace(colour, range=NARROW if colour.range == FULL else colour.range),
        )

    @property
    def notes(self) -> list[str]:
        """What an editor should know of the file, once it has been read to its end."""
        told = []
        if self._counts.repeated or self._counts.dropped:
            told.append(
                f"frames come at varying times: at {self.format.rate} a second {self._counts.repeated} were shown twice,"
                f" {self._counts.dropped} left out"
            )
        if self._input.broken:
            told.append(f"{self._input.broken} packets were damaged and could not be decoded")
        expected = self.expected
        if expected is not None and self.read < expected - SHORT_OF * self.format.rate:
            told.append(f"the file is cut short: it says it has {expected} frames, {self.read} could be read")
        return told

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Each grain's packed frame, (height, row_octets) uint8, owned by the reader until the next is asked for.

        Raises FormatError at the first frame that is made of fields, or of another size than the ones before.
        """
        planes = Planes.of(self.format.width, self.format.height)
        packed = np.zeros((self.format.height, self.format.row_octets), np.uint8)

        def draw(frame: Frame) -> None:
            self._refuse_fields(frame)
            if (frame.width, frame.height) != (self.footage.width, self.footage.height):
                raise FormatError(
                    f"{self._path}: the raster changes to {frame.width}x{frame.height} within the file; cut it there first"
                )
            planes.y[:], planes.cb[:], planes.cr[:] = pyav.samples_of(frame, self._quarters)
            self._pack(planes, packed)

        for _ in self._grains(self.format.rate, draw):
            self.read += 1
            yield packed

    def _look(self) -> int:
        """How the first frame must be turned."""
        frame, _ = next(self._input.frames(), (None, None))
        if frame is None:
            raise FormatError(f"{self._path}: not one frame of the video stream can be decoded")
        self._refuse_fields(frame)
        return pyav.quarters_of(frame)

    def _refuse_fields(self, frame: Frame) -> None:
        if pyav.is_interlaced(frame):
            raise FormatError(f"{self._path}: this picture is interlaced, or says so: deinterlace it first (FFmpeg: bwdif)")


@dataclass(slots=True)
class _Fit:
    """Where a picture lies in the raster."""

    x: int
    y: int
    width: int
    height: int


class _Canvas:
    """One packed frame of the output raster that source frames are drawn into."""

    def __init__(self, format: VideoFormat, pack: Pack, sample_aspect: Fraction) -> None:  # noqa: A002
        self.packed = np.zeros((format.height, format.row_octets), np.uint8)
        self._format = format
        self._pack = pack
        self._planes = Planes.of(format.width, format.height)
        self._sample_aspect = sample_aspect
        self._fit = _Fit(0, 0, 0, 0)

    def draw(self, frame: Frame) -> None:
        """Replace the picture by this source frame, upright."""
        width, height = frame.width * self._sample_aspect, Fraction(frame.height)
        quarters = pyav.quarters_of(frame)
        if quarters % 2:
            width, height = height, width
        fit = _fit(width, height, self._format)
        if fit != self._fit:
            self._planes.y[:] = BLACK_Y
            self._planes.cb[:] = BLACK_C
            self._planes.cr[:] = BLACK_C
            self._fit = fit
        y, cb, cr = pyav.samples_in_bt709(frame, fit.width, fit.height, quarters)
        rows = slice(fit.y, fit.y + fit.height)
        self._planes.y[rows, fit.x : fit.x + fit.width] = y
        self._planes.cb[rows, fit.x // 2 : (fit.x + fit.width) // 2] = cb
        self._planes.cr[rows, fit.x // 2 : (fit.x + fit.width) // 2] = cr
        self._pack(self._planes, self.packed)


def read_voice(path: Path) -> NDArray[np.float32]:
    """The sound of a file as mono float32 in −1..1 at 48 kHz.

    Raises ResourceError when the file cannot be read, FormatError when it holds no sound.
    """
    opened = Input(path)
    try:
        parts = [samples[0] for samples, _ in opened.sound("mono")]
    finally:
        opened.close()
    if not sum(len(part) for part in parts):
        raise FormatError(f"{path}: not one sample of the audio stream can be decoded")
    voice: NDArray[np.float32] = np.clip(np.concatenate(parts), -1.0, 1.0).astype(np.float32)
    return voice


class OwnSound:
    """The sound that a picture came with, in the order of its samples. `channels`: 0 when it has none."""

    def __init__(self, path: Path, *, skip: Fraction = Fraction(0)) -> None:
        """Open `path`; its first sample is heard `skip` seconds after its first frame. Raises ResourceError."""
        self._input = Input(path)
        self.channels = self._input.sound_channels
        self._from = self._input.picture_start + skip
        self._blocks = self._laid() if self.channels else iter(())
        self._pending: NDArray[np.float32] = np.zeros((self.channels, 0), np.float32)

    def take(self, count: int) -> NDArray[np.float32]:
        """The next `count` samples, (channels, count); silence before it begins and after it has ended."""
        while (short := count - self._pending.shape[1]) > 0:
            block = next(self._blocks, np.zeros((self.channels, short), np.float32))
            self._pending = np.hstack([self._pending, block])
        taken: NDArray[np.float32] = self._pending[:, :count]
        self._pending = self._pending[:, count:]
        return taken

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._input.close()

    def _laid(self) -> Iterator[NDArray[np.float32]]:
        """The blocks from the first frame on, with silence before them where the sound begins later."""
        early: int | None = None
        for block, start in self._input.sound():
            if early is None:
                early = round((self._from - start) * AUDIO_CLOCK_HZ)
                yield np.zeros((self.channels, max(0, -early)), np.float32)
                early = max(0, early)
            yield block[:, early:]
            early = max(0, early - block.shape[1])


def _fit(width: Fraction, height: Fraction, format: VideoFormat) -> _Fit:  # noqa: A002 -- the standard's word
    """The largest place in the raster for a picture of `width` × `height` square pixels: centred, on whole pgroups."""
    scale = min(format.width / width, format.height / height)
    fit_width = max(2, round(width * scale / 2) * 2)
    fit_height = max(1, round(height * scale))
    return _Fit((format.width - fit_width) // 4 * 2, (format.height - fit_height) // 2, fit_width, fit_height)
