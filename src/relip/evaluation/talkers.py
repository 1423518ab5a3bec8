"""Who is who in a folder that does not say, and within a clip: as the service tells people apart (`face.people`).

It is made to be sure: a talker who is taken for two costs gallery, two who are taken for one would lend each other lips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from relip.essence.scene import Face
from relip.evaluation.seen import Seen
from relip.face.features import TURNED
from relip.face.people import DOUBT_BONES, Person

UNNAMED = "."
"""The talker of a clip that lies in the folder itself."""

Likeness = NDArray[np.float32]


def one_person(seen: Seen) -> Seen:
    """The clip with the faces of its most frequent person only: after a cut there may be another, with other lips."""
    shots = _shots(seen)
    if len(shots) < 2:
        return seen
    longest = max(shots, key=lambda shot: len(shots[shot]))
    person = _person(shots[longest])
    kept = {shot for shot, faces in shots.items() if shot == longest or _shows(person, faces)}
    faces = tuple(face if face is not None and face.identity in kept else None for face in seen.faces)
    others = sum(face is None for face in faces) - sum(face is None for face in seen.faces)
    note = (f"{others} frames show somebody else, and are left out",) if others else ()
    return replace(seen, faces=faces, notes=seen.notes + note)


def told_apart(seen: Sequence[Seen]) -> list[Seen]:
    """The same clips; those of no named talker carry a number, the same for the same person."""
    known: list[Person] = []
    out = []
    for one in seen:
        faces = [face for face in one.faces if face is not None]
        if one.clip.talker != UNNAMED or not faces:
            out.append(one)
            continue
        likeness = _likeness(faces)
        number = next(
            (k for k, person in enumerate(known) if likeness is not None and person.views and person.resembles(likeness).same),
            None,
        )
        if number is None:
            number = len(known)
            known.append(_person(faces))
        elif likeness is not None:
            known[number].see(likeness)
        out.append(replace(one, clip=replace(one.clip, talker=str(number + 1))))
    return out


def _shots(seen: Seen) -> dict[int, list[Face]]:
    """The faces of each track of the face engine, by its identity."""
    shots: dict[int, list[Face]] = {}
    for face in seen.faces:
        if face is not None:
            shots.setdefault(face.identity, []).append(face)
    return shots


def _likeness(faces: Sequence[Face]) -> Likeness | None:
    """The mean likeness of some faces; None where none was taken."""
    taken = [face.features for face in faces if face.features is not None]
    return np.mean(taken, axis=0, dtype=np.float32) if taken else None


def _person(faces: Sequence[Face]) -> Person:
    likeness = _likeness(faces)
    return Person([] if likeness is None else [likeness])


def _shows(person: Person, faces: Sequence[Face]) -> bool:
    """Whether faces are a person's, seen from the side included: then bones alone tell."""
    likeness = _likeness(faces)
    if likeness is None or not person.views:
        return False
    found = person.resembles(likeness)
    return found.same or (found.turned > TURNED and found.bones <= DOUBT_BONES)
