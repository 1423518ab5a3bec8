"""What other senders do that ours does not, and what the standards let them do: every frame arrives bit for bit all the same.

Packets are laid together field by field (RFC 3550 §5.1, RFC 4175 §4.1, ST 2110-20 §6.1.4 and §6.3.3).
"""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import VideoFormat
from relip.essence.tai import tai_of_ticks, wrap_rtp
from relip.frames.assemble import VideoAssembler
from relip.frames.pool import FramePool
from relip.ports import Chunk

pytestmark = pytest.mark.conformance

RASTER = VideoFormat(240, 6, Fraction(25))
ROW = RASTER.row_octets
"""600 octets: 1260 of the block packing mode reach over three rows."""
START = 152_999_619_984_000
FRAMES = 6


@dataclass
class Habit:
    """How a sender packs. `cuts`: octets of each packet; `marks`: which have the marker, by index and last index."""

    cut: int = ROW
    marks: object = staticmethod(lambda index, last: index == last)
    first: int = 0x80
    between: bytes = b""
    """What stands between the fixed header and the payload."""
    behind: bytes = b""
    """What stands behind the sample data."""
    empty: bool = False
    """An SRD header of no octets before the others."""
    order: object = staticmethod(lambda packets: packets)
    ticks: tuple = field(default_factory=lambda: tuple(START + 3600 * n for n in range(FRAMES)))
    sequence: object = staticmethod(lambda frame, index, packets: 0xFFFE + frame * packets + index)


HABITS = {
    "a row a packet": Habit(),
    "two SRD headers": Habit(cut=900),
    "three SRD headers, block packing": Habit(cut=1260),
    "a block of 180 octets a packet": Habit(cut=180),
    "an SRD header of no octets": Habit(empty=True),
    "the marker on every packet": Habit(marks=lambda _index, _last: True),
    "the marker twice": Habit(marks=lambda index, last: index >= last - 1),
    "the marker on the first packet": Habit(marks=lambda index, _last: index == 0),
    "no marker": Habit(marks=lambda _index, _last: False),
    "an extension": Habit(first=0x90, between=bytes.fromhex("bede 0002 51020304 00000000")),
    "an extension of no words": Habit(first=0x90, between=bytes.fromhex("1000 0000")),
    "two contributing sources": Habit(first=0x82, between=bytes.fromhex("11111111 22222222")),
    "padding": Habit(first=0xA0, behind=bytes.fromhex("00000004")),
    "all of these": Habit(cut=1260, first=0xB1, between=bytes.fromhex("11111111 bede 0001 51020304"), behind=b"\0\2"),
    "octets to spare behind the data": Habit(behind=bytes(40)),
    "rows from below": Habit(order=lambda packets: packets[::-1]),
    "each packet twice": Habit(order=lambda packets: [packet for packet in packets for _ in range(2)]),
    "timestamps a tick beside the grid": Habit(ticks=tuple(START + 3600 * n + (0, 1, -1)[n % 3] for n in range(FRAMES))),
    "timestamps of the time of sending": Habit(ticks=tuple(START + 3600 * n + 57 + n for n in range(FRAMES))),
    "numbers that begin anew in the middle": Habit(
        sequence=lambda frame, index, packets: (0xFFFE if frame < 3 else 4_000_000_000) + frame * packets + index
    ),
    "numbers without a high half": Habit(sequence=lambda frame, index, packets: (65530 + frame * packets + index) & 0xFFFF),
}


def packets_of(frame, habit, number):
    """The packets of one frame, in the order of their numbers."""
    flat, packets = frame.tobytes(), []
    count = -(-len(flat) // habit.cut)
    for index in range(count):
        at, data = index * habit.cut, flat[index * habit.cut : (index + 1) * habit.cut]
        headers = [[0, 0, 0]] if habit.empty else []
        place, left = at, len(data)
        while left:
            row, octet = divmod(place, ROW)
            length = min(left, ROW - octet)
            headers.append([length, row, octet // 5 * 2])
            place, left = place + length, left - length
        for header in headers[:-1]:
            header[2] |= 0x8000
        sequence = habit.sequence(number, index, count)
        fixed = bytes([habit.first, 96 | 0x80 * bool(habit.marks(index, count - 1))]) + (sequence & 0xFFFF).to_bytes(2)
        fixed += wrap_rtp(habit.ticks[number]).to_bytes(4) + (0x2110).to_bytes(4)
        chain = b"".join(value.to_bytes(2) for header in headers for value in header)
        extended = (sequence >> 16 & 0xFFFF).to_bytes(2)
        packets.append(fixed + habit.between + extended + chain + data + habit.behind)
    return packets


def chunk_of(packets):
    chunk = Chunk.of(len(packets))
    for row, packet in enumerate(packets):
        chunk.octets[row, : len(packet)] = np.frombuffer(packet, np.uint8)
        chunk.lengths[row] = len(packet)
    chunk.count = len(packets)
    return chunk


@pytest.mark.parametrize("name", HABITS)
def test_every_frame_arrives_bit_for_bit(name):
    habit = HABITS[name]
    frames = np.random.default_rng(7).integers(0, 256, (FRAMES, RASTER.height, ROW), dtype=np.uint8)
    pool = FramePool(8, RASTER)
    assembler = VideoAssembler(RASTER, payload_type=96, pool=pool)
    received = []

    def take(grains):
        for grain in grains:
            received.append((grain.ticks, grain.packed.copy()))
            pool.give_back(grain.slot)

    for number, frame in enumerate(frames):
        now = tai_of_ticks(habit.ticks[number], 90_000)
        take(assembler.push(chunk_of(habit.order(packets_of(frame, habit, number))), now))
    take(assembler.expire(now.after(1_000_000_000)))
    assert [ticks for ticks, _ in received] == list(habit.ticks)
    assert all(np.array_equal(packed, frame) for (_, packed), frame in zip(received, frames, strict=True))
    counters = assembler.counters
    assert (counters.malformed, counters.incomplete, counters.misplaced, counters.late) == (0, 0, 0, 0)
