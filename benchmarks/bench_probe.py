"""CPU of `relip probe` on this host: nanoseconds a packet to receive with stamps, and to keep what is measured.

1080p frames in bursts over the loopback interface, taken in one process. `receive`: joined and single packets by sources
that do not stamp, and stamped ones by the probe's. `watch`: what the probe does with a chunk. Medians over the runs, of the
thread's CPU time. Prints JSON.

    python benchmarks/bench_probe.py [--frames 40] [--runs 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from relip.essence.flow import Leg
from relip.essence.formats import video_format
from relip.ports import Burst, Chunk
from relip.probe.study import Target, Watch
from relip.transport import udp
from relip.transport.udp import StampedUdpSource, UdpSink, UdpSource
from relip.wire.st2110_20 import FrameHeaders

FORMAT = video_format("1080p25")
LEG = Leg("239.255.21.31", 20_031)
TYPE = 96


class SingleUdpSource(UdpSource):
    """A source on a kernel that does not join packets."""

    def _read_with(self) -> bool:
        super()._read_with()
        udp._accepts(self._socket, udp._UDP_GRO, 0)  # noqa: SLF001  what the kernel would be without
        self._reader = udp.DatagramReader(self._socket.fileno())
        return False


def measure(make: Callable[[Leg], UdpSource], frames: int) -> tuple[float, float]:
    """Nanoseconds a packet to receive, and to watch."""
    source, sink, watch = make(LEG), UdpSink(LEG), Watch(Target("bench", (LEG,)), LEG)
    plan = FrameHeaders(FORMAT, payload_type=TYPE, ssrc=1)
    frame = np.zeros(FORMAT.frame_octets, np.uint8)
    chunk, received, watched, packets = Chunk.stamped(4096), 0.0, 0.0, 0
    for k in range(frames):
        plan.stamp(k * plan.packets, k * 3600)
        sink.send(Burst(plan.headers, frame, plan.offsets, plan.lengths))
        while True:
            begin = time.thread_time()
            count = source.receive(chunk, 0)
            between = time.thread_time()
            if not count:
                break
            watch.take(chunk)
            packets += count
            received += between - begin
            watched += time.thread_time() - between
    for end in (source, sink):
        end.close()
    return received / packets * 1e9, watched / packets * 1e9


def main() -> None:
    """Run each kind of source in turn, several times."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--frames", type=int, default=40)
    arguments.add_argument("--runs", type=int, default=5)
    asked = arguments.parse_args()
    kinds: dict[str, Callable[[Leg], UdpSource]] = {
        "joined": UdpSource,
        "single": SingleUdpSource,
        "stamped": StampedUdpSource,
    }
    for make in kinds.values():
        measure(make, 3)  # loads the compiled loops
    runs = {name: [measure(make, asked.frames) for _ in range(asked.runs)] for name, make in kinds.items()}
    told = {name: round(statistics.median(received for received, _ in each)) for name, each in runs.items()}
    watch = round(statistics.median(watched for _, watched in runs["stamped"]))
    print(json.dumps({"receive": {f"{name}_ns_per_packet": ns for name, ns in told.items()}, "watch_ns_per_packet": watch}))


if __name__ == "__main__":
    main()
