"""Legs over real sockets and cables that are really pulled: interfaces down, gone and made anew, senders killed."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import yaml

from flows import FORMAT, SSRC, START_TICKS, TYPE, Sender, part, same
from plant import Plant, address, why_not
from relip.clock.ptp import TaiClock
from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import VideoFormat
from relip.essence.tai import Tai, tai_of_ticks
from relip.frames.assemble import VideoAssembler
from relip.frames.legs import STALL_NS, LegWatch
from relip.frames.pool import FramePool
from relip.graph.pacing import Mode, pacing_of
from relip.peers import send
from relip.peers.reel import Reel
from relip.peers.send import VideoOut
from relip.ports import Burst, Chunk
from relip.transport.legs import LegsSink, LegsSource
from relip.transport.udp import SILENT_NS, UdpSink, UdpSource
from relip.wire import sdp
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

GROUP, PORT = "239.77.20.1", 5004
PACKETS = 40
CLASS_A_NS = 10_000_000
WAIT_NS = 200_000_000


class Path:
    """A camera on one machine and an assembler on the other, joined by the networks named; time is the frames' own."""

    def __init__(self, plant, networks):
        self.plant, self.networks = plant, networks
        self.camera = Sender()
        self.sink = LegsSink([self.opens("camera", UdpSink, network) for network in networks])
        self.source = LegsSource([self.opens("service", UdpSource, network) for network in networks])
        apart_ns = CLASS_A_NS if len(networks) > 1 else None
        self.pool = FramePool(16, FORMAT)
        self.assembler = VideoAssembler(FORMAT, payload_type=TYPE, pool=self.pool, differential_ns=apart_ns)
        self.watch = LegWatch(len(networks), payload_type=TYPE, differential_ns=apart_ns or 0)
        self.now = tai_of_ticks(START_TICKS, 90_000)
        self.chunk = Chunk.of(512)
        self.frames = {}

    def opens(self, machine, end, network):
        """Opens a socket on a machine; two senders must not be told apart by where they are received."""
        leg = Leg(GROUP, PORT, interface=address(machine, network))
        return lambda: self.plant.inside(machine, partial(end, leg))

    def frame(self, packets=slice(None)):
        """Send the next frame, or some of it, and receive what comes."""
        burst = part(self.camera.burst(), packets)
        with contextlib.suppress(ResourceError):  # no leg is left at the moment
            self.sink.send(burst)
        self.take(2 * len(burst.headers))
        self.now = Tai(self.now.ns + 40_000_000)
        self.note(self.assembler.expire(self.now))

    def take(self, most):
        """What the networks have brought; a kernel on this machine delivers before `send` returns."""
        left = most
        while left > 0 and self.source.receive(self.chunk, WAIT_NS if left == most else 0):
            left -= self.chunk.count
            self.watch.observe(self.chunk, self.now)
            self.note(self.assembler.push(self.chunk, self.now))

    def linger(self):
        """Wait for packets for as long as a silent socket takes to ask for its membership."""
        self.source.receive(self.chunk, SILENT_NS)
        self.note(self.assembler.push(self.chunk, self.now))

    def note(self, grains):
        for grain in grains:
            self.frames[grain.ticks] = (grain.packed.copy(), grain.concealed_rows)
            self.pool.give_back(grain.slot)

    def play(self, count):
        for _ in range(count):
            self.frame()

    def right(self):
        """Timestamps of the frames that came whole and as they were sent."""
        return [
            t for t, (packed, concealed) in self.frames.items() if not concealed and np.array_equal(packed, self.camera.sent[t])
        ]

    def close(self):
        self.sink.close()
        self.source.close()


@pytest.fixture(scope="module")
def possible():
    """Skips where this machine cannot have such a plant."""
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture
def plant(possible):
    """A plant of one's own."""
    assert possible is None
    with Plant() as made:
        yield made


@pytest.fixture
def path(plant):
    """Makes paths, and closes them."""
    made = []

    def make(*networks):
        made.append(Path(plant, networks))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("machine", ["camera", "service"])
@pytest.mark.parametrize("network", ["red", "blue"])
def test_an_interface_that_goes_down_and_up_on_one_of_two_networks_changes_nothing(plant, path, machine, network):
    both = path("red", "blue")
    both.play(5)
    plant.pull(network, machine)
    both.play(5)
    plant.plug(network, machine)
    both.play(5)
    assert both.right() == list(both.camera.sent)
    counters = both.assembler.counters
    assert (counters.frames, counters.lost, counters.incomplete, counters.resyncs) == (15, 0, 0, 0)
    leg = ("red", "blue").index(network)
    both.watch.observe(Chunk.of(1), Tai(both.now.ns + CLASS_A_NS + STALL_NS))
    told = both.watch.counters
    assert told[leg].lost == 15 * PACKETS - told[leg].received >= 5 * PACKETS
    assert (told[1 - leg].received, told[1 - leg].lost) == (15 * PACKETS, 0)


