"""Frame buffers made once and lent out, so that nothing allocates per frame.

`lease` and `give_back` may be called by different threads: every step is one operation of a deque, which CPython makes
atomic, so no lock is held while a frame is assembled.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat


class FramePool:
    """`count` packed frames in one array, `octets` (count, height, row_octets) uint8. A slot is an index into it.

    Slots come back in the order in which they were given back: the longest unused is lent first.
    """

    def __init__(self, count: int, format: VideoFormat) -> None:  # noqa: A002  the essence's own word
        if count < 1:
            raise FormatError(f"a pool of {count} frames lends nothing")
        self.format = format
        self.octets: NDArray[np.uint8] = np.zeros((count, format.height, format.row_octets), np.uint8)
        self._free = deque(range(count))
        self._shares: tuple[deque[None], ...] = tuple(deque() for _ in range(count))

    @property
    def free(self) -> int:
        """Slots nobody holds."""
        return len(self._free)

    def lease(self) -> int | None:
        """A slot that is the caller's until given back, or None when all are out. Its content is whatever was there."""
        try:
            return self._free.popleft()
        except IndexError:
            return None

    def share(self, slot: int) -> int:
        """One more holder of a leased slot: it is free only when `give_back` was called once more."""
        self._shares[slot].append(None)
        return slot

    def frame(self, slot: int) -> NDArray[np.uint8]:
        """The slot's frame, (height, row_octets) uint8, a view."""
        frame: NDArray[np.uint8] = self.octets[slot]
        return frame

    def give_back(self, slot: int) -> None:
        """The caller is done with the slot."""
        try:
            self._shares[slot].pop()
        except IndexError:
            self._free.append(slot)
