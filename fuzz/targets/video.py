"""A sample of a frame came for that place of that frame, or from the frame before; nothing else is written, no slot is lost."""

from collections import defaultdict
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from columns import ROWS, chunk
from fences import fenced, untouched
from mutation import joined, records
from relip.essence.formats import PGROUP_OCTETS, VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.tai import Tai, wrap_rtp
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.wire import st2110_20
from relip.wire.st2110_20 import FrameHeaders

FRAMED = True
RASTER = VideoFormat(8, 6, Fraction(50))
TYPE, SLOTS, CANARY = 96, 12, 0xC5
IN_USE = 7
"""Slots that the assembler may hold by itself, of two legs."""
DIFFERENTIALS = (None, 10_000_000)
"""One leg, and two of class A."""
_octets = fenced((SLOTS, RASTER.height, RASTER.row_octets))


class Watch:
    """An assembler whose grains are looked at as they come, and again at the end."""

    def __init__(self, differential_ns: int | None) -> None:
        self.pool = FramePool(SLOTS, RASTER)
        self.pool.octets = _octets
        _octets[:] = CANARY
        self.assembler = VideoAssembler(RASTER, payload_type=TYPE, pool=self.pool, differential_ns=differential_ns)
        self.now = Tai(1_700_000_000_000_000_000)
        self.wire: dict[tuple[int, int, int], set[bytes]] = defaultdict(set)
        self.before: NDArray[np.uint8] | None = None
        self.held: list[tuple[VideoGrain, NDArray[np.uint8]]] = []
        self.packets = 0

    def push(self, packets: list[bytes]) -> None:
        """Packets come; what they say of the raster is kept as the only samples a frame may have."""
        came = chunk(packets)
        said = st2110_20.parse(came.octets, came.lengths, payload_type=TYPE)
        for i in np.flatnonzero(st2110_20.within_raster(said, RASTER)):
            packet = said.packet[i]
            for k in range(0, said.length_octets[i], PGROUP_OCTETS):
                at = said.data[i] + k
                place = (int(said.timestamp[packet]), int(said.row[i]), int(said.offset_octets[i] + k))
                self.wire[place].add(came.octets[packet, at : at + PGROUP_OCTETS].tobytes())
        self.packets += came.count
        self.look(self.assembler.push(came, self.now))

    def wait(self, ns: int) -> None:
        """Time passes."""
        self.now = Tai(self.now.ns + ns)
        self.look(self.assembler.expire(self.now))

    def look(self, grains: list[VideoGrain]) -> None:
        """Where the samples of new grains came from; some grains are kept for a while, as egress keeps them."""
        for grain in grains:
            whole = [self.is_from_wire(grain, row) for row in range(RASTER.height)]
            assert whole.count(False) <= grain.concealed_rows, "a row that nobody sent is not counted as concealed"
            neighbours = grain.packed[[i for i, w in enumerate(whole) if w]]
            for row in np.flatnonzero(np.logical_not(whole)):
                allowed = neighbours if self.before is None else self.before[row][None]
                assert (allowed == grain.packed[row]).all(axis=1).any(), "a row of neither this frame nor the one before"
            self.before = grain.packed.copy()
            self.held.append((grain, self.before))
        while len(self.held) > SLOTS - IN_USE - 1:
            self.let_go()

    def is_from_wire(self, grain: VideoGrain, row: int) -> bool:
        """Whether every pgroup of a row was sent for just that place."""
        octets, timestamp = grain.packed[row].tobytes(), wrap_rtp(grain.ticks)
        places = range(0, RASTER.row_octets, PGROUP_OCTETS)
        return all(octets[at : at + PGROUP_OCTETS] in self.wire[timestamp, row, at] for at in places)

    def let_go(self) -> None:
        """Give back the oldest grain, which must be as it was given out."""
        grain, copy = self.held.pop(0)
        assert (grain.packed == copy).all(), "a frame was written to after it had been given out"
        self.pool.give_back(grain.slot)

    def end(self) -> None:
        """All is accounted for."""
        for _ in range(8):
            self.wait(100_000_000)
        while self.held:
            self.let_go()
        counters = self.assembler.counters
        assert counters.packets == self.packets
        assert min(getattr(counters, name) for name in counters.__dataclass_fields__) >= 0
        assert self.pool.free >= SLOTS - IN_USE, "a slot is lost"
        assert untouched(_octets), "octets were written before the pool"


def check(data: bytes) -> None:
    """Records are packets; a record of one octet is so many milliseconds, and ends a chunk."""
    for differential_ns in DIFFERENTIALS:
        given(data, differential_ns)


def given(data: bytes, differential_ns: int | None = None) -> int:
    """How many frames came out."""
    watch, waiting = Watch(differential_ns), []
    for record in records(data):
        if len(record) > 1 and len(waiting) < ROWS:
            waiting.append(record)
            continue
        watch.push(waiting)
        waiting = [record] if len(record) > 1 else []
        watch.wait((record[0] if len(record) == 1 else 1) * 1_000_000)
    watch.push(waiting)
    watch.end()
    return watch.assembler.counters.frames


def seeds() -> list[bytes]:
    """Frames in packets of a row each, in order and interleaved, and in packets of half a row."""
    whole = [packet for n in range(6) for packet in [*frame(n), b"\x14"]]
    crowded = [packet for pair in zip(frame(0), frame(1), frame(2), strict=True) for packet in pair]
    halves = [half for n in range(4) for packet in frame(n) for half in split(packet)]
    return [joined(whole), joined(crowded), joined(halves), joined(whole[:20])]


def frame(number: int) -> list[bytes]:
    """The packets of a frame of seeded noise."""
    headers = FrameHeaders(RASTER, payload_type=TYPE, ssrc=7)
    headers.stamp(number * headers.packets + 65530, 1000 + 1800 * number)
    noise = np.random.default_rng(number).integers(0, 256, (headers.packets, RASTER.row_octets), dtype=np.uint8)
    return [head.tobytes() + row.tobytes() for head, row in zip(headers.headers, noise, strict=True)]


def split(packet: bytes) -> tuple[bytes, bytes]:
    """A packet of one row as two of half a row; their numbers are twice the old."""
    number = int.from_bytes(packet[12:14] + packet[2:4]) * 2
    halves = []
    for k in range(2):
        sequence = (number + k).to_bytes(5)[1:]
        head = packet[:2] + sequence[2:] + packet[4:12] + sequence[:2] + (10).to_bytes(2) + packet[16:18] + (4 * k).to_bytes(2)
        halves.append(head + packet[20 + 10 * k : 30 + 10 * k])
    return halves[0], halves[1]
