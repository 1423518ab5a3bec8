"""The original face nets, out of the mediapipe wheel: the only file that runs pip.

The nets are published under Apache-2.0 inside that wheel and nowhere else in a form that can be pinned. Nothing of it
is installed or kept: it is unpacked in memory, two files are read and checked, the rest is thrown away.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from relip.essence.errors import ResourceError

OVERRIDE = "RELIP_MEDIAPIPE_WHEEL"
"""Path of a wheel on this machine, for places without an index. Any platform's 0.10.21 will do."""
REQUIREMENT = "mediapipe==0.10.21 --hash=sha256:05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
PLATFORM = ("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", "manylinux_2_28_x86_64")
"""One wheel for every host: it is read, never installed."""
TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Original:
    """A TFLite file inside the wheel and what it must hash to."""

    member: str
    sha256: str


FACE_DETECTOR = Original(
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
)
FACE_MESH = Original(
    "mediapipe/modules/face_landmark/face_landmark_with_attention.tflite",
    "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
)


def originals() -> dict[Original, bytes]:
    """The nets' octets, from the wheel that the override names or else from the index pip is configured for.

    Raises ResourceError when the wheel cannot be had, or does not hold what it should.
    """
    override = os.environ.get(OVERRIDE)
    if override:
        return read(Path(override))
    with tempfile.TemporaryDirectory(prefix="relip-wheel-") as folder:
        return read(_download(Path(folder)))


def read(wheel: Path) -> dict[Original, bytes]:
    """The nets inside a wheel on disk, each checked. Raises ResourceError naming the wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = {original: archive.read(original.member) for original in (FACE_DETECTOR, FACE_MESH)}
    except (OSError, KeyError, zipfile.BadZipFile) as cause:
        raise ResourceError(f"{wheel} is not a mediapipe 0.10.21 wheel: {cause}") from cause
    for original, octets in found.items():
        if hashlib.sha256(octets).hexdigest() != original.sha256:
            raise ResourceError(f"{original.member} in {wheel} is not the file that was pinned (SHA-256 differs)")
    return found


def _download(folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(REQUIREMENT + "\n", encoding="ascii")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", *PLATFORM]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise ResourceError(f"pip did not bring the mediapipe wheel: {cause}. Set {OVERRIDE} to a copy of it") from cause
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise ResourceError(f"pip did not bring the mediapipe wheel: {why[0]}. Set {OVERRIDE} to a copy of it")
    return next(folder.glob("mediapipe-*.whl"))
