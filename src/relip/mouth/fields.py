"""The two kinds of fields a mouth needs: one for the face around it, and one for each lip.

Inverse fields throughout: they say where an output pixel's sample comes from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.mouth.geometry import Complex, pairs
from relip.mouth.landmarks import (
    BASIS,
    CHEEKS,
    INNER_LOWER,
    INNER_UPPER,
    NOSE,
    OUTER_LOWER,
    OUTER_UPPER,
    SKIN_LOWER,
    SKIN_UPPER,
)
from relip.ports import Device, Lattice, Outline

FACE_STEPS, OUTLINE_STEPS, LIP_STEPS = 15, 48, 24
"""Lattice steps in an IOD: of the face's smooth field, of the same field where it has to end at the jaw, and of a lip's."""
MARGIN = 0.14
"""IOD along the region's edge over which the face's field fades to nought."""
FACE_STIFFNESS, LIP_STIFFNESS = 2e-3, 1e-4

_DENSE = (
    83,
    313,
    175,
    208,
    428,
    194,
    418,
    211,
    431,
    210,
    430,
    202,
    422,
    169,
    394,
    205,
    425,
    192,
    416,
    138,
    367,
    50,
    280,
    187,
    411,
)
_FOLLOWING = np.setdiff1d(BASIS, np.concatenate((INNER_UPPER, INNER_LOWER, CHEEKS, _DENSE)))
"""What leads the face's field: not the inner lips, which part as no smooth field can, and fewer points where they crowd."""


def face_lattice(
    device: Device, before: Complex, after: Complex, *, size: tuple[int, int], iod: float, outline: Outline
) -> Lattice:
    """The field of the face around the mouth over planes of a size (width, height): what lies at `after` comes from `before`.

    All in the pixels of those planes; what lies beyond the `outline` does not follow.
    """
    field = Lattice.over(*size, max(4, round(iod / FACE_STEPS)))
    if np.abs(after[_FOLLOWING] - before[_FOLLOWING]).max() == 0:
        return field
    still = np.concatenate((before[NOSE], before[CHEEKS]))
    at = np.concatenate((after[_FOLLOWING], still))
    moves = np.concatenate((before[_FOLLOWING] - after[_FOLLOWING], np.zeros(len(still))))
    device.spread(pairs(at), pairs(moves), unit=iod, stiffness=FACE_STIFFNESS, lattice=field)
    lattice = Lattice.over(*size, max(2, round(iod / OUTLINE_STEPS)))
    device.confine(field, outline, lattice)
    fade = _fade(lattice.dx.shape, lattice.step, size, MARGIN * iod)
    lattice.dx *= fade
    lattice.dy *= fade
    return lattice


def _fade(shape: tuple[int, ...], step: int, size: tuple[int, int], margin: float) -> NDArray[np.float32]:
    """1 inside, smoothly 0 at the region's edge, on a lattice's nodes."""
    sides = []
    for nodes, length in ((shape[0], size[1]), (shape[1], size[0])):
        at = np.arange(nodes, dtype=np.float32) * step
        t = np.clip(np.minimum(at, length - 1 - at) / margin, 0, 1)
        sides.append(t * t * (3 - 2 * t))
    return np.minimum.outer(*sides).astype(np.float32)


def lip_lattices(
    device: Device, source: Complex, target: Complex, *, box: tuple[int, int, int, int], iod: float, inset: float
) -> tuple[Lattice, Lattice]:
    """The fields of the upper and the lower lip over a box of the target, as `ports.LipLayer` wants them.

    `source`, `target`: landmarks in the pixels of their own pictures. `inset`: source pixels by which both fields keep off
    the source's inner edges, so that no tooth shows through lips that close.
    """
    corner = complex(box[0], box[1])
    fields = []
    for outer, inner, skin in (
        (OUTER_UPPER, INNER_UPPER, SKIN_UPPER),
        (OUTER_LOWER, INNER_LOWER, SKIN_LOWER),
    ):
        chosen = np.concatenate((outer, inner, skin))
        at, comes_from = target[chosen] - corner, source[chosen]
        body = source[outer] - source[inner]
        size = np.maximum(np.abs(body), 1e-6)
        held_off = body / size * np.minimum(inset, size / 2)
        comes_from[len(outer) : len(outer) + len(inner)] += held_off
        lattice = Lattice.over(box[2], box[3], max(3, round(iod / LIP_STEPS)))
        device.spread(pairs(at), pairs(comes_from - at), unit=iod, stiffness=LIP_STIFFNESS, lattice=lattice)
        fields.append(lattice)
    return fields[0], fields[1]
