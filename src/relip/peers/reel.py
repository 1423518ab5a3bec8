"""Packed frames laid ready, so that sending them costs no picture work; they repeat for ever.

Small reels lie in memory, large ones in an unnamed temporary file that ends with the process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.essence.formats import VideoFormat

IN_MEMORY_OCTETS = 1_500_000_000
"""Ten seconds of 1080p25 (1.3 GB) stay in memory; above that a small machine would swap, which is worse than a file."""

Progress = Callable[[int, int], None]
"""Told what is done and what there is to do, in frames."""


class Reel:
    """Frames that are ready to be sent; `frames` is (n, height, row_octets) uint8 and belongs to the reel."""

    def __init__(self, frames: NDArray[np.uint8]) -> None:
        if not len(frames):
            raise FormatError("not one frame to play")
        self.frames = frames

    def __len__(self) -> int:
        return len(self.frames)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Frame `index` of the endless repetition, (height, row_octets); belongs to the reel."""
        packed: NDArray[np.uint8] = self.frames[index % len(self.frames)]
        return packed


def lay(
    frames: Iterable[NDArray[np.uint8]],
    *,
    format: VideoFormat,  # noqa: A002  the essence's own word
    most: int,
    progress: Progress | None = None,
    memory_octets: int = IN_MEMORY_OCTETS,
) -> Reel:
    """Copy at most `most` packed frames into a reel. Raises ResourceError when there is no room, FormatError for none."""
    if most < 1:
        raise FormatError(f"most={most}: a reel has at least one frame")
    store = _room(format, most, memory_octets)
    count = 0
    for count, packed in enumerate(islice(frames, most), start=1):
        store[count - 1] = packed
        if progress is not None:
            progress(count, most)
    return Reel(store[:count])


def _room(format: VideoFormat, frames: int, memory_octets: int) -> NDArray[np.uint8]:  # noqa: A002  the essence's own word
    """Room for so many frames; memory is taken up when it is written, a file's space at once: a full disk later is a SIGBUS."""
    shape = (frames, format.height, format.row_octets)
    if frames * format.frame_octets <= memory_octets:
        return np.empty(shape, np.uint8)
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, frames * format.frame_octets)
            return np.asarray(np.memmap(file, np.uint8, "w+", shape=shape))
    except OSError as cause:
        raise ResourceError(f"no room for {frames} frames of {format} in the temporary directory: {cause}") from cause