@pytest.mark.parametrize("networks", [("red",), ("red", "blue")])
def test_with_every_interface_down_the_picture_pauses_and_is_back_with_the_first_frame(plant, path, networks):
    one = path(*networks)
    one.play(5)
    before = list(one.camera.sent)
    for network in networks:
        plant.pull(network)
    one.play(5)
    for network in networks:
        plant.plug(network)
    gone = list(one.camera.sent)
    one.play(5)
    assert one.right()[:5] == before
    assert len([t for t in one.right() if t not in gone]) >= 3
    counters = one.assembler.counters
    assert counters.lost > 0
    assert all(concealed or t in one.right() for t, (_, concealed) in one.frames.items())


@pytest.mark.parametrize("networks", [("red",), ("red", "blue")])
def test_an_interface_that_is_taken_out_and_made_anew_is_joined_again(plant, path, networks):
    one = path(*networks)
    one.play(3)
    plant.remove("red")
    for _ in range(3):
        one.frame()
        one.linger()
    if len(networks) > 1:
        assert one.right() == list(one.camera.sent)
    assert one.source.states()[0].why or one.sink.states()[0].why
    plant.lay("red")
    for _ in range(100):
        if not (one.source.states()[0].why or one.sink.states()[0].why):
            break
        one.frame()
        one.linger()
    received = one.watch.counters[0].received
    gone = set(one.camera.sent)
    one.play(5)
    assert one.watch.counters[0].received > received
    assert len(set(one.right()) - gone) >= 3
    assert one.source.states()[0].lost + one.sink.states()[0].lost > 0


