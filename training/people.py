"""What one talker's lips do for phones, learned from the picture: opening and width from the phones round each moment.

The rules say what a mouth ought to do, this says what a mouth did. It sees the kinds of phones (their poses), not their names
or the words, so it can be asked about phones and languages that the talker never spoke. It needs no sound but its loudness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from coarticulation import Phone
from surroundings import INPUTS, Rows, context, near_speech
from torch import nn

EPOCHS, BATCH = 14, 256


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
        self._mean, self._spread = np.zeros(INPUTS, np.float32), np.ones(INPUTS, np.float32)
        self._net = nn.Sequential(
            nn.Linear(INPUTS, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2)
        )
        self._random = np.random.default_rng(seed)

    def fit(self, sentences: Sequence[Seen]) -> None:
        """Learn from sentences, in and within a quarter of a second of speech; half a minute for 900 of them."""
        rows, mouths = [], []
        for seen in sentences:
            near = near_speech(seen.phones, seen.loudness.size)
            rows.append(context(seen.phones, seen.loudness)[near])
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
        x = (context(phones, loudness) - self._mean) / self._spread
        return self._net(torch.from_numpy(x.clip(-6, 6))).numpy().T.clip(0.0, 1.0)
