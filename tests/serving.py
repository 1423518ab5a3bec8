"""`relip serve` as a process, for tests of what goes in and what comes out of its sockets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import yaml


class Serving:
    """The running process, ready; its files lie in `folder`."""

    def __init__(self, folder, process):
        self.folder = folder
        self._process = process

    def report(self):
        """What it says at its end, which this is."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0
        return json.loads((self.folder / "report.json").read_text())


@contextmanager
def serving(folder, content):
    """Run it with a configuration, relative paths of which are taken from the folder."""
    (folder / "relip.yaml").write_text(yaml.safe_dump({**content, "report": "report.json"}))
    command = [sys.executable, "-m", "relip", "serve", "--config", str(folder / "relip.yaml"), "--log-json"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        assert any(b'"ready"' in line for line in process.stderr)
        yield Serving(folder, process)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def keys(leg, **more):
    """A flow as the configuration names it."""
    return {"destination": leg.destination, "port": leg.port, **more}
