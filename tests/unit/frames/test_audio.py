"""Samples from packets: runs without gaps, whatever order they came in."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import FormatError
from relip.essence.formats import AudioFormat
from relip.essence.tai import tai_of_ticks
from relip.frames.audio import STRANGERS, AudioAssembler
from relip.ports import Chunk
from relip.wire.st2110_30 import AudioPackets

pytestmark = pytest.mark.unit

TYPE = 97
START = 81_600_000_000_000
NOW = tai_of_ticks(START, 48_000)
MONO = AudioFormat()
FORMATS = [
    MONO,
    AudioFormat(channels=1, depth=16),
    AudioFormat(packet_time=Fraction(1, 8000)),
    AudioFormat(channels=8, depth=24),
]


def packets_of(samples, *, form=MONO, ssrc=1, start=START, sequence=0xFFF0):
    return AudioPackets(form, payload_type=TYPE, ssrc=ssrc).packets(samples, start, sequence)


def noise(form, packets, seed=0):
    """Samples that L16 and L24 hold exactly."""
    code = np.random.default_rng(seed).integers(-(1 << 15), 1 << 15, (packets * form.packet_samples, form.channels))
    return (code / (1 << 15)).astype(np.float32)


def chunk_of(packets):
    chunk = Chunk.of(max(1, len(packets)))
    chunk.octets[: len(packets), : packets.shape[1]] = packets
    chunk.lengths[: len(packets)] = packets.shape[1]
    chunk.count = len(packets)
    return chunk


def runs(blocks):
    return [(block.start_sample - START, len(block.samples)) for block in blocks]


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_consecutive_packets_become_one_run_of_the_first_channel(form):
    samples = noise(form, 20)
    (block,) = AudioAssembler(form, payload_type=TYPE).push(chunk_of(packets_of(samples, form=form)), NOW)
    assert block.start_sample == START
    assert np.array_equal(block.samples, samples[:, 0])


def test_a_media_clock_s_offset_is_taken_off():
    samples = noise(MONO, 3)
    far = START + 963_214_424
    assembler = AudioAssembler(MONO, payload_type=TYPE, clock_offset=963_214_424)
    for first in range(3):
        (block,) = assembler.push(chunk_of(packets_of(samples, start=far, sequence=7)[first : first + 1]), NOW)
        assert block.start_sample == START + 48 * first
    assert (assembler.counters.stranger, assembler.counters.lost) == (0, 0)


def test_another_channel_may_be_taken():
    form = AudioFormat(channels=8)
    samples = noise(form, 2)
    assembler = AudioAssembler(form, payload_type=TYPE, channel=5)
    (block,) = assembler.push(chunk_of(packets_of(samples, form=form)), NOW)
    assert np.array_equal(block.samples, samples[:, 5])


def test_packets_of_one_millisecond_each_give_the_same_samples_as_all_at_once():
    samples = noise(MONO, 30)
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    blocks = [b for p in packets_of(samples) for b in assembler.push(chunk_of(p[None]), NOW)]
    assert runs(blocks) == [(48 * i, 48) for i in range(30)]
    assert np.array_equal(np.concatenate([b.samples for b in blocks]), samples[:, 0])
    assert assembler.counters.packets == 30
    assert assembler.counters.lost == assembler.counters.late == assembler.counters.duplicate == 0


def test_a_lost_packet_is_absent_and_parts_the_run():
    packets = np.delete(packets_of(noise(MONO, 10)), 4, axis=0)
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    assert runs(assembler.push(chunk_of(packets), NOW)) == [(0, 192), (240, 240)]
    assert assembler.counters.lost == 1


@pytest.mark.parametrize("seed", range(3))
def test_order_and_repetition_within_a_chunk_do_not_matter(seed):
    samples = noise(MONO, 40)
    shuffled = np.random.default_rng(seed).permutation(np.repeat(packets_of(samples), 2, axis=0))
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    (block,) = assembler.push(chunk_of(shuffled), NOW)
    assert np.array_equal(block.samples, samples[:, 0])
    assert assembler.counters.duplicate == 40


def test_a_repetition_in_a_later_chunk_is_not_given_twice():
    packets = packets_of(noise(MONO, 10))
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    assembler.push(chunk_of(packets), NOW)
    assert assembler.push(chunk_of(packets[3:7]), NOW) == []
    assert assembler.counters.duplicate == 4
    assert assembler.counters.late == 0


def test_a_late_packet_is_given_and_counted():
    packets = packets_of(noise(MONO, 10))
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    assembler.push(chunk_of(np.delete(packets, 4, axis=0)), NOW)
    assert runs(assembler.push(chunk_of(packets[4:5]), NOW)) == [(192, 48)]
    assert (assembler.counters.late, assembler.counters.lost) == (1, 0)


def test_the_timestamp_wraps_and_samples_go_on():
    start = (1 << 32) * 19_000 - 240
    samples = noise(MONO, 10)
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    (block,) = assembler.push(chunk_of(packets_of(samples, start=start)), tai_of_ticks(start, 48_000))
    assert block.start_sample == start
    assert np.array_equal(block.samples, samples[:, 0])


def test_the_packet_time_is_the_packets_own():
    form = AudioFormat(packet_time=Fraction(1, 8000))
    (block,) = AudioAssembler(MONO, payload_type=TYPE).push(chunk_of(packets_of(noise(form, 16), form=form)), NOW)
    assert len(block.samples) == 96


def test_a_restarted_sender_is_followed_and_a_stray_is_not():
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    assembler.push(chunk_of(packets_of(noise(MONO, 5))), NOW)
    new = packets_of(noise(MONO, 10, seed=1), ssrc=2, start=START + 9600, sequence=7)
    for packet in new[: STRANGERS - 1]:
        assert assembler.push(chunk_of(packet[None]), NOW) == []
    assert (assembler.counters.stranger, assembler.counters.resyncs) == (STRANGERS - 1, 0)
    assert runs(assembler.push(chunk_of(new[STRANGERS - 1 :]), NOW)) == [(9600 + 48 * (STRANGERS - 1), 48 * 7)]
    assert assembler.counters.resyncs == 1
    assert assembler.counters.lost == 0


def test_a_sender_between_whose_packets_ours_keep_coming_never_takes_over():
    ours, theirs = (packets_of(noise(MONO, 20, seed=s), ssrc=s) for s in (1, 2))
    mixed = np.stack([ours, theirs], axis=1).reshape(40, -1)
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    assert runs(assembler.push(chunk_of(mixed), NOW)) == [(0, 960)]
    assert (assembler.counters.stranger, assembler.counters.resyncs) == (20, 0)


def test_timestamps_that_leap_start_a_new_count_near_now():
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    assembler.push(chunk_of(packets_of(noise(MONO, 5))), NOW)
    leapt = packets_of(noise(MONO, 5), start=START - 480_000, sequence=0xFFF5)
    assert runs(assembler.push(chunk_of(leapt), NOW)) == [(-480_000, 240)]
    assert assembler.counters.resyncs == 1


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_crowd_of_strangers_is_no_sender(size):
    sound = noise(MONO, 16)
    packets = packets_of(sound)
    crowd = [packets_of(noise(MONO, 1), ssrc=100 + k, sequence=k * 977) for k in range(96)]
    rival = [packets_of(noise(MONO, 1), ssrc=7, sequence=k * 977) for k in range(96)]
    mixed = np.concatenate(
        [p for k in range(16) for p in (packets[k : k + 1], *crowd[6 * k : 6 * k + 6], *rival[6 * k : 6 * k + 6])]
    )
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    heard = [block for at in range(0, len(mixed), size) for block in assembler.push(chunk_of(mixed[at : at + size]), NOW)]
    assert np.array_equal(np.concatenate([block.samples for block in heard]), sound[:, 0])
    assert (assembler.counters.stranger, assembler.counters.resyncs) == (192, 0)


@pytest.mark.parametrize("size", [1, 5, 40])
def test_timestamps_far_away_between_true_ones_are_heard_by_nobody(size):
    sound = noise(MONO, 40)
    packets = packets_of(sound)
    forged = packets_of(noise(MONO, 20, seed=9))
    forged[:, 4:8] ^= np.random.default_rng(1).integers(0, 256, (20, 4), dtype=np.uint8) | np.uint8([0x40, 0, 0, 0])
    mixed = np.concatenate([np.concatenate([packets[2 * k : 2 * k + 2], forged[k : k + 1]]) for k in range(20)])
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    heard = [block for at in range(0, 60, size) for block in assembler.push(chunk_of(mixed[at : at + size]), NOW)]
    assert np.array_equal(np.concatenate([block.samples for block in heard]), sound[:, 0])
    assert next(block.start_sample for block in heard) == START
    assert (assembler.counters.stranger, assembler.counters.resyncs, assembler.counters.lost) == (20, 0, 0)


def test_faulty_packets_are_counted_by_cause():
    packets = packets_of(noise(MONO, 6))
    packets[0, 0] = 0x40
    packets[1, 1] = TYPE + 1
    chunk = chunk_of(packets)
    chunk.lengths[2] -= 1
    assembler = AudioAssembler(MONO, payload_type=TYPE)
    assert runs(assembler.push(chunk, NOW)) == [(144, 144)]
    assert (assembler.counters.malformed, assembler.counters.other_type) == (2, 1)


@pytest.mark.parametrize("seed", range(3))
def test_noise_never_raises(seed):
    random = np.random.default_rng(seed)
    assembler, chunk = AudioAssembler(MONO, payload_type=TYPE), Chunk.of(64)
    for _ in range(50):
        chunk.octets[:] = random.integers(0, 256, chunk.octets.shape, dtype=np.uint8)
        chunk.octets[:, 0], chunk.octets[:, 1] = 0x80, TYPE
        chunk.lengths[:] = random.integers(0, 2000, 64)
        chunk.octets[:, 8:12] = random.integers(0, 2)
        chunk.count = int(random.integers(0, 65))
        assembler.push(chunk, NOW)
    assert assembler.counters.packets > 0


@pytest.mark.parametrize("channel", [-1, 1])
def test_a_channel_the_flow_does_not_have_is_refused(channel):
    with pytest.raises(FormatError, match=f"channel={channel}"):
        AudioAssembler(MONO, payload_type=TYPE, channel=channel)
