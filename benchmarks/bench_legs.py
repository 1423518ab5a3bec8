"""CPU a packet that a second leg costs: `python benchmarks/bench_legs.py`, JSON on standard output.

Frames of 1080p arrive from two legs in memory, half a chunk of each in turn, as `transport.legs` hands them over.
`one_leg`: assembling alone. `second_copy`: what the second copy of a packet adds to it. `watch`: counting a packet of either.
"""

from __future__ import annotations

import json
import time
from fractions import Fraction

import numpy as np

from relip.essence.formats import VideoFormat
from relip.essence.tai import Tai, grain_start, grain_ticks
from relip.frames.assemble import VideoAssembler
from relip.frames.legs import LegWatch
from relip.frames.pool import FramePool
from relip.ports import Chunk
from relip.wire.st2022_7 import PathClass
from relip.wire.st2110_20 import FrameHeaders

FORM = VideoFormat(1920, 1080, Fraction(50))
TYPE, FIRST, FRAMES, ROUNDS, HALF = 96, 88_000_000_000, 60, 5, 256


def fill(chunk: Chunk, headers: FrameHeaders, first: int, legs: int) -> None:
    """Packets first … of a frame, from each leg in turn."""
    count = min(HALF, headers.packets - first)
    chunk.count = legs * count
    width = headers.headers.shape[1]
    for leg in range(legs):
        rows = slice(leg * count, (leg + 1) * count)
        chunk.octets[rows, :width] = headers.headers[first : first + count]
        chunk.lengths[rows] = width + headers.lengths[first : first + count]
        chunk.leg[rows] = leg


def measure(legs: int) -> tuple[float, float]:
    """Nanoseconds a packet of one leg: assembling, watching."""
    apart_ns = PathClass.A.differential_ns(FORM) if legs > 1 else None
    pool = FramePool(16, FORM)
    assembler = VideoAssembler(FORM, payload_type=TYPE, pool=pool, differential_ns=apart_ns)
    watch = LegWatch(legs, payload_type=TYPE, differential_ns=apart_ns or 0)
    headers, chunk = FrameHeaders(FORM, payload_type=TYPE, ssrc=1), Chunk.of(2 * HALF)
    sequence = assembling = watching = given = 0
    for k in range(FRAMES):
        sequence = headers.stamp(sequence, grain_ticks(FIRST + k, FORM.rate, 90_000) % 2**32)
        now = grain_start(FIRST + k, FORM.rate)
        for first in range(0, headers.packets, HALF):
            fill(chunk, headers, first, legs)
            now = Tai(now.ns + 1_000_000)
            begun = time.thread_time_ns()
            watch.observe(chunk, now)
            seen = time.thread_time_ns()
            grains = assembler.push(chunk, now)
            assembling += time.thread_time_ns() - seen
            watching += seen - begun
            given += len(grains)
            for grain in grains:
                pool.give_back(grain.slot)
    assert given >= FRAMES - 1, "a benchmark that loses frames measures something else"
    packets = FRAMES * headers.packets
    return assembling / packets, watching / packets


def main() -> None:
    """Measure in turn, and print the least of each: what else the machine does only adds."""
    one = np.array([measure(1) for _ in range(ROUNDS)]).min(axis=0)
    two = np.array([measure(2) for _ in range(ROUNDS)]).min(axis=0)
    told = {"one_leg": one[0], "second_copy": two[0] - one[0], "watch": two[1] / 2}
    print(json.dumps({"ns_per_packet": {name: round(float(ns), 1) for name, ns in told.items()}}, indent=2))


if __name__ == "__main__":
    main()
