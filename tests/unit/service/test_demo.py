"""The demo's processes: whatever happens, none is left behind."""

import signal
import subprocess
import sys

import pytest

from relip.service import demo

pytestmark = pytest.mark.unit


def terminated(folder, started):
    """Two processes, and a SIGTERM to the demo that started them."""
    with demo._children() as children:
        for name in ("serve", "receive"):
            process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            children.append(demo._Child(name, process, folder / name))
            started.append(process)
        signal.raise_signal(signal.SIGTERM)


def test_a_demo_that_is_terminated_leaves_no_process_behind(tmp_path):
    started = []
    with pytest.raises(KeyboardInterrupt):
        terminated(tmp_path, started)
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_demo_that_measured_nothing_fails_after_its_report_is_saved(tmp_path, monkeypatch):
    sender = demo.SenderReport(format="1080p25", frames_sent=50, packets_sent={})
    frames = {"received": 50, "sent": 50, "altered": 0}
    service = demo.ServiceReport(format="1080p25", frames=frames, latency_frames=5, cpu_s=1.0)
    receiver = demo.ReceiverReport(format="1080p25", received=0)
    monkeypatch.setattr(demo, "_perform", lambda _: demo.merge(sender, service, receiver))
    options = demo.DemoOptions(
        format_="1080p25",
        video=None,
        voice=None,
        seconds=2.0,
        bypass=False,
        output=tmp_path / "demo.mp4",
        json_=tmp_path / "demo.json",
        keep=None,
    )
    with pytest.raises(demo.ResourceError, match="not one dubbed frame"):
        demo.run(options)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]
