"""Whether something is before the mouth: a hand, a microphone, a cup, a sheet of paper.

The mesh does not say: it draws a mouth where one must be, and trusts itself. So some hundred points of lips, chin and cheeks
are compared with what this person has there: brightness and colour, which no word changes, since the points go with the face
and what lies between the lips is left out. What light does to all of the face it does to the upper half too, which is taken
out. A point that is far from its own past deviates; the share of those that do decides. Points are sampled, no plane is
unpacked.
"""

from __future__ import annotations

from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import PGROUP_OCTETS
from relip.essence.scene import Face
from relip.mouth.landmarks import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER, SKIN_LOWER, SKIN_UPPER
from relip.mouth.tone import BLACK, NEUTRAL

# fmt: off
CHIN = np.array((
    200, 199, 175, 201, 421, 208, 428, 194, 418, 32, 262, 211, 431, 204, 424, 210, 430, 202, 422, 169, 394, 212, 432, 216, 436,
    207, 427, 214, 434, 192, 416, 135, 364, 138, 367, 187, 411, 205, 425,
))
"""Chin and lower cheeks, inside their outline."""
UPPER_FACE = np.array((
    151, 9, 8, 168, 6, 197, 195, 108, 337, 101, 330, 118, 347, 36, 266, 117, 346, 123, 352, 50, 280, 205, 425,
))
"""Forehead, nose and upper cheeks: what the light on the rest is judged by."""
# fmt: on
_SKIN = np.concatenate((SKIN_UPPER, SKIN_LOWER, CHIN, UPPER_FACE))
OUTSIDE = np.concatenate((OUTER_UPPER[1:-1], OUTER_LOWER[1:-1], _SKIN))
INSIDE = np.concatenate((INNER_UPPER[1:-1], INNER_LOWER[1:-1], _SKIN))
"""Pairs of landmarks between which the points lie; on the skin both are the same."""
LIP_POINTS = 2 * (len(OUTER_UPPER) - 2)
MOUTH_POINTS = LIP_POINTS + len(SKIN_UPPER) + len(SKIN_LOWER)
LOWER, UPPER = slice(None, MOUTH_POINTS + len(CHIN)), slice(MOUTH_POINTS + len(CHIN), None)
LIPS, AROUND, SKIN = slice(None, LIP_POINTS), slice(LIP_POINTS, MOUTH_POINTS), slice(LIP_POINTS, LOWER.stop)
"""Where the parts stand among all points."""
LEAST_LUMA = 40.0
"""Codes above black below which a colour says nothing."""
SPACING = 0.012
"""IOD between the nine samples whose mean a point is."""
START = np.array((30.0, 5.0, 5.0))
"""Deviation in codes of Y, Cb, Cr that every point is granted before its own is known."""
SLACK, FLOOR = np.array((0.10, 0.012, 0.012)), np.array((8.0, 3.0, 3.0))
"""And what stays granted of Y, Cb, Cr, as a share of the luma and in codes: shading follows the head's pose."""
DARK = 150.0
"""Codes above black below which shares are taken of this instead: beards and shadows."""
FAR = 3.0
"""Deviations from its own mean from which a point counts."""
FIRST_FRAMES = 50
"""A point's mean and spread are those of so many frames, then follow slowly; one that deviates follows more slowly still."""
REVIEW_FRAMES = 10
SLOW, SLOWEST, QUICK = 0.02, 0.002, 0.2
LIPS_SHUT, LIPS_OPEN = 0.25, 0.15
FACE_SHUT, FACE_OPEN = 0.15, 0.08
"""Shares of deviating points from which a part is covered, and below which it no longer is; speech stays under 0.1."""
UPPER_SLACK = 2.0
"""How many times more of the upper face may be hidden: it is not drawn, but whoever is half hidden is nobody's likeness."""
SHADOW_SHARE = 0.1
"""Fewer points of the lower face than these deviate when only another light than the upper face's lies on it."""
NO_MOUTH = -0.10
"""Bareness of what cannot be a mouth: a thing that was there when the speaker was first seen."""
BARER = 0.04
BARER_FRAMES = 12
"""How much barer than what was learned something must be, and for how long, to be the mouth after all."""
A_MOUTH, PATIENCE = 0.03, 4
"""Bareness of somebody else's mouth, which takes so many times as long to be believed: hands come near to it at times."""
MOST_GAIN = 2.0
FLASH = 1.2
FLASH_FRAMES = 4
"""Brightening from one frame to the next that makes a flash, in which nothing is judged, and how long one may last."""

