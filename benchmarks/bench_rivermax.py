"""What the adapter of Rivermax costs: CPU nanoseconds a packet for the copy out of the ring, and for the copy into it.

1080p frames through the shim and the binding against the stand-in library of the tests (tests/fake_rivermax), which moves
memory and no packet: the numbers are our side of the work only, and say nothing of a card. Beside them stands a plain copy of
the same octets. Prints JSON; needs a C++ compiler.

    python benchmarks/bench_rivermax.py [--runs 5] [--frames 40]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pyrivermax.building import build
from relip.essence.flow import Flow, Leg
from relip.essence.formats import video_format
from relip.ports import Burst, Chunk
from relip.transport.rivermax import RivermaxSink, RivermaxSource
from relip.wire import sdp
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from rivermax_sdk import Fake, build_sdk

FORMAT = video_format("1080p60")
LEG = Leg("239.255.21.31", 20_031)
CHUNK = 512
"""As the service receives video."""


def spent(work: Callable[[], object]) -> float:
    """CPU nanoseconds of this thread."""
    begin = time.thread_time_ns()
    work()
    return time.thread_time_ns() - begin


def drain(source: RivermaxSource, chunk: Chunk, packets: int) -> None:
    """Receive so many packets."""
    while packets > 0:
        packets -= source.receive(chunk, 1_000_000)


def measure(sink: RivermaxSink, burst: Burst, *, header_octets: int, frames: int) -> dict[str, float]:
    """One run: a packet's share of sending to nobody, of receiving, and of a memcpy of the same octets."""
    packets = len(burst.headers)
    unheard = sum(spent(lambda: sink.send(burst)) for _ in range(frames))
    source = RivermaxSource(LEG, ring_octets=1536 * 3 * packets, header_octets=header_octets)
    chunk, received = Chunk.of(CHUNK), 0.0
    for _ in range(frames):
        sink.send(burst)
        received += spent(lambda: drain(source, chunk, packets))
    source.close()
    rows = np.zeros((packets, 1536), np.uint8)
    slices = burst.payload[: packets * int(burst.lengths[0])].reshape(packets, -1)
    plain = sum(spent(lambda: np.copyto(rows[:, 20 : 20 + slices.shape[1]], slices)) for _ in range(frames))
    share = frames * packets
    return {"send": unheard / share, "receive": received / share, "memcpy": plain / share}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--frames", type=int, default=40)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = build_sdk(Path(folder) / "sdk")
        os.environ["PYRIVERMAX_SHIM"] = str(build(Path(folder) / "libpyrivermax.so", root=root))
        Fake(root).inject("overwrite", 1)  # what it does to find readers that look too late is not our cost
        plan = FrameHeaders(FORMAT, payload_type=96, ssrc=1)
        octets = np.random.default_rng(0).integers(0, 256, FORMAT.frame_octets, dtype=np.uint8)
        burst = Burst(plan.headers, octets, plan.offsets.copy(), plan.lengths.copy())
        flow = Flow(format=FORMAT, payload_type=96, legs=(LEG,))
        text = sdp.format(flow, sending=Sending(ts_refclk="localmac=00-00-00-00-00-00"))
        sink = RivermaxSink(text, sizes=plan.lengths + plan.headers.shape[1])
        said = {}
        for name, header_octets in (("split", 20), ("whole", 0)):
            runs = [measure(sink, burst, header_octets=header_octets, frames=asked.frames) for _ in range(asked.runs)]
            said[name] = {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}
        sink.close()
    print(json.dumps({"format": str(FORMAT), "ns_per_packet": said}, indent=2))


if __name__ == "__main__":
    main()
