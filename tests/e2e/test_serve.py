"""`relip serve` as a process: it becomes ready, drains on SIGTERM, and outlives whatever the network sends."""

import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import yaml

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.usefixtures("face_models")]

GROUP = f"239.{os.getpid() % 200 + 20}.77"
CONFIG = {
    "video": {"destination": f"{GROUP}.1", "port": 21000, "format": "720p25"},
    "voice": {"destination": f"{GROUP}.2", "port": 21002, "payload_type": 97},
    "output": {"video": {"destination": f"{GROUP}.3", "port": 21004, "sdp": "out.sdp"}},
    "report": "report.json",
}


@pytest.fixture
def service(tmp_path):
    """The running process, ready."""
    path = tmp_path / "relip.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    process = subprocess.Popen(
        [sys.executable, "-m", "relip", "serve", "--config", str(path), "--log-json"], stderr=subprocess.PIPE
    )
    try:
        until(process, "ready")
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def until(process, event):
    """Read the log up to an event; the process writes it, or ends, or the test's time is over."""
    seen = []
    for line in process.stderr:
        seen.append(line.decode())
        if f'"{event}"' in seen[-1]:
            return json.loads(seen[-1])
    raise AssertionError("".join(seen))


def report(process, tmp_path):
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    return json.loads((tmp_path / "report.json").read_text())


def test_it_drains_on_sigterm_writes_its_report_and_ends_with_0(service, tmp_path):
    told = report(service, tmp_path)
    assert told["latency_frames"] == 5
    assert told["frames"]["received"] == 0
    assert "exactframerate=25" in (tmp_path / "out.sdp").read_text()


def test_random_and_broken_packets_do_not_end_it_and_are_counted(service, tmp_path):
    rng = np.random.default_rng(2110)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for _ in range(2000):
            for flow in ("video", "voice"):
                noise = bytearray(rng.bytes(int(rng.integers(0, 1460))))
                if len(noise) > 1 and rng.random() < 0.7:
                    noise[0:2] = bytes([0x80, 96 if flow == "video" else 97])
                sender.sendto(noise, (CONFIG[flow]["destination"], CONFIG[flow]["port"]))
    noticed = until(service, "packets")
    assert noticed["grown"]["malformed"] > 0
    assert service.poll() is None
    told = report(service, tmp_path)
    assert told["flows"]["video"]["malformed"] > 0
    assert told["flows"]["voice"]["packets"] > 1000
    assert told["frames"]["altered"] == 0


def test_a_configuration_that_cannot_be_is_refused_before_anything_is_loaded(tmp_path):
    path = tmp_path / "relip.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "latency": {"frames": 0}}))
    ended = subprocess.run(
        [sys.executable, "-m", "relip", "serve", "--config", str(path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "latency.frames" in ended.stderr
