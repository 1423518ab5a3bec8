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

from relip import config
from relip.clock.manual import ManualClock
from relip.essence.formats import video_format
from relip.essence.grains import AudioBlock, VideoGrain
from relip.essence.tai import AUDIO_CLOCK_HZ, grain_start, grain_ticks
from relip.graph.delay import delay_for
from relip.graph.egress import Egress
from relip.graph.stages import Inbox, Switch, voice_need_ns
from relip.graph.take import Pulse, Take
from relip.graph.tally import Tally
from relip.offline.container import read_voice
from relip.peers.presenter import present
from relip.service.compose.ends import host_device
from relip.service.compose.service import Inside, guards, load_nets

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
    device = host_device()
    keys = {"destination": "239.0.0.1", "port": 5004}
    settings = config.parse(
        {"video": {**keys, "format": options.format}, "voice": keys, "output": {"video": keys}}, where="the benchmark"
    )
    nets = load_nets(settings, device, form)
    clock, tally, inbox = ManualClock(grain_start(FIRST, form.rate)), Tally(), Inbox()
    egress = Egress(clock=clock, send=lambda *_: None, give_back=lambda _: None, tally=tally)
    inside = Inside(format=form, clock=clock, switch=Switch(), inbox=inbox, egress=egress, tally=tally)
    line = guards(settings, nets, device, inside, stopwatch=time.thread_time_ns)
    reel = present(form, pack=device.pack, seconds=Fraction(4))
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        voice = read_voice(path)
    hold = delay_for(form.rate, voice_need_ns(nets.articulation, form.rate)).frames - 1
    takes, times = [], []
    for k in range(WARM + options.frames):
        ticks = grain_ticks(FIRST + k, form.rate, 90_000)
        now = grain_start(FIRST + k, form.rate)
        grain = VideoGrain(ticks, form, reel.frame(k).copy(), slot=k, arrived=now)
        due = grain_start(FIRST + k + hold + 1, form.rate)
        takes.append(Take(grain, now, due))
        egress.register(grain, due)
        inbox.put(_second_of(voice, k, form.rate))
        before = time.thread_time_ns()
        for guard in line:
            guard.work(Pulse(arrived=takes[k]))
        if k >= hold:
            pulse = Pulse(ready=[takes[k - hold]])
            for guard in line:
                guard.work(pulse)
        times.append((time.thread_time_ns() - before) / 1e6)
    p50, p99 = np.percentile(times[WARM:], (50, 99))
    stages = {stage: {"p50_ms": round(tally.quantiles_ms(stage)[0], 3)} for stage in tally.stages}
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
