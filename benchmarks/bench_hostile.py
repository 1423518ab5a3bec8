"""A running service under fire: thousands of random, damaged, replayed and forged packets a second at its ports.

    python benchmarks/bench_hostile.py                    bypass, 640x360 at 25 frames a second, 10,000 packets a second, 60 s
    python benchmarks/bench_hostile.py --mode dub         the whole service, 720p25 with a presenter and a voice

Each packet is made from one that the true sender sends at that instant and is wrong in one way, but for plain noise. Forged
samples are noise too, so that one that got into a picture would be seen. Every frame that leaves the service is compared with
its original octet for octet: a row is that of the original, or (counted as concealed) that of the frame before, or it is wrong.
Where the mouth is drawn anew, the rest of the picture is compared, by the region that the service discloses.

What is right in every field cannot be told from the flow, by nobody, and is not sent: a packet with the flow's own SSRC,
number, timestamp and place but other samples, or for voice and ancillary data its SSRC and a timestamp nearby. A source filter
(`source` in the configuration) keeps all that is sent from another address out before it is read; it is left out here.

Prints JSON; ends with 1 when the service ended, or a frame was wrong, or none came.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from relip.clock.ptp import TaiClock
from relip.device.host import HostDevice
from relip.essence.errors import WireError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat, video_format
from relip.essence.grains import VideoGrain
from relip.essence.scene import Region
from relip.frames.ancillary import AncAssembler
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.graph.pacing import Mode, pacing_of
from relip.offline.container import read_voice
from relip.peers.presenter import present
from relip.peers.reel import Reel
from relip.peers.send import AncillaryOut, Sender, VideoOut, VoiceOut
from relip.ports import Burst, Chunk, PacketSink
from relip.transport.udp import UdpSink, UdpSource
from relip.wire import disclosure, sdp
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders

HERE = "127.0.0.1"
SSRC = 0x5EED
SMALL = VideoFormat(640, 360, Fraction(25))
KEPT = 250
"""Bursts of each flow that may be replayed."""
SHARES = {"video": 0.75, "voice": 0.2, "ancillary": 0.05}
TICK_S = 0.005
MOST_DESCRIBED = 10
"""Wrong rows that are looked at closely."""
QUIET = 10
"""Bursts that the true sender may send before it is disturbed: by two whole frames the service learns its ways."""
VIDEO_TYPE, VOICE_TYPE, ANC_TYPE = 96, 97, 100

Forge = Callable[[Random, bytearray, bytes], bytes]
"""A packet out of a true one, given as header and samples."""


def put(header: bytearray, at: int, value: int, octets: int = 2) -> bytearray:
    """A header with one field changed."""
    header[at : at + octets] = (value & ((1 << 8 * octets) - 1)).to_bytes(octets)
    return header


def noise(random: Random, header: bytearray, samples: bytes) -> bytes:
    """The header on samples that nobody sent."""
    return bytes(header) + random.randbytes(len(samples))


def flipped(random: Random, header: bytearray, samples: bytes) -> bytes:
    """An octet of the header is another. Two bits may agree, as of number and row: a forgery in every field."""
    header[random.randrange(len(header))] ^= random.randrange(1, 256)
    return bytes(header) + samples


def cut(random: Random, header: bytearray, samples: bytes) -> bytes:
    """The end is missing."""
    whole = bytes(header) + samples
    return whole[: random.randrange(len(whole))]


def step(random: Random, header: bytearray, at: int, by: int) -> bytearray:
    """A header whose 32-bit field has gone up or down by no more than so much."""
    return put(header, at, int.from_bytes(header[at : at + 4]) + random.choice((-1, 1)) * random.randrange(1, by), 4)


RTP_KINDS: dict[str, Forge] = {
    "random": lambda r, _h, _s: r.randbytes(r.randrange(1473)),
    "random after two octets": lambda r, h, s: bytes(h[:2]) + r.randbytes(len(h) + len(s) - 2),
    "another payload type": lambda r, h, s: noise(r, put(h, 1, h[1] ^ r.randrange(1, 128), 1), s),
    "another SSRC": lambda r, h, s: noise(r, put(h, 8, r.randrange(1 << 32), 4), s),
    "a rival sender": lambda r, h, s: noise(r, put(h, 8, SSRC ^ 0xFFFF, 4), s),
    "another version": lambda r, h, s: noise(r, put(h, 0, h[0] ^ r.choice((0x40, 0x80, 0xC0)), 1), s),
    "flags that are not there": lambda r, h, s: bytes(put(h, 0, h[0] ^ r.randrange(1, 64), 1)) + s,
    "an octet of the header": flipped,
    "cut": cut,
    "timestamp": lambda r, h, s: noise(r, put(h, 4, int.from_bytes(h[4:8]) + r.randrange(1 << 20, 1 << 32), 4), s),
}
"""Of any flow."""
VIDEO_KINDS: dict[str, Forge] = RTP_KINDS | {
    "sequence": lambda r, h, s: noise(r, put(put(h, 2, r.randrange(1 << 16)), 12, r.randrange(1 << 16)), s),
    "sequence nearby": lambda r, h, s: noise(r, put(h, 2, int.from_bytes(h[2:4]) + r.randrange(721, 30_000)), s),
    "timestamp nearby": lambda r, h, s: noise(r, step(r, h, 4, 90_000), s),
    "timestamp of another frame": lambda r, h, s: noise(
        r, put(h, 4, int.from_bytes(h[4:8]) + r.choice((-2, -1, 1, 2)) * 3600, 4), s
    ),
    "row": lambda r, h, s: noise(r, put(h, 16, int.from_bytes(h[16:18]) ^ r.randrange(1, 1 << 15)), s),
    "row nearby": lambda r, h, s: noise(r, put(h, 16, int.from_bytes(h[16:18]) ^ r.randrange(1, 256)), s),
    "offset": lambda r, h, s: noise(r, put(h, 18, int.from_bytes(h[18:20]) ^ 2 * r.randrange(1, 1 << 13)), s),
    "length": lambda r, h, s: noise(r, put(h, 14, int.from_bytes(h[14:16]) ^ r.randrange(1, 1 << 16)), s),
    "shorter by pgroups": lambda r, h, s: noise(r, put(h, 14, 5 * r.randrange(len(s) // 5)), s),
    "interlaced": lambda r, h, s: noise(r, put(h, 16, int.from_bytes(h[16:18]) | 0x8000), s),
    "one more SRD header": lambda r, h, s: noise(r, put(h, 18, int.from_bytes(h[18:20]) | 0x8000), s),
}
ANC_KINDS: dict[str, Forge] = RTP_KINDS | {"sequence": lambda r, h, s: noise(r, put(h, 2, r.randrange(1 << 16)), s)}
VOICE_KINDS: dict[str, Forge] = RTP_KINDS | {"sequence": lambda r, h, s: bytes(put(h, 2, r.randrange(1 << 16))) + s}


@dataclass
class Overheard:
    """A sink that lets the attacker see what is sent."""

    sink: PacketSink
    bursts: collections.deque[tuple[NDArray[np.uint8], Burst]] = field(default_factory=lambda: collections.deque(maxlen=KEPT))

    def send(self, burst: Burst) -> int:
        """Keep the headers, which the sender uses again, and send."""
        if len(burst.headers):
            self.bursts.append((burst.headers.copy(), burst))
        return self.sink.send(burst)

    def close(self) -> None:
        """Close the true sink."""
        self.sink.close()

    def pick(self, random: Random, *, latest: bool) -> tuple[bytearray, bytes]:
        """A packet of the burst under way, or of any that is remembered: header and samples."""
        headers, burst = self.bursts[-1] if latest else random.choice(self.bursts)
        i = random.randrange(len(headers))
        samples = burst.payload[burst.offsets[i] : burst.offsets[i] + burst.lengths[i]].tobytes()
        return bytearray(headers[i].tobytes()), samples


class Attack:
    """Sends to one port, in small bursts, from two sockets of its own."""

    def __init__(self, overheard: Overheard, kinds: dict[str, Forge], port: int, *, header_octets: int, seed: int) -> None:
        self._overheard = overheard
        self._kinds = kinds
        self._to = (HERE, port)
        self._header_octets = header_octets
        self._random = Random(seed)
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self.sent: collections.Counter[str] = collections.Counter()

    def shoot(self, count: int) -> None:
        """Send so many packets."""
        if len(self._overheard.bursts) < QUIET:
            return
        for _ in range(count):
            kind = self._random.choice((*self._kinds, "replay", "repetition"))
            header, samples = self._overheard.pick(self._random, latest=kind != "replay")
            split = self._header_octets - len(header)  # a whole packet lies in the header of a flow of sound
            if split < 0:
                header, samples = header[:split], bytes(header[split:])
            forge = self._kinds.get(kind, lambda _r, h, s: bytes(h) + s)
            self._random.choice(self._sockets).sendto(forge(self._random, header, samples), self._to)
            self.sent[kind] += 1

    def close(self) -> None:
        """Close the sockets."""
        for each in self._sockets:
            each.close()


def fire(attacks: list[tuple[Attack, float]], rate: int, stop: threading.Event) -> None:
    """Shoot until stopped; what a busy machine delays is made up for."""
    begin, done = time.monotonic(), 0
    while not stop.wait(TICK_S):
        due = int((time.monotonic() - begin) * rate) - done
        for attack, share in attacks:
            attack.shoot(round(due * share))
        done += due


class Judge:
    """Compares what leaves the service with what went in."""

    def __init__(self, form: VideoFormat, frames: NDArray[np.uint8], port: int, disclosures: int | None) -> None:
        self._form, self._frames = form, frames
        self._source = UdpSource(Leg(HERE, port))
        self._pool = FramePool(16, form)
        self._assembler = VideoAssembler(form, payload_type=VIDEO_TYPE, pool=self._pool)
        self._told = None if disclosures is None else UdpSource(Leg(HERE, disclosures))
        self._anc = AncAssembler(payload_type=ANC_TYPE)
        self._regions: dict[int, Region | None] = {}
        self._clock, self._chunk = TaiClock(), Chunk.of(1024)
        self._offset: int | None = None
        self._before: NDArray[np.uint8] | None = None
        self._last_index: int | None = None
        self.counts = dict.fromkeys(("frames", "identical", "altered", "concealed", "concealed_rows", "wrong", "missing"), 0)
        self.wrong_rows = 0
        self.seen_wrong: list[dict[str, Any]] = []

    def run(self, stop: threading.Event) -> None:
        """Look at all that comes, and at what is still under way when stopped."""
        while self._source.receive(self._chunk, 100_000_000) or not stop.is_set():
            now = self._clock.now()
            grains = [*self._assembler.push(self._chunk, now), *self._assembler.expire(now)]
            self._listen()
            for grain in grains:
                self._look(grain)
                self._pool.give_back(grain.slot)
        self._source.close()

    @property
    def lost(self) -> int:
        """Packets that did not come from the service to here: the measurement's own loss."""
        return self._assembler.counters.lost

    def _listen(self) -> None:
        """Note the regions that the service has told of; it tells before it sends."""
        chunk = Chunk.of(64)
        while self._told is not None and self._told.receive(chunk, 0):
            for grain in self._anc.push(chunk, self._clock.now()):
                for packet in grain.packets:
                    with contextlib.suppress(WireError):
                        said = disclosure.parse(packet)
                        self._regions[grain.ticks] = said.region if said is not None and said.altered else None

    def _describe(self, packed: NDArray[np.uint8], rows: NDArray[np.int64], index: int) -> None:
        """Note whose the first wrong rows are: of which other frame, octet for octet, and how many octets are right."""
        for row in rows.tolist()[: max(0, MOST_DESCRIBED - len(self.seen_wrong))]:
            expected = (index + (self._offset or 0)) % len(self._frames)
            alike = (self._frames[:, row] == packed[row]).sum(axis=1).tolist()
            said = {
                "frame": expected,
                "nth": self.counts["frames"],
                "row": row,
                "right_octets": alike[expected],
                "most_alike": int(np.argmax(alike)),
                "octets": max(alike),
            }
            self.seen_wrong.append(said)

    def _look(self, grain: VideoGrain) -> None:
        index = round(grain.ticks * self._form.rate / 90_000)
        if self._offset is None:
            same = [(frame == grain.packed).all(axis=1).sum() for frame in self._frames]
            self._offset = int(np.argmax(same)) - index
        expected = self._frames[(index + self._offset) % len(self._frames)]
        altered = np.zeros(grain.packed.shape, bool)
        region = self._regions.pop(grain.ticks, None)
        if region is not None:
            first = region.x // 2 * 5
            altered[region.y : region.y + region.height, first : first + -(-region.width // 2) * 5] = True
        whole = ((grain.packed == expected) | altered).all(axis=1)
        held = np.zeros_like(whole) if self._before is None else ((grain.packed == self._before) | altered).all(axis=1)
        strange = np.flatnonzero(~whole & ~held)
        wrong = len(strange)
        self._describe(grain.packed, strange, index)
        self.counts["frames"] += 1
        self.counts["identical"] += bool((grain.packed == expected).all())
        self.counts["altered"] += region is not None
        self.counts["concealed"] += not whole.all()
        self.counts["concealed_rows"] += int((~whole & held).sum())
        self.counts["wrong"] += wrong > 0
        self.wrong_rows += wrong
        if self._last_index is not None:
            self.counts["missing"] += index - self._last_index - 1
        self._last_index, self._before = index, grain.packed.copy()


@contextlib.contextmanager
def service(folder: Path, form: VideoFormat, ports: dict[str, int], *, dub: bool) -> Iterator[subprocess.Popen[str]]:
    """`relip serve`, ready."""
    text = sdp.format(
        Flow(form, VIDEO_TYPE, (Leg(HERE, ports["video"]),)), sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable")
    )
    (folder / "in.sdp").write_text(text.replace("a=source-filter", "a=x-source-filter"), "utf-8")
    config: dict[str, Any] = {
        "video": {"sdp": "in.sdp"},
        "ancillary": {"destination": HERE, "port": ports["ancillary"]},
        "voice": {"destination": HERE, "port": ports["voice"]},
        "output": {
            "video": {"destination": HERE, "port": ports["out"]},
            "ancillary": {"destination": HERE, "port": ports["sent on"], "payload_type": ANC_TYPE},
        },
        "lip_sync": {"bypass": not dub},
        "report": "report.json",
    }
    if dub:
        config["output"]["disclosure"] = {"destination": HERE, "port": ports["told"], "payload_type": ANC_TYPE}
    (folder / "relip.yaml").write_text(yaml.safe_dump(config), "utf-8")
    command = [sys.executable, "-m", "relip", "serve", "--log-json", "--config", str(folder / "relip.yaml")]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log, text=True) as process:
        try:
            while '"ready"' not in (folder / "log").read_text("utf-8"):
                if process.poll() is not None:
                    sys.exit((folder / "log").read_text("utf-8"))
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def free_ports() -> dict[str, int]:
    """A port for each flow."""
    held = {
        name: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for name in ("video", "voice", "ancillary", "out", "told", "sent on")
    }
    for each in held.values():
        each.bind((HERE, 0))
    ports = {name: int(each.getsockname()[1]) for name, each in held.items()}
    for each in held.values():
        each.close()
    return ports


def pictures(mode: str) -> tuple[VideoFormat, NDArray[np.uint8]]:
    """What the true sender plays: noise, in which every row is unlike any other; or the presenter."""
    if mode == "bypass":
        random = np.random.default_rng(1)
        return SMALL, random.integers(0, 256, (25, SMALL.height, SMALL.row_octets), dtype=np.uint8)
    form = video_format("720p25")
    return form, present(form, pack=HostDevice().pack, seconds=Fraction(6)).frames


def voice() -> NDArray[np.float32]:
    """The voice that comes with the demo."""
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        return read_voice(path)


def measure(mode: str, seconds: float, rate: int, seed: int) -> dict[str, Any]:
    """One run: what was sent, what came out, what the service said."""
    form, frames = pictures(mode)
    ports = free_ports()
    with tempfile.TemporaryDirectory() as folder:
        with service(Path(folder), form, ports, dub=mode == "dub") as process:
            said = under_fire(form, frames, ports, mode=mode, seconds=seconds, rate=rate, seed=seed)
            alive = process.poll() is None
            process.send_signal(signal.SIGTERM)
            ended = process.wait(60)
        report = json.loads((Path(folder) / "report.json").read_text("utf-8")) if ended == 0 else {}
    told = {key: report.get(key) for key in ("frames", "flows", "relocks", "failures", "late_verdicts")}
    return {"mode": mode, "format": str(form), "alive": alive, "exit": ended, **said, "service": told}


def under_fire(
    form: VideoFormat, frames: NDArray[np.uint8], ports: dict[str, int], *, mode: str, seconds: float, rate: int, seed: int
) -> dict[str, Any]:
    """Play and shoot for so long, and judge what leaves."""
    clock = TaiClock()
    video = Flow(form, VIDEO_TYPE, (Leg(HERE, ports["video"]),))
    sound = Flow(AudioFormat(), VOICE_TYPE, (Leg(HERE, ports["voice"]),))
    beside = Flow(AncFormat(form.rate), ANC_TYPE, (Leg(HERE, ports["ancillary"]),))
    seen, heard, read = (Overheard(UdpSink(flow.legs[0])) for flow in (video, sound, beside))
    paced = pacing_of(form, FrameHeaders(form, payload_type=VIDEO_TYPE, ssrc=SSRC).packets, Mode.SPREAD)
    sender = Sender(
        VideoOut(Reel(frames), video, seen, paced),
        clock=clock,
        voice=VoiceOut(voice(), sound, heard),
        ancillary=AncillaryOut(beside, read),
        ssrc=SSRC,
    )
    judge = Judge(form, frames, ports["out"], ports["told"] if mode == "dub" else None)
    attacks = [
        (Attack(seen, VIDEO_KINDS, ports["video"], header_octets=20, seed=seed), SHARES["video"]),
        (Attack(heard, VOICE_KINDS, ports["voice"], header_octets=12, seed=seed + 1), SHARES["voice"]),
        (Attack(read, ANC_KINDS, ports["ancillary"], header_octets=12, seed=seed + 2), SHARES["ancillary"]),
    ]
    stop, over = threading.Event(), threading.Event()
    judging = threading.Thread(target=judge.run, args=(over,))
    firing = threading.Thread(target=fire, args=(attacks, rate, stop))
    begin = time.monotonic()
    judging.start()
    firing.start()
    sent = sender.run(frames=round(seconds * form.rate), stop=threading.Event())
    stop.set()
    firing.join()
    lasted = time.monotonic() - begin
    time.sleep(1.0)  # longer than the service's latency
    over.set()
    judging.join()
    shots = {name: dict(attack.sent) for name, (attack, _) in zip(SHARES, attacks, strict=True)}
    for attack, _ in attacks:
        attack.close()
    hostile = {name: sum(kinds.values()) for name, kinds in shots.items()}
    return {
        "seconds": round(lasted, 1),
        "hostile_per_second": round(sum(hostile.values()) / lasted),
        "hostile": hostile,
        "good": {"frames": sent.frames_sent, "packets": sent.packets_sent},
        "received": judge.counts | {"wrong_rows": judge.wrong_rows, "lost_by_the_measurement": judge.lost},
        "wrong_rows": judge.seen_wrong,
        "kinds": shots,
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mode", choices=("bypass", "dub"), default="bypass", help="what the service does (default bypass)")
    options.add_argument("--seconds", type=float, default=60.0, help="default 60")
    options.add_argument("--rate", type=int, default=10_000, help="hostile packets a second (default 10000)")
    options.add_argument("--seed", type=int, default=2110, help="of the packets (default 2110)")
    asked = options.parse_args()
    said = measure(asked.mode, asked.seconds, asked.rate, asked.seed)
    print(json.dumps(said, indent=1))
    sys.exit(0 if said["alive"] and said["exit"] == 0 and said["received"]["frames"] and not said["received"]["wrong"] else 1)


if __name__ == "__main__":
    main()
