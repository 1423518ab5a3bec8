"""The octets of a flow's samples by their number, kept for a while: what is sent on later is what came, bit for bit.

Samples are never decoded here. What did not come is told and read as silence, which in linear PCM is zeros. No time is asked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import AudioFormat


class SoundStore:
    """Room for the last `samples` of a flow.

    One thread keeps and another takes: a sample's number is written after its octets, and the room is long enough that nobody
    takes what is being overwritten.
    """

    def __init__(self, format: AudioFormat, *, samples: int) -> None:  # noqa: A002  the essence's own word
        self._packet_samples = format.packet_samples
        self._octets = np.zeros((samples, format.sample_octets), np.uint8)
        self._number = np.full(samples, -1, np.int64)
        self.end: int | None = None
        """The sample after the last that came, in the order of coming: a damaged timestamp counts until the next."""
        self.phase = 0
        """Where packets begin: their first sample's number, modulo the samples of one."""

    def keep(
        self,
        octets: NDArray[np.uint8],
        row: NDArray[np.int64],
        *,
        offset: NDArray[np.int64],
        start: NDArray[np.int64],
        count: NDArray[np.int64],
    ) -> None:
        """Keep the samples of k packets of a chunk's `octets` (n, stride) uint8.

        Packet i has `count[i]` samples of every channel, of number `start[i]` and on, from `octets[row[i], offset[i]]` on.
        """
        if not len(start):
            return
        packet = np.repeat(np.arange(len(count)), count)
        within = np.arange(len(packet)) - np.repeat(np.cumsum(count) - count, count)
        width = self._octets.shape[1]
        first = offset[packet] + within * width
        number = start[packet] + within
        place = number % len(self._number)
        self._octets[place] = octets[row[packet, None], first[:, None] + np.arange(width)]
        self._number[place] = number
        self.phase = int(start[-1]) % self._packet_samples
        self.end = int((start + count).max())

    def next_from(self, first: int) -> int | None:
        """Number of the first sample from `first` on that came, None when there is none yet."""
        number = self._number[self._number >= first]
        return int(number.min()) if len(number) else None

    def came(self, first: int, end: int) -> int:
        """How many of the samples from number `first` to the one before `end` are here."""
        return int(((self._number >= first) & (self._number < end)).sum())

    def take(self, first: int, out: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Write samples from number `first` on to `out` (n, sample_octets) uint8, zeros where none came; which came, (n,)."""
        number = np.arange(first, first + len(out))
        place = number % len(self._number)
        came: NDArray[np.bool_] = self._number[place] == number
        out[:] = self._octets[place]
        out[~came] = 0
        return came
