"""Which faces may be worked on, and how much of them: limits that do not flicker.

Each limit has two edges, so that a face which stays near one is on one side of it. How long a refusal lasts beyond its cause is
not decided here but in `graph.ladder`.
"""

from __future__ import annotations

from dataclasses import dataclass

from relip.essence.scene import Bypass
from relip.face.pose import Pose


@dataclass(slots=True)
class Gate:
    """A limit with two edges: shut beyond `limit`, open again only inside `limit` by `margin`."""

    limit: float
    margin: float
    shut: bool = False

    def refuses(self, value: float) -> bool:
        """Whether it is shut to this value; asked once a frame."""
        self.shut = value > (self.limit - self.margin if self.shut else self.limit)
        return self.shut


class Gates:
    """The limits of one tracked face, and what they said last."""

    def __init__(self) -> None:
        self._turned = Gate(limit=40.0, margin=3.0)  # degrees of yaw: beyond it half the mouth is hidden
        self._half_turned = Gate(limit=25.0, margin=3.0)  # the mesh knows too little of the far cheek to move a jaw
        self._nodding = Gate(limit=32.0, margin=4.0)  # degrees of pitch: lips are foreshortened, or the nose hides them
        self._half_nodding = Gate(limit=20.0, margin=3.0)  # the chin's outline moves along the line of sight
        self._rolled = Gate(limit=45.0, margin=5.0)  # degrees: further the detector does not find a lost face again
        self._small = Gate(limit=-25.0, margin=2.0)  # minus IOD in pixels: below it a lip is two samples thick
        self._rim = Gate(limit=-0.04, margin=0.06)  # minus the room between mouth and raster's edge in IOD
        self._misfit = Gate(limit=0.035, margin=0.007)  # IOD: people keep within 0.025 of themselves, a hand makes it 0.06

    def judge(self, measured: Pose, *, outline: float, room: float, misfit: float) -> tuple[Bypass | None, Bypass | None]:
        """Why this face must be left alone, and why only its lips may be drawn; None for no reason.

        `outline`: degrees of yaw by the face's outline; the larger one counts. `room`: between what must lie inside the raster
        and its edge, in IOD. `misfit`: of the skull to the person's own.
        """
        yaw, pitch = max(abs(measured.yaw), abs(outline)), abs(measured.pitch)
        refusals = (  # every gate is asked, since each remembers its answer
            (self._small.refuses(-measured.iod), Bypass.FACE_SMALL),
            (self._rim.refuses(-room), Bypass.OUT_OF_FRAME),
            (self._turned.refuses(yaw), Bypass.FACE_TURNED),
            (self._nodding.refuses(pitch) | self._rolled.refuses(abs(measured.roll)), Bypass.FACE_TILTED),
        )
        limits = (
            (self._half_turned.refuses(yaw), Bypass.FACE_TURNED),
            (self._half_nodding.refuses(pitch), Bypass.FACE_TILTED),
            (self._misfit.refuses(misfit), Bypass.FACE_UNSURE),
        )
        return _first(refusals), _first(limits)


def _first(answers: tuple[tuple[bool, Bypass], ...]) -> Bypass | None:
    return next((reason for shut, reason in answers if shut), None)
