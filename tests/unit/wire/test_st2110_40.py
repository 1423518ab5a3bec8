"""Ancillary packets there and back, and random octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.errors import WireError
from relip.essence.grains import AncGrain, AncPacket
from relip.wire import st2110_40

pytestmark = pytest.mark.unit

PACKETS = st.builds(
    AncPacket,
    did=st.integers(0, 255),
    sdid=st.integers(0, 255),
    words=st.binary(max_size=255),
    line=st.integers(0, 0x7FF),
    horizontal_offset=st.integers(0, 0xFFF),
    stream=st.none() | st.integers(0, 127),
    c_channel=st.booleans(),
)


@given(st.lists(PACKETS, max_size=12), st.integers(0, (1 << 32) - 1), st.integers(336, 1440))
def test_packets_of_a_frame_read_back_in_order(packets, sequence, max_octets):
    grain = AncGrain(ticks=5, packets=tuple(packets))
    sent = st2110_40.pack(grain, payload_type=100, ssrc=1, sequence=sequence, max_octets=max_octets)
    read = [st2110_40.parse(packet[12:]) for packet in sent]
    assert tuple(packet for payload in read for packet in payload.packets) == grain.packets
    assert not any(payload.bad_parity or payload.bad_checksum or payload.truncated for payload in read)
    assert all(len(packet) <= 12 + max_octets for packet in sent)
    assert [packet[1] >> 7 for packet in sent] == [0] * (len(sent) - 1) + [1]
    numbers = [
        payload.extended_sequence << 16 | int.from_bytes(packet[2:4]) for payload, packet in zip(read, sent, strict=True)
    ]
    assert numbers == [(sequence + i) % (1 << 32) for i in range(len(sent))]


def test_no_more_packets_than_their_count_can_tell():
    grain = AncGrain(ticks=0, packets=(AncPacket(did=0x50, sdid=1, words=b""),) * 300)
    sent = st2110_40.pack(grain, payload_type=100, ssrc=1, sequence=0, max_octets=8000)
    assert [len(st2110_40.parse(packet[12:]).packets) for packet in sent] == [255, 45]


@given(st.binary(max_size=300))
def test_random_octets_raise_nothing_but_wire_errors(payload):
    try:
        read = st2110_40.parse(payload)
    except WireError:
        assert len(payload) < 8
        return
    assert len(read.packets) + read.bad_parity + read.bad_checksum + read.truncated == payload[4]


@given(PACKETS, st.data())
def test_a_flipped_bit_among_the_words_never_passes_unseen(packet, data):
    (sent,) = st2110_40.pack(AncGrain(ticks=0, packets=(packet,)), payload_type=100, ssrc=1, sequence=0)
    bits = (3 + len(packet.words) + 1) * 10
    flip = data.draw(st.integers(0, bits - 1))
    damaged = bytearray(sent[12:])
    damaged[12 + flip // 8] ^= 0x80 >> flip % 8
    assert st2110_40.parse(bytes(damaged)).packets == ()


@given(st.lists(PACKETS, min_size=1, max_size=6), st.data())
def test_octets_of_damaged_packets_go_there_and_back_bit_for_bit(packets, data):
    """Damage that leaves the count alone, for that says where the next packet begins."""
    octets = [bytearray(st2110_40.pack_one(packet)) for packet in packets]
    for one, packet in zip(octets, packets, strict=True):
        bits = len(one) * 8
        first = 32 + 30
        if packet.words:
            flip = data.draw(st.integers(first, bits - 1))
            one[flip // 8] ^= 0x80 >> flip % 8
    sent = st2110_40.pack_octets([bytes(one) for one in octets], ticks=3, payload_type=100, ssrc=1, sequence=9)
    assert [one for packet in sent for one in st2110_40.parse(packet[12:]).octets] == octets


def test_a_packet_whose_filling_is_cut_off_is_filled_up():
    one = st2110_40.pack_one(AncPacket(did=0x50, sdid=1, words=bytes(6)))
    payload = bytes(2) + (len(one) - 1).to_bytes(2) + bytes([1, 0, 0, 0]) + one[:-1]
    assert st2110_40.parse(payload).octets == (one,)
