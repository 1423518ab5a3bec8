"""Peers that others wrote, as processes: GStreamer, FFmpeg and tshark; and our two ends for them to talk to.

Rasters and rates are small, so that a busy machine loses nothing; every wait is bounded, and nothing is timed.
"""

import contextlib
import functools
import itertools
import re
import shutil
import socket
import subprocess
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from relip.clock.ptp import TaiClock
from relip.device.host import HostDevice
from relip.essence.flow import Flow, Leg
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.graph.pacing import Mode, pacing_of
from relip.peers.reel import Reel
from relip.peers.send import Sender, VideoOut
from relip.ports import Chunk
from relip.transport.udp import UdpSink, UdpSource
from relip.wire import sdp, st2110_20
from relip.wire.sdp_media import Sending

FORMAT = VideoFormat(320, 180, Fraction(5))
"""A packet of ours is a whole row: 180 a frame, so that even a default socket buffer holds half a frame."""
FRAMES = 8
PATIENCE_S = 40
SAID = Sending(ts_refclk="ptp=IEEE1588-2008:traceable")
_VERSIONS = {
    "GStreamer": ("gst-launch-1.0", "--version", r"GStreamer (\S+)"),
    "FFmpeg": ("ffmpeg", "-version", r"ffmpeg version (\S+)"),
    "TShark": ("tshark", "--version", r"TShark \(Wireshark\) (\S+)"),
}
PACKAGES = {
    "GStreamer": "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad",
    "FFmpeg": "ffmpeg",
    "TShark": "tshark",
}


@functools.cache
def version(peer):
    """What a peer says of itself, or None where it is not installed."""
    command, option, pattern = _VERSIONS[peer]
    if shutil.which(command) is None:
        return None
    said = subprocess.run([command, option], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    found = re.search(pattern, said.stdout)
    return found[1] if found else "of no known version"


def require(peer, *elements):
    """Skip where a peer is not installed, or a GStreamer without some element."""
    if version(peer) is None:
        pytest.skip(f"{peer} is not installed: apt install {PACKAGES[peer]}")
    for element in elements:
        if subprocess.run(["gst-inspect-1.0", "--exists", element], check=False, timeout=PATIENCE_S).returncode:
            pytest.skip(f"{peer} has no element {element}: apt install {PACKAGES[peer]}")


def free_port():
    """An even UDP port that nobody uses, nor the one above it, where a peer may expect RTCP."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as low, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1] & ~1
            with contextlib.suppress(OSError):
                high.bind(("127.0.0.1", port + 1))
                return port
    raise AssertionError("no free port")


class Peer:
    """A process whose words are kept for the message of the test that it fails."""

    def __init__(self, command, log):
        self._log = Path(log)
        with self._log.open("wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def said(self):
        return self._log.read_text("utf-8", errors="replace")

    def done(self):
        """Wait for its end, which must be a good one; what it said."""
        try:
            ended = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            ended = "not at all"
        assert ended == 0, f"ended with {ended}:\n{self.said()}"
        return self.said()

    def listening(self, port):
        """Wait until it has opened the port."""
        wanted = f":{port:04X} "
        pause, end = threading.Event(), time.monotonic() + PATIENCE_S
        while wanted not in Path("/proc/net/udp").read_text("ascii"):
            assert self.process.poll() is None, f"ended before it listened:\n{self.said()}"
            assert time.monotonic() < end, f"never listened on port {port}:\n{self.said()}"
            pause.wait(0.02)
        return self


@contextlib.contextmanager
def peer(command, folder):
    """A peer that is ended with the block."""
    started = Peer(command, folder / f"{command[0]}.log")
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait(PATIENCE_S)


def gst(pipeline):
    """The command of a pipeline."""
    return ["gst-launch-1.0", "-q", *pipeline.split()]


def ffmpeg(arguments):
    """The command of a conversion that asks nobody and says only what went wrong, and the SDP."""
    return ["ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *arguments.split()]


def noise(frames=FRAMES, raster=FORMAT, seed=1):
    """Packed frames of every code value, (n, height, row_octets) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (frames, raster.height, raster.row_octets), dtype=np.uint8)


