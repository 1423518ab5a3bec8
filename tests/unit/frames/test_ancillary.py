"""Ancillary grains from packets: one a frame, by timestamp."""

import numpy as np
import pytest

from relip.essence.grains import AncGrain, AncPacket
from relip.essence.tai import tai_of_ticks
from relip.frames.ancillary import LATE_RUN, PATIENCE_NS, STRANGERS, AncAssembler
from relip.ports import Chunk
from relip.wire import st2110_40
from wirebytes import columns_of

pytestmark = pytest.mark.unit

TYPE = 100
START = 152_999_619_984_000
NOW = tai_of_ticks(START, 90_000)


def grain(index, packets=1):
    """A frame's ancillary data; several packets are long enough that each needs an RTP packet of its own."""
    words = bytes(range(200)) if packets > 1 else bytes([index % 256])
    return AncGrain(START + 3600 * index, tuple(AncPacket(0x51, i, words) for i in range(packets)))


def packed(*grains, ssrc=1, sequence=0xFFFFFFFE):
    """RTP packets of several frames, numbered on; a small limit spreads a frame over several packets."""
    packets = []
    for one in grains:
        packets += st2110_40.pack(one, payload_type=TYPE, ssrc=ssrc, sequence=sequence + len(packets), max_octets=300)
    return packets


def push(assembler, packets, now=NOW):
    octets, lengths = columns_of(*packets) if packets else (np.zeros((1, 1536), np.uint8), np.zeros(1, np.int32))
    return assembler.push(Chunk(octets, lengths, np.zeros(len(packets), np.uint8), len(packets)), now)


@pytest.fixture
def assembler():
    return AncAssembler(payload_type=TYPE)


def test_each_frame_becomes_a_grain_as_its_marker_comes(assembler):
    grains = [grain(i) for i in range(5)]
    for one, packet in zip(grains, packed(*grains), strict=True):
        assert push(assembler, [packet]) == [one]
    assert assembler.counters.grains == assembler.counters.packets == 5
    assert assembler.counters.lost == 0


def test_a_frame_of_several_packets_is_one_grain_in_their_order(assembler):
    first, second = grain(0), grain(1, packets=4)
    packets = packed(first, second)
    assert len(packets) == 5
    push(assembler, packets[:1])
    assert push(assembler, [packets[4], packets[2]]) == []
    assert push(assembler, [packets[3], packets[1]]) == [second]


def test_a_keep_alive_is_an_empty_grain(assembler):
    empty = AncGrain(START, ())
    assert push(assembler, packed(empty)) == [empty]


def test_a_frame_that_lacks_a_packet_leaves_when_the_next_begins(assembler):
    grains = [grain(0), grain(1, packets=3), grain(2)]
    packets = packed(*grains)
    push(assembler, packets[:1])
    out = push(assembler, [packets[1], packets[3], packets[4]])
    assert out == [AncGrain(grains[1].ticks, grains[1].packets[::2]), grains[2]]
    assert assembler.counters.lost == 1


def test_a_frame_without_its_end_leaves_after_a_while(assembler):
    packets = packed(grain(0), grain(1, packets=3))
    push(assembler, packets[:3])
    assert push(assembler, [], NOW.after(PATIENCE_NS - 1)) == []
    (out,) = push(assembler, [], NOW.after(PATIENCE_NS))
    assert out.ticks == START + 3600


def test_repetitions_and_late_packets_are_counted_and_change_nothing(assembler):
    grains = [grain(0), grain(1, packets=3), grain(2)]
    packets = packed(*grains)
    out = push(assembler, [packets[0], packets[1], packets[1], packets[2], packets[3], packets[0], packets[4]])
    assert out == grains
    assert (assembler.counters.duplicate, assembler.counters.late) == (2, 0)


