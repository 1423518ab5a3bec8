"""VMAF of the surroundings of a face, by the ffmpeg inside the imageio-ffmpeg wheel: the one file that imports it.

Before and after go to that program as raw samples in two files of a temporary folder, in one fixed box that holds the face
throughout.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import Face, Region
from relip.ports import Device

MARGIN = 0.25
"""What the box adds to the face on each side, IOD."""
MOST_FRAMES = 300
"""Frames of a clip that are compared: twelve seconds say what an hour would."""


def program() -> str:
    """The path of the ffmpeg. Raises ResourceError without the extra."""
    try:
        import imageio_ffmpeg  # noqa: PLC0415 -- an extra, imported only where it is used
    except ImportError as cause:
        raise ResourceError("--vmaf needs the ffmpeg of imageio-ffmpeg: install relip[eval]") from cause
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as cause:
        raise ResourceError(f"--vmaf: {cause}") from cause


def box_of(faces: Sequence[Face | None], format: VideoFormat) -> Region:  # noqa: A002  the essence's own word
    """The box that holds every face of a clip."""
    seen = [face for face in faces if face is not None]
    reach = MARGIN * max(face.iod for face in seen)
    points = np.concatenate([face.landmarks[:, :2] for face in seen])
    low = np.maximum(points.min(axis=0) - reach, 0).astype(int) // 2 * 2
    high = np.minimum(points.max(axis=0) + reach, (format.width, format.height)).astype(int) // 2 * 2
    return Region(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


class Film:
    """Frames of one clip before and after, to be compared when all are there."""

    def __init__(self, device: Device, box: Region) -> None:
        self._device = device
        self._box = box
        self._folder = tempfile.TemporaryDirectory(prefix="relip-vmaf-")
        self._files = [Path(self._folder.name, name).open("wb") for name in ("before.yuv", "after.yuv")]  # noqa: SIM115  closed by __exit__
        self._frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._files:
            file.close()
        self._folder.cleanup()

    def add(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
        """Take a pair of packed frames; those beyond MOST_FRAMES are left out."""
        if self._frames >= MOST_FRAMES:
            return
        self._frames += 1
        planes = Planes.of(self._box.width, self._box.height)
        for frame, file in zip((before, after), self._files, strict=True):
            self._device.unpack(frame, self._box, planes)
            for plane in (planes.y, planes.cb, planes.cr):
                file.write(plane.tobytes())

    def score(self, rate: float) -> float | None:
        """Mean VMAF, 0 to 100; None of nothing. Raises ResourceError when the program fails."""
        if not self._frames:
            return None
        for file in self._files:
            file.flush()
        before, after = (file.name for file in self._files)
        log = Path(self._folder.name, "vmaf.json")
        shape = ["-f", "rawvideo", "-pix_fmt", "yuv422p10le", "-s", f"{self._box.width}x{self._box.height}", "-r", f"{rate:g}"]
        command = [program(), "-hide_banner", "-loglevel", "error", *shape, "-i", after, *shape, "-i", before]
        command += ["-lavfi", "libvmaf=log_fmt=json:log_path=vmaf.json:n_threads=1", "-f", "null", "-"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder.name)  # noqa: S603  no shell
        if answer.returncode or not log.exists():
            raise ResourceError(f"VMAF could not be computed: {answer.stderr.strip().splitlines()[-1:] or 'no word why'}")
        return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])
