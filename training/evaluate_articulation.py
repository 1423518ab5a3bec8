"""Compares the net with mouths of people: how well its opening follows theirs, and whether it closes where they do.

    python training/evaluate_articulation.py FOLDER [--net articulation.onnx] [--keep FOLDER] [--json OUT]

FOLDER holds clips (25 frames a second, with sound) and, beside each, its words as `start end word` in units of 1/25000 s
(the GRID corpus' `.align`). `--keep` saves the measured mouths there and takes them from there the next time. Runs in Relip's
own environment and needs the face nets (`relip models build`).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from coarticulation import PARAMETERS
from mouths import openings
from numpy.typing import NDArray

from relip.articulation.net import EVENTS
from relip.articulation.speaker import Speaker, SpeakerSettings
from relip.essence.grains import AudioBlock
from relip.essence.scene import Articulation, MouthShape
from relip.offline.container import read_voice
from relip.speech.listener import Listener
from relip.speech.mel import FLOOR

FRAME_RATE = 25
COLUMNS_A_FRAME = 4
ALIGN_HZ = 25_000
START = 48_000 * 1000
"""Where the clip lies on the listener's time line: a whole second, so that frames and columns agree."""
LAGS = range(-16, 17, 2)
"""Columns by which the net's track is shifted in search of the best: positive is late."""
BILABIAL = ("bin", "blue", "by", "place", "please", "b", "p")
UNCLEAR = ("sil", "sp", "m", "w")
"""No word, or a letter whose name has its closure somewhere inside."""
ONSET_S = (-0.100, 0.120)
REALLY_CLOSED = 0.015

Track = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Clip:
    """`net`: (8, columns) probabilities. `energy`: (columns,). `mouth`: (frames, 2). `words`: (start s, end s, word)."""

    net: Track
    energy: Track
    mouth: Track
    words: list[tuple[float, float, str]]

    def speech(self) -> NDArray[np.bool_]:
        """Which frames lie in a word and have a measured mouth."""
        at = (np.arange(len(self.mouth)) + 0.5) / FRAME_RATE
        inside = np.zeros(len(at), np.bool_)
        for start, end, word in self.words:
            if word not in ("sil", "sp"):
                inside |= (at >= start) & (at < end)
        return inside & np.isfinite(self.mouth[:, 0])


