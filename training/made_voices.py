"""Speech by synthesisers that training never heard, with its phones: festival's slt-hts, flite's rms, and espeak-ng timbres."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sentences
from make_demo_voice import RATE, speak
from numpy.typing import NDArray
from phones import Pose
from scipy.signal import resample_poly
from voices import Espeak, Utterance, flite

BILABIAL = ("p", "b", "m")
SENTENCES = 12
SEED = 77
LEAD_S = 0.4

Said = tuple[NDArray[np.float32], list[tuple[str, float, float]]]


def unheard() -> Iterator[tuple[str, list[Said]]]:
    """By voice: sounds at 48 kHz and their phones as (name, start s, end s); of espeak and flite only bilabials have a name."""
    random = np.random.default_rng(SEED)
    texts = [sentences.english(random) for _ in range(SENTENCES)]
    yield "festival slt-hts", [_framed(*_festival(text)) for text in texts]
    yield "flite rms", [_framed(*_of(flite(text, voice="rms", stretch=1.0, shift=1.0))) for text in texts]
    espeak = Espeak()
    for voice in ("en-us+Annie", "en+m3", "de+belinda", "fr+edward"):
        said = [espeak.say(text, voice=voice, rate=160, pitch=50, span=50, shift=1.0) for text in texts]
        yield f"espeak {voice}", [_framed(*_of(utterance)) for utterance in said if utterance]


def _festival(text: str) -> Said:
    samples, phones = speak(text)
    return samples.astype(np.float32), [(name, start / RATE, end / RATE) for name, start, end in phones]


def _of(said: Utterance) -> Said:
    samples = resample_poly(said.samples, 3, 1).astype(np.float32)
    return samples, [(_name(phone.pose), phone.start, phone.end) for phone in said.phones]


def _name(pose: Pose) -> str:
    return BILABIAL[0] if pose.closure else ""


def _framed(samples: NDArray[np.float32], phones: list[tuple[str, float, float]]) -> Said:
    """At a speaker's level, with silence before and after."""
    silence = np.zeros(int(LEAD_S * RATE), np.float32)
    sound = np.concatenate([silence, samples * (0.4 / np.abs(samples).max()), silence])
    return sound.astype(np.float32), [(name, start + LEAD_S, end + LEAD_S) for name, start, end in phones]
