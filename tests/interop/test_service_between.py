"""A whole service between two peers that others wrote: their sender, `relip serve`, their receiver, octet for octet."""

import contextlib
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import yaml

from foreign import FORMAT, PATIENCE_S, Peer, bitpacked, codes, free_port, gst, noise, order_of, peer, require, transport_file

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

FRAMES = 12
RASTER = f"width={FORMAT.width} height={FORMAT.height}"


@contextlib.contextmanager
def service(folder, arriving, leaving, **video):
    """`relip serve --bypass` between two ports, ready; ended with its report by SIGTERM."""
    voice = free_port()
    config = {
        "video": {"sdp": str(arriving), **video},
        "voice": {"destination": "127.0.0.1", "port": voice},
        "output": {"video": {"destination": "127.0.0.1", "port": leaving, "sdp": str(folder / "out.sdp")}},
        "report": str(folder / "report.json"),
    }
    (folder / "relip.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "relip", "serve", "--bypass", "--log-json", "--config", str(folder / "relip.yaml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            seen = []
            while '"ready"' not in "".join(seen[-1:]):
                line = process.stderr.readline()
                assert line, "".join(seen)
                seen.append(line)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=PATIENCE_S)
            process.kill()


def their_receiver(port, path, frames):
    """Writes so many frames of ours, then ends by itself."""
    caps = (
        "application/x-rtp,media=video,clock-rate=90000,encoding-name=RAW,sampling=YCbCr-4:2:2,depth=(string)10,"
        f"width=(string){FORMAT.width},height=(string){FORMAT.height},payload=96"
    )
    return gst(
        f"udpsrc port={port} address=127.0.0.1 buffer-size=4000000 num-buffers={frames * FORMAT.height} caps={caps}"
        f" ! rtpvrawdepay ! filesink location={path}"
    )


def test_frames_of_gstreamer_reach_gstreamer_through_the_service_octet_for_octet(tmp_path):
    require("GStreamer", "rtpvrawpay", "rtpvrawdepay", "udpsrc", "udpsink")
    frames, arriving, leaving = noise(FRAMES), free_port(), free_port()
    frames.tofile(tmp_path / "sent.uyvp")
    said, _ = transport_file(tmp_path, FORMAT, arriving)
    theirs = gst(
        f"filesrc location={tmp_path}/sent.uyvp blocksize={FORMAT.frame_octets} ! rawvideoparse format=uyvp {RASTER}"
        f" framerate={FORMAT.rate}/1 ! rtpvrawpay pt=96 ! udpsink host=127.0.0.1 port={arriving} sync=true"
    )
    with service(tmp_path, said, leaving), peer(their_receiver(leaving, tmp_path / "got.uyvp", FRAMES), tmp_path) as receiver:
        receiver.listening(leaving)
        Peer(theirs, tmp_path / "sender.log").done()
        receiver.done()
    received = np.fromfile(tmp_path / "got.uyvp", np.uint8).reshape(-1, *frames.shape[1:])
    assert order_of(received, frames) == list(range(FRAMES))
    told = json.loads((tmp_path / "report.json").read_text())
    assert (told["frames"]["received"], told["frames"]["altered"]) == (FRAMES, 0)
    assert (told["flows"]["video"]["malformed"], told["flows"]["video"]["lost"]) == (0, 0)


def test_frames_of_ffmpeg_reach_gstreamer_by_ffmpegs_own_transport_file(tmp_path):
    require("FFmpeg")
    require("GStreamer", "rtpvrawdepay", "udpsrc")
    (planar, packed), arriving, leaving = codes(FRAMES), free_port(), free_port()
    planar.tofile(tmp_path / "sent.yuv")
    theirs = bitpacked(tmp_path / "sent.yuv", arriving)
    (tmp_path / "theirs.sdp").write_text(Peer(theirs, tmp_path / "rehearsal.log").done().partition("SDP:")[2].strip())
    with (
        service(tmp_path, tmp_path / "theirs.sdp", leaving, rate=str(FORMAT.rate)),
        peer(their_receiver(leaving, tmp_path / "got.uyvp", FRAMES), tmp_path) as receiver,
    ):
        receiver.listening(leaving)
        Peer(theirs, tmp_path / "sender.log").done()
        receiver.done()
    received = np.fromfile(tmp_path / "got.uyvp", np.uint8).reshape(-1, *packed.shape[1:])
    assert order_of(received, packed) == list(range(FRAMES))
