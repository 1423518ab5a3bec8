"""Utterances with log-mel columns and mouth targets, made in memory from a seed.

The columns come from `relip.speech.mel`: what the net learns from is what the service computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sentences
from channel import nobody_speaks, pass_channel
from coarticulation import PARAMETERS, Habits, Phone, articulate
from numpy.typing import NDArray
from recordings import Sentence
from scipy.signal import resample_poly
from voices import ENGLISH, FLITE_VOICES, LANGUAGES, RATE, VARIANTS, Espeak, Utterance, flite
from words import columns_of

from relip.speech.mel import COLUMN_SAMPLES

NEAR_S = 0.22
"""A talker's mouth counts this long before and after its phones; farther off it only breathes."""
MET = 0.1
"""Openings below this, in the net's scale, are lips that meet: 0.02 IOD."""
CLOSURE = PARAMETERS.index("closure")
HELD_OUT_VOICES = ("rms", "Annie", "m3", "belinda", "edward")
"""Heard in validation only: one flite voice and four espeak variants."""


@dataclass(frozen=True, slots=True)
class Example:
    """`mel`: (80, n) float16. `targets`: (8, n) float16, rows as PARAMETERS. `voice`: who spoke, "" for nobody."""

    mel: NDArray[np.float16]
    targets: NDArray[np.float16]
    voice: str


def make(
    seed: int, *, minutes: float, held_out: bool, habits: Habits | None = None, share_flite: float = 0.5
) -> Iterator[Example]:
    """Examples that last `minutes` together. With `held_out` the voices kept for validation speak, else the others."""
    random = np.random.default_rng(seed)
    espeak = Espeak()
    babble = np.zeros(RATE * 30, np.float32)
    made, wanted = 0.0, minutes * 60
    while made < wanted:
        if random.random() < 0.1:
            count = int(RATE * random.uniform(2.0, 5.0))
            sound = nobody_speaks(count, random, babble)
            columns = count // COLUMN_SAMPLES
            yield Example(
                columns_of(sound).astype(np.float16),
                articulate([], columns, np.zeros(columns, np.float32)).astype(np.float16),
                "",
            )
        else:
            said = _say(espeak, random, held_out=held_out, share_flite=share_flite)
            if said is None or said.samples.size < RATE:
                continue
            said = _between_pauses(said, random)
            count = said.samples.size
            babble[: min(babble.size, count)] += 0.5 * said.samples[: babble.size]
            babble = np.roll(babble, count // 2) * 0.9
            targets = articulate(said.phones, count // COLUMN_SAMPLES, loudness_of(said.samples), habits)
            fitting = np.resize(babble, max(babble.size, count))
            yield Example(
                columns_of(pass_channel(said.samples, random, fitting)).astype(np.float16),
                targets.astype(np.float16),
                said.voice,
            )
        made += count / RATE


def gather(seed: int, *, minutes: float, held_out: bool, habits: Habits | None = None) -> list[Example]:
    """The same as a list."""
    return list(make(seed, minutes=minutes, held_out=held_out, habits=habits))


def renditions(sentences: Sequence[Sentence], seed: int) -> Iterator[Example]:
    """Natural sentences without end, each time through another head, room and microphone."""
    random = np.random.default_rng(seed)
    babble = np.zeros(RATE * 30, np.float32)

    def channel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return pass_channel(samples, random, np.resize(babble, max(babble.size, samples.size)))

    while True:
        sentence = sentences[random.integers(len(sentences))]
        shift = float(np.exp(random.uniform(-0.22, 0.22))) if random.random() < 0.75 else 1.0
        other = sentences[random.integers(len(sentences))].samples
        babble[:] = np.roll(babble, other.size // 2) * 0.9
        babble[: other.size] += 0.5 * other
        yield rendition(sentence, shift, channel)


def rendition(sentence: Sentence, shift: float, channel: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Example:
    """A natural sentence replayed `shift` times as fast, which moves pitch and formants as another head would."""
    played = round(RATE * shift / 100) * 100
    factor = RATE / played
    samples = (
        resample_poly(sentence.samples, RATE // 100, played // 100).astype(np.float32) if played != RATE else sentence.samples
    )
    phones = [Phone(p.pose, p.start * factor, p.end * factor) for p in sentence.phones]
    mel = columns_of(channel(samples))
    columns = mel.shape[1]
    targets = articulate(phones, columns, loudness_of(samples))
    at = np.arange(columns) / factor
    mouth = np.stack([np.interp(at, np.arange(row.size), row) for row in sentence.mouth])
    _watched(targets, mouth, phones)
    return Example(mel.astype(np.float16), targets.astype(np.float16), f"natural:{sentence.name}")


def _watched(targets: NDArray[np.float32], mouth: NDArray[np.float64], phones: list[Phone]) -> None:
    """The measured mouth into the targets: as it was near speech, at rest elsewhere; a bilabial closes where the lips met."""
    columns = targets.shape[1]
    near = np.zeros(columns)
    for phone in phones:
        near[max(0, round((phone.start - NEAR_S) * 100)) : round((phone.end + NEAR_S) * 100)] = 1.0
    near = np.convolve(near, np.hanning(17) / np.hanning(17).sum(), "same")
    targets[0] = mouth[0] * near
    targets[1] = 0.5 + (mouth[1] - 0.5) * near
    for phone in phones:
        if phone.pose.closure:
            span = slice(max(0, round((phone.start - 0.06) * 100)), min(columns, round((phone.end + 0.06) * 100)))
            met = mouth[0, span] < MET
            if met.any():
                targets[CLOSURE, span] = np.maximum(met, 0)


def _say(espeak: Espeak, random: np.random.Generator, *, held_out: bool, share_flite: float) -> Utterance | None:
    if random.random() < share_flite:
        voices = [v for v in FLITE_VOICES if (v in HELD_OUT_VOICES) == held_out]
        text = _english(random) if random.random() < 0.8 else sentences.invented(random)
        return flite(
            text, voice=voices[random.integers(len(voices))], stretch=random.uniform(0.75, 1.4), shift=random.uniform(0.84, 1.2)
        )
    variants = [v for v in VARIANTS if (v in HELD_OUT_VOICES) == held_out]
    language = LANGUAGES[random.integers(len(LANGUAGES))]
    text = _english(random) if language in ENGLISH and random.random() < 0.75 else sentences.invented(random)
    return espeak.say(
        text,
        voice=f"{language}+{variants[random.integers(len(variants))]}",
        rate=int(random.uniform(110, 250)),
        pitch=int(random.uniform(15, 85)),
        span=int(random.uniform(20, 90)),
        shift=random.uniform(0.86, 1.16),
    )


def _english(random: np.random.Generator) -> str:
    return sentences.command(random) if random.random() < 0.25 else sentences.english(random)


def _between_pauses(said: Utterance, random: np.random.Generator) -> Utterance:
    """With 0.2 to 1 s of silence before and after, so that the net meets the beginning and the end of speech."""
    lead, tail = (int(RATE * random.uniform(0.2, 1.0)) for _ in range(2))
    samples = np.concatenate([np.zeros(lead, np.float32), said.samples, np.zeros(tail, np.float32)])
    moved = [type(p)(p.pose, p.start + lead / RATE, p.end + lead / RATE) for p in said.phones]
    return Utterance(samples, moved, said.voice)


def loudness_of(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n // 160,) decibels in 30 ms round each column."""
    count = samples.size // COLUMN_SAMPLES
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(480) / 480, "same")[::COLUMN_SAMPLES][:count]
    return (10 * np.log10(power + 1e-9)).astype(np.float32)
