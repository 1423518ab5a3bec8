"""CPU time a frame of the whole graph on one thread, without the network: python benchmarks/bench_pipeline.py --format 1080p25.

The demo's presenter and voice go through the stages of the service in their order. Prints JSON: the median and 99th
percentile a frame in milliseconds of CPU time, and each stage's median. Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import time
from fractions import Fraction
from importlib.resources import as_file, files

import numpy as np

from relip.clock.manual import ManualClock
from relip.config import LipSync, Models
from relip.essence.formats import video_format
from relip.essence.grains import AudioBlock, VideoGrain
from relip.essence.tai import AUDIO_CLOCK_HZ, grain_start, grain_ticks
from relip.graph.take import Pulse, Take
from relip.offline.container import read_voice
from relip.peers.presenter import present
from relip.service.compose import engines
from relip.service.compose.ends import host_device

FIRST = 44_000_000_000
WARM = 25
"""Frames before the measurement: the gallery fills, the ramp ends."""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--format", default="1080p25", help="raster and rate")
    arguments.add_argument("--frames", type=int, default=200, help="frames to measure")
    options = arguments.parse_args()
    form = video_format(options.format)
    nets = engines.load_nets(Models())
    delay = engines.delay_of(LipSync(), nets, form.rate)
    chain = engines.chain(LipSync(), nets, form, delay=delay, clock=ManualClock(grain_start(FIRST, form.rate)))
    line = chain.guards(stopwatch=time.thread_time_ns)
    reel = present(form, pack=host_device().pack, seconds=Fraction(4))
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        voice = read_voice(path)
    hold = delay.frames - 1
    takes, times = [], []
    for k in range(WARM + options.frames):
        ticks = grain_ticks(FIRST + k, form.rate, 90_000)
        now = grain_start(FIRST + k, form.rate)
        grain = VideoGrain(ticks, form, reel.frame(k).copy(), slot=k, arrived=now)
        takes.append(Take(grain, now, grain_start(FIRST + k + hold + 1, form.rate)))
        chain.inbox.put(_second_of(voice, k, form.rate))
        before = time.thread_time_ns()
        for guard in line:
            guard.work(Pulse(arrived=takes[k]))
        if k >= hold:
            pulse = Pulse(ready=[takes[k - hold]])
            for guard in line:
                guard.work(pulse)
        times.append((time.thread_time_ns() - before) / 1e6)
    p50, p99 = np.percentile(times[WARM:], (50, 99))
    stages = {stage: {"p50_ms": round(chain.tally.quantiles_ms(stage)[0], 3)} for stage in chain.tally.stages}
    altered = sum(take.verdict is not None and take.verdict.patch is not None for take in takes[WARM:])
    told = {
        "format": str(form),
        "ms_per_frame": {"p50": round(p50, 2), "p99": round(p99, 2)},
        "stages": stages,
        "altered": altered,
    }
    print(json.dumps({**told, "channels": 1}, indent=2))


def _second_of(voice: np.ndarray, k: int, rate: Fraction) -> AudioBlock:
    """The part of the repeated voice that lies on frame k."""
    first, start, end = (grain_ticks(i, rate, AUDIO_CLOCK_HZ) for i in (FIRST, FIRST + k, FIRST + k + 1))
    return AudioBlock(start, voice[np.arange(start - first, end - first) % len(voice)])


if __name__ == "__main__":
    main()
