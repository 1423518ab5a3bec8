"""What one talker's lips do for phones, learned from the picture: opening and width from the phones round each moment.

The rules say what a mouth ought to do, this says what a mouth did. It sees the kinds of phones (their poses), not their names or
the words, so it can be asked about phones and languages that the talker never spoke. It needs no sound but its loudness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
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
from torch import nn

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
EPOCHS, BATCH = 14, 256

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """A sentence: its phones, the loudness of its sound (decibels, 100 Hz), and the mouth: (2, columns) in 0..1."""

    phones: list[Phone]
    loudness: Rows
    mouth: Rows


class People:
    """The talker's habits. `fit` once, then `ask`."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        count = (len(KINDS) + 8) * (2 * REACH + 1)
        self._mean, self._spread = np.zeros(count, np.float32), np.ones(count, np.float32)
        self._net = nn.Sequential(
            nn.Linear(count, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2)
        )
        self._random = np.random.default_rng(seed)

    def fit(self, sentences: Sequence[Seen]) -> None:
        """Learn from sentences, in and within a quarter of a second of speech; half a minute for 900 of them."""
        rows, mouths = [], []
        for seen in sentences:
            near = _near_speech(seen.phones, seen.loudness.size)
            rows.append(_context(seen.phones, seen.loudness)[near])
            mouths.append(seen.mouth.T[near])
        inputs, wanted = np.concatenate(rows)[::2], np.concatenate(mouths)[::2]
        self._mean, self._spread = inputs.mean(axis=0), inputs.std(axis=0) + np.float32(0.05)
        x = torch.from_numpy((inputs - self._mean) / self._spread)
        y = torch.from_numpy(wanted.astype(np.float32))
        optimiser = torch.optim.AdamW(self._net.parameters(), 2e-3, weight_decay=0.05)
        self._net.train()
        for epoch in range(EPOCHS):
            for group in optimiser.param_groups:
                group["lr"] = 2e-3 * (1.0 - 0.9 * epoch / EPOCHS)
            for part in torch.from_numpy(self._random.permutation(len(x))).split(BATCH):
                blame = ((self._net(x[part]) - y[part]) ** 2).mean()
                optimiser.zero_grad()
                blame.backward()
                optimiser.step()
        self._net.eval()

    @torch.no_grad()
    def ask(self, phones: list[Phone], loudness: Rows) -> Rows:
        """(2, columns): opening and width in 0..1 as the talker would have them."""
        x = (_context(phones, loudness) - self._mean) / self._spread
        return self._net(torch.from_numpy(x.clip(-6, 6))).numpy().T.clip(0.0, 1.0)


def _near_speech(phones: list[Phone], columns: int) -> NDArray[np.bool_]:
    near = np.zeros(columns, np.bool_)
    for phone in phones:
        near[max(0, round(phone.start * 100) - 25) : round(phone.end * 100) + 25] = True
    return near


def _context(phones: list[Phone], loudness: Rows) -> Rows:
    """(columns, inputs): the kinds of phones now and at moments before and after."""
    columns = loudness.size
    now = np.zeros((len(KINDS) + 8, columns), np.float32)
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
