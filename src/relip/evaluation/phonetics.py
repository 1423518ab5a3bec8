"""Which phones and words bring the lips together, and where a closure would be a false one.

The words of the GRID corpus have their pronunciations here; of other words the spelling is asked, and left alone where it
does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from relip.evaluation.sidecars import Label

PHONE_S = (-0.040, 0.040)
"""The lips may meet this long before a phone begins and after it ends."""
ONSET_S = (-0.100, 0.120)
"""Where a closure that belongs to the beginning of a word is looked for, about its label."""
PAUSE_S = 0.2
"""Silence before a word from which it begins a sentence: the lips still rest there."""
APART_S = 0.100
"""A phone this near to a bilabial, a labiodental or a silence tells nothing of false closures."""
BILABIAL = re.compile(r"(em|pf|ph|bh|mb|mp|pp|bb|mm|[pbmɓ])(_h)?[^a-z]*")
"""p, b, m as IPA, SAMPA and ARPAbet write them, with whatever marks follow."""
NEARLY = re.compile(r"[fvwʍɱʋβɸ].*")
"""Phones for which lips come so near to each other that a closure is no fault."""

GRID = {
    "bin": "b ih n", "lay": "l ey", "place": "p l ey s", "set": "s eh t", "blue": "b l uw", "green": "g r iy n",
    "red": "r eh d", "white": "w ay t", "at": "ae t", "by": "b ay", "in": "ih n", "with": "w ih dh", "a": "ey", "b": "b iy",
    "c": "s iy", "d": "d iy", "e": "iy", "f": "eh f", "g": "jh iy", "h": "ey ch", "i": "ay", "j": "jh ey", "k": "k ey",
    "l": "eh l", "m": "eh m", "n": "eh n", "o": "ow", "p": "p iy", "q": "k y uw", "r": "aa r", "s": "eh s", "t": "t iy",
    "u": "y uw", "v": "v iy", "x": "eh k s", "y": "w ay", "z": "z eh d", "zero": "z ih r ow", "one": "w ah n", "two": "t uw",
    "three": "th r iy", "four": "f ao r", "five": "f ay v", "six": "s ih k s", "seven": "s eh v n", "eight": "ey t",
    "nine": "n ay n", "again": "ax g eh n", "now": "n aw", "please": "p l iy z", "soon": "s uw n",
}  # fmt: skip
"""The 51 words of the corpus (British: z is zed), as ARPAbet."""


class Lips(Enum):
    """What a place in the speech asks of the lips."""

    MEET = auto()
    APART = auto()


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of the sound, in seconds, what is asked of the lips in it, and whether a sentence begins there."""

    start: float
    end: float
    lips: Lips
    first: bool = False


def is_bilabial(phone: str) -> bool:
    """Whether the lips meet for a phone."""
    return BILABIAL.fullmatch(phone) is not None


def moments_of_phones(phones: Sequence[Label]) -> Iterator[Moment]:
    """Every bilabial, widened by the protocol's 40 ms; every other phone that stands clear of lips and silence, as it is."""
    for index, phone in enumerate(phones):
        if is_bilabial(phone.name):
            yield Moment(phone.start + PHONE_S[0], phone.end + PHONE_S[1], Lips.MEET)
        elif _clear(phones, index):
            yield Moment(phone.start, phone.end, Lips.APART)


def _clear(phones: Sequence[Label], index: int) -> bool:
    """Whether everything within APART_S of a phone is speech in which the lips may not meet."""
    start, end = phones[index].start - APART_S, phones[index].end + APART_S
    near = [phone for phone in phones if phone.end > start and phone.start < end]
    covered = sum(min(phone.end, end) - max(phone.start, start) for phone in near)
    return covered > 0.999 * (end - start) and not any(is_bilabial(p.name) or NEARLY.fullmatch(p.name) for p in near)


def moments_of_words(words: Sequence[Label]) -> Iterator[Moment]:
    """The onset of every word that tells something: the lips meet in it, or do not.

    A word after one that ends on closed lips is left out, since its window reaches back; so is a word that may have a
    bilabial inside the window.
    """
    for index, word in enumerate(words):
        near = index and words[index - 1].end > word.start + ONSET_S[0]
        before = _sounds(words[index - 1].name) if near else ()
        asked = _asked(_sounds(word.name), before)
        if asked is not None:
            first = not index or words[index - 1].end <= word.start - PAUSE_S
            yield Moment(word.start + ONSET_S[0], word.start + ONSET_S[1], asked, first)


def _asked(sounds: Sequence[str] | None, before: Sequence[str] | None) -> Lips | None:
    if not sounds or before is None:
        return None
    if is_bilabial(sounds[0]):
        return Lips.MEET
    if any(is_bilabial(sound) or sound == "w" for sound in sounds[:2]) or (before and is_bilabial(before[-1])):
        return None
    return Lips.APART


def _sounds(word: str) -> tuple[str, ...] | None:
    """The phones of a word; of an unknown one its letters where they are plain, else None."""
    if word in GRID:
        return tuple(GRID[word].split())
    letters = "".join(letter for letter in word.lower() if letter.isalpha())
    if not letters or re.match(r"p[hsnt]|mn", letters):
        return None
    ending = letters[:-1] if re.search(r"[pbm]e$|mb$|mn$", letters) else letters
    return tuple(ending)
