"""Words burnt into a picture: a bitmap alphabet of five by seven dots, no font and no drawing library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GLYPHS = {
    "A": (0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11),
    "B": (0x1E, 0x11, 0x11, 0x1E, 0x11, 0x11, 0x1E),
    "D": (0x1E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1E),
    "E": (0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x1F),
    "F": (0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x10),
    "O": (0x0E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E),
    "R": (0x1E, 0x11, 0x11, 0x1E, 0x14, 0x12, 0x11),
    "T": (0x1F, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04),
    "U": (0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E),
}
"""Rows from the top, five bits each, the leftmost dot in the highest bit; the letters of the labels."""
GLYPH_ROWS = 7
GLYPH_COLUMNS = 6
"""Five dots and the gap to the next letter."""
INK = 235
"""White in 8-bit narrow range."""
SHADE = 3
"""The box behind the word keeps one part in so many of the picture's luma above black."""
BLACK = 16


def burn(luma: NDArray[np.uint8], word: str, *, dot: int) -> None:
    """Write a word into the upper left corner of 8-bit luma (h, w), each dot `dot` pixels wide, on a darkened box.

    What does not fit into the picture is cut.
    """
    ink = np.kron(_dots(word), np.ones((dot, dot), np.bool_))
    margin = 2 * dot
    box = luma[margin : margin + ink.shape[0] + 2 * dot, margin : margin + ink.shape[1] + 2 * dot]
    box[:] = BLACK + (np.maximum(box, BLACK) - BLACK) // SHADE
    letters = box[dot:, dot:][: ink.shape[0], : ink.shape[1]]
    letters[ink[: letters.shape[0], : letters.shape[1]]] = INK


def _dots(word: str) -> NDArray[np.bool_]:
    """The word as dots, (7, 6·letters − 1)."""
    rows = np.array([GLYPHS[letter] for letter in word], np.uint8)
    bits = np.unpackbits(rows[..., None], axis=2)[..., 3:]
    spaced = np.zeros((len(word), GLYPH_ROWS, GLYPH_COLUMNS), np.bool_)
    spaced[..., :5] = bits
    return np.ascontiguousarray(spaced.transpose(1, 0, 2).reshape(GLYPH_ROWS, -1)[:, :-1])
