"""Where packets stand in their flow, across the wrap, and what became of them on the way (RFC 3550 §A.1, RFC 4175 §4.1).

Video carries 32 bits of sequence number, audio and ANC 16. Nothing here waits for a packet or puts packets in order:
it only counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_DROPOUT = 3000
"""A step forward beyond this is a sender that started anew (RFC 3550 §A.1)."""
MAX_MISORDER = 100
"""A step back beyond this is a sender that started anew (RFC 3550 §A.1)."""


def unwrap(sequence: NDArray[np.int64], near: int, *, bits: int = 16) -> NDArray[np.int64]:
    """The numbers nearest to `near` whose low `bits` are `sequence` (n,); the half way point counts as behind."""
    half = 1 << (bits - 1)
    return near + ((sequence - near + half) & ((1 << bits) - 1)) - half


class SequenceTracker:
    """Counts what one flow received, lost, got twice or out of order.

    `received` counts packets seen for the first time, `duplicate` those seen before, `reordered` those of the received
    that came after a later one; `restarts` the times a sender began anew (another SSRC, or a jump beyond the
    two limits), whose gap is not a loss. A packet late by more than `max_misorder` is a jump: add the flow's path
    differential in packets where two legs are merged. So many of the newest numbers as `patience` says may still come and
    are not lost yet. `max_dropout` is below half of the number's range.
    """

    def __init__(
        self, *, bits: int = 16, max_dropout: int = MAX_DROPOUT, max_misorder: int = MAX_MISORDER, patience: int = 0
    ) -> None:
        assert max_dropout + max_misorder < 1 << (bits - 1), "a jump must be told from a wrap"
        self.received = self.duplicate = self.reordered = self.restarts = 0
        self._bits = bits
        self._max_dropout = max_dropout
        self._max_misorder = max_misorder
        assert patience <= max_misorder, "what is waited for must be remembered"
        self._patience = patience
        self._seen = np.zeros(max_misorder + 1, np.bool_)
        self._ssrc: int | None = None
        self._lowest = self._highest = 0
        self._received_since = 0
        self._lost_before = 0

    @property
    def lost(self) -> int:
        """Packets not (yet) received between the first and the last of each run without a restart."""
        if self._ssrc is None:
            return 0
        return self._lost_before + self._missing() - self._awaited()

    def observe(self, sequence: NDArray[np.int64], ssrc: NDArray[np.int64]) -> None:
        """Count packets in the order of their arrival: `sequence` as on the wire (`bits` wide) and `ssrc`, both (n,)."""
        while len(sequence):
            if self._ssrc is None or ssrc[0] != self._ssrc:
                self._start(int(sequence[0]), int(ssrc[0]))
            run = unwrap(sequence, self._highest, bits=self._bits)
            ahead = run - np.maximum.accumulate(np.concatenate(([self._highest], run[:-1])))
            stranger = (ssrc != self._ssrc) | (ahead > self._max_dropout) | (ahead < -self._max_misorder)
            end = int(stranger.argmax()) if stranger.any() else len(run)
            self._count(run[:end])
            sequence, ssrc = sequence[end:], ssrc[end:]
            if len(sequence):
                self._start(int(sequence[0]), int(ssrc[0]))

    def _start(self, sequence: int, ssrc: int) -> None:
        """A sender appears, first or anew; the packet itself is still to be counted."""
        if self._ssrc is not None:
            self.restarts += 1
            self._lost_before += self._missing()
        self._ssrc = ssrc
        self._lowest = sequence
        self._highest = sequence - 1
        self._received_since = 0
        self._seen[:] = False

    def _missing(self) -> int:
        """Packets not received since the last start."""
        return self._highest - self._lowest + 1 - self._received_since

    def _awaited(self) -> int:
        """Those of them that are so new that they may still come."""
        newest = np.arange(max(self._lowest, self._highest - self._patience + 1), self._highest + 1)
        return len(newest) - int(self._seen[newest % len(self._seen)].sum())

    def _count(self, run: NDArray[np.int64]) -> None:
        """Count packets (k,) that belong to the present sender, each within the limits of the highest before it."""
        if not len(run):
            return
        before = np.maximum.accumulate(np.concatenate(([self._highest], run[:-1])))
        numbers, first = np.unique(run, return_index=True)
        known = (numbers <= self._highest) & self._seen[numbers % len(self._seen)]
        fresh, first = numbers[~known], first[~known]
        self.duplicate += len(run) - len(fresh)
        self.reordered += int((fresh < before[first]).sum())
        self.received += len(fresh)
        self._received_since += len(fresh)
        if len(fresh):
            self._advance(fresh)

    def _advance(self, fresh: NDArray[np.int64]) -> None:
        """Remember packets (k,) as seen and forget what left the window."""
        window = len(self._seen)
        highest = max(self._highest, int(fresh[-1]))
        forget = np.arange(max(self._highest, highest - window) + 1, highest + 1)
        self._seen[forget % window] = False
        self._seen[fresh[fresh > highest - window] % window] = True
        self._highest = highest
        self._lowest = min(self._lowest, int(fresh[0]))
