"""Words burnt into 8-bit luma, as the demo's recording has them over its two halves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.signals.letters import dots

INK = 235
"""White in 8-bit narrow range."""
SHADE = 3
"""The box behind the word keeps one part in so many of the picture's luma above black."""
BLACK = 16


def burn(luma: NDArray[np.uint8], word: str, *, dot: int) -> None:
    """Write a word into the upper left corner of 8-bit luma (h, w), each dot `dot` pixels wide, on a darkened box.

    What does not fit into the picture is cut.
    """
    ink = np.kron(dots(word), np.ones((dot, dot), np.bool_))
    margin = 2 * dot
    box = luma[margin : margin + ink.shape[0] + 2 * dot, margin : margin + ink.shape[1] + 2 * dot]
    box[:] = BLACK + (np.maximum(box, BLACK) - BLACK) // SHADE
    letters = box[dot:, dot:][: ink.shape[0], : ink.shape[1]]
    letters[ink[: letters.shape[0], : letters.shape[1]]] = INK