Values = NDArray[np.float64]


class Cover(Enum):
    """What is covered: `LIPS` means that nothing of the mouth can be drawn, `FACE` that only the lips can."""

    NOTHING = auto()
    FACE = auto()
    LIPS = auto()


class Occlusion:
    """Remembers what one person looks like round the mouth. Sees every frame with a face, in order; `forget` it at a cut.

    A new identity within a shot is mostly the same person, found again behind a hand: what is known is kept, and given up
    as soon as it does not fit and what is seen looks like a mouth too.
    """

    def __init__(self) -> None:
        self._identity = -1
        self.mouths = 0
        """How many mouths were taken for the speaker's so far: it grows when another one may be seen."""
        self.forget()

    def forget(self) -> None:
        """Know nobody."""
        self._frames = 0
        self._mean: Values | None = None
        self._spread: Values | None = None
        self._bareness = 0.0
        self._gain = 1.0
        self._flash_frames = 0
        self._cover = Cover.NOTHING
        self._rival: Values | None = None
        self._rival_frames = 0
        self._stranger = False

    def _begin(self, colours: Values) -> None:
        """Take some colours for those of a bare mouth, until more is known."""
        self.mouths += 1
        self._mean, self._spread, self._bareness = colours, np.tile(START**2, (len(colours), 1)), bareness(colours)

    def see(self, packed: NDArray[np.uint8], face: Face) -> Cover:
        """What is covered of a face in a packed frame (height, row_octets)."""
        if face.identity != self._identity:
            self._identity, self._stranger = face.identity, self._mean is not None
        colours = sample(packed, _places(face), max(1, round(SPACING * face.iod)))
        if self._mean is None:
            self._begin(colours)
        assert self._mean is not None
        gain, shift = _light(colours[UPPER], self._mean[UPPER])
        if self._flashes(gain):
            return self._cover
        far = self._far(colours, gain, shift)
        if far[LOWER].mean() > SHADOW_SHARE:
            shaded = self._far(colours, _light(colours[LOWER], self._mean[LOWER])[0], shift)[LOWER]
            far[LOWER] = shaded if shaded.mean() < SHADOW_SHARE else far[LOWER]
        self._cover = self._judge(far)
        seen = (colours - shift) / gain
        if self._cover is Cover.LIPS:
            self._doubt(seen)
        else:
            self._rival, self._rival_frames, self._gain, self._stranger = None, 0, gain, False
            self._learn(far, seen)
        return self._cover

    def _far(self, colours: Values, gain: float, shift: Values) -> NDArray[np.bool_]:
        """Which points deviate from their own past in a light that is `gain` as bright and `shift` in colour."""
        assert self._mean is not None
        assert self._spread is not None
        lit = self._mean * gain
        granted = np.maximum(lit[:, :1], DARK) * SLACK + FLOOR
        return np.asarray(((colours - shift - lit) ** 2 / (self._spread * gain**2 + granted**2)).sum(axis=1) > FAR**2)

    def _flashes(self, gain: float) -> bool:
        """Whether the face is suddenly brighter than when nothing was before it, and has not been so for long."""
        self._flash_frames = self._flash_frames + 1 if gain > FLASH * self._gain else 0
        return 0 < self._flash_frames <= FLASH_FRAMES

    def _judge(self, far: NDArray[np.bool_]) -> Cover:
        if self._bareness < NO_MOUTH:
            return Cover.LIPS
        mouth, chin, upper = far[:MOUTH_POINTS].mean(), far[MOUTH_POINTS : LOWER.stop].mean(), far[UPPER].mean()
        if mouth > (LIPS_OPEN if self._cover is Cover.LIPS else LIPS_SHUT):
            return Cover.LIPS
        limit = FACE_SHUT if self._cover is Cover.NOTHING else FACE_OPEN
        return Cover.FACE if max(chin, mouth, upper / UPPER_SLACK) > limit else Cover.NOTHING

    def _doubt(self, colours: Values) -> None:
        """Begin anew with what covers the lips, if that looks more like a mouth than what was learned."""
        seen = bareness(colours)
        barer = seen > self._bareness + (-BARER if self._stranger else BARER)
        if not barer and seen <= A_MOUTH:
            self._rival, self._rival_frames = None, 0
            return
        self._rival = colours if self._rival is None else self._rival + QUICK * (colours - self._rival)
        self._rival_frames += PATIENCE if barer else 1
        if self._rival_frames >= PATIENCE * BARER_FRAMES:
            rival = self._rival
            self.forget()
            self._begin(rival)

    def _learn(self, far: NDArray[np.bool_], colours: Values) -> None:
        """Take colours in the light of this person's past."""
        assert self._mean is not None
        assert self._spread is not None
        if self._frames % REVIEW_FRAMES == 0:
            self._bareness = bareness(self._mean)
        self._frames += 1
        near = max(1 / self._frames, SLOW) if self._frames < FIRST_FRAMES else SLOW
        share, error = np.where(far, SLOWEST, near)[:, None], colours - self._mean
        self._mean = self._mean + share * error
        self._spread += share * (error**2 - self._spread)


