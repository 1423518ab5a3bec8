"""What the voices say: a few English sentences of our own, put together by chance, and words that no language has.

Nothing is taken from a text corpus. The invented words are spelt in Latin letters; each espeak voice reads them by the rules
of its own language, which brings out that language's phones.
"""

from __future__ import annotations

import numpy as np

WHO = (
    "my mother", "the old baker", "a young painter", "the mayor", "our best friend", "the whole family", "nobody", "the pilot",
    "a bored student", "the farmer", "this programme", "the boy from above the bakery", "every member", "the woman next door",
    "the choir", "my brother Bob", "Emma", "the quiet waiter", "a very thin fox", "the chef", "we", "they", "you",
)  # fmt: skip
DOES = (
    "might bring", "could not open", "will probably move", "has painted", "moved", "always wants", "wrapped up", "dropped",
    "forgot about", "has never thrown away", "asked for", "should wash", "may have broken", "put away", "watched",
    "simply loves", "improved", "gave up", "thought about", "talked over", "can hear", "would buy", "fixed",
)  # fmt: skip
WHAT = (
    "a pair of blue boots", "the map of the mountain", "five or six apples", "a bowl of warm soup", "the broken lamp",
    "a big brown bottle", "the window of the shop", "all of the paper", "her favourite umbrella", "a thousand small things",
    "the first page of the book", "some bread and butter", "a very long film", "the yellow bus", "a heavy wooden box",
    "the voice of the people", "a pound of plums", "the weather report", "three thick feathers", "a jumper with a zip",
    "the number of the house", "a measure of good music", "the shoes in the hall", "an empty room",
)  # fmt: skip
WHERE = (
    "before lunch", "by the river", "in the middle of May", "at half past four", "from time to time", "above the station",
    "on Monday morning", "without a word", "under the bridge", "with both hands", "for the whole week", "near the beach",
    "after the rain", "in a bit of a hurry", "between two cups of coffee", "just now", "far too often", "once more",
)  # fmt: skip
OPENERS = (
    "well", "maybe", "oh", "of course", "believe me", "as I said", "by the way", "look", "in fact", "good evening", "please",
    "um", "yes", "no", "perhaps", "hello",
)  # fmt: skip

COMMANDS = (
    ("bin", "lay", "place", "set"), ("blue", "green", "red", "white"), ("at", "by", "in", "with"),
    tuple("ay bee sea dee ee ef gee aitch eye jay kay el em en owe pea queue are ess tea you vee ex why zed".split()),  # noqa: SIM905
    tuple("zero one two three four five six seven eight nine".split()),  # noqa: SIM905
    ("again", "now", "please", "soon"),
)  # fmt: skip
"""The grammar of the GRID corpus: in many synthetic voices its words tell voices from habits of the one natural talker."""

ONSETS = (
    *"bbbpppmmmmffvvwtdnszkglrhj", "br", "bl", "pr", "pl", "tr", "dr", "kr", "fl", "fr", "sp", "st", "sk", "sm", "sl", "sh",
    "ch", "", "",
)  # fmt: skip
NUCLEI = (*"aaaeeiioouu", "ai", "au", "ei", "ou", "oi", "ia", "ie", "ee", "oo", "ua")
CODAS = ("", "", "", "", "", "n", "m", "m", "p", "b", "t", "s", "l", "r", "k", "f", "mp", "nt", "st", "ng", "lm", "rb")


def english(random: np.random.Generator) -> str:
    """One of some four hundred thousand sentences, with a pause in it now and then."""
    body = f"{_one(random, WHO)} {_one(random, DOES)} {_one(random, WHAT)}"
    if random.random() < 0.6:
        body += f"{', ' if random.random() < 0.2 else ' '}{_one(random, WHERE)}"
    if random.random() < 0.3:
        body = f"{_one(random, OPENERS)}, {body}"
    return body[0].upper() + body[1:] + _one(random, (".", ".", ".", "?", "!"))


def command(random: np.random.Generator) -> str:
    """Six words of the GRID corpus' grammar."""
    return " ".join(_one(random, words) for words in COMMANDS) + "."


def invented(random: np.random.Generator) -> str:
    """Six to sixteen words without meaning."""
    words = [_word(random) for _ in range(random.integers(6, 16))]
    for at in range(2, len(words) - 2):
        if random.random() < 0.1:
            words[at] += random.choice([",", ",", "."])
    return " ".join(words) + random.choice([".", ".", "?", "!"])


def _word(random: np.random.Generator) -> str:
    return "".join(
        _one(random, ONSETS) + _one(random, NUCLEI) + (_one(random, CODAS) if random.random() < 0.7 else "")
        for _ in range(random.integers(1, 4))
    )


def _one(random: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[random.integers(len(choices))]
