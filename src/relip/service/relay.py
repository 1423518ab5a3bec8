"""A service with a configured bypass, measured from outside: what it loses and how much later frames come for it."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from relip import config
from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.peers.report import ServiceReport
from relip.service.compose import traffic
from relip.service.compose.traffic import Line, Received, Sent

START_S = 120.0
END_S = 30.0


@dataclass(frozen=True, slots=True)
class Relayed:
    """One run: what was sent, what came before the service, what behind it, and what the service says."""

    sent: Sent
    before: Received
    behind: Received
    service: ServiceReport

    @property
    def added_ms(self) -> float:
        """How much later a frame is complete behind the service, by the medians."""
        return self.behind.age_ms - self.before.age_ms


def relay(line: Line, behind: Leg, *, frames_of_latency: int) -> Relayed:
    """Carry a flow through a service to `behind`. Raises ResourceError when something of it fails."""
    out = replace(line, leg=behind)
    with tempfile.TemporaryDirectory(prefix="relip-bench-") as folder, traffic.receiving(out) as far:
        with traffic.receiving(line) as near, _service(Path(folder), line, behind, frames_of_latency) as process:
            sent = traffic.send(line)
            before = near.stop()
            process.send_signal(signal.SIGTERM)
            if process.wait(END_S):
                raise ResourceError(f"relip serve ended with {process.returncode}")
        told = ServiceReport.model_validate_json((Path(folder) / "report.json").read_text(encoding="utf-8"))
        return Relayed(sent, before, far.stop(), told)


@contextmanager
def _service(folder: Path, line: Line, behind: Leg, frames_of_latency: int) -> Iterator[subprocess.Popen[bytes]]:
    """The running process, ready."""
    flow = {"destination": line.leg.destination, "port": line.leg.port}
    content = {
        "video": {**flow, "format": str(line.format)},
        "voice": {**flow, "port": line.leg.port + 2},
        "output": {"video": {"destination": behind.destination, "port": behind.port}, "pacing": {"mode": line.mode}},
        "lip_sync": {"bypass": True},
        "latency": {"frames": frames_of_latency},
        "report": str(folder / "report.json"),
    }
    path, log = folder / "relip.yaml", folder / "log"
    config.write(path, config.parse(content, where="the relay's configuration"))
    with log.open("wb") as output:
        command = [sys.executable, "-m", "relip", "serve", "--config", str(path), "--log-json"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)  # noqa: S603  our own command
    try:
        deadline = time.monotonic() + START_S
        while b'"ready"' not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ResourceError(
                    f"relip serve did not become ready:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
                )
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()