def test_a_bad_checksum_drops_that_packet_and_is_counted(assembler):
    good = grain(0)
    (packet,) = packed(good)
    broken = bytearray(packet)
    broken[-5] ^= 0x01
    out = push(assembler, [bytes(broken)])
    assert out == [AncGrain(START, ())]
    counters = assembler.counters
    assert counters.bad_checksum + counters.bad_parity == 1


def test_the_timestamp_wraps_and_ticks_go_on():
    start = (1 << 32) * 35_000 - 3600
    assembler = AncAssembler(payload_type=TYPE)
    grains = [AncGrain(start + i * 3600, ()) for i in range(3)]
    assert push(assembler, packed(*grains), tai_of_ticks(start, 90_000)) == grains


def test_a_restarted_sender_is_followed_after_a_few_packets(assembler):
    push(assembler, packed(grain(0)))
    new = [grain(i) for i in range(10, 20)]
    out = [g for p in packed(*new, ssrc=2, sequence=5) for g in push(assembler, [p])]
    assert out == new[STRANGERS - 1 :]
    assert (assembler.counters.stranger, assembler.counters.resyncs) == (STRANGERS - 1, 1)


def test_a_sender_whose_time_went_back_is_followed_again(assembler):
    push(assembler, packed(grain(20)))
    again = [grain(i) for i in range(20)]
    out = [g for p in packed(*again, sequence=5) for g in push(assembler, [p])]
    assert out == again[LATE_RUN - 1 :]
    assert assembler.counters.resyncs == 1


@pytest.mark.parametrize("frames", [-100, 100])
def test_a_sender_whose_time_leapt_is_followed_after_a_few_packets(assembler, frames):
    push(assembler, packed(grain(0)))
    leapt = [grain(frames + i) for i in range(8)]
    out = [g for p in packed(*leapt, sequence=5) for g in push(assembler, [p])]
    assert out == leapt[STRANGERS - 1 :]
    assert (assembler.counters.stranger, assembler.counters.resyncs) == (STRANGERS - 1, 1)


def test_a_sender_that_was_away_is_followed_at_once(assembler):
    push(assembler, packed(grain(0)))
    assert push(assembler, packed(grain(100), sequence=0xFFFFFFFF), NOW.after(4_000_000_000)) == [grain(100)]
    assert (assembler.counters.stranger, assembler.counters.resyncs) == (0, 0)


def test_neither_a_crowd_of_strangers_nor_timestamps_far_away_disturb_a_sender(assembler):
    out, sent = [], [grain(i) for i in range(12)]
    for k, packet in enumerate(packed(*sent)):
        crowd = [packed(grain(50), ssrc=100 + 10 * k + i, sequence=977 * i)[0] for i in range(10)]
        far = [packet[:4] + (0x40000000 * (i + 1) + k).to_bytes(4) + packet[8:] for i in range(3)]
        out += push(assembler, [packet, *crowd, *far])
    assert out == sent
    assert (assembler.counters.stranger, assembler.counters.resyncs) == (12 * 13, 0)


def test_faulty_packets_are_counted_by_cause(assembler):
    good, other, short = packed(grain(0)) * 3
    other = other[:1] + bytes([other[1] & 0x80 | TYPE + 1]) + other[2:]
    assert push(assembler, [other, b"\x40" + good[1:], short[:15], good]) == [grain(0)]
    assert (assembler.counters.other_type, assembler.counters.malformed) == (1, 2)


@pytest.mark.parametrize("seed", range(3))
def test_noise_never_raises(assembler, seed):
    random = np.random.default_rng(seed)
    for i in range(300):
        length = int(random.integers(0, 120))
        body = random.integers(0, 256, max(12, length), dtype=np.uint8)
        body[0], body[1] = 0x80, TYPE | (0x80 if random.random() < 0.5 else 0)
        body[8:12] = random.integers(0, 2)
        push(assembler, [body[:length].tobytes()], NOW.after(i * 1_000_000))
    assert assembler.counters.packets == 300
