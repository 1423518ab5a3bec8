"""Compares a net, and the mouth that a speaker is asked for with it, with mouths of people and with phones that are known.

    python training/evaluate_articulation.py FOLDER [--development FOLDER] [--net FILE] [--keep FOLDER] [--json OUT]

FOLDER holds clips (25 frames a second, with sound) and, beside each, its words as the GRID corpus' `.align` has them. With
`--development` the clips held out of training are taken (training/recordings.py says which), else all. `--keep` saves the
measured mouths there and takes them from there the next time. `--voices` adds speech of synthesisers that training never
heard. Runs in Relip's own environment and needs the face nets (`relip models build`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import made_voices
import numpy as np
import recordings
from numpy.typing import NDArray

from relip.articulation.net import EVENTS, OUTPUTS, ArticulationNet
from relip.articulation.speaker import Speaker, SpeakerSettings
from relip.essence.grains import AudioBlock
from relip.essence.scene import Articulation, MouthShape
from relip.evaluation import figures, measures, phonetics, sidecars
from relip.evaluation.phonetics import Lips
from relip.evaluation.sidecars import Transcript
from relip.evaluation.speech import spoken
from relip.inference.onnx import OnnxModel
from relip.offline.container import read_voice
from relip.speech.listener import Listener
from relip.speech.mel import FLOOR

FRAME_RATE = Fraction(25)
COLUMNS_A_FRAME = 4
COLUMN = 480
START = 48_000 * 1000
"""Where the clip lies on the listener's time line: a whole second, so that frames and columns agree."""
LAGS = range(-8, 9, 2)
"""Columns by which the net's track is shifted in search of the best: positive is late."""
QUIET_S = 0.4
"""Silence counts from so long after a word until so long before the next."""

Track = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Clip:
    """`net`: (9, columns), probabilities. `energy`: (columns,). `mouth`: (frames, 2) as measured. `words`: with their times."""

    net: Track
    energy: Track
    mouth: Track
    words: Transcript

    def speech(self) -> NDArray[np.bool_]:
        """Which frames lie in a word and have a measured mouth."""
        return spoken(self.words, self.mouth[:, 0], FRAME_RATE) & np.isfinite(self.mouth[:, 0])

    def silence(self) -> NDArray[np.bool_]:
        """Which frames are far from every word."""
        at = (np.arange(len(self.mouth)) + 0.5) / float(FRAME_RATE)
        near = [(at >= word.start - QUIET_S) & (at < word.end + QUIET_S) for word in self.words.spoken]
        return ~np.any(near, axis=0)


