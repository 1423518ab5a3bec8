"""GStreamer as a peer to be measured beside: `rtpvrawpay` and `rtpvrawdepay` in processes of their own.

CPU seconds are the whole process's by the kernel's account, less what it needs without the work: for receiving, what it has
used when it begins to listen; for sending, what the same pipeline uses that ends in `fakesink`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.essence.formats import VideoFormat

LAUNCH = "gst-launch-1.0"
INSPECT = "gst-inspect-1.0"
ELEMENTS = ("rtpvrawpay", "rtpvrawdepay", "udpsrc", "udpsink", "videotestsrc", "imagefreeze")
PACKET_OCTETS = 1220
"""As our packets of 1080p."""
START_S = 30.0
BUFFER_OCTETS = 33_554_432


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds of `frames` frames."""

    cpu_s: float
    frames: int

    @property
    def ms_per_frame(self) -> float:
        """Milliseconds of CPU a frame."""
        return 1000 * self.cpu_s / self.frames


def missing() -> str | None:
    """Why it cannot be measured, or None."""
    for program in (LAUNCH, INSPECT):
        if shutil.which(program) is None:
            return f"{program} is not installed (apt: gstreamer1.0-tools)"
    for element in ELEMENTS:
        if subprocess.run([INSPECT, "--exists", element], check=False, capture_output=True).returncode:  # noqa: S603  our own words
            return f"GStreamer has no {element} (apt: gstreamer1.0-plugins-base gstreamer1.0-plugins-good)"
    return None


def version() -> str:
    """Of GStreamer, in its own words."""
    told = subprocess.run([INSPECT, "--version"], check=True, capture_output=True, text=True)  # noqa: S603  our own words
    return told.stdout.splitlines()[1].removeprefix("GStreamer ")


class Depayloader:
    """`udpsrc ! rtpvrawdepay ! fakesink`, listening; it ends by itself with the frame `frames`."""

    def __init__(self, leg: Leg, format: VideoFormat, *, payload_type: int, frames: int) -> None:  # noqa: A002
        caps = (
            "application/x-rtp,media=video,clock-rate=90000,encoding-name=RAW,sampling=YCbCr-4:2:2,depth=(string)10,"
            f"width=(string){format.width},height=(string){format.height},payload={payload_type}"
        )
        source = f"udpsrc address={leg.destination} port={leg.port} multicast-iface=lo buffer-size={BUFFER_OCTETS}"
        self._frames = frames
        self._process = _launch(f"{source} ! {caps} ! rtpvrawdepay ! fakesink sync=false num-buffers={frames}")
        deadline = time.monotonic() + START_S
        while not _listens(leg.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise ResourceError("gst-launch-1.0 with rtpvrawdepay did not begin to listen")
            time.sleep(0.05)
        time.sleep(0.3)  # the sink is prerolled, the pool is made
        self._idle_s = _cpu_s(self._process.pid)

    def end(self, timeout_s: float) -> Used:
        """Wait until it has all its frames. ResourceError when it has not got them in time."""
        used = _wait(self._process, timeout_s)
        if used is None:
            self.close()
            raise ResourceError(f"rtpvrawdepay did not give out {self._frames} frames in time")
        return Used(used - self._idle_s, self._frames)

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()


def pay(leg: Leg, format: VideoFormat, *, payload_type: int, frames: int) -> Used:  # noqa: A002
    """`rtpvrawpay ! udpsink` in real time, less the same that sends nothing. ResourceError when it fails."""
    rate = f"{format.rate.numerator}/{format.rate.denominator}"
    raw = f"video/x-raw,format=UYVP,width={format.width},height={format.height},framerate={rate}"
    picture = f"videotestsrc num-buffers=1 ! {raw} ! imagefreeze num-buffers={frames}"
    sink = f"udpsink host={leg.destination} port={leg.port} multicast-iface=lo sync=true"
    seconds = float(frames / format.rate)
    used = []
    for rest in (f"rtpvrawpay pt={payload_type} mtu={PACKET_OCTETS} ! {sink}", "fakesink sync=true"):
        process = _launch(f"{picture} ! {rest}")
        cpu_s = _wait(process, START_S + 3 * seconds)
        if cpu_s is None:
            process.kill()
            process.wait()
            raise ResourceError("gst-launch-1.0 with rtpvrawpay did not end in time")
        used.append(cpu_s)
    return Used(used[0] - used[1], frames)


def _launch(pipeline: str) -> subprocess.Popen[bytes]:
    command = [LAUNCH, "-q", *pipeline.split()]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  our own words


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> float | None:
    """CPU seconds of a process when it has ended well, by wait4(2); None when it has not in time. ResourceError if badly."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise ResourceError(f"{LAUNCH} ended with {process.returncode}")
            return usage.ru_utime + usage.ru_stime
        time.sleep(0.02)
    return None


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process that runs (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _listens(port: int) -> bool:
    """Whether a UDP socket is bound to a port (proc(5), net/udp)."""
    rows = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
    return any(int(row.split()[1].rpartition(":")[2], 16) == port for row in rows)
