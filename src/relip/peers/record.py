"""The recording: small pictures of before and after, spooled while the flows run and encoded when they have ended.

Everything is placed by its RTP timestamp: a picture that is missing leaves the former one standing, so that the voice stays
where it belongs. Nothing here receives or compares.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import AudioBlock
from relip.essence.tai import AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ, convert_ticks
from relip.offline.movie import write_side_by_side
from relip.peers.compare import Picture, shrink, step_for
from relip.peers.labels import burn
from relip.peers.reel import Progress

LABEL_ROWS = 90
"""One dot of a label's letters for so many rows of the recording."""
LONGEST_GAP_S = 10
"""What comes after a longer hole is not recorded: a jump of the timeline must not make hours of a still picture."""


class Recorder:
    """Keeps pictures of `before` (when there is one) and `after` side by side in an unnamed temporary file.

    Memory stays bounded; the file grows by 1.5 MB a 1080p frame and is gone with the recorder.
    """

    def __init__(self, format: VideoFormat, *, with_before: bool) -> None:  # noqa: A002  the essence's own word
        self._format = format
        self._step = step_for(format)
        self._width = format.width // self._step // 2 * 2
        self._height = format.height // self._step // 2 * 2
        self._words = ("BEFORE", "AFTER") if with_before else ("AFTER",)
        self._frame = np.zeros((self._height * 3 // 2, self._width * len(self._words)), np.uint8)
        self._panels = [self._panel(place) for place in range(len(self._words))]
        shrink(
            np.zeros((2 * self._height * self._step, format.row_octets), np.uint8), self._step, self._panels[0]
        )  # compile now
        self._ticks: list[int] = []
        self._sound: list[AudioBlock] = []
        try:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 -- lives as long as the recorder, see close
        except OSError as cause:
            raise ResourceError(f"no temporary file for the recording: {cause}") from cause

    def __len__(self) -> int:
        return len(self._ticks)

    def close(self) -> None:
        """Drop what is spooled. Idempotent."""
        self._spool.close()

    def picture(self, ticks: int, before: NDArray[np.uint8] | None, after: NDArray[np.uint8]) -> None:
        """Keep a small picture of two packed frames, (height, row_octets); a `before` that is missing stays as it was."""
        if self._ticks and not 0 < ticks - self._ticks[-1] <= LONGEST_GAP_S * VIDEO_CLOCK_HZ:
            return
        if before is not None and len(self._panels) == 2:
            shrink(before, self._step, self._panels[0])
        shrink(after, self._step, self._panels[-1])
        try:
            self._spool.write(self._frame.data)
        except OSError as cause:
            raise ResourceError(f"the recording cannot be spooled: {cause}") from cause
        self._ticks.append(ticks)

    def sound(self, block: AudioBlock) -> None:
        """Keep a block of the voice; its samples are copied."""
        self._sound.append(AudioBlock(block.start_sample, block.samples.copy()))

    def write(self, path: Path, *, progress: Progress | None = None) -> int:
        """Encode the recording; returns its frames. Raises FormatError when there is nothing, ResourceError."""
        if not self._ticks:
            raise FormatError(f"{path}: no picture was received, there is nothing to record")
        places = self._places()
        frames = self._shown(places, progress)
        return write_side_by_side(path, frames, rate=self._format.rate, audio=self._voice(places[-1] + 1))

    def _places(self) -> list[int]:
        """The frame of the file in which each picture first stands."""
        places = [0]
        for ticks in self._ticks[1:]:
            place = round((ticks - self._ticks[0]) * self._format.rate / VIDEO_CLOCK_HZ)
            places.append(max(place, places[-1] + 1))
        return places

    def _shown(self, places: list[int], progress: Progress | None) -> Iterator[NDArray[np.uint8]]:
        """The file's frames in order, each labelled; a place without a picture shows the former one again."""
        self._spool.seek(0)
        total = places[-1] + 1
        for place, until in zip(places, [*places[1:], total], strict=True):
            octets = self._spool.read(self._frame.nbytes)
            frame = np.frombuffer(octets, np.uint8).reshape(self._frame.shape).copy()
            for panel, word in enumerate(self._words):
                burn(frame[: self._height, panel * self._width :], word, dot=max(1, self._height // LABEL_ROWS))
            for done in range(place, until):
                yield frame
                if progress is not None:
                    progress(done + 1, total)

    def _voice(self, frames: int) -> NDArray[np.float32]:
        """The sound from the first picture on, by timestamp; silence where none was received."""
        first = convert_ticks(self._ticks[0], VIDEO_CLOCK_HZ, AUDIO_CLOCK_HZ)
        voice = np.zeros(int(frames * AUDIO_CLOCK_HZ / self._format.rate), np.float32)
        for block in self._sound:
            start, end = max(block.start_sample, first), min(block.end_sample, first + len(voice))
            if start < end:
                voice[start - first : end - first] = block.samples[start - block.start_sample : end - block.start_sample]
        return voice

    def _panel(self, place: int) -> Picture:
        """The planes of one panel as views of the planar 4:2:0 frame."""
        chroma = self._frame[self._height :].reshape(2, self._height // 2, -1)
        left, half = place * self._width, place * self._width // 2
        return Picture(
            self._frame[: self._height, left : left + self._width],
            chroma[0, :, half : half + self._width // 2],
            chroma[1, :, half : half + self._width // 2],
        )
