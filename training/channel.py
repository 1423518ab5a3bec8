"""What happens to a voice on its way: rooms, microphones, codecs, levels, noise, music and other people talking.

Everything is made by numpy from a seeded generator; no recording is used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

RATE = 16_000
Samples = NDArray[np.float32]


def pass_channel(voice: Samples, random: np.random.Generator, babble: Samples) -> Samples:
    """The voice as some microphone gave it. `babble`: other speech, at least as long."""
    out = voice
    if random.random() < 0.35:
        out = _room(out, random)
    if random.random() < 0.7:
        out = _equalise(out, random)
    level = _level(voice)
    if random.random() < 0.65:
        out = out + _disturbance(out.size, random, babble) * level * 10 ** (-random.uniform(8, 40) / 20)
    if random.random() < 0.25:
        out = _compress(out, random)
    gain = 10 ** (random.uniform(-38, -14) / 20) / max(_level(out), 1e-4)
    return np.clip(out * gain, -1.0, 1.0).astype(np.float32)


def nobody_speaks(count: int, random: np.random.Generator, babble: Samples) -> Samples:
    """`count` samples of music, noise or far-away babble, for which lips must rest."""
    kind = random.random()
    if kind < 0.15:
        return (random.standard_normal(count) * 10 ** (-random.uniform(60, 95) / 20)).astype(np.float32)
    sound = _room(babble[:count], random, wet=1.0) if kind < 0.2 else _disturbance(count, random, None)
    loudness = random.uniform(-70, -45) if kind < 0.2 else random.uniform(-60, -18)
    return np.clip(sound * 10 ** (loudness / 20) / max(_level(sound), 1e-4), -1.0, 1.0).astype(np.float32)


def _disturbance(count: int, random: np.random.Generator, babble: Samples | None) -> Samples:
    """Something else that sounds, at a level of about 1."""
    kind = random.random()
    if kind < 0.45:
        sound = _coloured(count, random)
    elif kind < 0.75 or babble is None:
        sound = _music(count, random)
    else:
        sound = sum((np.roll(babble, int(random.integers(babble.size)))[:count] for _ in range(6)), np.zeros(count, np.float32))
    return (sound / max(_level(sound), 1e-6)).astype(np.float32)


def _coloured(count: int, random: np.random.Generator) -> Samples:
    """Noise with a slope of 0 to −9 dB an octave, sometimes hum in it, sometimes swelling."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE)
    noise = np.fft.irfft(spectrum * np.maximum(hz, 40.0) ** (-random.uniform(0.0, 1.5)), count)
    noise /= max(_level(noise), 1e-9)
    time = np.arange(count) / RATE
    if random.random() < 0.3:
        noise += sum(random.random() * np.sin(2 * np.pi * 50 * k * time) for k in range(1, 6))
    if random.random() < 0.4:
        noise *= 1 + 0.8 * np.sin(2 * np.pi * random.uniform(0.2, 3) * time + random.uniform(0, 6))
    return noise.astype(np.float32)


def _music(count: int, random: np.random.Generator) -> Samples:
    """Chords of harmonic tones that change on a beat, with something percussive at times."""
    out = np.zeros(count)
    beat = int(RATE * random.uniform(0.2, 0.7))
    decay = random.uniform(0.15, 2.0)
    drums = random.random() < 0.4
    scale = 55 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19, 24, 28]) / 12) * random.uniform(1, 2)
    for start in range(0, count, beat):
        length = min(count - start, beat * int(random.integers(1, 4)))
        time = np.arange(length) / RATE
        envelope = np.exp(-time / decay) * np.minimum(time / 0.01, 1)
        for root in random.choice(scale, int(random.integers(1, 5))) * random.choice([1, 2, 4]):
            for k in range(1, 9):
                if root * k < 7000:
                    tone = np.sin(2 * np.pi * root * k * time + k) / k ** random.uniform(0.8, 2)
                    out[start : start + length] += envelope * tone
        if drums:
            hit = min(count - start, RATE // 10)
            out[start : start + hit] += random.standard_normal(hit) * np.exp(-np.arange(hit) / RATE / 0.03)
    return out.astype(np.float32)


def _room(voice: Samples, random: np.random.Generator, wet: float | None = None) -> Samples:
    """The voice with a decaying tail of noise, 0.1 to 0.7 s to −60 dB; the direct sound stays where it was."""
    decay = random.uniform(0.1, 0.7)
    count = int(RATE * decay)
    tail = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[: int(0.002 * RATE)] = 0
    tail *= (random.uniform(0.1, 0.6) if wet is None else wet) / np.linalg.norm(tail)
    tail[0] = 1.0
    return fftconvolve(voice, tail)[: voice.size].astype(np.float32)


def _equalise(voice: Samples, random: np.random.Generator) -> Samples:
    """A smooth random response of ±12 dB, at times cut off like a telephone or a low-rate codec."""
    hz = np.fft.rfftfreq(voice.size, 1 / RATE)
    octaves = np.log2(np.maximum(hz, 40) / 40)
    gain_db = np.interp(octaves, np.linspace(0, 7.7, 9), random.normal(0, 4.5, 9).clip(-12, 12))
    if random.random() < 0.3:
        high, low = random.choice([3400, 4000, 5500, 6500]), random.choice([40, 80, 150, 300])
        gain_db -= np.maximum(hz - high, 0) / 10 + np.maximum(low - hz, 0) / 6
    return np.fft.irfft(np.fft.rfft(voice) * 10 ** (np.maximum(gain_db, -90) / 20), voice.size).astype(np.float32)


def _compress(voice: Samples, random: np.random.Generator) -> Samples:
    """Loud parts turned down, as a broadcast processor does."""
    block = RATE // 100
    envelope = np.sqrt(np.convolve(voice**2, np.ones(block) / block, "same")) + 1e-4
    smooth = np.convolve(envelope, np.hanning(8 * block) / np.hanning(8 * block).sum(), "same") + 1e-4
    return (voice * smooth ** (-random.uniform(0.2, 0.6))).astype(np.float32)


def _level(sound: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
