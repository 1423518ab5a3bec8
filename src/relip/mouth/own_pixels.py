"""The own-pixels renderer: the speaker's face, warped, with the speaker's own lips laid on it.

The base is the current picture with lips, chin and cheeks moved to the target; over it lie lips from the gallery that has been
learnt of this speaker, so that nothing of the original opening is left. Until the gallery holds an open mouth, openings are
capped and their inside is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import NOBODY, Face, MouthShape, Region, Rendered
from relip.mouth import tone
from relip.mouth.fields import face_lattice
from relip.mouth.gallery import Gallery, planes_in
from relip.mouth.geometry import Complex, plane_points, region_of
from relip.mouth.grain import Grain
from relip.mouth.interior import unseen
from relip.mouth.lips import layer_of
from relip.mouth.memory import Memory, OwnPixelsSettings, Shelf
from relip.mouth.silhouette import Silhouette
from relip.ports import Device

EDGE = 0.08
"""IOD over which the mask falls to nought at the region's edge."""
SHOWN = (0.012, 0.022)
"""IOD from which an entry's opening may show the speaker's own teeth, and does, so that none are drawn."""


class OwnPixels:
    """The renderer of one flow, with one speaker at a time: `turn_to` says whose mouth the next pictures show."""

    def __init__(
        self,
        *,
        device: Device,
        format: VideoFormat,  # noqa: A002
        settings: OwnPixelsSettings | None = None,
        enrolled: Mapping[int, Memory] | None = None,
    ) -> None:
        """`enrolled`: what is known in advance, by person; it is learned on with, and never given up."""
        self._device = device
        self._format = format
        settings = settings or OwnPixelsSettings()
        self._shelf = Shelf(settings, enrolled)
        self._canvas = _Canvas()
        self.turn_to(NOBODY, iod=0.0)

    @property
    def memory(self) -> Memory:
        """What is known of the present speaker."""
        return self._memory

    @property
    def warm(self) -> bool:
        """Whether enough of the speaker has been seen to render."""
        return self._memory.warm

    @property
    def cap(self) -> float:
        """The widest opening that is rendered now, in IOD."""
        return self._memory.cap

    def turn_to(self, person: int, *, iod: float) -> None:
        """A shot of this person begins, `iod` pixels between the eyes: go on with what is known of them, if anything is."""
        self._memory = self._shelf.of(person, iod)
        self._memory.gates.begin_shot()
        self._gallery, self._shape = self._memory.gallery, self._memory.shape
        self._choice, self._shot = _Choice(), _Shot()

    def forget(self) -> None:
        """Drop everything that belongs to this speaker."""
        self._memory.forget()
        self._choice, self._shot = _Choice(), _Shot()

    def learn(self, packed: NDArray[np.uint8], face: Face, ticks: int) -> None:
        """Take what an unaltered picture shows of the speaker's mouth, if it is not in doubt and adds to what is known.

        `packed`: (height, row_octets); `ticks`: its origin timestamp. The picture is read, not kept. A caller that knows more
        of a frame than its face and its pixels say, such as a hand before the mouth, does not call.
        """
        region = self._memory.region_for(face, ticks, width=self._format.width, height=self._format.height)
        if region is None:
            return
        seen = self._canvas.entry(region)
        self._device.unpack(packed, region, seen)
        points = plane_points(face.landmarks) - complex(region.x, region.y)
        self._shot.grain.look(seen.y, (region.x, region.y), points, face.iod)
        in_use, grain = self._choice.in_use, self._shot.grain.deviation
        self._memory.learn(seen, region, face, ticks=ticks, in_use=in_use, grain=grain)

    def render(
        self, packed: NDArray[np.uint8], face: Face, target: MouthShape, strength: float, *, jaw: float = 1.0
    ) -> Rendered | None:
        """The mouth region of a picture with the mouth in the target shape; None if it does not fit or nothing is known.

        `strength` 0..1 leads from the original, exactly, to the target; `jaw` 0..1 is how much of the face about the lips moves
        with them. The arrays stay valid through the next call.
        """
        region = region_of(face, self._format.width, self._format.height)
        if region is None or not self._gallery.count:
            return None
        set_ = self._canvas.next(region, face.iod)
        self._device.unpack(packed, region, set_.under)
        wanted = self._towards(face, target, strength)
        before, after = plane_points(face.landmarks), self._shape.aim(face, wanted, jaw)
        if strength <= 0:
            after = before
        corner = complex(region.x, region.y)
        before, after = before - corner, after - corner
        self._shot.silhouette.look(set_.under, before, face.iod)
        outline = self._shot.silhouette.outline(before, after, face.iod)
        lattice = face_lattice(self._device, before, after, size=(region.width, region.height), iod=face.iod, outline=outline)
        self._device.warp(set_.under, lattice, set_.over)
        self._lay_lips(set_, face, wanted, before=before, after=after, strength=strength)
        return Rendered(region, set_.over, set_.alpha)

    def _towards(self, face: Face, target: MouthShape, strength: float) -> MouthShape:
        """The target within the cap, or as far towards it as the strength says."""
        had, opening = face.shape, min(target.open, self.cap)
        return MouthShape(
            open=had.open + (opening - had.open) * strength,
            width=had.width + (target.width - had.width) * strength,
            round=target.round * strength,
            labiodental=target.labiodental * strength,
            teeth=target.teeth,
        )

    def _lay_lips(
        self, set_: _Set, face: Face, wanted: MouthShape, *, before: Complex, after: Complex, strength: float
    ) -> None:
        """Lay the chosen entry over the base, and while it is new, over the one before it."""
        here = self._shot.ring.follow(tone.colours_at(set_.under, tone.ring_points(before, face.iod)))
        seed = crc32(set_.under.y[set_.under.y.shape[0] // 2].tobytes())
        dark = self._gallery.dark[: self._gallery.count]
        dark, skin = dark[dark[:, 0].argmin()], np.median(here, axis=0)
        for index, weight in self._choice.advance(self._gallery, wanted, face):
            shown = float(np.clip((self._gallery.measures[index, 0] - SHOWN[0]) / (SHOWN[1] - SHOWN[0]), 0, 1))
            layer = layer_of(
                self._device,
                self._gallery,
                index,
                target=after,
                size=(set_.over.y.shape[1], set_.over.y.shape[0]),
                iod=face.iod,
                ring_match=tone.match(here, self._gallery.ring[index]),
                valley=self._valley(index),
                unseen=unseen(wanted.open, dark=dark, skin=skin, shown=shown),
                grain=(self._shot.grain.deviation, seed),
                weight=weight * min(strength, 1.0),
            )
            self._device.lay(layer, set_.over)

    def _valley(self, index: int) -> float:
        """Where upper and lower jaw part in an entry's picture; found once for each that was ever stored."""
        gallery = self._gallery
        serial = int(gallery.serial[index])
        known, valley = self._shot.valleys.get(index, (0, 1.0))
        if known != serial:
            places = gallery.landmarks[index].astype(np.float64)
            valley = tone.valley_of(gallery.picture(index), places[:, 0] + 1j * places[:, 1], gallery.measures[index, 0])
            self._shot.valleys[index] = (serial, valley)
        return valley


@dataclass(slots=True)
class _Shot:
    """What is remembered of one shot beside the mouths themselves."""

    silhouette: Silhouette = field(default_factory=Silhouette)
    ring: tone.Ring = field(default_factory=tone.Ring)
    grain: Grain = field(default_factory=Grain)
    valleys: dict[int, tuple[int, float]] = field(default_factory=dict)


class _Choice:
    """Remembers which entry is in use, and fades to the next over two frames."""

    FADE = (1 / 3, 2 / 3, 1.0)

    def __init__(self) -> None:
        self._current: int | None = None
        self._previous: int | None = None
        self._age = 0

    @property
    def in_use(self) -> tuple[int, ...]:
        """Entries that must not be overwritten."""
        return tuple(index for index in (self._current, self._previous) if index is not None)

    def advance(self, gallery: Gallery, target: MouthShape, face: Face) -> list[tuple[int, float]]:
        """Choose for the next frame: entries and weights, from the lowest layer up."""
        found = gallery.best(target, face, self._current)
        if found != self._current:
            self._previous, self._current, self._age = self._current, found, 0
        else:
            self._age += 1
        if self._previous is None or self._age >= len(self.FADE) - 1:
            self._previous = None
            return [(found, 1.0)]
        return [(self._previous, 1.0), (found, self.FADE[self._age])]


@dataclass(slots=True)
class _Set:
    """The arrays of one rendering, views of the canvas."""

    under: Planes
    over: Planes
    alpha: NDArray[np.float32]


class _Canvas:
    """Memory for renderings: two sets in turn, grown when a region is larger than any before."""

    def __init__(self) -> None:
        self._samples = [np.zeros(0, np.uint16) for _ in range(3)]
        self._alphas = [np.zeros(0, np.float32) for _ in range(2)]
        self._entry = np.zeros(0, np.uint16)
        self._drawn: list[tuple[int, int, int] | None] = [None, None]
        self._turn = 0

    def entry(self, region: Region) -> Planes:
        """Planes for a look at the mouth, until the next call."""
        if self._entry.size < 2 * region.width * region.height:
            self._entry = np.zeros(2 * region.width * region.height, np.uint16)
        return _planes(self._entry, region)

    def next(self, region: Region, iod: float) -> _Set:
        """Planes and mask for a region; the mask is drawn."""
        self._turn = 1 - self._turn
        pixels = region.width * region.height
        if self._alphas[0].size < pixels:
            self._samples = [np.zeros(2 * pixels, np.uint16) for _ in range(3)]
            self._alphas = [np.zeros(pixels, np.float32) for _ in range(2)]
            self._drawn = [None, None]
        alpha = self._alphas[self._turn][:pixels].reshape(region.height, region.width)
        wanted = (region.height, region.width, max(round(EDGE * iod), 2))
        if wanted != self._drawn[self._turn]:
            _draw_mask(alpha, wanted[2])
            self._drawn[self._turn] = wanted
        return _Set(_planes(self._samples[2], region), _planes(self._samples[self._turn], region), alpha)


def _planes(memory: NDArray[np.uint16], region: Region) -> Planes:
    """Contiguous planes for a region at the start of a flat memory."""
    return planes_in(memory, region.width, region.height)


def _draw_mask(alpha: NDArray[np.float32], margin: float) -> None:
    """1 inside, smoothly 0 at the edge, exactly 0 on the outermost samples and the chroma sample beside them."""
    sides = []
    for length in alpha.shape:
        at = np.arange(length, dtype=np.float32)
        t = np.clip((np.minimum(at, length - 1 - at) - 1) / margin, 0, 1)
        sides.append(t * t * (3 - 2 * t))
    np.minimum.outer(*sides, out=alpha)
