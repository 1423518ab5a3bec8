"""The presenter's face from frame to frame: found, followed, smoothed, and given up when it is not to be trusted.

The detector runs when there is no face and twice a second beside it; the mesh runs on every frame, on the crop the
frame before suggests. Of several faces the largest is the presenter, and another one takes over only when it has been
clearly larger for two seconds; while another one is of comparable size, nobody knows who speaks. Times are ticks;
nothing is guessed about a frame that was not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ModelError
from relip.essence.formats import VideoFormat
from relip.essence.scene import Bypass, Face, Region, Sighting
from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.face import detector as boxes
from relip.face import mesh as points
from relip.face.cuts import CutDetector
from relip.face.detector import Box
from relip.face.features import Likener
from relip.face.gates import Gate, Gates
from relip.face.pose import outline_yaw, pose
from relip.face.skull import Skull
from relip.face.smooth import LandmarkSmoother
from relip.ports import Device, Model

LEAST_DETECTION = 0.3
"""Detector score from which a face is looked at: at 0.5 low-resolution clips lose their first half second."""
START_PRESENCE, KEEP_PRESENCE = 0.5, 0.3
"""Mesh score that begins a track, and that keeps one."""
PATIENCE_FRAMES = 2
"""Frames a track may miss before it is lost."""
CHECK_TICKS = VIDEO_CLOCK_HZ // 2
"""A second person is noticed half a second late at most, for a tenth of a millisecond a frame."""
GAP_TICKS = VIDEO_CLOCK_HZ // 2
"""A jump in time beyond which the next frame has nothing to do with the last."""
LOST_TICKS = 10 * VIDEO_CLOCK_HZ
"""How long a face counts as lost, before there is none."""
RIVAL_AREA = 1.5
RIVAL_CHECKS = 4
FIRST_FEATURES, FEATURES_EVERY = 6, 5
"""Features are taken of so many frames of a new identity, since somebody waits for them, and then of every fifth."""
COMPARABLE_AREA, COMPARABLE_MARGIN = 0.5, 0.1
"""Share of the presenter's area from which another face may as well be the one that speaks."""
SURE_DETECTION = 0.5
"""Detector score of a second face that is looked at: somebody at the edge is worth a bypass, a stain on the wall is not."""
SAME_FACE = 0.5
"""A detected box whose middle lies within half a crop of the tracked face's middle is that face."""
LIPS = np.array((61, 291, 37, 267, 17))
CHIN = 152
LIP_ROOM, CHIN_ROOM = 0.14, 0.05
"""IOD about lips and chin that must lie inside the raster if a mouth is to be drawn."""


def _company() -> Gate:
    return Gate(limit=COMPARABLE_AREA, margin=COMPARABLE_MARGIN)


@dataclass(slots=True)
class _Track:
    """What is remembered of the face being followed."""

    landmarks: NDArray[np.float32]
    checked_ticks: int
    smoother: LandmarkSmoother
    skull: Skull = field(default_factory=Skull)
    gates: Gates = field(default_factory=Gates)
    company: Gate = field(default_factory=_company)
    missed: int = 0
    rival: int = 0


