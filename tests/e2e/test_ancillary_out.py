"""A service that sends ancillary data on, as a process: with its picture, bit for bit, through real sockets."""

import os
import threading
from fractions import Fraction

import numpy as np
import pytest

from relip.clock.ptp import TaiClock
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, VideoFormat
from relip.essence.grains import AncPacket
from relip.frames.ancillary import AncAssembler
from relip.graph.pacing import Mode, pacing_of
from relip.peers.reel import Reel
from relip.peers.send import AncillaryOut, Sender, VideoOut
from relip.ports import Chunk
from relip.transport.udp import UdpSink, UdpSource
from relip.wire import disclosure, sdp, st2110_40
from relip.wire.sdp_media import Sending
from serving import keys, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FORMAT = VideoFormat(360, 288, Fraction(25))
FRAMES = 30
LATENCY_FRAMES = 12
"""Long, so that a machine that is held up loses nothing."""
GROUP = f"239.{os.getpid() % 200 + 20}.80"
PICTURE_IN, DATA_IN, PICTURE, DATA, TOLD = (Leg(f"{GROUP}.{k}", 21030 + 2 * k) for k in range(1, 6))


def data(ticks):
    """Captions in two of three frames, that say which frame they are of."""
    k = ticks // 3600
    if k % 3 == 2:
        return ()
    return (
        AncPacket(did=0x61, sdid=0x01, words=k.to_bytes(8), line=9),
        AncPacket(did=0x60, sdid=0x60, words=bytes(16), line=10),
    )


@pytest.fixture(params=["in its own flow", "with the disclosure"])
def service(request, tmp_path):
    """The running process, ready."""
    data_flow = Flow(AncFormat(FORMAT.rate, ((0x61, 0x01), (0x60, 0x60))), 100, (DATA_IN,))
    (tmp_path / "data.sdp").write_text(sdp.format(data_flow, sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable")))
    output = {"video": keys(PICTURE), "disclosure": keys(TOLD, payload_type=100, sdp="told.sdp", did=0x51)}
    if request.param == "in its own flow":
        output["ancillary"] = keys(DATA, payload_type=100, sdp="data-out.sdp")
    picture = Flow(FORMAT, 96, (PICTURE_IN,))
    (tmp_path / "picture.sdp").write_text(sdp.format(picture, sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable")))
    content = {
        "video": {"sdp": "picture.sdp"},
        "voice": keys(Leg(f"{GROUP}.9", 21050)),
        "ancillary": {"sdp": "data.sdp"},
        "output": output,
        "lip_sync": {"bypass": True},
        "latency": {"frames": LATENCY_FRAMES},
    }
    with serving(tmp_path, content) as running:
        yield running, request.param


def received(source, came):
    """The grains of a flow, until nothing more comes."""
    assembler, chunk, clock = AncAssembler(payload_type=100), Chunk.of(64), TaiClock()
    while source.receive(chunk, 2_000_000_000):
        came += assembler.push(chunk, clock.now())
    came += assembler.push(chunk, clock.now())


def test_ancillary_data_leaves_with_its_picture_and_every_frame_is_told_of(service, tmp_path):
    running, how = service
    clock = TaiClock()
    pictures = np.random.default_rng(1).integers(0, 256, (5, FORMAT.height, FORMAT.row_octets), dtype=np.uint8)
    sinks = {leg: UdpSink(leg, clock=clock) for leg in (PICTURE_IN, DATA_IN)}
    sources = {leg: UdpSource(leg) for leg in (TOLD, *([DATA] if how == "in its own flow" else []))}
    came = {leg: [] for leg in sources}
    camera = VideoOut(Reel(pictures), Flow(FORMAT, 96, (PICTURE_IN,)), sinks[PICTURE_IN], pacing_of(FORMAT, 288, Mode.SPREAD))
    extra = AncillaryOut(Flow(AncFormat(FORMAT.rate), 100, (DATA_IN,)), sinks[DATA_IN], data)
    listening = [threading.Thread(target=received, args=(sources[leg], came[leg])) for leg in sources]
    for thread in listening:
        thread.start()
    sent = Sender(camera, clock=clock, ancillary=extra).run(frames=FRAMES, stop=threading.Event())
    for thread in listening:
        thread.join()
    report = running.report()
    for end in (*sources.values(), *sinks.values()):
        end.close()

    ticks = [sent.first_ticks + 3600 * k for k in range(FRAMES)]
    flow = came[DATA] if how == "in its own flow" else came[TOLD]
    assert [grain.ticks for grain in flow] == ticks
    for grain in flow:
        carried = [one for one in grain.octets if disclosure.SIGNATURE not in said(one)]
        assert carried == [st2110_40.pack_one(packet) for packet in data(grain.ticks)]
    told = [disclosure.parse(grain.packets[-1], did=0x51) for grain in came[TOLD]]
    assert [grain.ticks for grain in came[TOLD]] == ticks
    assert all(each is not None and not each.altered and each.reason == "requested" for each in told)
    assert report["ancillary_out"] == {"passed": sum(len(data(t)) for t in ticks), "late": 0, "dropped": 0}
    assert report["flows"]["ancillary"]["lost"] == 0
    own = "DID_SDID={0x51,0x4C}"
    both = f"DID_SDID={{0x61,0x01}}; DID_SDID={{0x60,0x60}}; {own}"
    assert (own if how == "in its own flow" else both) in (tmp_path / "told.sdp").read_text()


def said(octets):
    """The user data words of an ANC packet, as octets."""
    payload = bytes(2) + len(octets).to_bytes(2) + bytes([1, 0, 0, 0]) + octets
    return st2110_40.parse(payload).packets[0].words
