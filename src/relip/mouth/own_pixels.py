"""The own-pixels renderer: the speaker's face, warped, with the speaker's own lips laid on it.

The base is the current picture with lips, chin and cheeks moved to the target; over it lie lips from the gallery that has been
learnt of this speaker, so that nothing of the original opening is left. What was never seen is not invented: until the gallery
holds an open mouth, openings are capped and their inside is dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import Face, MouthShape, Region, Rendered
from relip.mouth import tone
from relip.mouth.fields import face_lattice
from relip.mouth.gallery import CAPACITY, Gallery, sharpness_of
from relip.mouth.geometry import Complex, plane_points, region_of
from relip.mouth.landmarks import BASIS
from relip.mouth.lips import layer_of
from relip.mouth.shape import LowerFace, basis_in_head
from relip.ports import Device

EDGE = 0.08
"""IOD over which the mask falls to nought at the region's edge."""


@dataclass(frozen=True, slots=True)
class OwnPixelsSettings:
    """What an operator may want to change.

    `capacity`: mouths kept, about 0.2 MB each at 1080p. `warm_frames`: faces seen before the first rendering.
    `cold_open`: opening in IOD that is painted without having been seen. `headroom`: factor on the widest opening seen.
    `cap_entries`, `cap_open`: entries, and an opening among them, from which nothing is capped.
    """

    capacity: int = CAPACITY
    warm_frames: int = 5
    cold_open: float = 0.05
    headroom: float = 1.15
    cap_entries: int = 15
    cap_open: float = 0.08


class OwnPixels:
    """One speaker's renderer; `forget` makes it ready for another."""

    def __init__(self, *, device: Device, format: VideoFormat, settings: OwnPixelsSettings | None = None) -> None:  # noqa: A002
        self._device = device
        self._format = format
        self._settings = settings or OwnPixelsSettings()
        self._gallery = Gallery(self._settings.capacity)
        self._shape = LowerFace()
        self._canvas = _Canvas(self._settings.capacity)
        self._seen = 0
        self._choice = _Choice()

    @property
    def warm(self) -> bool:
        """Whether enough of the speaker has been seen to render."""
        return self._seen >= self._settings.warm_frames and self._gallery.count > 0

    @property
    def cap(self) -> float:
        """The widest opening that is rendered now, in IOD."""
        seen, settings = self._gallery.widest, self._settings
        if self._gallery.count >= settings.cap_entries and seen >= settings.cap_open:
            return 1.0
        return max(seen * settings.headroom, settings.cold_open)

    def forget(self) -> None:
        """Drop everything that belongs to this speaker."""
        self._gallery.forget()
        self._shape.forget()
        self._choice = _Choice()
        self._seen = 0

    def learn(self, packed: NDArray[np.uint8], face: Face, ticks: int) -> None:
        """Take what an unaltered picture shows of the speaker's mouth, if it adds to what is known.

        `packed`: (height, row_octets); `ticks`: its origin timestamp. The picture is read, not kept.
        """
        region = self._gallery.region_for(face, self._format.width, self._format.height)
        if region is None:
            return
        self._seen += 1
        seen = self._canvas.entry(region)
        self._device.unpack(packed, region, seen)
        sharpness = sharpness_of(seen.y)
        place = self._gallery.place_for(face, ticks, sharpness, self._choice.in_use)
        if place is None:
            return
        picture = self._gallery.store(place, face, region=region, ticks=ticks, sharpness=sharpness)
        for mine, theirs in ((picture.y, seen.y), (picture.cb, seen.cb), (picture.cr, seen.cr)):
            mine[:] = theirs
        points = plane_points(face.landmarks) - complex(region.x, region.y)
        self._gallery.ring[place] = tone.colours_at(picture, tone.ring_points(points, face.iod))
        self._gallery.dark[place] = tone.dark_of(picture, points, face.shape.open)
        self._refit(place, face)

    def _refit(self, place: int, face: Face) -> None:
        gallery = self._gallery
        self._canvas.heads[place] = basis_in_head(face)
        measures = gallery.measures[: gallery.count]
        self._shape.fit(measures[:, :2], measures[:, 2:], self._canvas.heads[: gallery.count])

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
        lattice = face_lattice(self._device, before, after, region=region, iod=face.iod)
        self._device.warp(set_.under, lattice, set_.over)
        corner = complex(region.x, region.y)
        self._lay_lips(set_, face, wanted, before=before - corner, after=after - corner, strength=strength)
        return Rendered(region, set_.over, set_.alpha)

    def _towards(self, face: Face, target: MouthShape, strength: float) -> MouthShape:
        """The target within the cap, or as far towards it as the strength says."""
        had, opening = face.shape, min(target.open, self.cap)
        return MouthShape(
            open=had.open + (opening - had.open) * strength,
            width=had.width + (target.width - had.width) * strength,
            round=target.round * strength,
            labiodental=target.labiodental * strength,
        )

    def _lay_lips(
        self, set_: _Set, face: Face, wanted: MouthShape, *, before: Complex, after: Complex, strength: float
    ) -> None:
        """Lay the chosen entry over the base, and while it is new, over the one before it."""
        here = tone.colours_at(set_.under, tone.ring_points(before, face.iod))
        for index, weight in self._choice.advance(self._gallery, wanted, face):
            matched = tone.match(here, self._gallery.ring[index])
            dark = self._gallery.dark[: self._gallery.count]
            layer = layer_of(
                self._device,
                self._gallery,
                index,
                target=after,
                size=(set_.over.y.shape[1], set_.over.y.shape[0]),
                iod=face.iod,
                ring_match=matched,
                dark=dark[dark[:, 0].argmin()],
                weight=weight * min(strength, 1.0),
            )
            self._device.lay(layer, set_.over)


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

    def __init__(self, capacity: int) -> None:
        self._samples = [np.zeros(0, np.uint16) for _ in range(3)]
        self._alphas = [np.zeros(0, np.float32) for _ in range(2)]
        self._entry = np.zeros(0, np.uint16)
        self._turn = 0
        self.heads = np.zeros((capacity, len(BASIS)), np.complex128)

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
        alpha = self._alphas[self._turn][:pixels].reshape(region.height, region.width)
        _draw_mask(alpha, EDGE * iod)
        return _Set(_planes(self._samples[2], region), _planes(self._samples[self._turn], region), alpha)


def _planes(memory: NDArray[np.uint16], region: Region) -> Planes:
    """Contiguous planes for a region at the start of a flat memory."""
    width, height = region.width, region.height
    luma, half = width * height, width // 2 * height
    return Planes(
        memory[:luma].reshape(height, width),
        memory[luma : luma + half].reshape(height, width // 2),
        memory[luma + half : luma + 2 * half].reshape(height, width // 2),
    )


def _draw_mask(alpha: NDArray[np.float32], margin: float) -> None:
    """1 inside, smoothly 0 at the edge, exactly 0 on the outermost samples and the chroma sample beside them."""
    sides = []
    for length in alpha.shape:
        at = np.arange(length, dtype=np.float32)
        t = np.clip((np.minimum(at, length - 1 - at) - 1) / margin, 0, 1)
        sides.append(t * t * (3 - 2 * t))
    np.minimum.outer(*sides, out=alpha)