def codes(frames, raster=FORMAT, seed=3):
    """Frames of every 10-bit code: planar as FFmpeg has them, (n, samples) little-endian, and packed by us."""
    luma = raster.width * raster.height
    planar = np.random.default_rng(seed).integers(0, 1024, (frames, 2 * luma), dtype="<u2")
    packed = np.empty((frames, raster.height, raster.row_octets), np.uint8)
    for samples, octets in zip(planar, packed, strict=True):
        y, cb, cr = (plane.reshape(raster.height, -1) for plane in np.split(samples, [luma, luma * 3 // 2]))
        HostDevice().pack(Planes(y, cb, cr), octets)
    return planar, packed


def bitpacked(path, port, raster=FORMAT):
    """The command of an FFmpeg that packs a file of planar frames and sends it in real time."""
    planar = f"-f rawvideo -pix_fmt yuv422p10le -s {raster.width}x{raster.height} -r {raster.rate} -i {path}"
    return ffmpeg(f"-re {planar} -c:v bitpacked -strict -2 -payload_type 96 -f rtp rtp://127.0.0.1:{port}?pkt_size=1400")


def transport_file(folder, form, port, *, payload_type=96):
    """Our own SDP of a flow to this machine, and the flow."""
    flow = Flow(form, payload_type, (Leg("127.0.0.1", port),), name="interoperability")
    path = folder / f"{port}.sdp"
    path.write_text(sdp.format(flow, sending=SAID), "utf-8")
    return path, flow


@contextlib.contextmanager
def sending(flow, frames):
    """Our sender, playing the frames again and again until the block ends."""
    stop = threading.Event()
    sink = UdpSink(flow.legs[0])
    sender = Sender(
        VideoOut(Reel(frames), flow, sink, pacing_of(flow.format, flow.format.height, Mode.SPREAD)), clock=TaiClock()
    )
    playing = threading.Thread(target=sender.run, kwargs={"frames": None, "stop": stop})
    playing.start()
    try:
        yield
    finally:
        stop.set()
        playing.join()
        sink.close()


class Receiver:
    """Our receiver on a port: assembles until it has so many frames, and keeps a copy of each."""

    def __init__(self, port, *, raster=FORMAT, payload_type=96):
        self.frames = []
        self.counts_of_srd = set()
        """How many SRD headers its packets had."""
        self._source = UdpSource(Leg("127.0.0.1", port))
        self._pool = FramePool(8, raster)
        self._assembler = VideoAssembler(raster, payload_type=payload_type, pool=self._pool)
        self._clock, self._chunk = TaiClock(), Chunk.of(512)
        self._payload_type = payload_type

    @property
    def counters(self):
        return self._assembler.counters

    def take(self, count):
        """Receive until `count` frames have come, or nobody can expect them any more."""
        end = time.monotonic() + PATIENCE_S
        while len(self.frames) < count and time.monotonic() < end:
            got = self._source.receive(self._chunk, 5_000_000)
            self.counts_of_srd |= set(self._srd_headers(got))
            now = self._clock.now()
            for grain in (*self._assembler.push(self._chunk, now), *self._assembler.expire(now)):
                self.frames.append(grain.packed.copy())
                self._pool.give_back(grain.slot)
        self._source.close()
        return np.array(self.frames)

    def _srd_headers(self, got):
        spans = st2110_20.parse(self._chunk.octets[:got], self._chunk.lengths[:got], payload_type=self._payload_type)
        return np.bincount(spans.packet).tolist()


def order_of(received, sent):
    """Which of the sent frames each received one is, octet for octet; None for one that was never sent."""
    return [next((k for k, frame in enumerate(sent) if np.array_equal(frame, one)), None) for one in received]


def runs_on(order, of):
    """Whether frames came without a gap, a repetition or a stranger, in a reel of so many."""
    return None not in order and all(b == (a + 1) % of for a, b in itertools.pairwise(order))
