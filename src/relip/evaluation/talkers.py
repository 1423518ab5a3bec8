"""Who is who in a folder that does not say: clips whose faces have another build show another talker.

Only bones count: brow, eyes, nose and the upper outline, turned to the front. Two clips of one talker lie at 0.02 at most by
this measure (30 clips of one, against 0.07 for another person). A talker who is taken for two costs gallery; two who are taken
for one would lend each other lips: the limit leans to the former.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from relip.essence.scene import Face
from relip.evaluation.seen import Seen

BONES = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 127, 162, 21, 54, 103, 67, 109),  # the outline above the ears
    *(33, 133, 159, 145, 263, 362, 386, 374),  # eyes
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358),  # nose
    *(234, 454, 93, 323),  # before the ears
)
LIMIT = 0.04
"""Root mean square distance, of the points' own spread, from which faces are another's."""
FACES = 25
"""So many faces of a clip, evenly spread, tell its build."""
UNNAMED = "."
"""The talker of a clip that lies in the folder itself."""

Build = NDArray[np.float64]


def one_person(seen: Seen) -> Seen:
    """The clip with the faces of its most frequent person only: after a cut there may be another, with other lips."""
    shots: dict[int, list[Face]] = {}
    for face in seen.faces:
        if face is not None:
            shots.setdefault(face.identity, []).append(face)
    if len(shots) < 2:
        return seen
    longest = max(shots.values(), key=len)
    reference = _scaled(longest[0])
    build = build_of(longest, reference)
    same = {shot for shot, faces in shots.items() if apart(build, build_of(faces, reference)) < LIMIT}
    faces = tuple(face if face is not None and face.identity in same else None for face in seen.faces)
    others = sum(face is None for face in faces) - sum(face is None for face in seen.faces)
    note = (f"{others} frames show somebody else, and are left out",) if others else ()
    return replace(seen, faces=faces, notes=seen.notes + note)


def told_apart(seen: Sequence[Seen]) -> list[Seen]:
    """The same clips; those of no named talker carry a number, the same for faces of the same build."""
    reference: Build | None = None
    known: list[list[Build]] = []
    out = []
    for one in seen:
        faces = [face for face in one.faces if face is not None]
        if one.clip.talker != UNNAMED or not faces:
            out.append(one)
            continue
        reference = _scaled(faces[0]) if reference is None else reference
        build = build_of(faces, reference)
        number = _nearest(build, known)
        if number == len(known):
            known.append([])
        known[number].append(build)
        out.append(replace(one, clip=replace(one.clip, talker=str(number + 1))))
    return out


def build_of(faces: Sequence[Face], reference: Build) -> Build:
    """(points, 3): the mean of some faces of one clip, each laid over a reference as well as turning allows."""
    some = faces[:: max(1, len(faces) // FACES)]
    return np.asarray(np.mean([_turned(_scaled(face), reference) for face in some], axis=0))


def apart(a: Build, b: Build) -> float:
    """How far two builds differ."""
    return float(np.sqrt(((a - b) ** 2).sum(axis=1).mean()))


def _nearest(build: Build, known: Sequence[Sequence[Build]]) -> int:
    """The talker whose clips lie nearest; one more than there are when none is near enough."""
    distances = [apart(build, np.mean(builds, axis=0)) for builds in known]
    best = int(np.argmin(distances)) if distances else 0
    return best if distances and distances[best] < LIMIT else len(known)


def _scaled(face: Face) -> Build:
    points = face.landmarks[list(BONES)].astype(np.float64)
    points -= points.mean(axis=0)
    return np.asarray(points / np.sqrt((points**2).sum(axis=1).mean()))


def _turned(points: Build, reference: Build) -> Build:
    """The points turned over a reference (Kabsch 1976)."""
    left, _, right = np.linalg.svd(points.T @ reference)
    mirrored = np.sign(np.linalg.det(left @ right))
    return np.asarray(points @ (left * (1, 1, mirrored)) @ right)
