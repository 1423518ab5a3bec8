"""FFmpeg's RTP muxer and demuxer at the other end: `bitpacked` pictures and L24, code value for code value."""

import numpy as np
import pytest

from foreign import (
    FORMAT,
    FRAMES,
    Receiver,
    bitpacked,
    codes,
    ffmpeg,
    free_port,
    order_of,
    peer,
    require,
    runs_on,
    sending,
    transport_file,
)
from relip.clock.ptp import TaiClock
from relip.essence.errors import FormatError
from relip.essence.flow import Leg
from relip.essence.formats import AudioFormat, VideoFormat
from relip.frames.audio import AudioAssembler
from relip.graph.transmit import whole
from relip.ports import Chunk
from relip.transport.udp import UdpSink, UdpSource
from relip.wire import sdp, st2110_30
from relip.wire.st2110_30 import AudioPackets

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

STEREO = AudioFormat(channels=2)
PACKETS = 100


@pytest.fixture(autouse=True)
def installed():
    require("FFmpeg")


@pytest.fixture
def pictures():
    """Frames of every 10-bit code: planar as FFmpeg has them, and packed by us."""
    return codes(FRAMES)


def play(folder, port, planar):
    """Encode, pack and send planar frames."""
    planar.tofile(folder / "sent.yuv")
    return bitpacked(folder / "sent.yuv", port)


def test_what_bitpacked_rtp_sends_is_received_code_for_code(tmp_path, pictures):
    planar, packed = pictures
    port = free_port()
    receiver = Receiver(port)
    with peer(play(tmp_path, port, planar), tmp_path) as sender:
        received = receiver.take(FRAMES)
        sender.done()
    assert np.array_equal(received, packed)
    assert (receiver.counters.malformed, receiver.counters.lost, receiver.counters.incomplete) == (0, 0, 0)
    assert max(receiver.counts_of_srd) > 1, "rows that a packet does not fill are continued in it"


def test_its_transport_file_lacks_a_rate_and_is_taken_with_one(tmp_path, pictures):
    port = free_port()
    with peer(play(tmp_path, port, pictures[0][:1]), tmp_path) as sender:
        text = sender.done().partition("SDP:")[2].strip()
    with pytest.raises(FormatError, match="exactframerate is missing"):
        sdp.parse(text)
    read = sdp.parse(text, rate=FORMAT.rate)
    assert read.media[0].flow.format == VideoFormat(FORMAT.width, FORMAT.height, FORMAT.rate)
    assert read.media[0].flow.legs[0].port == port
    assert f"m=video {port}: exactframerate is missing: {FORMAT.rate} is taken" in read.warnings
    assert [warning.split(": ")[1].split(" ")[0] for warning in read.warnings] == [
        "SSN", "colorimetry", "exactframerate", "TP", "PM", "ts-refclk", "mediaclk",
    ]  # fmt: skip


def test_it_receives_by_our_transport_file_what_we_send_code_for_code(tmp_path, pictures):
    planar, packed = pictures
    port = free_port()
    path, flow = transport_file(tmp_path, FORMAT, port)
    command = ffmpeg(
        f"-protocol_whitelist file,udp,rtp -buffer_size 4000000 -i {path} -frames:v {FRAMES}"
        f" -f rawvideo -pix_fmt yuv422p10le {tmp_path}/received.yuv"
    )
    with peer(command, tmp_path) as receiver:
        receiver.listening(port)
        with sending(flow, packed):
            receiver.done()
    received = np.fromfile(tmp_path / "received.yuv", "<u2").reshape(-1, planar.shape[1])
    order = order_of(received, planar)
    assert len(order) == FRAMES
    assert runs_on(order, of=FRAMES)


def coded():
    """Every kind of code value, (samples, octets) uint8 in order of the wire."""
    return np.random.default_rng(4).integers(0, 256, (PACKETS * STEREO.packet_samples, STEREO.sample_octets), dtype=np.uint8)


def test_what_it_sends_as_l24_is_heard_sample_for_sample(tmp_path):
    octets, port = coded(), free_port()
    octets.tofile(tmp_path / "sent.raw")
    source, chunk = UdpSource(Leg("127.0.0.1", port)), Chunk.of(512)
    command = ffmpeg(
        f"-f s24be -ar 48000 -ac 2 -i {tmp_path}/sent.raw -c:a pcm_s24be -payload_type 97 -f rtp rtp://127.0.0.1:{port}"
    )
    with peer(command, tmp_path) as sender:
        text = sender.done().partition("SDP:")[2].strip()
        flow = sdp.flow(text, AudioFormat)
        assert (flow.format.channels, flow.format.depth, flow.payload_type) == (2, 24, 97)
        channels = [AudioAssembler(flow.format, payload_type=97, channel=k) for k in range(2)]
        heard = [[], []]
        while source.receive(chunk, 0):  # it all waits in the socket
            for channel, blocks in zip(channels, heard, strict=True):
                blocks += [block.samples for block in channel.push(chunk, TaiClock().now())]
    source.close()
    expected = st2110_30.unpack(octets, depth=24)
    for k, blocks in enumerate(heard):
        assert np.array_equal(np.concatenate(blocks), expected[:, k])
        assert (channels[k].counters.lost, channels[k].counters.malformed) == (0, 0)


def test_it_hears_by_our_transport_file_what_we_send_sample_for_sample(tmp_path):
    octets, port = coded(), free_port()
    path, flow = transport_file(tmp_path, STEREO, port, payload_type=97)
    packets = AudioPackets(STEREO, payload_type=97, ssrc=1).packets(st2110_30.unpack(octets, depth=24), 7, 0)
    command = ffmpeg(
        f"-protocol_whitelist file,udp,rtp -buffer_size 4000000 -i {path} -c copy"
        f" -frames:a {PACKETS // 2} -f s24be {tmp_path}/received.raw"
    )
    with peer(command, tmp_path) as receiver:
        receiver.listening(port)
        sink = UdpSink(flow.legs[0])
        assert sink.send(whole(packets)) == PACKETS
        receiver.done()
    sink.close()
    received = np.fromfile(tmp_path / "received.raw", np.uint8)
    assert len(received) == octets.size // 2
    assert np.array_equal(received, octets.reshape(-1)[: len(received)])
