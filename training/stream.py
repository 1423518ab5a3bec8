"""Fresh speech while the net learns: other processes make it, a pool of bounded size forgets the oldest.

However long a run lasts, it hears nothing twice that it does not have to, and it needs no more memory than the pool.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue

import corpus
import numpy as np
from coarticulation import REST, Habits
from corpus import Example
from numpy.typing import NDArray
from recordings import Sentence

from relip.speech.mel import FLOOR

Arrays = NDArray[np.float32]

PARCEL = 24
"""Examples that a maker hands over at once."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a maker makes: synthetic speech with these `habits`, and renditions of these sentences (none: synthetic only)."""

    habits: Habits | None
    sentences: Sequence[Sentence]
    natural_share: float


class Pool:
    """Examples of one kind, the newest `columns` of them."""

    def __init__(self, columns: int) -> None:
        self._room, self._columns = columns, 0
        self._examples: deque[Example] = deque()
        self.heard = 0

    def add(self, example: Example) -> None:
        """One more; the oldest leave when there is no room."""
        self._examples.append(example)
        self._columns += example.mel.shape[1]
        self.heard += example.mel.shape[1]
        while self._columns > self._room and len(self._examples) > 1:
            self._columns -= self._examples.popleft().mel.shape[1]

    def draw(self, random: np.random.Generator) -> Example:
        """One of them."""
        return self._examples[random.integers(len(self._examples))]

    def __len__(self) -> int:
        return len(self._examples)


class Batches:
    """Random stretches, each with the window of columns that a net needs round it, of both kinds in a given proportion."""

    def __init__(self, seed: int, orders: Orders, *, hours: float) -> None:
        self._random = np.random.default_rng(seed)
        self.synthetic, self.natural = Pool(int(hours * 360_000)), Pool(int(hours * 0.5 * 360_000))
        self._orders, self._seed = orders, seed
        self._parcels: Queue[list[Example]] = multiprocessing.get_context("spawn").Queue(maxsize=8)
        self._makers: list[multiprocessing.process.BaseProcess] = []

    def fill(self, minutes: float) -> None:
        """Make so much of both kinds here and now."""
        for example in corpus.make(self._seed, minutes=minutes, held_out=False, habits=self._orders.habits):
            self.synthetic.add(example)
        if self._orders.sentences:
            for example in itertools.islice(corpus.renditions(self._orders.sentences, self._seed), int(minutes * 10)):
                self.natural.add(example)

    def employ(self, makers: int) -> None:
        """Start so many processes that make more."""
        for index in range(makers):
            arguments = (self._parcels, self._orders, self._seed + 101 * (index + 1))
            maker = multiprocessing.get_context("spawn").Process(target=_make, args=arguments, daemon=True)
            maker.start()
            self._makers.append(maker)

    def dismiss(self) -> None:
        """Stop them."""
        for maker in self._makers:
            maker.terminate()
            maker.join()
        self._makers.clear()

    def draw(self, batch: int, columns: int, past: int, future: int, natural: int) -> tuple[Arrays, Arrays]:
        """(batch, 80, past + columns + future) log-mel and (batch, 8, columns) targets; `natural` of them are people."""
        self._receive()
        pools = [self.natural if index < natural else self.synthetic for index in range(batch)]
        pairs = [self._stretch(pool.draw(self._random), columns, past, future) for pool in pools]
        return np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])

    def _receive(self) -> None:
        while self._makers:
            try:
                parcel = self._parcels.get_nowait()
            except queue.Empty:
                return
            for example in parcel:
                (self.natural if example.voice.startswith("natural:") else self.synthetic).add(example)

    def _stretch(self, example: Example, columns: int, past: int, future: int) -> tuple[Arrays, Arrays]:
        count = example.mel.shape[1]
        start = int(self._random.integers(-60, max(1, count - columns + 30)))
        mel = np.full((example.mel.shape[0], past + columns + future), FLOOR, np.float32)
        targets = np.repeat(REST[:, None], columns, axis=1)
        _overlay(mel, example.mel, start - past)
        _overlay(targets, example.targets, start)
        return self._disturb(mel), targets

    def _disturb(self, mel: Arrays) -> Arrays:
        """Another length of throat, another gain and another colour, and now and then a few bands gone."""
        bands = mel.shape[0]
        if self._random.random() < 0.6:
            at = np.arange(bands) * np.exp(self._random.normal(0.0, 0.06))
            lower = np.minimum(at.astype(int), bands - 2)
            part = np.clip(at - lower, 0.0, 1.0).astype(np.float32)[:, None]
            mel = mel[lower] * (1.0 - part) + mel[lower + 1] * part
        colour = np.interp(np.arange(bands), np.linspace(0, bands - 1, 6), self._random.normal(0, 0.9, 6))
        mel = mel + (self._random.normal(0, 1.0) + colour[:, None]).astype(np.float32)
        if self._random.random() < 0.3:
            low = int(self._random.integers(bands - 10))
            mel[low : low + int(self._random.integers(2, 10))] = FLOOR
        return np.maximum(mel, np.float32(FLOOR))


def _overlay(out: Arrays, source: NDArray[np.float16], start: int) -> None:
    """Columns `start`… of `source` into `out`, as far as there are any."""
    first, last = max(0, start), min(source.shape[1], start + out.shape[1])
    if last > first:
        out[:, first - start : last - start] = source[:, first:last]


def _make(parcels: Queue[list[Example]], orders: Orders, seed: int) -> None:
    """What a maker does until it is stopped. It waits while nobody takes its parcels, and lets others go first."""
    os.nice(19)
    random = np.random.default_rng(seed)
    synthetic = corpus.make(seed, minutes=1e9, held_out=False, habits=orders.habits)
    natural: Iterator[Example] = corpus.renditions(orders.sentences, seed) if orders.sentences else iter(())
    while True:
        people = bool(orders.sentences) and random.random() < orders.natural_share
        parcels.put([next(natural if people else synthetic) for _ in range(PARCEL)])
