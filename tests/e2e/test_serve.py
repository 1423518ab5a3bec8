"""`relip serve` as a process: it becomes ready, drains on SIGTERM, and outlives whatever the network sends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

GROUP = f"239.{os.getpid() % 200 + 20}.77"
CONFIG = {
    "video": {"destination": f"{GROUP}.1", "port": 21000, "format": "720p25"},
    "voice": {"destination": f"{GROUP}.2", "port": 21002, "payload_type": 97},
    "output": {"video": {"destination": f"{GROUP}.3", "port": 21004, "sdp": "out.sdp"}},
    "report": "report.json",
}


@pytest.fixture
def service(tmp_path, face_models):
    path = tmp_path / "relip.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "relip", "serve", "--config", str(path), "--log-json"], stderr=output)
    try:
        wait_for(lambda: b'"ready"' in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(reached, seconds=60.0):
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)
    assert reached()


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
        assert service.poll() is None
    time.sleep(0.5)
    assert service.poll() is None
    told = report(service, tmp_path)
    assert told["flows"]["video"]["malformed"] > 100
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
