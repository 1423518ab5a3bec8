"""A service that sends the voice on, as a process: picture and voice leave together, through real sockets."""

import os
import threading
from fractions import Fraction

import numpy as np
import pytest

from relip.clock.ptp import TaiClock
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AudioFormat, VideoFormat
from relip.graph.pacing import Mode, pacing_of
from relip.peers.intake import AudioIn, VideoIn
from relip.peers.receive import Receiver
from relip.peers.reel import Reel
from relip.peers.send import Sender, VideoOut, VoiceOut
from relip.transport.udp import UdpSink, UdpSource
from relip.wire import sdp
from relip.wire.sdp_media import Sending
from serving import keys, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FORMAT = VideoFormat(360, 288, Fraction(25))
SOUND = AudioFormat(channels=2)
FRAMES = 40
LATENCY_FRAMES = 12
"""Long, so that a machine that is held up loses nothing."""
GROUP = f"239.{os.getpid() % 200 + 20}.79"
PICTURE_IN, VOICE_IN, PICTURE, VOICE = (Leg(f"{GROUP}.{k}", 21020 + 2 * k) for k in range(1, 5))
CLOCK = "ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:127"


@pytest.fixture(params=["preserve", "restamp"])
def service(request, tmp_path):
    """The running process, ready."""
    for name, flow in {"picture": Flow(FORMAT, 96, (PICTURE_IN,)), "voice": Flow(SOUND, 97, (VOICE_IN,))}.items():
        text = sdp.format(flow, sending=Sending(ts_refclk=CLOCK, tsmode="SAMP" if name == "picture" else None))
        (tmp_path / f"{name}.sdp").write_text(text)
    content = {
        "video": {"sdp": "picture.sdp"},
        "voice": {"sdp": "voice.sdp"},
        "output": {
            "video": keys(PICTURE, sdp="picture-out.sdp"),
            "voice": keys(VOICE, sdp="voice-out.sdp"),
            "timestamps": request.param,
        },
        "lip_sync": {"bypass": True},
        "latency": {"frames": LATENCY_FRAMES},
    }
    with serving(tmp_path, content) as running:
        yield running, request.param


class Ear:
    """What the receiver hears, by sample number."""

    def __init__(self):
        self.blocks = []

    def sound(self, block):
        self.blocks.append(block)

    def picture(self, *_):
        pass


def played(code):
    """Play pictures and sound of these codes to the service; what a receiver of its flows reports and hears."""
    clock, ear = TaiClock(), Ear()
    pictures = np.random.default_rng(1).integers(0, 256, (FRAMES, FORMAT.height, FORMAT.row_octets), dtype=np.uint8)
    sources = {leg: UdpSource(leg) for leg in (PICTURE_IN, PICTURE, VOICE)}
    sinks = {leg: UdpSink(leg, clock=clock) for leg in (PICTURE_IN, VOICE_IN)}
    camera = VideoOut(Reel(pictures), Flow(FORMAT, 96, (PICTURE_IN,)), sinks[PICTURE_IN], pacing_of(FORMAT, 288, Mode.SPREAD))
    voice = VoiceOut(
        (code / (1 << 23)).astype(np.float32), Flow(SOUND, 97, (VOICE_IN,)), sinks[VOICE_IN], lead_s=Fraction(0), loop=False
    )
    receiver = Receiver(
        VideoIn(Flow(FORMAT, 96, (PICTURE,)), sources[PICTURE]),
        clock=clock,
        original=VideoIn(Flow(FORMAT, 96, (PICTURE_IN,)), sources[PICTURE_IN]),
        audio=AudioIn(Flow(SOUND, 97, (VOICE,)), sources[VOICE]),
        recorder=ear,
    )
    sender, sent = Sender(camera, clock=clock, voice=voice), []
    playing = threading.Thread(target=lambda: sent.append(sender.run(frames=FRAMES, stop=threading.Event())))
    playing.start()
    report = receiver.run(stop=threading.Event(), idle_ns=1_000_000_000)
    playing.join()
    for end in (*sources.values(), *sinks.values()):
        end.close()
    return sent[0], report, ear.blocks


def test_the_voice_leaves_as_it_came_beside_its_picture(service):
    running, timestamps = service
    code = np.random.default_rng(2).integers(-(1 << 23), 1 << 23, 48_000)
    sent, report, blocks = played(code)
    told = running.report()["voice_out"]

    shift = LATENCY_FRAMES * 1920 if timestamps == "restamp" else 0
    first = sent.first_ticks * 48_000 // 90_000 + shift
    heard = np.concatenate([block.samples for block in blocks])
    numbers = np.concatenate([np.arange(block.start_sample, block.end_sample) for block in blocks]) - first
    assert len(heard) == sent.packets_sent["audio"] * 48
    spoken = np.pad(code, (0, len(heard)))[numbers]
    assert np.array_equal((heard * (1 << 23)).astype(np.int64), spoken)
    assert told == {"packets": sent.packets_sent["audio"], "silent": 0, "late": 0, "refused": 0, "resyncs": 0}
    assert report.received == FRAMES
    assert report.voice_after_ms.min >= LATENCY_FRAMES * 40 - shift / 48, "nothing leaves before its instant"
    assert report.skew_ms == shift * 1000 / 48_000


def test_the_transport_files_say_whose_timestamps_these_are(service, tmp_path):
    _, timestamps = service
    picture, voice = (sdp.parse((tmp_path / f"{name}-out.sdp").read_text()).media[0] for name in ("picture", "voice"))
    delay_us = 480_000 if timestamps == "preserve" else None
    modes = ("SAMP", "PRES") if timestamps == "preserve" else ("NEW", "NEW")
    assert (picture.sending.tsmode, voice.sending.tsmode) == modes
    assert picture.sending.tsdelay_us == voice.sending.tsdelay_us == delay_us
    assert picture.sending.ts_refclk == voice.sending.ts_refclk == CLOCK
    assert voice.flow == Flow(SOUND, 97, (Leg(VOICE.destination, VOICE.port, source="127.0.0.1"),), name="relip")
    text = (tmp_path / "voice-out.sdp").read_bytes().decode()
    assert "a=ptime:1\r\n" in text
    assert "channel-order=SMPTE2110.(ST)" in text
