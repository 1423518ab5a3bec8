"""What is seen and heard at one grain, and what was done about it. Engines meet only through these values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.grains import Planes

NOBODY = -1
"""The number of a person who is not told apart from others (yet): nothing of them is remembered."""


class Bypass(StrEnum):
    """Why a grain left untouched. The value is the metric's label and the key in demo.json."""

    REQUESTED = "requested"
    NO_FACE = "no_face"
    FACE_SMALL = "face_small"
    FACE_TURNED = "face_turned"
    FACE_UNSURE = "face_unsure"
    CUT = "cut"
    NO_DUB = "no_dub"
    WARMING = "warming"
    INCOMPLETE = "incomplete"
    MODEL = "model"
    FAILED = "failed"
    DEADLINE = "deadline"
    FACE_LOST = "face_lost"
    FACE_TILTED = "face_tilted"
    OUT_OF_FRAME = "out_of_frame"
    COVERED = "covered"
    TWO_FACES = "two_faces"
    OVERLOAD = "overload"


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the raster in pixels. `x` and `width` are even: a pgroup is never split."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x % 2 or self.width % 2:
            raise FormatError(f"region x={self.x} width={self.width} splits a pgroup")
        if self.x < 0 or self.y < 0 or self.width <= 0 or self.height <= 0:
            raise FormatError(f"region {self.width}x{self.height}+{self.x}+{self.y} is empty or outside")

    def within(self, width: int, height: int) -> bool:
        """Whether it lies inside a raster."""
        return self.x + self.width <= width and self.y + self.height <= height


@dataclass(frozen=True, slots=True)
class Face:
    """One presenter's face in raster pixels.

    `landmarks`: (478, 3) float32, x right, y down, z towards the back, all in pixels (MediaPipe attention mesh order).
    `score`: the mesh's own presence, 0..1. `iod`: 3-D distance of the outer eye corners in pixels.
    `yaw`, `pitch`, `roll`: degrees. `identity`: grows by one whenever the person or the shot may have changed.
    `features`: what `face.features` compares people by; not taken of every frame.
    """

    landmarks: NDArray[np.float32]
    score: float
    iod: float
    yaw: float
    pitch: float
    roll: float
    identity: int
    features: NDArray[np.float32] | None = None

    @property
    def shape(self) -> MouthShape:
        """The mouth as it was measured: inner-lip gap and corner distance over IOD (lip-sync practice: MAR)."""
        upper, lower, right, left = (self.landmarks[index].tolist() for index in (13, 14, 61, 291))
        return MouthShape(
            open=math.hypot(upper[0] - lower[0], upper[1] - lower[1]) / self.iod,
            width=math.hypot(right[0] - left[0], right[1] - left[1]) / self.iod,
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is seen in one frame: a face, or the reason there is none to work on.

    `absent`: why the frame must be left alone. Where a `face` comes with it, that face can still be drawn for the few frames
    that a way out takes. `limit`: why only the lips may be drawn and the jaw not.
    """

    face: Face | None
    absent: Bypass | None
    cut: bool = False
    limit: Bypass | None = None


@dataclass(frozen=True, slots=True)
class Articulation:
    """What the voice asks of a mouth over one frame, in the net's own scale, 0..1 each unless said.

    `open` jaw/lip opening; `width` spread (0.5 neutral); `round` protrusion; `closure` lips must meet (maximum over
    the frame); `labiodental` f/v; `teeth`, `tongue` visible; `speech` probability that somebody speaks; `doubt`
    standard deviation of `open`, as far as the voice leaves it open.
    """

    open: float
    width: float
    round: float
    closure: float
    labiodental: float
    teeth: float
    tongue: float
    speech: float
    doubt: float = 0.0


@dataclass(frozen=True, slots=True)
class MouthShape:
    """A mouth in this speaker's own measures, in units of IOD.

    `open`: inner-lip gap (landmarks 13–14). `width`: mouth corner distance (61–291). `round` and `labiodental`: 0..1.
    `teeth`: share of the opening in which teeth show; None where nothing is asked of them.
    """

    open: float
    width: float
    round: float = 0.0
    labiodental: float = 0.0
    teeth: float | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """New pixels for a region, not yet blended.

    The arrays are the renderer's own and stay valid through its next call (it keeps two sets), so that a renderer may work
    on the next grain while this one is blended.

    `planes`: samples of the region's size. `alpha`: (height, width) float32, 0..1, exactly 0 along the region's edge.
    """

    region: Region
    planes: Planes
    alpha: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Patch:
    """The packed pixels that replace a region: (height, width/2*5) uint8. All that may differ from the input."""

    region: Region
    packed: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one grain: a patch, or the reason it is left alone. Exactly one of the two is set.

    `limit`: why the patch has new lips but not a new jaw.
    """

    patch: Patch | None = None
    bypass: Bypass | None = None
    limit: Bypass | None = None

    def __post_init__(self) -> None:
        assert (self.patch is None) != (self.bypass is None), "a grain is either altered or bypassed"
