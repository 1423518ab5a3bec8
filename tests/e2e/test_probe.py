"""`relip probe` on real sockets of the loopback interface: what it counts, for times belong to benchmarks."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from probed import RASTER, TAI_UTC_NS
from relip.essence.flow import Flow, Leg
from relip.essence.tai import grain_ticks, wrap_rtp
from relip.ports import Burst
from relip.transport.udp import UdpSink
from relip.wire import sdp
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

FRAMES = 12
PLAN = FrameHeaders(RASTER, payload_type=96, ssrc=0x2110)
LEGS = (Leg("239.255.21.40", 20_440), Leg("239.255.21.41", 20_440))


def send(sink, *, lost):
    """FRAMES of noise at once, without some of their packets, by number from the first."""
    frame = np.random.default_rng(3).integers(0, 256, RASTER.frame_octets, dtype=np.uint8)
    now = (time.time_ns() + TAI_UTC_NS) * RASTER.rate.numerator // (1_000_000_000 * RASTER.rate.denominator)
    for k in range(FRAMES):
        PLAN.stamp(k * PLAN.packets, wrap_rtp(grain_ticks(now + k, RASTER.rate, 90_000)))
        kept = np.array([i for i in range(PLAN.packets) if k * PLAN.packets + i not in lost])
        sink.send(Burst(PLAN.headers[kept], frame, PLAN.offsets[kept], PLAN.lengths[kept]))


@pytest.fixture
def listening(tmp_path):
    """A `relip probe` that listens to two legs already; called, it ends by a signal and gives its report."""
    text = sdp.format(Flow(RASTER, 96, LEGS, name="two legs"), sending=Sending(ts_refclk="localmac=00-00-00-00-00-01"))
    (tmp_path / "two.sdp").write_text(text)
    report = tmp_path / "probe.json"
    command = [sys.executable, "-m", "relip", "probe", tmp_path / "two.sdp", "--seconds", "80", "--json", report]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        told = []
        for line in process.stderr:
            told.append(line)
            if line.startswith("listening"):
                break

        def finish():
            process.send_signal(signal.SIGINT)
            told.append(process.communicate(timeout=60)[1])
            assert process.returncode == 0, told
            return json.loads(report.read_text())

        yield finish
        process.kill()


def test_two_legs_are_counted_and_what_each_lost_is_named(listening):
    sinks = [UdpSink(leg) for leg in LEGS]
    frame_4, frame_7 = 4 * PLAN.packets, 7 * PLAN.packets
    send(sinks[0], lost=(frame_4 + 5, frame_4 + 6))
    send(sinks[1], lost=(frame_4 + 6, frame_7))
    report = listening()
    (flow,) = report["flows"]
    first, second = flow["legs"]
    assert (flow["kind"], flow["found"], flow["stated"]) == ("video", "720x160p50, 4:2:2 10 bit", "720x160p50, 4:2:2 10 bit")
    assert [leg["packets"]["received"] for leg in (first, second)] == [FRAMES * PLAN.packets - 2] * 2
    assert first["packets"]["first_lost"] == [frame_4 + 5, frame_4 + 6]
    assert second["packets"]["first_lost"] == [frame_4 + 6, frame_7]
    assert (flow["redundancy"]["lost"], flow["redundancy"]["only"]) == (1, [1, 1])
    assert [(leg["video"]["frames"]["complete"], leg["video"]["frames"]["incomplete"]) for leg in (first, second)] == [
        (FRAMES - 3, 1),
        (FRAMES - 4, 2),
    ]
    assert first["stamps"]["missing"] == first["stamps"]["dropped_here"] == 0
    assert sum(first["video"]["cinst"]["histogram"].values()) == FRAMES * PLAN.packets - 2
    assert report["source"] == "network"
    for sink in sinks:
        sink.close()


def test_an_interface_that_is_not_here_is_one_line_and_a_failure():
    command = [sys.executable, "-m", "relip", "probe", "239.255.21.40:20440", "--interface", "198.51.100.9"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.startswith("relip: cannot receive 239.255.21.40:20440 on 198.51.100.9")
    assert ended.stderr.count("\n") == 1
