"""The compiled reading of a packet's record says what the columns of `wire.st2110_20` say, whatever the octets are."""

import numpy as np
import pytest

from probed import Video
from relip.ports import Chunk
from relip.probe.packets import of_chunk, of_video
from relip.wire import st2110_20
from relip.wire.st2110_20 import Fault
from wirebytes import octets_of

pytestmark = pytest.mark.unit

TWO_SRD = octets_of("""
    80 60 0007 00000e10 00002110  0001
    00b4 0010 8002                # 180 octets of row 16 from pixel 2 on, another follows
    0005 0011 0000                # 5 octets of row 17 from pixel 0 on
""") + bytes(185)


def chunk_of(packets):
    chunk = Chunk.stamped(len(packets))
    for i, packet in enumerate(packets):
        chunk.octets[i, : len(packet)] = np.frombuffer(packet, np.uint8)
        chunk.lengths[i] = len(packet)
        chunk.arrivals[i] = 1_000 + i
    chunk.count = len(packets)
    return chunk


def reference(chunk):
    """Valid, sequence, SRD headers, sample octets, greatest row and reach of each packet, from the columns."""
    spans = st2110_20.parse(chunk.octets[: chunk.count], chunk.lengths[: chunk.count], payload_type=96)
    valid = spans.fault == Fault.NONE
    told = []
    for i in range(chunk.count):
        own = spans.packet == i
        reach = (spans.offset_octets + spans.length_octets)[own]
        told.append(
            (
                int(spans.sequence[i]),
                int(own.sum()),
                int(spans.length_octets[own].sum()),
                int(spans.row[own].max(initial=0)),
                int(reach.max(initial=0)),
            )
            if valid[i]
            else None
        )
    return told


def records(chunk):
    names = ("sequence", "spans", "data", "row", "row_octets")
    ours = ((p, p["valid"] and p["payload_type"] == 96) for p in of_video(chunk, 96))
    return [tuple(int(p[name]) for name in names) if own else None for p, own in ours]


def test_a_record_is_what_the_columns_say_of_whole_and_of_mutilated_packets():
    random = np.random.default_rng(20)
    whole = [octets for _, octets in Video().frames(1).packets[:100]] + [TWO_SRD] * 100
    mutilated = []
    for packet in whole:
        octets = bytearray(packet)
        for at in random.integers(0, 32, 2):
            octets[at] = random.integers(0, 256)
        mutilated.append(bytes(octets[: random.integers(8, len(octets) + 1)]))
    chunk = chunk_of(whole + mutilated)
    told = records(chunk)
    assert told == reference(chunk)
    assert None not in told[:200]
    assert 20 < told[200:].count(None) < 200


def test_several_headers_of_whole_blocks_are_seen():
    (packet,) = of_video(chunk_of([TWO_SRD]), 96)
    assert (packet["spans"], packet["data"], packet["row"], packet["row_octets"]) == (2, 185, 17, 185)
    assert not packet["blocks"]
    assert packet["sequence"] == 0x10007


def test_another_payload_type_is_kept_and_not_read():
    (packet,) = of_video(chunk_of([TWO_SRD]), 97)
    assert packet["valid"]
    assert (packet["payload_type"], packet["spans"]) == (96, 0)


def test_what_rtp_says_needs_no_stamp():
    chunk = chunk_of([TWO_SRD, b"\x80"])
    chunk.arrivals = None
    first, second = of_chunk(chunk)
    assert (first["arrival"], first["octets"], first["timestamp"], first["ssrc"]) == (0, len(TWO_SRD), 3600, 0x2110)
    assert not second["valid"]
