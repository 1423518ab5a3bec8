"""Makes the demo's voice: two sentences of our own, spoken by festival's slt-hts voice, with the times of their phones.

Needs `festival` and `festvox-us-slt-hts` (apt). Writes FLAC (48 kHz, mono), the text and the phone times beside it. The
result depends on nothing but the text, so a second run gives the same samples.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

RATE = 48_000
LEAD_S, GAP_S, TAIL_S = 0.35, 0.75, 0.65
"""Silence before, between and after the sentences: the demo has to show lips that keep still."""
PEAK = 0.5
SENTENCES = (
    "Welcome to Relip, a program that puts a new voice into a moving mouth.",
    "My lips meet for every b, m and p; and when I pause, my mouth is still.",
)
SPELLINGS = {"Relip": "reelip"}
"""How a word is spelt for the synthesiser, whose dictionary does not know it."""

SCHEME = """
(voice_cmu_us_slt_arctic_hts)
(set! u (Utterance Text {text}))
(utt.synth u)
(utt.save.wave u {wave} 'riff)
(utt.save.segs u {segments})
"""

Phones = list[tuple[str, int, int]]


def speak(sentence: str) -> tuple[NDArray[np.float64], Phones]:
    """One sentence at 48 kHz without the synthesiser's own silences, and its phones as (name, start, end) in samples."""
    for word, spelling in SPELLINGS.items():
        sentence = sentence.replace(word, spelling)
    with tempfile.TemporaryDirectory() as folder:
        wave, segments = Path(folder, "a.wav"), Path(folder, "a.seg")
        script = SCHEME.format(text=_quoted(sentence), wave=_quoted(str(wave)), segments=_quoted(str(segments)))
        subprocess.run(["festival", "--pipe"], input=script, text=True, check=True)
        rate, samples = wavfile.read(wave)
        ends = [(name, float(end)) for end, _, name in (line.split() for line in segments.read_text().splitlines()[1:])]
    samples = resample_poly(samples / 32768.0, RATE, rate)
    starts = [0.0, *(end for _, end in ends[:-1])]
    phones = [(name, round(start * RATE), round(end * RATE)) for (name, end), start in zip(ends, starts, strict=True)]
    spoken = [phone for phone in phones if phone[0] != "pau"]
    first, last = spoken[0][1], spoken[-1][2]
    return _fade(samples[first:last]), [(n, a - first, b - first) for n, a, b in phones if first <= a < last]


def main() -> None:
    """Write voice.flac, voice.txt and voice.json into the folder named."""
    import soundfile  # noqa: PLC0415 - whoever only wants `speak` may not have it

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("src/relip/peers/assets"))
    folder = parser.parse_args().out
    parts, phones, at = [np.zeros(round(LEAD_S * RATE))], [], round(LEAD_S * RATE)
    for index, sentence in enumerate(SENTENCES):
        samples, spoken = speak(sentence)
        phones += [(name, start + at, end + at) for name, start, end in spoken]
        pause = np.zeros(round((GAP_S if index + 1 < len(SENTENCES) else TAIL_S) * RATE))
        parts += [samples, pause]
        at += len(samples) + len(pause)
    voice = np.concatenate(parts)
    voice *= PEAK / np.abs(voice).max()
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "voice.flac", voice, RATE, subtype="PCM_16")
    (folder / "voice.txt").write_text("\n".join(SENTENCES) + "\n")
    rows = ",\n".join(f"  {json.dumps(phone)}" for phone in phones)
    (folder / "voice.json").write_text(f'{{"sample_rate": {RATE}, "phones": [\n{rows}\n]}}\n')
    print(f"{len(voice) / RATE:.2f} s, {(folder / 'voice.flac').stat().st_size} octets, {len(phones)} phones")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _fade(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ends rounded off over 5 ms, so that the cut does not click."""
    ramp = np.sin(np.linspace(0, np.pi / 2, RATE // 200)) ** 2
    samples = samples.copy()
    samples[: len(ramp)] *= ramp
    samples[-len(ramp) :] *= ramp[::-1]
    return samples


if __name__ == "__main__":
    main()