class FaceTracker:
    """Sees every frame of one flow, in order."""

    def __init__(
        self,
        *,
        detector: Model,
        mesh: Model,
        device: Device,
        format: VideoFormat,  # noqa: A002 - the seam's word
        head_speed: float = 0.0,
    ) -> None:
        """`detector` and `mesh` are `face_detector.onnx` and `face_mesh.onnx`. FormatError for other nets.

        `head_speed`: 0 for a head that keeps still or moves slowly, 1 for a fast one; see `LandmarkSmoother`.
        """
        if not 0.0 <= head_speed <= 1.0:
            raise FormatError(f"head_speed={head_speed}: from 0, slow, to 1, fast")
        self._detector, self._mesh, self._device = detector, mesh, device
        self._raster = format.width, format.height
        self._view = boxes.letterbox(format.width, format.height)
        self._picture = np.zeros((1, boxes.SIZE, boxes.SIZE, 3), np.float32)
        self._crop = np.zeros((1, points.SIZE, points.SIZE, 3), np.float32)
        self._detector_ends = _ends(detector, "boxes", "scores")
        self._mesh_ends = _ends(mesh, "landmarks", "presence")
        self._head_speed = head_speed
        self._identity = 0
        self._ticks: int | None = None
        self._speaker: Region | None = None
        self._track: _Track | None = None
        self._lost_ticks: int | None = None
        self._cuts = CutDetector()
        self._likener = Likener(device)
        self._featured, self._frames = 0, 0

    def reset(self) -> None:
        """Forget the face and the shot; the next face gets a new identity."""
        self._drop()
        self._cuts = CutDetector()
        self._ticks = None

    def see(self, packed: NDArray[np.uint8], ticks: int, speaker: Region | None = None) -> Sighting:
        """The presenter in the frame (height, row_octets) whose origin timestamp is `ticks` (90 kHz).

        `speaker`: where the one who speaks is, for who knows it: a face with its middle in there is the presenter, whoever else
        is in view; None leaves it to sizes.
        Raises ModelError when a net fails or answers with something that is not a number; the track is dropped then.
        """
        if self._ticks is not None and not 0 < ticks - self._ticks <= GAP_TICKS:
            self.reset()
        self._ticks, self._speaker = ticks, speaker
        cut = self._cuts.see(packed)
        if cut:
            self._drop()
        try:
            sighting = self._follow(packed, ticks)
        except ModelError:
            self._drop()
            raise
        alone = self._track is None or not self._track.company.shut
        return Sighting(
            face=None if sighting.face is None else self._with_features(packed, sighting.face),
            absent=sighting.absent or (None if alone else Bypass.TWO_FACES),
            cut=cut,
            limit=sighting.limit,
        )

    def _with_features(self, packed: NDArray[np.uint8], face: Face) -> Face:
        """The face with what it is recognised by, now and then."""
        if face.identity != self._featured:
            self._featured, self._frames = face.identity, 0
        self._frames += 1
        if self._frames > FIRST_FEATURES and self._frames % FEATURES_EVERY:
            return face
        return replace(face, features=self._likener.of(packed, face.landmarks, yaw=face.yaw, pitch=face.pitch))

    def _follow(self, packed: NDArray[np.uint8], ticks: int) -> Sighting:
        track = self._track
        if track is None:
            return self._start(packed, ticks)
        if track.missed == 0 and ticks - track.checked_ticks >= CHECK_TICKS:
            self._check(packed, ticks, track)
            track = self._track
            if track is None:
                return self._start(packed, ticks)
        landmarks, presence = self._look(packed, self._expected(packed, track))
        if presence < KEEP_PRESENCE:
            return Sighting(face=None, absent=self._miss(track, ticks))
        return self._seen(landmarks, presence, track)

    def _start(self, packed: NDArray[np.uint8], ticks: int) -> Sighting:
        """Begin a track on the largest face. The mesh looks twice, for its own crop is better than the detector's."""
        found = [box for box in self._detect(packed) if self._may_speak(box)]
        if not found:
            return Sighting(face=None, absent=self._nobody(ticks))
        own = max(found, key=lambda box: box.area)
        landmarks, _ = self._look(packed, points.crop_of_box(own))
        landmarks, presence = self._look(packed, points.crop_of_landmarks(landmarks))
        if presence < START_PRESENCE:
            return Sighting(face=None, absent=self._nobody(ticks) if presence < KEEP_PRESENCE else Bypass.FACE_UNSURE)
        self._identity += 1
        self._lost_ticks = None
        self._track = _Track(landmarks, ticks, LandmarkSmoother(self._head_speed))
        sighting = self._seen(landmarks, presence, self._track)
        self._meet(packed, self._track, own.area, [box for box in found if box is not own])
        return sighting

    def _nobody(self, ticks: int) -> Bypass:
        """Why there is no face: it was lost a moment ago, or there is none."""
        lost = self._lost_ticks is not None and ticks - self._lost_ticks <= LOST_TICKS
        return Bypass.FACE_LOST if lost else Bypass.NO_FACE

    def _seen(self, landmarks: NDArray[np.float32], presence: float, track: _Track) -> Sighting:
        """Smooth, measure, and let the gates say whether it can be worked on."""
        assert self._ticks is not None
        track.landmarks, track.missed = landmarks, 0
        smooth = track.smoother.smooth(landmarks, self._ticks)
        measured = pose(smooth)
        absent, limit = track.gates.judge(
            measured,
            outline=outline_yaw(smooth),
            room=self._room(smooth, measured.iod),
            misfit=track.skull.misfit(landmarks, measured.yaw),
        )
        face = Face(
            landmarks=smooth,
            score=presence,
            iod=measured.iod,
            yaw=measured.yaw,
            pitch=measured.pitch,
            roll=measured.roll,
            identity=self._identity,
        )
        return Sighting(face=face, absent=absent, limit=limit)

    def _room(self, landmarks: NDArray[np.float32], iod: float) -> float:
        """How far what a mouth needs lies inside the raster, in IOD; negative beyond its edge."""
        lips, chin = landmarks[LIPS, :2], landmarks[CHIN, 1]
        sides = min(*lips.min(axis=0), self._raster[0] - lips[:, 0].max())
        return float(min(sides / iod - LIP_ROOM, (self._raster[1] - chin) / iod - CHIN_ROOM))

    def _miss(self, track: _Track, ticks: int) -> Bypass:
        track.missed += 1
        if track.missed <= PATIENCE_FRAMES:
            return Bypass.FACE_UNSURE
        self._track, self._lost_ticks = None, ticks
        return self._nobody(ticks)

    def _drop(self) -> None:
        """Give the track up. The next one counts as another person: nothing tells that it is the same."""
        self._track = self._lost_ticks = None

    def _expected(self, packed: NDArray[np.uint8], track: _Track) -> NDArray[np.float32]:
        """The crop to look at: where the face was; after a miss, where the detector sees it."""
        if track.missed:
            near = [box for box in self._detect(packed) if _same_face(box, track.landmarks)]
            if near:
                return points.crop_of_box(max(near, key=lambda box: box.area))
        return points.crop_of_landmarks(track.landmarks)

    def _check(self, packed: NDArray[np.uint8], ticks: int, track: _Track) -> None:
        """Look for other faces; drop the track when a larger one has been there at several in a row."""
        track.checked_ticks = ticks
        found = self._detect(packed)
        same = max((box for box in found if _same_face(box, track.landmarks)), key=lambda box: box.area, default=None)
        if same is None:
            return
        if not self._may_speak(same):
            self._drop()
            return
        own, others = same.area, [box for box in found if self._may_speak(box) and not _same_face(box, track.landmarks)]
        self._meet(packed, track, own, others)
        rivalled = max((box.area for box in others), default=0.0) > RIVAL_AREA * own
        track.rival = track.rival + 1 if rivalled else 0
        if track.rival >= RIVAL_CHECKS:
            self._drop()

    def _meet(self, packed: NDArray[np.uint8], track: _Track, own: float, others: list[Box]) -> None:
        """Whether somebody of comparable size is there too. The mesh must agree that the other one is a face."""
        sure = [box for box in others if box.score >= SURE_DETECTION]
        other = max(sure, key=lambda box: box.area, default=None)
        if track.company.refuses(0.0 if other is None else other.area / own):
            assert other is not None
            landmarks, _ = self._look(packed, points.crop_of_box(other))
            _, presence = self._look(packed, points.crop_of_landmarks(landmarks))
            track.company.shut = presence >= START_PRESENCE

    def _may_speak(self, box: Box) -> bool:
        """Whether it is not known that somebody else speaks."""
        place, x, y = self._speaker, box.x + box.width / 2, box.y + box.height / 2
        return place is None or (place.x <= x < place.x + place.width and place.y <= y < place.y + place.height)

    def _detect(self, packed: NDArray[np.uint8]) -> list[Box]:
        self._device.crop(packed, self._view, self._picture[0])
        out = self._detector.infer([self._picture])
        found, scores = (out[i] for i in self._detector_ends)
        return boxes.boxes_in(self._view, found, scores, LEAST_DETECTION)

    def _look(self, packed: NDArray[np.uint8], crop: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Landmarks in raster pixels and the mesh's score, through a crop."""
        self._device.crop(packed, crop, self._crop[0])
        out = self._mesh.infer([self._crop])
        landmarks, presence = (out[i] for i in self._mesh_ends)
        score = float(presence.reshape(-1)[0])
        if not np.isfinite(score):
            raise ModelError("the face mesh answered with a score that is not a number")
        return points.to_raster(landmarks, crop), score


def _same_face(box: Box, landmarks: NDArray[np.float32]) -> bool:
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    apart = np.abs((low + high) / 2 - (box.x + box.width / 2, box.y + box.height / 2))
    return bool((apart < SAME_FACE * points.MARGIN * (high - low).max()).all())


def _ends(model: Model, *names: str) -> tuple[int, ...]:
    """Where a model's outputs stand, by name."""
    given = [spec.name for spec in model.signature.outputs]
    missing = [name for name in names if name not in given]
    if missing:
        raise FormatError(f"a net without the output {missing[0]}: it has {', '.join(given)}")
    return tuple(given.index(name) for name in names)