def _places(face: Face) -> Values:
    """(n, 2) pixels of the points: the middle of the lips' red, the skin about them, chin, upper face."""
    points = face.landmarks[:, :2].astype(np.float64)
    return np.asarray((points[OUTSIDE] + points[INSIDE]) / 2)


def sample(packed: NDArray[np.uint8], places: Values, spacing: int) -> Values:
    """Y above black, Cb and Cr above neutral in codes at (n, 2) places: (n, 3), each the mean of nine pgroups."""
    height, octets = packed.shape
    groups = packed.reshape(height, octets // PGROUP_OCTETS, PGROUP_OCTETS)
    near = np.rint(places).astype(np.intp)[:, None] + np.arange(-1, 2)[:, None] * spacing
    column, row = np.clip(near[..., 0] // 2, 0, groups.shape[1] - 1), np.clip(near[..., 1], 0, height - 1)
    a, b, c, d, e = groups[row[:, :, None], column[:, None, :]].reshape(len(places), 9, PGROUP_OCTETS).transpose(2, 0, 1)
    high = np.stack(((b & 63), (d & 3), a, c & 15)).sum(axis=2, dtype=np.int32)  # what counts 16, 256, 4 and 64 of each code
    low = np.stack((c >> 4, e, b >> 6, d >> 2)).sum(axis=2, dtype=np.int32)
    sums = ((16 * high[0] + low[0] + 256 * high[1] + low[1]) / 2, 4 * high[2] + low[2], 64 * high[3] + low[3])
    return np.stack(sums, axis=1) / 9 - (BLACK, NEUTRAL, NEUTRAL)


def bareness(colours: Values) -> float:
    """How much points look like a bare mouth: lips redder than the skin about them, skin like that of the upper face.

    Colours are taken in shares of the luma, so that no light matters. A mouth has 0.1 to 0.2, a hand nought, things have less.
    """
    shares = colours[:, 1:] / np.maximum(colours[:, :1], LEAST_LUMA)
    lips, around, lower, upper = (np.median(shares[part], axis=0) for part in (LIPS, AROUND, SKIN, UPPER))
    return float(lips[1] - around[1] - np.hypot(*(lower - upper)))


def _light(colours: Values, own: Values) -> tuple[float, Values]:
    """How bright points are against their own past, and how they are shifted in Y (never), Cb and Cr."""
    gain = min(max(float(_middle(colours[:, 0] / np.maximum(own[:, 0], 1))), 1 / MOST_GAIN), MOST_GAIN)
    shift = _middle(colours - own * gain)
    shift[0] = 0
    return gain, shift


def _middle(values: Values) -> Values:
    """The upper median along the first axis, without what `np.median` spends on being general."""
    return np.asarray(np.sort(values, axis=0)[len(values) // 2])
