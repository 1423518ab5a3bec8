"""What a mouth does for a phone: International Phonetic Alphabet and ARPAbet → a pose with dominances.

Rules of our own from articulatory phonetics: vowels by height, backness and rounding; consonants by place. How far the lips
part was then set by what one talker's lips did (means over 900 sentences of GRID s1): the gap between the inner lips is widest
in spread vowels and narrow wherever lips are rounded, whatever the jaw does.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Pose:
    """Targets of one phone, 0..1 each (`width`: 0.5 neutral), and how hard they are insisted on, 0..1.

    `hold_open`, `hold_lips`: dominance over the neighbours for the opening and for width and rounding.
    `closure`: the lips meet; `labiodental`: lower lip to upper teeth.
    """

    open: float
    width: float
    round: float
    teeth: float
    tongue: float
    hold_open: float
    hold_lips: float
    closure: bool = False
    labiodental: bool = False
    vowel: bool = False
    stop: bool = False


def _vowel(openness: float, width: float, rounding: float) -> Pose:
    teeth = min(1.0, 0.35 + 0.6 * max(0.0, width - 0.4)) * (1.0 - 0.7 * rounding)
    return Pose(openness, width, rounding, teeth, 0.25 if openness > 0.5 else 0.1, 0.9, 0.9, vowel=True)


def _consonant(openness: float, hold_open: float, hold_lips: float = 0.15, *, teeth: float = 0.4, tongue: float = 0.1) -> Pose:
    return Pose(openness, 0.5, 0.0, teeth, tongue, hold_open, hold_lips)


BILABIAL = Pose(0.0, 0.48, 0.1, 0.0, 0.0, 1.0, 0.3, closure=True)
BILABIAL_STOP = replace(BILABIAL, stop=True)
LABIODENTAL = Pose(0.14, 0.5, 0.05, 0.6, 0.0, 0.95, 0.5, labiodental=True)
DENTAL = _consonant(0.20, 0.6, teeth=0.8, tongue=0.9)
SIBILANT = _consonant(0.40, 0.6, 0.35, teeth=1.0, tongue=0.0)
POSTALVEOLAR = Pose(0.46, 0.38, 0.55, 0.9, 0.0, 0.8, 0.8)
ALVEOLAR = _consonant(0.37, 0.5, teeth=0.6, tongue=0.5)
LATERAL = _consonant(0.34, 0.5, teeth=0.4, tongue=0.9)
RHOTIC = Pose(0.20, 0.42, 0.4, 0.3, 0.2, 0.55, 0.55)
TRILL = _consonant(0.30, 0.5, tongue=0.6)
PALATAL = _consonant(0.40, 0.5, 0.3, teeth=0.6)
VELAR = _consonant(0.44, 0.25, 0.05)
GLOTTAL = _consonant(0.42, 0.08, 0.02)
ROUND_GLIDE = Pose(0.09, 0.2, 0.95, 0.0, 0.0, 0.85, 1.0)

VOWELS: dict[str, tuple[float, float, float]] = {
    "i": (0.50, 0.80, 0.0), "ɪ": (0.53, 0.68, 0.0), "e": (0.62, 0.78, 0.0), "ɛ": (0.60, 0.66, 0.0), "æ": (0.64, 0.68, 0.0),
    "a": (0.64, 0.54, 0.0), "ɐ": (0.56, 0.52, 0.0), "ɑ": (0.60, 0.44, 0.05), "ʌ": (0.50, 0.46, 0.0), "ə": (0.44, 0.5, 0.0),
    "ɜ": (0.44, 0.46, 0.2), "ɘ": (0.44, 0.5, 0.0), "ɨ": (0.46, 0.6, 0.0), "ɯ": (0.44, 0.58, 0.0), "ɤ": (0.48, 0.5, 0.0),
    "y": (0.2, 0.22, 0.95), "ʏ": (0.24, 0.28, 0.85), "ø": (0.28, 0.28, 0.85), "œ": (0.38, 0.36, 0.7), "ɵ": (0.28, 0.32, 0.75),
    "u": (0.22, 0.2, 1.0), "ʊ": (0.26, 0.34, 0.75), "ʉ": (0.22, 0.24, 0.9), "o": (0.30, 0.3, 0.9), "ɔ": (0.34, 0.26, 0.7),
    "ɒ": (0.46, 0.4, 0.45), "ɶ": (0.56, 0.48, 0.4), "ɞ": (0.40, 0.4, 0.5), "ᵻ": (0.48, 0.6, 0.0), "ɚ": (0.36, 0.44, 0.3),
    "ɝ": (0.40, 0.44, 0.3),
}  # fmt: skip

CONSONANTS: dict[str, Pose] = {
    **dict.fromkeys("pbɓ", BILABIAL_STOP), **dict.fromkeys("mʙ", BILABIAL), **dict.fromkeys("fvɱʋ", LABIODENTAL),
    **dict.fromkeys("θð", DENTAL), **dict.fromkeys("sz", SIBILANT), **dict.fromkeys("ʃʒɕʑʂʐ", POSTALVEOLAR),
    **dict.fromkeys("tdnɗ", ALVEOLAR), **dict.fromkeys("ʈɖɳ", ALVEOLAR), **dict.fromkeys("lɭɬɮɫ", LATERAL),
    **dict.fromkeys("ɹɻ", RHOTIC), **dict.fromkeys("rɾɽ", TRILL), **dict.fromkeys("jʎɲcɟçʝɥ", PALATAL),
    **dict.fromkeys("kɡgŋxɣqɢχʁɴɰ", VELAR), **dict.fromkeys("hɦʔħʕ", GLOTTAL), **dict.fromkeys("wʍ", ROUND_GLIDE),
    **dict.fromkeys("βɸ", replace(LABIODENTAL, open=0.08, teeth=0.1, labiodental=False)),
}  # fmt: skip
POSES: dict[str, Pose] = {**{ipa: _vowel(*shape) for ipa, shape in VOWELS.items()}, **CONSONANTS}

ARPABET: dict[str, str] = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ", "eh": "ɛ", "er": "ɜ",
    "ey": "eɪ", "ih": "ɪ", "ix": "ɪ", "iy": "i", "ow": "oʊ", "oy": "ɔɪ", "uh": "ʊ", "uw": "u", "b": "b", "ch": "tʃ",
    "d": "d", "dh": "ð", "dx": "ɾ", "el": "əl", "em": "əm", "en": "ən", "f": "f", "g": "g", "hh": "h", "hv": "h",
    "jh": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n", "nx": "n", "ng": "ŋ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ",
    "t": "t", "th": "θ", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
}  # fmt: skip


def poses_of_ipa(name: str) -> list[Pose]:
    """The poses a phone runs through in equal parts (two for a diphthong or an affricate); empty for silence and marks."""
    found = [POSES[letter] for letter in unicodedata.normalize("NFD", name) if letter in POSES]
    return found[:2]


def poses_of_arpabet(name: str) -> list[Pose]:
    """The same for an ARPAbet phone; empty for `pau` and anything that is not speech."""
    return poses_of_ipa(ARPABET.get(name, ""))
