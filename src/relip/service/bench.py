"""`relip bench pipeline`: what the graph needs for a frame, on one thread and without the network."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relip.config import LipSync, Models
from relip.essence.formats import VideoFormat, video_format
from relip.essence.grains import AudioBlock, VideoGrain
from relip.essence.tai import AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ, Tai, grain_start, grain_ticks
from relip.graph.chain import Chain
from relip.graph.take import Pulse, Take
from relip.offline.container import read_voice
from relip.peers.presenter import present
from relip.service import terminal
from relip.service.compose import engines
from relip.service.compose.ends import host_device, tai_clock
from relip.service.options import outputs, publish

FIRST = 44_000_000_000
"""Grain at which the time line of the measurement begins; any will do."""
WARM = 25
"""Frames before the measurement: the gallery fills, the ramp ends."""
NEVER = Tai(1 << 62)
"""When a grain is due: none is given up because this takes long."""
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
    form = video_format(options.format_)
    nets = engines.load_nets(Models())
    delay = engines.delay_of(LipSync(), nets, form.rate)
    chain = engines.chain(LipSync(), nets, form, delay=delay, clock=tai_clock())
    times, altered = [], 0
    with terminal.progress("frames") as advance:
        for ms, patched in _played(chain, WARM + options.frames):
            times.append(ms)
            altered += patched
            advance(len(times), WARM + options.frames)
    p50, p99 = np.percentile(times[WARM:], (50, 99))
    stages = {name: chain.tally.quantiles_ms(name) for name in chain.tally.stages}
    told = {
        "format": str(form),
        "frames": options.frames,
        "altered": altered,
        "channels": 1,
        "ms_per_frame": {"p50": round(float(p50), 2), "p99": round(float(p99), 2)},
        "stages": {name: {"p50_ms": round(ms[0], 3), "p99_ms": round(ms[1], 3)} for name, ms in stages.items()},
    }
    rows = [[name, f"{ms[0]:.2f}", f"{ms[1]:.2f}"] for name, ms in stages.items()]
    rows.append(["all", f"{p50:.2f}", f"{p99:.2f}"])
    terminal.table(f"CPU time a frame, {form}, one thread", ["stage", "median ms", "p99 ms"], rows)
    if options.json_ is not None:
        publish(json.dumps(told, indent=2), options.json_)


def _played(chain: Chain, frames: int) -> Iterator[tuple[float, bool]]:
    """For each frame, the CPU time of its passage in milliseconds, and whether the one that became ready was altered."""
    form, hold = chain.format, chain.delay.frames - 1
    guards = chain.guards(stopwatch=time.thread_time_ns)
    reel = present(form, pack=host_device().pack, seconds=REEL)
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        voice = read_voice(path)
    takes: list[Take] = []
    for k in range(frames):
        now = grain_start(FIRST + k, form.rate)
        ticks = grain_ticks(FIRST + k, form.rate, VIDEO_CLOCK_HZ)
        takes.append(Take(VideoGrain(ticks, form, reel.frame(k).copy(), slot=k, arrived=now), now, due=NEVER))
        chain.inbox.put(_voice_of(voice, k, form))
        before = time.thread_time_ns()
        pulses = [Pulse(arrived=takes[-1])]
        if len(takes) > hold:
            pulses.append(Pulse(ready=[takes[0]]))
        for pulse in pulses:
            for guard in guards:
                guard.work(pulse)
        spent = (time.thread_time_ns() - before) / 1e6
        verdict = takes.pop(0).verdict if len(takes) > hold else None
        yield spent, verdict is not None and verdict.patch is not None


def _voice_of(voice: NDArray[np.float32], k: int, form: VideoFormat) -> AudioBlock:
    """The part of the repeated voice that lies on frame k."""
    first, start, end = (grain_ticks(i, form.rate, AUDIO_CLOCK_HZ) for i in (FIRST, FIRST + k, FIRST + k + 1))
    return AudioBlock(start, voice[np.arange(start - first, end - first) % len(voice)])
