"""A bitmap alphabet of five by seven dots: words to be burnt into pictures, without a font or a drawing library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROWS = """
.###. ####. .###. ####. ##### ##### .###. #...# .###. ..### #...# #.... #...# #...# .###. ####. .###. ####. .####
#...# #...# #...# #...# #.... #.... #...# #...# ..#.. ...#. #..#. #.... ##.## ##..# #...# #...# #...# #...# #....
#...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.# #.#.# #...# #...# #...# #...# #....
##### ####. #.... #...# ####. ####. #.### ##### ..#.. ...#. ##... #.... #...# #.#.# #...# ####. #...# ####. .###.
#...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...# #..## #...# #.... #.#.# #.#.. ....#
#...# #...# #...# #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...# #...# #...# #.... #..#. #..#. ....#
#...# ####. .###. ####. ##### #.... .#### #...# .###. .##.. #...# ##### #...# #...# .###. #.... .##.# #...# ####.

##### #...# #...# #...# #...# #...# ##### .###. ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###. ..... .....
..#.. #...# #...# #...# #...# #...# ....# #...# .##.. #...# ...#. ..##. #.... .#... ....# #...# #...# ..... .....
..#.. #...# #...# #...# .#.#. .#.#. ...#. #..## ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...# ..... .....
..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. #.#.# ..#.. ...#. ...#. #..#. ....# ####. ..#.. .###. .#### ..... .....
..#.. #...# #...# #.#.# .#.#. ..#.. .#... ##..# ..#.. ..#.. ....# ##### ....# #...# .#... #...# ....# ..... .....
..#.. #...# .#.#. #.#.# #...# ..#.. #.... #...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#. ..... .....
..#.. .###. ..#.. .#.#. #...# ..#.. ##### .###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.. ..... #####
"""
_NAMES = ("ABCDEFGHIJKLMNOPQRS", "TUVWXYZ0123456789 _")
HEIGHT, WIDTH, PITCH = 7, 5, 6
"""Dots of a letter, and from one letter to the next."""


def _alphabet() -> dict[str, NDArray[np.bool_]]:
    letters = {}
    for block, names in zip(_ROWS.strip().split("\n\n"), _NAMES, strict=True):
        columns = zip(*(line.split() for line in block.splitlines()), strict=True)
        for name, rows in zip(names, columns, strict=True):
            letters[name] = np.array([[dot == "#" for dot in row] for row in rows])
    return letters


_ALPHABET = _alphabet()


def dots(word: str) -> NDArray[np.bool_]:
    """A word as dots, (7, 6·letters − 1). Small letters are written large, and what is not in the alphabet is left blank."""
    out = np.zeros((HEIGHT, max(1, PITCH * len(word) - 1)), np.bool_)
    for i, letter in enumerate(word.upper()):
        out[:, i * PITCH : i * PITCH + WIDTH] = _ALPHABET.get(letter, _ALPHABET[" "])
    return out
