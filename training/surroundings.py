"""What surrounds a moment of speech: the kinds of phones now, before and after, and how loud it is."""

from __future__ import annotations

import numpy as np
from coarticulation import Phone
from numpy.typing import NDArray
from phones import (
    ALVEOLAR,
    BILABIAL,
    BILABIAL_STOP,
    DENTAL,
    GLOTTAL,
    LABIODENTAL,
    LATERAL,
    PALATAL,
    POSTALVEOLAR,
    RHOTIC,
    ROUND_GLIDE,
    SIBILANT,
    TRILL,
    VELAR,
)

KINDS = (
    BILABIAL, BILABIAL_STOP, LABIODENTAL, DENTAL, SIBILANT, POSTALVEOLAR, ALVEOLAR, LATERAL, RHOTIC, TRILL, PALATAL, VELAR,
    GLOTTAL, ROUND_GLIDE,
)  # fmt: skip
LIKE = {TRILL: RHOTIC}
"""Kinds that the talker has not, and what stands for them."""
STEP = 4
"""Columns over which kinds are averaged and by which the moments compared lie apart."""
REACH = 6
"""Steps to each side: 240 ms."""
PARTS = len(KINDS) + 8
INPUTS = PARTS * (2 * REACH + 1)

Rows = NDArray[np.float32]


def near_speech(phones: list[Phone], columns: int) -> NDArray[np.bool_]:
    """Which columns lie in speech or within a quarter of a second of it."""
    near = np.zeros(columns, np.bool_)
    for phone in phones:
        near[max(0, round(phone.start * 100) - 25) : round(phone.end * 100) + 25] = True
    return near


def context(phones: list[Phone], loudness: Rows) -> Rows:
    """(columns, inputs): the kinds of phones now and at moments before and after."""
    columns = loudness.size
    now = np.zeros((PARTS, columns), np.float32)
    level = np.clip((loudness - np.percentile(loudness, 90)) / 20.0, -2.0, 0.5)
    for phone in phones:
        first = max(0, round(phone.start * 100))
        last, pose = max(first + 1, round(phone.end * 100)), phone.pose
        if pose.vowel:
            length = min(1.0, (phone.end - phone.start) / 0.3)
            values = (1.0, pose.open, pose.width, pose.round, pose.open * length)
            now[len(KINDS) : len(KINDS) + 5, first:last] = np.array(values)[:, None]
        else:
            kind = LIKE.get(pose, pose)
            now[KINDS.index(kind) if kind in KINDS else KINDS.index(LABIODENTAL), first:last] = 1.0
        now[len(KINDS) + 5, first:last] = 1.0
    now[len(KINDS) + 6] = level
    now[len(KINDS) + 7] = level * now[len(KINDS)]
    padded = np.pad(now, ((0, 0), (STEP * REACH + STEP // 2,) * 2), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    smooth = (sums[:, STEP:] - sums[:, :-STEP]) / STEP
    parts = [smooth[:, STEP * k : STEP * k + columns] for k in range(2 * REACH + 1)]
    return np.concatenate(parts).T.astype(np.float32)
