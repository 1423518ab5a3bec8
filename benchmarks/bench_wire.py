"""CPU of the wire on this host: nanoseconds a packet for send, and for receive from socket to assembled frame.

1080p frames by multicast over the loopback interface, sender and receiver in one process each. Prints JSON:
`receive` and `send` with `ns_per_packet` as the median over runs and the runs themselves, paced at 25 frames a second
and in bursts; `lost` packets. CPU is that of the thread that does the work, from its start to its end.

    python benchmarks/bench_wire.py [--seconds 4] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import threading
import time
from typing import Any

import numpy as np

from relip.clock.ptp import TaiClock
from relip.essence.flow import Leg
from relip.essence.formats import video_format
from relip.essence.tai import grain_start, grain_ticks, wrap_rtp
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.ports import Burst, Chunk, Schedule
from relip.transport.udp import UdpSink, UdpSource
from relip.wire.st2110_20 import FrameHeaders

FORMAT = video_format("1080p25")
TYPE = 96
LEG = Leg("239.255.21.30", 20_030)
CONTENTS = 3
Run = dict[str, float]
SPREAD = 0.9
"""Share of the frame period over which a paced frame leaves."""


def send(frames: int, *, paced: bool, result: multiprocessing.Queue[Run]) -> None:
    """Frames on the 25 Hz grid; CPU seconds of the sending calls."""
    clock, sink = TaiClock(), UdpSink(LEG)
    plan = FrameHeaders(FORMAT, payload_type=TYPE, ssrc=1)
    contents = np.random.default_rng(0).integers(0, 256, (CONTENTS, FORMAT.frame_octets), dtype=np.uint8)
    index = clock.now().grain_index(FORMAT.rate) + 5
    sequence, cpu, accepted = 0, 0.0, 0
    for frame in range(frames):
        clock.wait_until(grain_start(index + frame, FORMAT.rate))
        sequence = plan.stamp(sequence, wrap_rtp(grain_ticks(index + frame, FORMAT.rate, 90_000)))
        span_ns = int(40_000_000 * SPREAD) if paced else 0
        burst = Burst(
            plan.headers,
            contents[frame % CONTENTS],
            plan.offsets,
            plan.lengths,
            Schedule(span_ns=span_ns, together=120 if paced else 4320),
        )
        begin = time.thread_time()
        accepted += sink.send(burst)
        cpu += time.thread_time() - begin
    result.put({"ns_per_packet": cpu / accepted * 1e9, "packets": accepted})


def receive(source: UdpSource, assembler: VideoAssembler, pool: FramePool, done: threading.Event, result: Run) -> None:
    """Assemble until the sender is done and the line is quiet; CPU seconds of this thread."""
    clock, chunk = TaiClock(), Chunk.of(1024)
    begin, calls, received = time.thread_time(), 0, 0
    while True:
        count = source.receive(chunk, 100_000_000)
        if not count and done.is_set():
            break
        calls += 1
        received += count
        for grain in (*assembler.push(chunk, now := clock.now()), *assembler.expire(now)):
            pool.give_back(grain.slot)
    cpu = time.thread_time() - begin
    result.update(ns_per_packet=cpu / max(received, 1) * 1e9, packets=received, packets_per_call=received / max(calls, 1))


def measure(frames: int, *, paced: bool) -> dict[str, Any]:
    """One run: what the sender and the receiver say."""
    source, pool = UdpSource(LEG), FramePool(8, FORMAT)
    pool.octets[:] = 1  # the pages are there before the clock runs
    assembler = VideoAssembler(FORMAT, payload_type=TYPE, pool=pool)
    done = threading.Event()
    said: Run = {}
    receiver = threading.Thread(target=receive, args=(source, assembler, pool, done, said))
    receiver.start()
    context = multiprocessing.get_context("spawn")
    result: multiprocessing.Queue[Run] = context.Queue()
    sender = context.Process(target=send, args=(frames,), kwargs={"paced": paced, "result": result})
    sender.start()
    sent = result.get(timeout=120)
    sender.join()
    done.set()
    receiver.join()
    counters = assembler.counters
    source.close()
    return {
        "send": sent,
        "receive": said,
        "lost": sent["packets"] - said["packets"],
        "frames": counters.frames,
        "incomplete": counters.incomplete,
    }


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over runs, and the runs."""
    middle = {
        end: {"ns_per_packet": round(statistics.median(run[end]["ns_per_packet"] for run in runs))}
        for end in ("send", "receive")
    }
    return {**middle, "lost": sum(run["lost"] for run in runs), "runs": runs}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=4.0, help="of each run (default 4)")
    arguments.add_argument("--runs", type=int, default=3, help="of each mode (default 3)")
    asked = arguments.parse_args()
    frames = round(asked.seconds * 25)
    modes = {"paced": True, "burst": False}
    print(json.dumps({n: summary([measure(frames, paced=p) for _ in range(asked.runs)]) for n, p in modes.items()}, indent=1))


if __name__ == "__main__":
    main()
