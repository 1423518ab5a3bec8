"""GStreamer's `rtpvrawpay`, `rtpvrawdepay`, `rtpL24pay` and `rtpL24depay` at the other end, octet for octet."""

import numpy as np
import pytest

from foreign import (
    FORMAT,
    FRAMES,
    Receiver,
    free_port,
    gst,
    noise,
    order_of,
    peer,
    require,
    runs_on,
    sending,
    transport_file,
)
from relip.clock.ptp import TaiClock
from relip.essence.flow import Leg
from relip.essence.formats import AudioFormat
from relip.frames.audio import AudioAssembler
from relip.graph.transmit import whole
from relip.ports import Chunk
from relip.transport.udp import UdpSink, UdpSource
from relip.wire import st2110_30
from relip.wire.st2110_30 import AudioPackets

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

RASTER = f"width={FORMAT.width} height={FORMAT.height}"
CAPS = (
    "application/x-rtp,media=video,clock-rate=90000,encoding-name=RAW,sampling=YCbCr-4:2:2,"
    f"depth=(string)10,width=(string){FORMAT.width},height=(string){FORMAT.height},payload=96"
)
STEREO = AudioFormat(channels=2)
PACKETS = 100


@pytest.fixture(autouse=True)
def gstreamer():
    require("GStreamer", "rtpvrawpay", "rtpvrawdepay", "rtpL24pay", "rtpL24depay", "udpsrc", "udpsink", "sdpdemux")


def play(path, port, payloader="rtpvrawpay pt=96"):
    """Play a file of packed frames."""
    parsed = f"filesrc location={path} blocksize={FORMAT.frame_octets} ! rawvideoparse format=uyvp {RASTER}"
    return gst(f"{parsed} framerate={FORMAT.rate}/1 ! {payloader} ! udpsink host=127.0.0.1 port={port} sync=true")


@pytest.mark.parametrize("mtu", [1220, 1400], ids=["1220 octets", "1400 octets"])
def test_what_rtpvrawpay_sends_is_received_octet_for_octet(tmp_path, mtu):
    frames, port = noise(), free_port()
    frames.tofile(tmp_path / "sent.uyvp")
    receiver = Receiver(port)
    with peer(play(tmp_path / "sent.uyvp", port, f"rtpvrawpay pt=96 mtu={mtu}"), tmp_path) as sender:
        received = receiver.take(FRAMES)
        sender.done()
    assert np.array_equal(received, frames)
    assert (receiver.counters.malformed, receiver.counters.lost, receiver.counters.incomplete) == (0, 0, 0)


def test_rtpvrawdepay_receives_what_we_send_octet_for_octet(tmp_path):
    frames, port = noise(), free_port()
    _, flow = transport_file(tmp_path, FORMAT, port)
    packets = FRAMES * FORMAT.height
    pipeline = (
        f"udpsrc port={port} address=127.0.0.1 buffer-size=4000000 num-buffers={packets} caps={CAPS}"
        f" ! rtpvrawdepay ! filesink location={tmp_path}/received.uyvp"
    )
    with peer(gst(pipeline), tmp_path) as receiver:
        receiver.listening(port)
        with sending(flow, frames):
            receiver.done()
    received = np.fromfile(tmp_path / "received.uyvp", np.uint8).reshape(-1, *frames.shape[1:])
    assert np.array_equal(received, frames)


def test_sdpdemux_takes_our_transport_file(tmp_path):
    frames, port = noise(), free_port()
    path, flow = transport_file(tmp_path, FORMAT, port)
    pipeline = (
        f"filesrc location={path} ! sdpdemux ! queue ! rtpvrawdepay ! identity eos-after={FRAMES}"
        f" ! filesink location={tmp_path}/received.uyvp sync=false"
    )
    with peer(gst(pipeline), tmp_path) as receiver:
        receiver.listening(port)
        with sending(flow, frames):
            receiver.done()
    received = np.fromfile(tmp_path / "received.uyvp", np.uint8).reshape(-1, *frames.shape[1:])
    order = order_of(received, frames)
    assert len(order) == FRAMES - 1  # the element ends the stream in place of the last one
    assert runs_on(order, of=FRAMES)


def coded():
    """Every kind of code value, (samples, channels) uint8 triplets in order of the wire."""
    return np.random.default_rng(2).integers(0, 256, (PACKETS * STEREO.packet_samples, STEREO.sample_octets), dtype=np.uint8)


def test_what_rtpl24pay_sends_is_heard_sample_for_sample(tmp_path):
    codes, port = coded(), free_port()
    codes.tofile(tmp_path / "sent.raw")
    source, chunk = UdpSource(Leg("127.0.0.1", port)), Chunk.of(512)
    channels = [AudioAssembler(STEREO, payload_type=97, channel=k) for k in range(STEREO.channels)]
    heard = [[], []]
    pipeline = (
        f"filesrc location={tmp_path}/sent.raw blocksize={codes[: STEREO.packet_samples].size}"
        f" ! rawaudioparse pcm-format=s24be num-channels=2 sample-rate=48000"
        f" ! rtpL24pay pt=97 min-ptime=1000000 max-ptime=1000000 ! udpsink host=127.0.0.1 port={port} sync=true"
    )
    with peer(gst(pipeline), tmp_path) as sender:
        sender.done()
        while source.receive(chunk, 0):  # it all waits in the socket
            for channel, blocks in zip(channels, heard, strict=True):
                blocks += [block.samples for block in channel.push(chunk, TaiClock().now())]
    source.close()
    expected = st2110_30.unpack(codes, depth=24)
    for k, blocks in enumerate(heard):
        assert np.array_equal(np.concatenate(blocks), expected[:, k])
        assert (channels[k].counters.lost, channels[k].counters.malformed) == (0, 0)


def test_rtpl24depay_hears_what_we_send_sample_for_sample(tmp_path):
    codes, port = coded(), free_port()
    caps = "application/x-rtp,media=audio,clock-rate=48000,encoding-name=L24,channels=2,payload=97"
    pipeline = (
        f"udpsrc port={port} address=127.0.0.1 buffer-size=4000000 num-buffers={PACKETS} caps={caps}"
        f" ! rtpL24depay ! filesink location={tmp_path}/received.raw"
    )
    packets = AudioPackets(STEREO, payload_type=97, ssrc=1).packets(st2110_30.unpack(codes, depth=24), 7, 0)
    with peer(gst(pipeline), tmp_path) as receiver:
        receiver.listening(port)
        sink = UdpSink(Leg("127.0.0.1", port))
        assert sink.send(whole(packets)) == PACKETS
        receiver.done()
    sink.close()
    assert np.array_equal(np.fromfile(tmp_path / "received.raw", np.uint8), codes.reshape(-1))