def test_a_sender_that_is_killed_in_mid_frame_and_restarted_is_followed(path):
    both = path("red", "blue")
    both.play(4)
    both.frame(slice(PACKETS // 3))
    old = both.camera
    both.now = Tai(both.now.ns + 200_000_000)
    both.note(both.assembler.expire(both.now))
    both.camera = Sender(ssrc=SSRC + 1, sequence=5, ticks=START_TICKS + 12 * 3600, seed=3)
    both.frame(slice(PACKETS // 2, None))
    both.play(5)
    new = both.camera.sent
    whole = {t: packed for t, (packed, concealed) in both.frames.items() if not concealed}
    assert same(whole, old.sent, list(old.sent)[:4])
    assert same(whole, new, list(new)[1:])
    assert both.assembler.counters.resyncs == 1


def out(network):
    """Where the service sends the picture on a network."""
    return Leg({"red": "239.77.20.2", "blue": "239.77.20.4"}[network], 5008, interface=address("service", network))


CONFIG = {
    "video": {
        "sdp": "camera.sdp",
        "interface": address("service", "red"),
        "redundant": {"interface": address("service", "blue")},
    },
    "voice": {"destination": "239.77.20.3", "port": 5006, "interface": address("service", "red")},
    "output": {
        "video": {
            **{key: getattr(out("red"), key) for key in ("destination", "port", "interface")},
            "redundant": {key: getattr(out("blue"), key) for key in ("destination", "port", "interface")},
            "sdp": "out.sdp",
        },
        "pacing": {"mode": "spread"},
    },
    "lip_sync": {"bypass": True},
    "report": "report.json",
}
RASTER = VideoFormat(720, 20, Fraction(25))


@pytest.fixture
def service(plant, tmp_path):
    """`relip serve` on the service's machine, ready."""
    legs = tuple(Leg("239.77.20.1", PORT, interface=address("camera", network)) for network in ("red", "blue"))
    clock = Sending(ts_refclk="ptp=IEEE1588-2008:traceable")
    (tmp_path / "camera.sdp").write_text(sdp.format(Flow(RASTER, TYPE, legs), sending=clock))
    (tmp_path / "relip.yaml").write_text(yaml.safe_dump(CONFIG))
    command = plant.on(
        "service", sys.executable, "-m", "relip", "serve", "--config", str(tmp_path / "relip.yaml"), "--log-json"
    )
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    log = []
    ready = threading.Event()

    def read():
        for line in process.stderr:
            log.append(json.loads(line))
            if log[-1]["event"] == "ready":
                ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert ready.wait(60), log
        yield process, log
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()


class Monitor:
    """The camera's machine: plays pictures to the service, and receives by both networks what it sends on."""

    def __init__(self, plant):
        self.clock = TaiClock()
        self.pictures = np.random.default_rng(5).integers(0, 256, (7, 20, RASTER.row_octets), dtype=np.uint8)
        legs = tuple(Leg("239.77.20.1", PORT, interface=address("camera", network)) for network in ("red", "blue"))
        self.sink = LegsSink([partial(plant.inside, "camera", partial(UdpSink, leg, clock=self.clock)) for leg in legs])
        back = [replace(out(network), interface=address("camera", network)) for network in ("red", "blue")]
        self.source = LegsSource([partial(plant.inside, "camera", partial(UdpSource, leg)) for leg in back])
        pace = pacing_of(RASTER, PACKETS, Mode.SPREAD)
        self.video = VideoOut(Reel(self.pictures), Flow(RASTER, TYPE, legs), self.sink, pace)
        self.pool = FramePool(16, RASTER)
        self.assembler = VideoAssembler(RASTER, payload_type=96, pool=self.pool, differential_ns=CLASS_A_NS)
        self.heard = [0, 0]
        self.came = []

    def play(self, *, most, step):
        """Send frames until `step` has nothing more to do; it is asked after every frame. The frames that were sent."""
        stop, reports, chunk = threading.Event(), [], Chunk.of(512)
        sender = send.Sender(self.video, clock=self.clock)
        thread = threading.Thread(target=lambda: reports.append(sender.run(frames=most, stop=stop)))
        thread.start()
        while self.source.receive(chunk, 1_500_000_000):
            self.heard = [self.heard[k] + int((chunk.leg[: chunk.count] == k).sum()) for k in range(2)]
            for grain in [*self.assembler.push(chunk, self.clock.now()), *self.assembler.expire(self.clock.now())]:
                self.came.append((grain.ticks, grain.packed.copy()))
                self.pool.give_back(grain.slot)
                if not step():
                    stop.set()
        thread.join()
        return reports[0].frames_sent

    def send_a_third(self, ticks):
        """The beginning of a frame, by a sender that then is no more."""
        headers = FrameHeaders(RASTER, payload_type=TYPE, ssrc=77)
        headers.stamp(0, ticks % 2**32)
        third = slice(PACKETS // 3)
        self.sink.send(
            Burst(headers.headers[third].copy(), self.pictures[0].reshape(-1), headers.offsets[third], headers.lengths[third])
        )

    def close(self):
        self.sink.close()
        self.source.close()


@pytest.fixture
def monitor(plant):
    made = Monitor(plant)
    yield made
    made.close()


def report(process, tmp_path):
    """What the service says when it is stopped."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    return json.loads((tmp_path / "report.json").read_text())


def test_a_service_whose_cables_are_pulled_one_by_one_sends_every_frame_bit_for_bit(plant, service, monitor, tmp_path):
    process, log = service
    plan = [(plant.pull, "red"), (plant.plug, "red"), (plant.pull, "blue"), (plant.plug, "blue"), (plant.plug, "red")]
    since = [0]

    def step():
        """The next of the plan, ten frames after the last; and none is pulled before both are heard again."""
        done = len(monitor.came) - since[0]
        if plan and done >= 10 and (len(plan) % 2 == 0 or min(monitor.heard) > 5 * PACKETS):
            do, network = plan.pop(0)
            do(network)
            since[0], monitor.heard = len(monitor.came), [0, 0]
        return bool(plan)

    sent = monitor.play(most=400, step=step)
    assert not plan
    assert len(monitor.came) == sent
    assert np.diff([ticks for ticks, _ in monitor.came]).tolist() == [3600] * (sent - 1)
    for k, (_, packed) in enumerate(monitor.came):
        np.testing.assert_array_equal(packed, monitor.pictures[k % 7], err_msg=f"frame {k}")
    told = report(process, tmp_path)
    assert (told["frames"]["received"], told["frames"]["sent"]) == (sent, sent)
    assert all(leg["lost"] > 0 for leg in told["flows"]["video"]["legs"])
    assert told["flows"]["video"]["lost"] == 0
    assert all(leg["packets"] > 0 for leg in told["outputs"]["video"])
    text = (tmp_path / "out.sdp").read_text()
    assert "a=group:DUP" in text
    assert text.count("a=source-filter") == 2
    assert any(line["event"] == "leg" for line in log)


def test_a_service_outlives_its_networks_and_its_senders(plant, service, monitor, tmp_path):
    process, _ = service

    def until(frames):
        return lambda: len(monitor.came) < frames

    first = monitor.play(most=400, step=until(12))
    monitor.send_a_third(monitor.came[-1][0] + 3600)
    for network in ("red", "blue"):
        plant.pull(network)
    for network in ("red", "blue"):
        plant.plug(network)
    shown = len(monitor.came)
    second = monitor.play(most=400, step=until(shown + 12))
    back = monitor.came[shown:]
    assert len(back) >= second - 30, "a cable may take a second to be noticed"
    assert len(back) >= 10
    right = [any(np.array_equal(packed, picture) for picture in monitor.pictures) for _, packed in back]
    assert all(right[1:])
    assert process.poll() is None
    told = report(process, tmp_path)
    assert told["frames"]["received"] >= first + len(back)
    assert told["flows"]["video"]["resyncs"] >= 1
