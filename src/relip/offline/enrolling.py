"""Learns a presenter from clips, for an enrolment file: the same face engine, gallery and gates as on air.

It is strict where the service is patient: a clip in which nobody speaks, or in which two people do, is refused with a reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.articulation.speaker import Speaker
from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.scene import Face
from relip.essence.tai import VIDEO_CLOCK_HZ, grain_ticks
from relip.face.features import TURNED
from relip.face.people import DOUBT_BONES, ENOUGH, Person
from relip.face.tracker import FaceTracker
from relip.mouth.keeping import mouths_of
from relip.mouth.own_pixels import OwnPixels
from relip.offline.enrolment import Enrolment

LEAST_MOUTHS, LEAST_OPEN = 15, 0.08
"""From which the renderer caps no opening: fewer mouths, or a speaker who hardly opens theirs, are no warm start."""
LEAST_MOVED = 0.04
"""Range of the opening, 3rd to 97th percentile in IOD, that is speech: a smile is open and still."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What clips taught: `frames` seen, `used` for learning, `refused` by reason; `mouths` kept and what they span."""

    frames: int
    used: int
    refused: dict[str, int]
    mouths: int
    widest: float
    yaw: tuple[float, float]
    pitch: tuple[float, float]
    iod: float


class Enrolling:
    """Learns one person; show it every frame of every clip in order, then ask for the `enrolment`."""

    def __init__(self, *, tracker: FaceTracker, renderer: OwnPixels, speaker: Speaker, format: VideoFormat) -> None:  # noqa: A002
        self._tracker = tracker
        self._renderer = renderer
        self._speaker = speaker
        self._format = format
        self._person = Person()
        self._refused: Counter[str] = Counter()
        self._frames = self._clip_frames = self._index = 0
        self._identity: int | None = None
        self._settled = False
        self._waiting: list[NDArray[np.float32]] = []

    def begin_clip(self) -> None:
        """The next frame belongs to another clip than the last one."""
        self._tracker.reset()
        self._index += 2 * int(self._format.rate)
        self._clip_frames = 0

    def see(self, packed: NDArray[np.uint8]) -> None:
        """Learn from a frame (height, row_octets). FormatError when it shows another person than before."""
        ticks = grain_ticks(self._index, self._format.rate, VIDEO_CLOCK_HZ)
        sighting = self._tracker.see(packed, ticks)
        self._index += 1
        self._frames += 1
        self._clip_frames += 1
        if sighting.face is None or sighting.absent is not None:
            self._refused[str(sighting.absent)] += 1
        elif self._recognise(sighting.face):
            self._speaker.observe(sighting.face.shape)
            self._renderer.learn(packed, sighting.face, ticks)
        else:
            self._refused["unrecognised"] += 1

    def _recognise(self, face: Face) -> bool:
        """Whether it is settled that this is the one person who is learned."""
        if face.identity != self._identity:
            self._identity = face.identity
            self._waiting.clear()
            self._settled = False
            self._renderer.memory.gates.begin_shot()
        if self._settled:
            if face.features is not None:
                self._person.see(face.features)
            return True
        if face.features is not None:
            self._waiting.append(face.features)
        if len(self._waiting) >= ENOUGH:
            self._settle(np.mean(self._waiting, axis=0, dtype=np.float32))
        return self._settled

    def _settle(self, features: NDArray[np.float32]) -> None:
        """Accept the first face, and later ones if they are the same person."""
        found = self._person.resembles(features) if self._person.views else None
        aside = found is not None and found.turned > TURNED and found.bones <= DOUBT_BONES
        if found is not None and not found.same and not aside:
            raise FormatError(
                f"two people, or one in two lights: the face about frame {self._clip_frames} is not the one before; "
                "enrol each person, and each light, in a file of its own"
            )
        self._person.see(features)
        self._settled = True

    @property
    def learned(self) -> Learned:
        """What has been learned so far."""
        memory = self._renderer.memory
        gallery = memory.gallery
        poses = gallery.measures[: max(gallery.count, 1), 3:]
        yaw, pitch = ((float(column.min()), float(column.max())) for column in poses.T)
        return Learned(
            frames=self._frames,
            used=memory.seen,
            refused=dict(sorted((self._refused + Counter({str(k): n for k, n in memory.refused.items()})).items())),
            mouths=gallery.count,
            widest=gallery.widest,
            yaw=yaw,
            pitch=pitch,
            iod=float(np.median(gallery.iod[: gallery.count])) if gallery.count else 0.0,
        )

    def enrolment(self, *, name: str, note: str) -> Enrolment:
        """Everything learned, for a file. FormatError says what the clips lacked."""
        learned = self.learned
        if not learned.used:
            why = ", ".join(f"{reason} {count}" for reason, count in learned.refused.items())
            raise FormatError(f"no face that can be learned from in {learned.frames} frames ({why or 'none'})")
        observations = self._speaker.known()
        low, high = np.quantile(observations[:, 0], (0.03, 0.97))
        if learned.widest < LEAST_OPEN or high - low < LEAST_MOVED:
            raise FormatError(
                f"nobody speaks: the opening of the mouth goes from {low:.2f} to {high:.2f} of the distance between the eyes, "
                f"and speech moves it by {LEAST_MOVED} and up to {LEAST_OPEN} at least"
            )
        if learned.mouths < LEAST_MOUTHS:
            raise FormatError(f"{learned.mouths} mouths are too few, and {LEAST_MOUTHS} the least: give ten seconds of speech")
        return Enrolment(
            name=name,
            note=note,
            raster=(self._format.width, self._format.height),
            mouths=mouths_of(self._renderer.memory),
            features=np.stack(self._person.views),
            observations=observations,
        )
