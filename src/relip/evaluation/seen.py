"""A clip as the evaluation sees it: the face in every frame, the sound, and which frames are speech.

Pictures are read again for each use and never kept: a minute of 1080p would be 8 GB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.scene import Face, MouthShape
from relip.essence.tai import AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ, grain_ticks
from relip.evaluation import speech
from relip.evaluation.clips import Clip, Span
from relip.evaluation.measures import Mask, Track
from relip.evaluation.rig import Rig, Voice
from relip.offline.container import OwnSound, VideoReader


@dataclass(frozen=True, slots=True)
class Seen:
    """`faces`: one a frame, None where there is none to work on. `level`, `speech`: one a frame; empty without sound.

    `columns`: (80, n) log-mel, 100 a second. `notes`: what a reader of the figures should know of this clip.
    """

    clip: Clip
    faces: tuple[Face | None, ...]
    voice: Voice | None
    columns: NDArray[np.float32] | None
    level: Track
    speech: Mask
    notes: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.faces)

    @property
    def opening(self) -> Track:
        """The measured opening, IOD."""
        return np.array([np.nan if face is None else face.shape.open for face in self.faces])

    @property
    def width(self) -> Track:
        """The measured width, IOD."""
        return np.array([np.nan if face is None else face.shape.width for face in self.faces])

    @property
    def shapes(self) -> list[MouthShape]:
        """The measured shapes; through a gap the last one is held. Empty without a face."""
        held: MouthShape | None = next((face.shape for face in self.faces if face is not None), None)
        out: list[MouthShape] = []
        for face in self.faces:
            held = held if face is None else face.shape
            if held is not None:
                out.append(held)
        return out


def look(rig: Rig, clip: Clip, most: int | None = None) -> Seen:
    """Read a clip to its end, or for so many frames. Raises ResourceError, FormatError when its picture cannot be read."""
    tracker = rig.tracker()
    faces = tuple(tracker.see(frame, ticks_of(rig, k)).face for k, frame in frames_of(rig, clip, most))
    notes = [] if clip.note is None else [clip.note]
    without = sum(face is None for face in faces)
    if without:
        notes.append(f"{without} of {len(faces)} frames have no face to work on, and are left out")
    voice = _voice(clip, samples_of(rig, len(faces)))
    columns = None if voice is None else speech.columns_of(voice)
    if columns is None:
        notes.append("no sound in this file: nothing is measured by its voice")
        return Seen(clip, faces, None, None, np.zeros(0), np.zeros(0, np.bool_), tuple(notes))
    level = speech.loudness(columns, len(faces), rig.format.rate)
    spoken = speech.spoken(clip.transcript, level, rig.format.rate)
    if not spoken.any():
        notes.append("no speech in its sound")
    return Seen(clip, faces, voice, columns, level, spoken, tuple(notes))


def _voice(clip: Clip, samples: int) -> Voice | None:
    """The clip's own sound as mono, laid to its first frame as the file says; None when it has none."""
    sound = OwnSound(clip.path)
    try:
        return np.asarray(sound.take(samples).mean(axis=0), np.float32) if sound.channels else None
    finally:
        sound.close()


def frames_of(rig: Rig, clip: Clip, most: int | None = None) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Each frame with its number; the array is the reader's until the next is asked for."""
    with VideoReader(clip.path, format=rig.format, pack=rig.device.pack) as reader:
        for number, frame in enumerate(reader):
            if number == most:
                return
            yield number, frame


def picked(rig: Rig, seen: Seen, spans: Sequence[Span]) -> Iterator[tuple[int, NDArray[np.uint8], Face | None]]:
    """The frames of some spans of one clip, with their faces, in order; the clip is read once."""
    wanted = {k for span in spans for k in range(span.first, min(span.last, seen.frames))}
    last = max(wanted, default=-1)
    for number, frame in frames_of(rig, seen.clip, last + 1):
        if number in wanted:
            yield number, frame, seen.faces[number]


def ticks_of(rig: Rig, number: int) -> int:
    """The 90 kHz tick of a frame."""
    return grain_ticks(number, rig.format.rate, VIDEO_CLOCK_HZ)


def samples_of(rig: Rig, frames: int) -> int:
    """The 48 kHz samples that so many frames last."""
    return grain_ticks(frames, rig.format.rate, AUDIO_CLOCK_HZ)
