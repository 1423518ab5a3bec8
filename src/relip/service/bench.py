"""`relip bench pipeline`: what the stages need for a frame, on one thread and without the network."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path

import numpy as np

from relip.config import LipSync, Models
from relip.essence.formats import video_format
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.offline.container import read_voice
from relip.offline.dubbing import dub
from relip.peers.presenter import present
from relip.service import terminal
from relip.service.compose import engines
from relip.service.compose.ends import host_device
from relip.service.options import outputs, publish

WARM = 25
"""Frames before the measurement: the gallery fills, the ramp ends."""
REEL = Fraction(4)
"""Seconds of the presenter that are played again and again."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """As the command line gives them."""

    format_: str
    frames: int
    json_: Path | None


def pipeline(options: PipelineOptions) -> None:
    """Play the demo's presenter and voice through one channel's stages; print and write what each of them took."""
    outputs(options.json_)
    form, count = video_format(options.format_), WARM + options.frames
    chain = engines.chain_for_files(LipSync(), engines.load_nets(Models(), LipSync().look_ahead_ms), form)
    reel = present(form, pack=host_device().pack, seconds=REEL)
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        voice = np.resize(read_voice(path), int(count * AUDIO_CLOCK_HZ / form.rate) + AUDIO_CLOCK_HZ)
    takes = dub((reel.frame(k) for k in range(count)), voice, chain, stopwatch=time.thread_time_ns)
    with terminal.progress("frames") as advance:
        for done, _ in enumerate(takes, start=1):
            advance(done, count)
    times = {name: np.array(list(islice(reversed(ns), options.frames))) / 1e6 for name, ns in chain.tally.stages.items()}
    least = min(len(ms) for ms in times.values())
    times["all"] = np.sum([ms[:least] for ms in times.values()], axis=0)
    quantiles = {name: np.percentile(ms, (50, 99)) for name, ms in times.items()}
    rows = [[name, f"{p50:.2f}", f"{p99:.2f}"] for name, (p50, p99) in quantiles.items()]
    terminal.table(f"CPU time a frame, {form}, one thread", ["stage", "median ms", "p99 ms"], rows)
    if options.json_ is not None:
        stages = {
            name: {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)} for name, (p50, p99) in quantiles.items()
        }
        whole = stages.pop("all")
        told = {
            "format": str(form),
            "frames": options.frames,
            "altered": chain.tally.altered,
            "channels": 1,
            "ms_per_frame": {"p50": whole["p50_ms"], "p99": whole["p99_ms"]},
            "stages": stages,
        }
        publish(json.dumps(told, indent=2), options.json_)
