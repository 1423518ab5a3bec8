"""What leaves: the grain, its patch, its timestamp, and what is said about it."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Patch, Region, Verdict
from relip.essence.tai import Tai, grain_ticks
from relip.graph.pacing import Mode, pacing_of
from relip.graph.transmit import VideoSender, apply
from relip.wire import st2110_20
from relip.wire.st2110_20 import FrameHeaders

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(width=360, height=8, rate=Fraction(60000, 1001))
DUE = Tai(1_764_000_000_000_000_000)
UNTOUCHED = Verdict(bypass=Bypass.NO_FACE)


class Kept:
    """A sink that keeps whole packets."""

    def __init__(self):
        self.packets = []

    def send(self, burst):
        for header, offset, length in zip(burst.headers, burst.offsets, burst.lengths, strict=True):
            self.packets.append(bytes(header) + bytes(burst.payload[offset : offset + length]))
        return len(burst.headers)

    def close(self):
        self.packets = []


def grain(index):
    pixels = np.random.default_rng(index).integers(0, 256, (FORMAT.height, FORMAT.row_octets)).astype(np.uint8)
    return VideoGrain(grain_ticks(index, FORMAT.rate, 90_000), FORMAT, pixels, slot=0, arrived=Tai(0))


def timestamps(sink):
    octets = np.array([np.frombuffer(p.ljust(1536, b"\0"), np.uint8) for p in sink.packets])
    lengths = np.array([len(p) for p in sink.packets], np.int32)
    return set(st2110_20.parse(octets, lengths, payload_type=96).timestamp.tolist())


def sender(sink, **more):
    headers = FrameHeaders(FORMAT, payload_type=96, ssrc=1)
    return VideoSender(sink, headers, pacing_of(FORMAT, headers.packets, Mode.SPREAD), rate=FORMAT.rate, **more)


def test_a_patch_replaces_its_region_and_not_one_octet_outside_it():
    take = grain(3)
    before = take.packed.copy()
    patch = Patch(Region(x=10, y=2, width=20, height=3), np.full((3, 50), 0xAB, np.uint8))
    apply(patch, take)
    assert (take.packed[2:5, 25:75] == 0xAB).all()
    changed = np.zeros(before.shape, bool)
    changed[2:5, 25:75] = True
    np.testing.assert_array_equal(take.packed[~changed], before[~changed])


def test_the_timestamp_is_preserved_by_default():
    sink = Kept()
    sender(sink).send(grain(100_001), UNTOUCHED, DUE)
    assert timestamps(sink) == {grain_ticks(100_001, FORMAT.rate, 90_000) % 2**32}


def test_a_restamped_grain_carries_the_timestamp_of_the_grain_it_leaves_with():
    for index in (100_000, 100_001):
        sink = Kept()
        sender(sink, shift=9).send(grain(index), UNTOUCHED, DUE)
        assert timestamps(sink) == {grain_ticks(index + 9, FORMAT.rate, 90_000) % 2**32}


def test_a_mark_is_drawn_over_the_patch_before_the_grain_leaves():
    sink, region = Kept(), Region(0, 0, 2, 1)
    seen = []

    def mark(marked, verdict):
        seen.append((marked.packed[0, :5].tolist(), verdict))
        marked.packed[0, :5] = 7

    verdict = Verdict(patch=Patch(region, np.full((1, 5), 9, np.uint8)))
    sender(sink, mark=mark).send(grain(3), verdict, DUE)
    assert seen == [([9] * 5, verdict)]
    assert any(bytes([7] * 5) in packet for packet in sink.packets)
