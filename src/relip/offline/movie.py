"""Media files out: packed frames and sound in step, under their name only when the file is complete.

Every file says in its metadata that lips in it are synthetic.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.essence.grains import Planes
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.offline.delivery import AAC, CONTAINERS, SYNTHETIC, Delivery, PictureCoding
from relip.offline.footage import NARROW, Colour, Footage
from relip.offline.pyav import Output

BT709 = Colour(range=NARROW, matrix=1, primaries=1, transfer=1)
QUICK_H264 = PictureCoding(
    {"libx264": {"preset": "veryfast", "crf": "18"}, "libopenh264": {}, "h264_nvenc": {}}, layout="yuv420p", bit_rate=8_000_000
)
"""For recordings that are looked at once."""


class Sound(Protocol):
    """Sound at 48 kHz that is asked for in the order of its samples."""

    channels: int

    def take(self, count: int) -> NDArray[np.float32]:
        """The next `count` samples, (channels, count); silence where there are none."""
        ...


class Voice:
    """A mono voice as sound, silent after its end."""

    channels = 1

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples
        self._taken = 0

    def take(self, count: int) -> NDArray[np.float32]:
        """See `Sound`."""
        samples = self._samples[self._taken : self._taken + count]
        self._taken += count
        return np.pad(samples, (0, count - len(samples)))[None]


@dataclass(frozen=True, slots=True)
class Track:
    """One stream of sound and what it is called."""

    title: str
    sound: Sound


class MovieWriter:
    """Writes a file frame by frame; as a context manager it completes the file, or removes it after an error.

    Sound is taken from the tracks as frames are written, and ends with the last of them. While it is written the file has
    another name beside its own. Raises ResourceError when it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        made: Delivery,
        footage: Footage,
        *,
        tracks: Sequence[Track],
        metadata: dict[str, str] | None = None,
    ) -> None:
        if made.picture.layout == "yuv420p" and footage.height % 2:
            raise FormatError(f"height={footage.height}: {made.codec} needs an even number of rows; another codec does not")
        for track in tracks:
            if track.sound.channels not in made.sound.channels:
                raise FormatError(
                    f"the {track.title} sound has {track.sound.channels} channels: {path.suffix} files take "
                    f"{', '.join(map(str, made.sound.channels))}; .mov takes any"
                )
        self._path = path
        self._part = path.parent / f"{path.name}.part"
        self._rate = footage.rate
        self._tracks = tracks
        self._heard = 0
        self.written = 0
        """Frames in the file."""
        self._output = Output(self._part, made, metadata={"comment": SYNTHETIC} | (metadata or {}))
        try:
            self.encoder = self._output.add_picture(made.picture, footage)
            """The encoder of the picture, in FFmpeg's words."""
            for track in tracks:
                self._output.add_sound(made.sound, channels=track.sound.channels, title=track.title)
        except BaseException:
            self._drop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._drop()
            return
        try:
            self._complete()
        except BaseException:
            self._drop()
            raise

    def write(self, planes: Planes) -> None:
        """The next frame, 10-bit 4:2:2, and the sound up to its end."""
        self._output.put_planes(planes)
        self._in_step()

    def write_octets(self, octets: NDArray[np.uint8]) -> None:
        """The next frame as planar 8-bit 4:2:0, (height·3/2, width), and the sound up to its end."""
        self._output.put_octets(octets)
        self._in_step()

    def _in_step(self) -> None:
        self.written += 1
        until = int(self.written * AUDIO_CLOCK_HZ / self._rate)
        for index, track in enumerate(self._tracks):
            self._output.put_sound(index, track.sound.take(until - self._heard))
        self._heard = until

    def _complete(self) -> None:
        if not self.written:
            raise FormatError(f"{self._path}: not one frame to write")
        self._output.finish()
        try:
            self._part.replace(self._path)
        except OSError as cause:
            raise ResourceError(f"{self._path}: cannot be written: {cause.strerror}") from cause

    def _drop(self) -> None:
        self._output.abandon()
        with contextlib.suppress(OSError):
            self._part.unlink()


def write_side_by_side(
    path: Path, frames: Iterable[NDArray[np.uint8]], *, rate: Fraction, audio: NDArray[np.float32], comment: str = SYNTHETIC
) -> int:
    """Write an MP4 (H.264, AAC, index first) for a look and return the number of frames written.

    `frames`: planar 4:2:0 8-bit narrow-range BT.709, (height·3/2, width) uint8 each. `audio`: mono 48 kHz; its first
    sample is heard with the first frame. `comment` goes into the file's metadata and discloses what is synthetic.
    Raises ResourceError when it cannot be written, FormatError when there is no frame.
    """
    made = Delivery("mp4", "h264", QUICK_H264, AAC, CONTAINERS[".mp4"][3])
    writer: MovieWriter | None = None
    with contextlib.ExitStack() as stack:
        for frame in frames:
            if writer is None:
                footage = Footage(frame.shape[1], frame.shape[0] * 2 // 3, rate, "yuv420p", BT709)
                tracks = [Track("voice", Voice(audio))]
                writer = stack.enter_context(MovieWriter(path, made, footage, tracks=tracks, metadata={"comment": comment}))
            writer.write_octets(frame)
    if writer is None:
        raise FormatError(f"{path}: not one frame to write")
    return writer.written
