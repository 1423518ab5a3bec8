"""A service whose flows go by Rivermax, against the stand-in of the library: chosen by the configuration, and wire to wire."""

import threading
import time

import numpy as np
import pytest

from relip import config
from relip.clock.ptp import TaiClock
from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AudioFormat, video_format
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.graph.pacing import pacing_of_card
from relip.graph.transmit import whole
from relip.peers.reel import Reel
from relip.peers.send import Sender, VideoOut
from relip.ports import Chunk
from relip.service.compose.cards import card_clock, card_sink
from relip.service.compose.service import service
from relip.transport.rivermax import RivermaxSource
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FORMAT = video_format("720p25")
FRAMES = 12
IN, OUT, TOLD = Leg("239.255.21.11", 5010), Leg("239.255.21.12", 5012), Leg("239.255.21.13", 5014)
SECOND = Leg("239.255.22.12", 5012, interface="127.0.0.2")


@pytest.fixture(autouse=True)
def card(cards):
    """One whose clock runs with this machine's."""
    cards.follow(TaiClock().now().ns - time.time_ns())
    return cards


def by_cards(leg, **more):
    return {"destination": leg.destination, "port": leg.port, "interface": leg.interface, "transport": "rivermax", **more}


@pytest.fixture
def built(tmp_path):
    """A service without nets; picture and disclosure go by cards, the picture by two."""
    second = {"destination": SECOND.destination, "port": SECOND.port, "interface": SECOND.interface}
    content = {
        "video": by_cards(IN, format=str(FORMAT)),
        "voice": {"destination": "127.0.0.1", "port": 21_016},
        "output": {
            "video": by_cards(OUT, sdp=str(tmp_path / "out.sdp"), redundant=second),
            "disclosure": by_cards(TOLD),
        },
        "lip_sync": {"bypass": True},
        "models": {"cache": str(tmp_path / "nothing")},
    }
    return service(config.parse(content, where="here"))


def camera(pictures):
    """What plays pictures to the service's input, and the card that it sends by."""
    flow = Flow(format=FORMAT, payload_type=96, legs=(IN,))
    headers = FrameHeaders(FORMAT, payload_type=96, ssrc=0)
    sizes = headers.lengths + headers.headers.shape[1]
    sink = card_sink(flow, sending=Sending(ts_refclk="localmac=00-00-00-00-00-00"), sizes=sizes, ttl=1, dscp=34)
    return Sender(VideoOut(Reel(pictures), flow, sink, pacing_of_card(FORMAT, headers.packets)), clock=TaiClock()), sink


def receive(source, frames):
    """Frames in the order in which they came, until so many have, or nothing more comes."""
    pool, chunk, clock = FramePool(8, FORMAT), Chunk.of(512), TaiClock()
    assembler = VideoAssembler(FORMAT, payload_type=96, pool=pool)
    came = []
    while len(came) < frames and source.receive(chunk, 2_000_000_000):
        for grain in assembler.push(chunk, clock.now()):
            came.append(grain.packed.copy())
            pool.give_back(grain.slot)
    return came


def test_a_service_sends_on_both_cards_what_it_got_from_one_and_says_that_it_is_narrow(built, card, tmp_path):
    pictures = np.random.default_rng(1).integers(0, 256, (5, FORMAT.height, FORMAT.row_octets), dtype=np.uint8)
    whole = {"ring_octets": 1536 * 40_000}
    sources = [RivermaxSource(OUT, **whole), RivermaxSource(SECOND, **whole)]
    told = RivermaxSource(TOLD, header_octets=0)
    built.channel.start()
    sender, sink = camera(pictures)
    sender.run(frames=FRAMES, stop=threading.Event())
    for source in sources:
        came = receive(source, FRAMES)
        assert len(came) == FRAMES
        for k, packed in enumerate(came):
            np.testing.assert_array_equal(packed, pictures[k % 5])
    assert told.receive(Chunk.of(64), 0) == FRAMES
    built.channel.drain()
    for end in (*sources, told, sink):
        end.close()
    assert built.channel.failed is None
    assert "TP=2110TPN" in (tmp_path / "out.sdp").read_text("utf-8")
    assert card.calls()[-1] == "rmx_cleanup"


def test_sound_goes_by_a_card_in_batches_of_any_length():
    form = AudioFormat(channels=2)
    flow = Flow(format=form, payload_type=97, legs=(TOLD,))
    sink = card_sink(flow, sending=Sending(ts_refclk="localmac=00-00-00-00-00-00"), sizes=None, ttl=1, dscp=46)
    source = RivermaxSource(TOLD, header_octets=0)
    rows = np.random.default_rng(1).integers(0, 256, (300, 12 + 48 * 6), dtype=np.uint8)
    chunk = Chunk.of(512)
    for first, last in ((0, 1), (1, 21), (21, 300)):
        assert sink.send(whole(rows[first:last])) == last - first
        assert source.receive(chunk, 0) == last - first
        np.testing.assert_array_equal(chunk.octets[: last - first, : rows.shape[1]], rows[first:last])
    with pytest.raises(FormatError, match="not whole frames of the sizes agreed on"):
        sink.send(whole(rows[:2, :-6].copy()))
    sink.close()
    source.close()


def test_without_the_library_the_service_does_not_start_and_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PYRIVERMAX_SHIM", str(tmp_path / "nothing.so"))
    content = {
        "video": by_cards(IN, format=str(FORMAT)),
        "voice": {"destination": "127.0.0.1", "port": 21_018},
        "output": {"video": by_cards(OUT)},
        "lip_sync": {"bypass": True},
        "models": {"cache": str(tmp_path)},
    }
    with pytest.raises(ResourceError, match=r"no PTP clock at 127.0.0.1 by Rivermax: .*RIVERMAX_ROOT"):
        service(config.parse(content, where="here"))


def test_a_card_whose_clock_shows_another_time_than_the_machines_is_refused(card):
    card.follow(TaiClock().now().ns - time.time_ns() - 37_000_000_000)
    with pytest.raises(ResourceError, match=r"the card at 127.0.0.1 is -3\d{7} µs from this machine's TAI: run phc2sys"):
        card_clock("127.0.0.1", TaiClock())
    assert card.calls()[-1] == "rmx_cleanup"