def read(path: Path, kept: Path | None, session: onnxruntime.InferenceSession) -> Clip:
    """One clip with everything about it."""
    mouth = _mouth(path, kept)
    listener = Listener(history_s=20)
    listener.hear(AudioBlock(START, read_voice(path)))
    metadata = session.get_modelmeta().custom_metadata_map
    past, future = int(metadata["past_columns"]), int(metadata["future_columns"])
    columns = len(mouth) * COLUMNS_A_FRAME
    mel = listener.mel(START // 480 - past, past + columns + future)
    out = session.run(None, {"mel": np.ascontiguousarray(mel[None])})[0][0]
    logits = [PARAMETERS.index(name) for name in metadata["logits"].split()]
    out[logits] = 1.0 / (1.0 + np.exp(-out[logits]))
    energy = np.log(np.exp(mel[:, past : past + columns]).sum(axis=0) + np.exp(FLOOR))
    rows = (line.split() for line in path.with_suffix(".align").read_text().splitlines())
    words = [(int(start) / ALIGN_HZ, int(end) / ALIGN_HZ, word) for start, end, word in rows]
    return Clip(out, energy, mouth, words)


def _mouth(path: Path, kept: Path | None) -> Track:
    if kept is None:
        return openings(path)
    saved = kept / f"{path.stem}.npy"
    if not saved.exists():
        kept.mkdir(parents=True, exist_ok=True)
        np.save(saved, openings(path))
    return np.asarray(np.load(saved), np.float32)


def follow(clips: list[Clip]) -> dict[str, float]:
    """A1 and A2: correlation with the measured mouth in speech, beside what mere loudness reaches."""
    opening = {lag: [_r(c, c.net[0], 0, lag) for c in clips] for lag in LAGS}
    best = max(LAGS, key=lambda lag: float(np.mean(opening[lag])))
    speech = [c.speech() for c in clips]
    found = np.concatenate([_frames(c.net[0], 0)[s] for c, s in zip(clips, speech, strict=True)])
    real = np.concatenate([c.mouth[s, 0] for c, s in zip(clips, speech, strict=True)])
    return {
        "clips": len(clips),
        "r": float(np.mean(opening[0])),
        "r_pooled": _correlation(found, real),
        "baseline_r": float(np.mean([_r(c, c.energy, 0, 0) for c in clips])),
        "width_r": float(np.mean([_r(c, c.net[1], 1, 0) for c in clips])),
        "lag_ms": best * 10,
        "r_at_best_lag": float(np.mean(opening[best])),
    }


def close(clips: list[Clip]) -> dict[str, float]:
    """A3: closures at the onsets of words, those that begin with p or b against the others."""
    scores: dict[bool, list[float]] = {True: [], False: []}
    gaps: dict[bool, list[float]] = {True: [], False: []}
    for clip in clips:
        for start, _, word in clip.words:
            if word in UNCLEAR:
                continue
            first, last = (round((start + edge) * 100) for edge in ONSET_S)
            scores[word in BILABIAL].append(float(clip.net[PARAMETERS.index("closure"), max(0, first) : last].max()))
            gap = clip.mouth[max(0, first // COLUMNS_A_FRAME) : -(-last // COLUMNS_A_FRAME), 0]
            gaps[word in BILABIAL].append(float(np.nanmin(gap)))
    pairs = np.subtract.outer(np.array(scores[True]), np.array(scores[False]))
    return {
        "onsets": len(scores[True]),
        "closed": float(np.mean(np.array(scores[True]) > 0.5)),
        "false": float(np.mean(np.array(scores[False]) > 0.5)),
        "auc": float((pairs > 0).mean() + 0.5 * (pairs == 0).mean()),
        "real_closed": float(np.mean(np.array(gaps[True]) < REALLY_CLOSED)),
        "real_false": float(np.mean(np.array(gaps[False]) < REALLY_CLOSED)),
    }


def aim(clips: list[Clip]) -> dict[str, float]:
    """What comes out for a speaker whose mouth has been watched for a while: the net after calibration, silence and smoothing.

    The clips run through twice, and the second time counts: by then the range is the speaker's own.
    """
    speaker = Speaker(SpeakerSettings())
    for clip in clips:
        _shapes(clip, speaker)
    found = [_shapes(clip, speaker) for clip in clips]
    speech = [clip.speech() for clip in clips]
    pairs = list(zip(clips, found, speech, strict=True))
    return {
        "r": float(np.mean([_correlation(f[s, 0], c.mouth[s, 0]) for c, f, s in pairs])),
        "r_with_silence": float(np.mean([_correlation(f[:, 0], c.mouth[:, 0]) for c, f, _ in pairs])),
        "width_r": float(np.mean([_correlation(f[s, 1], c.mouth[s, 1]) for c, f, s in pairs])),
        "mae": float(np.mean([np.abs(f[s, 0] - c.mouth[s, 0]).mean() for c, f, s in pairs])),
    }


def _shapes(clip: Clip, speaker: Speaker) -> Track:
    """(frames, 2): opening and width that the speaker is asked for."""
    rows = []
    for frame, (opening, width) in enumerate(clip.mouth):
        columns = clip.net[:, frame * COLUMNS_A_FRAME : (frame + 1) * COLUMNS_A_FRAME]
        values = {
            name: float(row.max() if name in EVENTS else row.mean()) for name, row in zip(PARAMETERS, columns, strict=True)
        }
        speaker.observe(MouthShape(open=float(opening), width=float(width)))
        shape = speaker.aim(Articulation(**values))
        rows.append((shape.open, shape.width))
    return np.array(rows, np.float32)


def _frames(track: Track, lag: int) -> Track:
    """The mean over each frame's columns of a track that is shifted by `lag` columns."""
    return np.asarray(np.roll(track, lag).reshape(-1, COLUMNS_A_FRAME).mean(axis=1))


def _r(clip: Clip, track: Track, measure: int, lag: int) -> float:
    speech = clip.speech()
    return _correlation(_frames(track, lag)[speech], clip.mouth[speech, measure])


def _correlation(found: Track, real: Track) -> float:
    """Over the frames in which a mouth was measured."""
    there = np.isfinite(real)
    return float(np.corrcoef(found[there], real[there])[0, 1])


def main() -> None:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--net", type=Path, default=Path("src/relip/weights/nets/articulation.onnx"))
    parser.add_argument("--keep", type=Path, help="folder for the measured mouths")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(asked.net), options)
    clips = [read(path, asked.keep, session) for path in sorted(asked.folder.glob("*.mpg"))]
    figures = {"follow": follow(clips), "close": close(clips), "aim": aim(clips)}
    text = json.dumps(figures, indent=2, default=float)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
