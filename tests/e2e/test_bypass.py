"""A service whose bypass is configured, as a process: wire to wire through real sockets, without a net on the machine."""

import json
import os
import signal
import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
import yaml

from relip.clock.ptp import TaiClock
from relip.essence.flow import Flow, Leg
from relip.essence.formats import VideoFormat
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.graph.pacing import Mode, pacing_of
from relip.peers.reel import Reel
from relip.peers.send import Sender, VideoOut
from relip.ports import Chunk
from relip.transport.udp import UdpSink, UdpSource
from relip.wire import sdp
from relip.wire.sdp_media import Sending

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FORMAT = VideoFormat(320, 240, Fraction(25))
PACKETS = 240
FRAMES = 25
GROUP = f"239.{os.getpid() % 200 + 20}.78"
IN, OUT = Leg(f"{GROUP}.1", 21010), Leg(f"{GROUP}.2", 21012)


@pytest.fixture(params=[(1, "spread"), (2, "hybrid")], ids=["one frame, spread", "two frames, paced"])
def service(request, tmp_path):
    """The running process, ready."""
    frames, mode = request.param
    (tmp_path / "in.sdp").write_text(
        sdp.format(Flow(FORMAT, 96, (IN,)), sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable"))
    )
    out = {"destination": OUT.destination, "port": OUT.port, "sdp": "out.sdp"}
    content = {
        "video": {"sdp": "in.sdp"},
        "voice": {"destination": f"{GROUP}.3", "port": 21014},
        "output": {"video": out, "pacing": {"mode": mode}},
        "lip_sync": {"bypass": True},
        "latency": {"frames": frames},
        "models": {"cache": str(tmp_path / "nothing")},
        "report": "report.json",
    }
    path = tmp_path / "relip.yaml"
    path.write_text(yaml.safe_dump(content))
    process = subprocess.Popen(
        [sys.executable, "-m", "relip", "serve", "--config", str(path), "--log-json"], stderr=subprocess.PIPE
    )
    try:
        assert any(b'"ready"' in line for line in process.stderr)
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def receive(source, frames):
    """Frames in the order in which they came, until so many have, or nothing more comes."""
    pool, chunk, clock = FramePool(8, FORMAT), Chunk.of(512), TaiClock()
    assembler = VideoAssembler(FORMAT, payload_type=96, pool=pool)
    came = []
    while len(came) < frames and source.receive(chunk, 2_000_000_000):
        for grain in assembler.push(chunk, clock.now()):
            came.append((grain.ticks, grain.packed.copy()))
            pool.give_back(grain.slot)
    return came


def test_every_frame_leaves_bit_for_bit_as_it_came_and_is_measured(service, tmp_path):
    pictures = np.random.default_rng(1).integers(0, 256, (5, FORMAT.height, FORMAT.row_octets), dtype=np.uint8)
    clock = TaiClock()
    source, sink = UdpSource(OUT), UdpSink(IN, clock=clock)
    video = VideoOut(Reel(pictures), Flow(FORMAT, 96, (IN,)), sink, pacing_of(FORMAT, PACKETS, Mode.SPREAD))
    sending = threading.Thread(target=Sender(video, clock=clock).run, kwargs={"frames": FRAMES, "stop": threading.Event()})
    sending.start()
    came = receive(source, FRAMES)
    sending.join()
    source.close()
    sink.close()
    assert len(came) == FRAMES
    assert np.diff([ticks for ticks, _ in came]).tolist() == [3600] * (FRAMES - 1)
    for k, (_, packed) in enumerate(came):
        np.testing.assert_array_equal(packed, pictures[k % 5])

    service.send_signal(signal.SIGTERM)
    assert service.wait(30) == 0
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["frames"]["bypassed"] == {"requested": FRAMES}
    assert told["output"]["frames"] == FRAMES
    paced = told["output"]["claimed"]
    assert ("TP=2110TPW" in (tmp_path / "out.sdp").read_text()) == paced
    assert told["output"]["cinst_max"] <= told["output"]["cinst_limit"] or not paced