def tracks(net: ArticulationNet, voice: Track, columns: int) -> tuple[Track, Track]:
    """The net's outputs column by column, as probabilities, and the logarithm of the energy."""
    listener = Listener(history_s=max(20, columns // 100 + 2))
    listener.hear(AudioBlock(START, voice))
    said = []
    for at in range(START, START + columns * COLUMN, COLUMN):
        said.append(net.articulate(listener.mel(*net.columns(at, at + COLUMN)), at, at + COLUMN))
    energy = np.log(np.exp(listener.mel(START // COLUMN, columns)).sum(axis=0) + np.exp(FLOOR))
    return np.array([[getattr(a, name) for a in said] for name in OUTPUTS], np.float32), energy


def read(path: Path, kept: Path, net: ArticulationNet) -> Clip:
    """One clip with everything about it."""
    mouth = recordings.measured(path, kept)
    out, energy = tracks(net, read_voice(path), len(mouth) * COLUMNS_A_FRAME)
    return Clip(out, energy, mouth, sidecars.read(path.with_suffix(".align")))


def follow(clips: list[Clip]) -> dict[str, float | None]:
    """A1 and A2: correlation with the measured mouth in speech, beside what mere loudness reaches."""
    opening = {lag: [_r(c, c.net[0], 0, lag) for c in clips] for lag in LAGS}
    best = max(LAGS, key=lambda lag: measures.mean(opening[lag]) or 0.0)
    return {
        "clips": len(clips),
        "r": measures.mean(opening[0]),
        "baseline_r": measures.mean(_r(c, c.energy, 0, 0) for c in clips),
        "width_r": measures.mean(_r(c, c.net[1], 1, 0) for c in clips),
        "lag_ms": best * 10,
        "r_at_best_lag": measures.mean(opening[best]),
    }


def aim(clips: list[Clip], net: ArticulationNet) -> dict[str, float | None]:
    """What a speaker whose mouth has been watched for a while is asked for: after calibration, silence, smoothing, closures.

    The clips run through twice, and the second time counts: by then the range is the speaker's own.
    """
    speaker = Speaker(SpeakerSettings(scale=net.scale))
    for clip in clips:
        _shapes(clip.net, clip.mouth, speaker)
    found = [_shapes(clip.net, clip.mouth, speaker) for clip in clips]
    pairs = [(clip, shapes, clip.speech()) for clip, shapes in zip(clips, found, strict=True)]
    lagged = {
        lag: measures.mean(measures.correlation(np.roll(f[:, 0], lag)[s], c.mouth[s, 0]) for c, f, s in pairs)
        for lag in (-1, 0, 1)
    }
    still = np.concatenate([np.diff(f[c.silence(), 0]) for c, f, _ in pairs])
    return {
        "r": lagged[0],
        "r_40_ms_earlier": lagged[-1],
        "r_40_ms_later": lagged[1],
        "width_r": measures.mean(measures.correlation(f[s, 1], c.mouth[s, 1]) for c, f, s in pairs),
        "mae": measures.mean(measures.mean_error(f[s, 0], c.mouth[s, 0]) for c, f, s in pairs),
        "spread_of_real": float(np.mean([f[s, 0].std() / c.mouth[s, 0].std() for c, f, s in pairs])),
        "moves_in_silence": float(np.mean(np.abs(still) > 0)),
    } | _closures([(c.words, f[:, 0], c.mouth[:, 0]) for c, f, _ in pairs])


def _closures(clips: list[tuple[Transcript, Track, Track]]) -> dict[str, float | None]:
    """A3: lips that meet at the onsets of words, those that begin with p or b against the others; beside the real mouth's."""
    found: dict[str, list[bool]] = {}
    for words, opening, mouth in clips:
        told, whole = figures.moments(words), np.ones(len(opening), np.bool_)
        within = [moment for moment in told if not moment.first]
        for name, track in (("", opening), ("real_", mouth)):
            for share, some, lips in (
                ("closed", told, Lips.MEET),
                ("false", told, Lips.APART),
                ("false_within", within, Lips.APART),
            ):
                found.setdefault(name + share, []).extend(figures.shut(track, whole, some, lips, FRAME_RATE))
    counts = {"onsets": len(found["closed"]), "others": len(found["false"]), "others_within": len(found["false_within"])}
    return counts | {name: measures.share(flags) for name, flags in found.items()}


def known(net: ArticulationNet) -> dict[str, dict[str, float]]:
    """A3 on voices that training never heard and whose phones are known, by voice."""
    by_voice = {}
    for name, utterances in made_voices.unheard():
        met, closures, columns = [], 0.0, 0
        for samples, phones in utterances:
            out, _ = tracks(net, samples, len(samples) // COLUMN // COLUMNS_A_FRAME * COLUMNS_A_FRAME)
            mouth = np.repeat([[0.001, 0.56]], out.shape[1] // COLUMNS_A_FRAME, axis=0).astype(np.float32)
            opening = _shapes(out, mouth, Speaker(SpeakerSettings(scale=net.scale)))[:, 0]
            elsewhere = np.ones(len(opening), np.bool_)
            for phone, start, end in phones:
                if phonetics.is_bilabial(phone):
                    before, after = phonetics.PHONE_S
                    frames = slice(max(0, int((start + before) * FRAME_RATE)), int(np.ceil((end + after) * FRAME_RATE)))
                    met.append(opening[frames].min() < measures.SHUT)
                    elsewhere[frames] = False
            first, last = int(phones[0][1] * FRAME_RATE), int(phones[-1][2] * FRAME_RATE)
            closures += float((opening[first:last][elsewhere[first:last]] < measures.SHUT).sum())
            columns += int(elsewhere[first:last].sum())
        by_voice[name] = {"bilabials": len(met), "closed": float(np.mean(met)), "closed_elsewhere": closures / columns}
    return by_voice


def _shapes(net: Track, mouth: Track, speaker: Speaker) -> Track:
    """(frames, 2): opening and width that the speaker is asked for."""
    return np.array([(shape.open, shape.width) for shape in _aimed(net, mouth, speaker)], np.float32)


def _aimed(net: Track, mouth: Track, speaker: Speaker) -> Iterator[MouthShape]:
    for frame, (opening, width) in enumerate(mouth):
        columns = net[:, frame * COLUMNS_A_FRAME : (frame + 1) * COLUMNS_A_FRAME]
        said = {name: float(row.max() if name in EVENTS else row.mean()) for name, row in zip(OUTPUTS, columns, strict=True)}
        speaker.observe(MouthShape(open=float(opening), width=float(width)))
        yield speaker.aim(Articulation(**said))


def _r(clip: Clip, track: Track, measure: int, lag: int) -> float | None:
    frames = np.roll(track, lag).reshape(-1, COLUMNS_A_FRAME).mean(axis=1)
    speech = clip.speech()
    return measures.correlation(frames[speech], clip.mouth[speech, measure])


def main() -> None:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--development", type=Path, help="take the held-out clips only: those that also lie there, and one in 14"
    )
    parser.add_argument("--net", type=Path, default=Path("src/relip/weights/nets/articulation.onnx"))
    parser.add_argument("--keep", type=Path, default=Path("build/training"), help="folder for the measured mouths")
    parser.add_argument("--voices", action="store_true", help="also judge by synthetic voices with known phones")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    net = ArticulationNet(OnnxModel(asked.net))
    paths = recordings.split(asked.folder, asked.development)[1] if asked.development else sorted(asked.folder.glob("*.mpg"))
    clips = [read(path, asked.keep, net) for path in paths]
    found: dict[str, object] = {"follow": follow(clips), "aim": aim(clips, net)}
    if asked.voices:
        found["known_phones"] = known(net)
    text = json.dumps(found, indent=2, default=float)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
