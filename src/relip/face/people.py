"""Who is who from shot to shot: gives each person a number, and the same number when they return.

A face that is new to the tracker is somebody new until a few frames of it resemble somebody met before. It is decided once for
a track, and looked at again all the while: a track that has slid to another face, as in a dissolve, becomes that person.
Bounded: the people met last are remembered, and those who were enrolled. No clock; frames are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relip.essence.scene import NOBODY, Face
from relip.face.features import TURNED, Resemblance, compare

ENOUGH = 3
"""Likenesses that are averaged before anybody is recognised: one may catch a blink, or a mesh that has not settled."""
PLACES = 6
"""People remembered beside those enrolled. Who was seen least is given up: cut-aways do not drive a presenter out."""
VIEWS = 5
"""Sides that a person is remembered from, each with a mean of its own: further than TURNED apart they are not compared."""
SETTLED = 60
"""Likenesses after which a view follows slowly."""
DOUBT_TEXTURE, DOUBT_BONES = 0.55, 0.05
"""Looser than what recognises: speech, expression and light may change what a track is compared with, another person more."""
DOUBTS = 4
"""Likenesses in a row that are no more the person's, until it is somebody else."""

Likeness = NDArray[np.float32]


class Person:
    """How one person looks, from several sides: means of likenesses."""

    def __init__(self, views: Sequence[Likeness] = ()) -> None:
        self._views = [np.array(view, np.float32) for view in views]
        self._counts = [SETTLED] * len(self._views)
        self.worth = 0.0
        """Likenesses seen, halved whenever somebody is given up: what is long ago counts for less."""

    @property
    def views(self) -> list[Likeness]:
        """The means."""
        return self._views

    def resembles(self, likeness: Likeness) -> Resemblance:
        """How like the view nearest in pose it is."""
        return min((compare(view, likeness) for view in self._views), key=lambda found: found.turned)

    def see(self, likeness: Likeness) -> None:
        """Take a likeness that is known to be this person's."""
        self.worth += 1
        turns = [float(np.abs(view[-2:] - likeness[-2:]).max()) for view in self._views]
        nearest = int(np.argmin(turns)) if turns else -1
        if turns and (turns[nearest] <= TURNED or len(turns) == VIEWS):
            if turns[nearest] <= TURNED:
                self._counts[nearest] = min(self._counts[nearest] + 1, SETTLED)
                self._views[nearest] += (likeness - self._views[nearest]) / self._counts[nearest]
            return
        self._views.append(likeness.copy())
        self._counts.append(1)


class People:
    """Tells the persons of one flow; call `who` for each frame with a face, in order.

    `counts`: tracks that showed somebody `enrolled`, somebody who `returned`, or somebody `new`; and how often a track turned
    out to be somebody else (`mistaken`).
    """

    def __init__(self, enrolled: Sequence[Person] = (), *, places: int = PLACES, counts: Counter[str] | None = None) -> None:
        """Enrolled people have the numbers from 0 on."""
        self._enrolled = dict(enumerate(enrolled))
        self._met: dict[int, Person] = {}
        self._places = places
        self._next = len(self._enrolled)
        self._identity: int | None = None
        self._person = NOBODY
        self._decided = False
        self._recent: list[Likeness] = []
        self._doubts = 0
        self.counts = Counter() if counts is None else counts

    def who(self, face: Face, coming: Sequence[Face]) -> int:
        """The number of the person whose face this is, NOBODY until enough was seen; `coming`: the faces of the next frames."""
        if face.identity != self._identity:
            self._identity, self._decided, self._doubts = face.identity, False, 0
            self._recent.clear()
            self._person = NOBODY
        if face.features is not None:
            self._recent = [*self._recent[1 - ENOUGH :], face.features]
            if self._decided:
                self._look_again(face.features)
        if not self._decided:
            later = [f.features for f in coming if f.identity == face.identity and f.features is not None]
            seen = [*self._recent, *later]
            if len(seen) >= ENOUGH:
                self._decide(np.mean(seen, axis=0, dtype=np.float32))
        return self._person

    def _decide(self, likeness: Likeness) -> None:
        """Find who it is; nobody known stays somebody new, and is remembered."""
        self._decided, self._doubts = True, 0
        known = [(number, person.resembles(likeness)) for number, person in (*self._enrolled.items(), *self._met.items())]
        alike = [(found.texture, number) for number, found in known if found.same]
        if alike:
            self._person = max(alike)[1]
            self.counts["enrolled" if self._person in self._enrolled else "returned"] += 1
            return
        self.counts["new"] += 1
        self._person = self._next
        self._next += 1
        if len(self._met) == self._places:
            del self._met[min(self._met, key=lambda number: self._met[number].worth)]
            for person in self._met.values():
                person.worth /= 2
        self._met[self._person] = Person([likeness])

    def _look_again(self, likeness: Likeness) -> None:
        """Whether it is still the same person; if not for some time, find out who it is now."""
        person = self._enrolled.get(self._person) or self._met[self._person]
        found = person.resembles(likeness)
        if found.turned > TURNED:
            if found.bones <= DOUBT_BONES:
                person.see(likeness)
            return
        if found.texture >= DOUBT_TEXTURE and found.bones <= DOUBT_BONES:
            self._doubts = 0
            person.see(likeness)
            return
        self._doubts += 1
        if self._doubts >= DOUBTS:
            self.counts["mistaken"] += 1
            self._decide(np.mean(self._recent, axis=0, dtype=np.float32))
