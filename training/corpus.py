"""Utterances with log-mel columns and mouth targets, made in memory from a seed.

The columns come from `relip.speech.mel`: what the net learns from is what the service computes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sentences
from channel import nobody_speaks, pass_channel
from coarticulation import PARAMETERS, articulate
from numpy.typing import NDArray
from voices import ENGLISH, FLITE_VOICES, LANGUAGES, RATE, VARIANTS, Espeak, Utterance, flite

from relip.speech.mel import COLUMN_SAMPLES, WINDOW_SAMPLES, log_mel

HELD_OUT_VOICES = ("rms", "Annie", "m3", "belinda", "edward")
"""Heard in validation only: one flite voice and four espeak variants."""


@dataclass(frozen=True, slots=True)
class Example:
    """`mel`: (80, n) float16. `targets`: (8, n) float16, rows as PARAMETERS. `voice`: who spoke, "" for nobody."""

    mel: NDArray[np.float16]
    targets: NDArray[np.float16]
    voice: str


def make(seed: int, *, minutes: float, held_out: bool, share_flite: float = 0.5) -> Iterator[Example]:
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
            yield Example(_columns(sound), articulate([], columns, np.zeros(columns, np.float32)).astype(np.float16), "")
        else:
            said = _say(espeak, random, held_out=held_out, share_flite=share_flite)
            if said is None or said.samples.size < RATE:
                continue
            said = _between_pauses(said, random)
            count = said.samples.size
            babble[: min(babble.size, count)] += 0.5 * said.samples[: babble.size]
            babble = np.roll(babble, count // 2) * 0.9
            targets = articulate(said.phones, count // COLUMN_SAMPLES, _loudness(said.samples))
            fitting = np.resize(babble, max(babble.size, count))
            yield Example(_columns(pass_channel(said.samples, random, fitting)), targets.astype(np.float16), said.voice)
        made += count / RATE


def gather(seed: int, *, minutes: float, held_out: bool, share_flite: float = 0.5, seconds: float = 1e9) -> list[Example]:
    """The same as a list, with a line of progress every ten seconds; it stops early once it has worked `seconds`."""
    begun = shown = time.monotonic()
    examples: list[Example] = []
    columns = 0
    for example in make(seed, minutes=minutes, held_out=held_out, share_flite=share_flite):
        examples.append(example)
        columns += example.mel.shape[1]
        now = time.monotonic()
        if now - shown > 10:
            shown = now
            print(f"  {columns / 6000:6.1f} of {minutes:.0f} min of speech, {now - begun:.0f} s", flush=True)
        if now - begun > seconds:
            print(f"  stopped at {columns / 6000:.1f} min: the time for it is over", flush=True)
            break
    return examples


def _say(espeak: Espeak, random: np.random.Generator, *, held_out: bool, share_flite: float) -> Utterance | None:
    if random.random() < share_flite:
        voices = [v for v in FLITE_VOICES if (v in HELD_OUT_VOICES) == held_out]
        text = sentences.english(random) if random.random() < 0.75 else sentences.invented(random)
        return flite(
            text, voice=voices[random.integers(len(voices))], stretch=random.uniform(0.75, 1.4), shift=random.uniform(0.84, 1.2)
        )
    variants = [v for v in VARIANTS if (v in HELD_OUT_VOICES) == held_out]
    language = LANGUAGES[random.integers(len(LANGUAGES))]
    text = sentences.english(random) if language in ENGLISH and random.random() < 0.7 else sentences.invented(random)
    return espeak.say(
        text,
        voice=f"{language}+{variants[random.integers(len(variants))]}",
        rate=int(random.uniform(110, 250)),
        pitch=int(random.uniform(15, 85)),
        span=int(random.uniform(20, 90)),
        shift=random.uniform(0.86, 1.16),
    )


def _between_pauses(said: Utterance, random: np.random.Generator) -> Utterance:
    """With 0.2 to 1 s of silence before and after, so that the net meets the beginning and the end of speech."""
    lead, tail = (int(RATE * random.uniform(0.2, 1.0)) for _ in range(2))
    samples = np.concatenate([np.zeros(lead, np.float32), said.samples, np.zeros(tail, np.float32)])
    moved = [type(p)(p.pose, p.start + lead / RATE, p.end + lead / RATE) for p in said.phones]
    return Utterance(samples, moved, said.voice)


def _columns(samples: NDArray[np.float32]) -> NDArray[np.float16]:
    """(80, n // 160): column c is centred on sample 160·c."""
    count = samples.size // COLUMN_SAMPLES
    padded = np.pad(samples, (WINDOW_SAMPLES // 2, WINDOW_SAMPLES))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::COLUMN_SAMPLES][:count]
    return np.ascontiguousarray(log_mel(windows).T).astype(np.float16)


def _loudness(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n // 160,) decibels in 30 ms round each column."""
    count = samples.size // COLUMN_SAMPLES
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(480) / 480, "same")[::COLUMN_SAMPLES][:count]
    return (10 * np.log10(power + 1e-9)).astype(np.float32)


assert len(PARAMETERS) == 8
