"""Octets of samples, kept by number."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import AudioFormat
from relip.essence.tai import tai_of_ticks
from relip.frames.audio import AudioAssembler
from relip.frames.sounds import SoundStore
from relip.ports import Chunk
from relip.wire.st2110_30 import AudioPackets

pytestmark = pytest.mark.unit

START = 81_600_000_000_000
NOW = tai_of_ticks(START, 48_000)
FORMATS = [AudioFormat(), AudioFormat(channels=3, depth=16), AudioFormat(channels=8, packet_time=Fraction(1, 8000))]


class Flow:
    """Packets of random octets, every one a code that some sender may send, through an assembler into a store."""

    def __init__(self, form, *, samples=4096, seed=0):
        self.form = form
        self.store = SoundStore(form, samples=samples)
        self.assembler = AudioAssembler(form, payload_type=97, store=self.store)
        self.octets = np.random.default_rng(seed).integers(0, 256, (4096, form.sample_octets), dtype=np.uint8)

    def push(self, numbers, *, extended=False):
        packer = AudioPackets(self.form, payload_type=97, ssrc=1)
        rows = packer.room(max(numbers) + 1)
        rows[:, 12:] = self.octets[: len(rows) * self.form.packet_samples].reshape(len(rows), -1)
        packer.stamp(rows, START, 0)
        rows = rows[list(numbers)]
        if extended:
            extension = np.tile(np.array([0xBE, 0xDE, 0, 1, 0, 0, 0, 0], np.uint8), (len(rows), 1))
            rows = np.concatenate((rows[:, :12], extension, rows[:, 12:]), axis=1)
            rows[:, 0] |= 0x10
        chunk = Chunk.of(len(rows))
        chunk.octets[:, : rows.shape[1]] = rows
        chunk.lengths[:] = rows.shape[1]
        chunk.count = len(rows)
        self.assembler.push(chunk, NOW)

    def take(self, first, count):
        out = np.full((count, self.form.sample_octets), 0xAA, np.uint8)
        return self.store.take(START + first, out), out


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_octets_of_every_channel_are_read_as_they_came_whatever_the_header(form, extended):
    flow = Flow(form)
    flow.push([3, 1, 0, 2, 2], extended=extended)
    came, out = flow.take(0, 4 * form.packet_samples)
    assert came.all()
    assert np.array_equal(out, flow.octets[: len(out)])
    assert flow.store.end == START + len(out)


def test_what_never_came_is_told_and_is_silence():
    flow = Flow(AudioFormat())
    flow.push([0, 2])
    came, out = flow.take(0, 192)
    assert came.tolist() == [True] * 48 + [False] * 48 + [True] * 48 + [False] * 48
    assert not out[~came].any()
    assert np.array_equal(out[came], np.concatenate((flow.octets[:48], flow.octets[96:144])))


def test_what_is_older_than_the_room_is_gone_and_not_taken_for_something_else():
    flow = Flow(AudioFormat(), samples=480)
    flow.push(range(20))
    came, _ = flow.take(0, 480)
    assert not came.any()
    came, out = flow.take(480, 480)
    assert came.all()
    assert np.array_equal(out, flow.octets[480:960])


def test_it_says_where_the_sound_begins_and_how_packets_lie():
    flow = Flow(AudioFormat())
    assert flow.store.next_from(0) is None
    flow.push([5, 6])
    assert flow.store.next_from(START) == START + 240
    assert flow.store.next_from(START + 300) == START + 300
    assert flow.store.next_from(START + 336) is None
    assert flow.store.phase == START % 48
