"""Senders and receivers of test flows: frames of noise cut into packets, over the in-process link."""

from fractions import Fraction

import numpy as np

from relip.essence.formats import VideoFormat
from relip.essence.tai import Tai, tai_of_ticks, wrap_rtp
from relip.frames.assemble import MERGE_WINDOW_NS, VideoAssembler
from relip.frames.pool import FramePool
from relip.ports import Burst, Chunk
from relip.transport.loopback import Link
from relip.wire.st2110_20 import FrameHeaders

FORMAT = VideoFormat(720, 20, Fraction(25))
"""Two packets of 900 octets a row, 40 a frame."""
TYPE = 96
SSRC = 0x2110
FRAME_TICKS = 3600
FRAME_NS = 40_000_000
START_TICKS = 152_999_619_984_000


class Sender:
    """Frames of seeded noise, numbered; each is kept, to be compared with what arrives."""

    def __init__(self, *, raster=FORMAT, ssrc=SSRC, sequence=0, ticks=START_TICKS, seed=0):
        self._headers = FrameHeaders(raster, payload_type=TYPE, ssrc=ssrc)
        self._random = np.random.default_rng(seed)
        self.raster, self.sequence, self.ticks = raster, sequence, ticks
        self.sent = {}

    def burst(self):
        """The packets of the next frame; the frame itself is in `sent` under its ticks."""
        frame = self._random.integers(0, 256, self.raster.frame_octets, dtype=np.uint8)
        self.sent[self.ticks] = frame.reshape(self.raster.height, -1)
        self.sequence = self._headers.stamp(self.sequence, wrap_rtp(self.ticks))
        self.ticks += FRAME_TICKS
        return Burst(self._headers.headers.copy(), frame, self._headers.offsets, self._headers.lengths)


def part(burst, packets):
    """Some of a burst's packets, by index or slice, in that order."""
    return Burst(burst.headers[packets].copy(), burst.payload, burst.offsets[packets], burst.lengths[packets])


class Receiver:
    """An assembler with its pool, a clock that follows the frames, and everything that it gave out."""

    def __init__(
        self,
        *,
        raster=FORMAT,
        slots=8,
        capacity=4096,
        ticks=START_TICKS,
        keep=False,
        differential_ns=None,
        window_ns=MERGE_WINDOW_NS,
    ):
        self.pool = FramePool(slots, raster)
        self.assembler = VideoAssembler(
            raster, payload_type=TYPE, pool=self.pool, merge_window_ns=window_ns, differential_ns=differential_ns
        )
        self.now = tai_of_ticks(ticks, 90_000)
        self.grains = []
        self.frames = {}
        self._keep = keep
        self._chunk = Chunk.of(capacity)

    def take(self, source):
        """Push all that waits at a source."""
        while source.receive(self._chunk, 0):
            self._note(self.assembler.push(self._chunk, self.now))

    def push(self, burst):
        """Push packets as if they had come over a perfect link."""
        link = Link()
        link.sink.send(burst)
        self.take(link.source)

    def wait(self, ns):
        """Let time pass."""
        self.now = Tai(self.now.ns + ns)
        self._note(self.assembler.expire(self.now))

    def _note(self, grains):
        for grain in grains:
            self.grains.append(grain)
            self.frames[grain.ticks] = grain.packed.copy()
            if not self._keep:
                self.pool.give_back(grain.slot)

    @property
    def counters(self):
        return self.assembler.counters

    @property
    def ticks(self):
        """Timestamps given out, in that order."""
        return [grain.ticks for grain in self.grains]


def same(frames, sent, ticks):
    """Whether each of these frames is what was sent."""
    return all(np.array_equal(frames[t], sent[t]) for t in ticks)


def run(link, *, frames=50, sender=None, receiver=None):
    """Frames over a link, each drained when its period is over; then a quiet time."""
    sender, receiver = sender or Sender(), receiver or Receiver()
    for _ in range(frames):
        link.sink.send(sender.burst())
        receiver.take(link.source)
        receiver.wait(FRAME_NS)
    receiver.wait(10 * FRAME_NS)
    return sender, receiver
