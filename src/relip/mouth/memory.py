"""What is learned of one speaker, and a shelf of the speakers met last, so that who returns goes on where they were.

A shelf never gives a speaker's memory to another one: it knows people by number alone, and whoever numbers them answers for
that. Memories are taken once and used again, emptied, for the next new speaker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from relip.essence.grains import Planes
from relip.essence.scene import NOBODY, Face, Region
from relip.mouth import tone
from relip.mouth.gallery import CAPACITY, Gallery, measure_of, sharpness_of
from relip.mouth.gates import CLIPPED, KNOWN_ENTRIES, ODD, Gates, Refusal
from relip.mouth.geometry import plane_points
from relip.mouth.grain import without
from relip.mouth.shape import LowerFace, basis_in_head

SHELF = 4
"""Memories kept beside those that were enrolled: a presenter and a guest, each from near and from afar."""
OTHER_SIZE = 1.7
"""Ratio of a face's size to that of a memory's mouths beyond which it is of no use: enlarged so far, lips are a blur."""


@dataclass(frozen=True, slots=True)
class OwnPixelsSettings:
    """What an operator may want to change.

    `capacity`: mouths kept, about 0.2 MB each at 1080p. `warm_frames`: faces seen before the first rendering.
    `cold_open`: opening in IOD that is drawn without having been seen. `headroom`: factor on the widest opening seen.
    `cap_entries`, `cap_open`: entries, and an opening among them, from which nothing is capped.
    """

    capacity: int = CAPACITY
    warm_frames: int = 5
    cold_open: float = 0.10
    headroom: float = 1.3
    cap_entries: int = 15
    cap_open: float = 0.08


class Memory:
    """One speaker: the mouths seen, how the lower face follows them, and what was refused. `forget` makes it another's."""

    def __init__(self, settings: OwnPixelsSettings) -> None:
        self._settings = settings
        self.gallery = Gallery(settings.capacity)
        self.shape = LowerFace()
        self.gates = Gates()
        self.refused: Counter[Refusal] = Counter()
        self.seen = 0
        self.worth = 0.0
        """Frames seen, halved whenever a shelf gives a memory up: what is long ago counts for less."""

    @property
    def warm(self) -> bool:
        """Whether enough of the speaker has been seen to render."""
        return self.seen >= self._settings.warm_frames and self.gallery.count > 0

    def suits(self, iod: float) -> bool:
        """Whether these mouths can be drawn on a face with `iod` pixels between the eyes."""
        sizes = self.gallery.iod[: self.gallery.count]
        return not len(sizes) or 1 / OTHER_SIZE <= iod / float(np.median(sizes)) <= OTHER_SIZE

    @property
    def cap(self) -> float:
        """The widest opening that is rendered now, in IOD."""
        seen, settings = self.gallery.widest, self._settings
        if self.gallery.count >= settings.cap_entries and seen >= settings.cap_open:
            return 1.0
        return max(seen * settings.headroom, settings.cold_open)

    def forget(self) -> None:
        """Drop everything that belongs to this speaker; the memory stays."""
        self.gallery.forget()
        self.shape.forget()
        self.gates.forget()
        self.refused.clear()
        self.seen, self.worth = 0, 0.0

    def region_for(self, face: Face, ticks: int, *, width: int, height: int) -> Region | None:
        """The part of a raster to look at; None, and counted, where the face speaks against learning from it."""
        refusal = self.gates.face(face, ticks)
        region = None if refusal else self.gallery.region_for(face, width, height)
        if region is None:
            self.refused[refusal or Refusal.EDGE] += 1
        return region

    def learn(
        self, seen: Planes, region: Region, face: Face, *, ticks: int, in_use: Collection[int], grain: float = 0.0
    ) -> None:
        """Take what the pixels of a region show, if they are not in doubt and add to what is known.

        They are copied, and grain of this deviation is taken off the copy.
        """
        gallery = self.gallery
        points = plane_points(face.landmarks) - complex(region.x, region.y)
        opening, sharpness, some = face.shape.open, sharpness_of(seen.y), seen.y[::4, ::4]
        refusal = self.gates.picture(sharpness=sharpness, luma=float(some.mean()), clipped=float((some >= CLIPPED).mean()))
        if refusal is not None:
            self.refused[refusal] += 1
            return
        self.seen += 1
        if self.gates.swift:
            return
        self.worth += 1
        measure = measure_of(face, tone.teeth_of(seen, points, opening))
        place = gallery.place_for(measure, ticks, sharpness, in_use)
        if place is None:
            return
        head = basis_in_head(face)
        if gallery.count >= KNOWN_ENTRIES and self.shape.residual(measure[:2], measure[3:], head) > ODD:
            self.refused[Refusal.ODD] += 1
            return
        picture = gallery.store(place, face, measure, region=region, ticks=ticks, sharpness=sharpness)
        for mine, theirs in ((picture.y, seen.y), (picture.cb, seen.cb), (picture.cr, seen.cr)):
            mine[:] = theirs
        without(picture.y, grain)
        gallery.ring[place] = tone.colours_at(picture, tone.ring_points(points, face.iod))
        gallery.dark[place] = tone.dark_of(picture, points, opening)
        gallery.heads[place] = head
        self.refit()

    def refit(self) -> None:
        """Fit the lower face to what the gallery holds."""
        measures = self.gallery.measures[: self.gallery.count]
        self.shape.fit(measures[:, :2], measures[:, 3:], self.gallery.heads[: self.gallery.count])


class Shelf:
    """Memories by person and size. The one that saw least is given up for a new one; those enrolled are never given up."""

    def __init__(self, settings: OwnPixelsSettings, enrolled: Mapping[int, Memory] | None = None, places: int = SHELF) -> None:
        self._settings = settings
        self._enrolled = dict(enrolled or {})
        self._met: list[tuple[int, Memory]] = []
        self._places = places
        self._nobody = Memory(settings)

    def of(self, person: int, iod: float) -> Memory:
        """What is known of a person as large as now: nothing yet, if they were never met so or were given up since.

        Of NOBODY nothing is ever known.
        """
        if person == NOBODY:
            self._nobody.forget()
            return self._nobody
        enrolled = self._enrolled.get(person)
        if enrolled is not None and enrolled.suits(iod):
            return enrolled
        found = next((memory for who, memory in self._met if who == person and memory.suits(iod)), None)
        if found is None:
            found = self._fresh()
            self._met.append((person, found))
        return found

    def _fresh(self) -> Memory:
        """An empty memory, in a place of its own."""
        if len(self._met) < self._places:
            return Memory(self._settings)
        least = min(range(len(self._met)), key=lambda place: self._met[place][1].worth)
        _, memory = self._met.pop(least)
        for _, other in self._met:
            other.worth /= 2
        memory.forget()
        return memory
