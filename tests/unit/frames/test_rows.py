"""The compiled reader of a packet against its specification, `wire.st2110_20.parse`."""

import numpy as np
import pytest

from relip.frames import rows
from relip.wire import st2110_20
from relip.wire.st2110_20 import Fault
from wirebytes import columns_of, octets_of

pytestmark = pytest.mark.unit

PAYLOAD_TYPE = 96


def read_one_by_one(octets, lengths):
    """What the compiled reader says of each packet: fault, and where there is none sequence, F and spans."""
    spans = np.zeros((rows.MAX_SPANS, rows.SPAN_FIELDS), np.int64)
    said = []
    for packet, length in enumerate(lengths):
        fault, count, interlaced, sequence = rows.read(octets, packet, length, PAYLOAD_TYPE, spans)
        said.append((fault,) if fault else (fault, interlaced, sequence, spans[:count].tolist()))
    return said


def read_as_columns(octets, lengths):
    """The same of the specification."""
    read = st2110_20.parse(octets, lengths, payload_type=PAYLOAD_TYPE)
    columns = np.stack([read.row, read.offset_octets, read.length_octets, read.data], axis=1)
    return [
        (fault,) if fault else (fault, read.interlaced[i], read.sequence[i], columns[read.packet == i].tolist())
        for i, fault in enumerate(read.fault)
    ]


HEADER = "80 60 0001 00000E10 0000002A 0000"
BY_HAND = {
    "one SRD": HEADER + "000A 0003 0004" + "11" * 10,
    "three SRDs": HEADER + "0005 0003 8004  000A 0004 8000  0000 7FFF 0000" + "22" * 15,
    "a fourth is announced": HEADER + "0005 0003 8004 0005 0004 8000 0005 0005 8000" + "22" * 15,
    "second field": HEADER + "0005 8003 0004" + "11" * 5,
    "half a pgroup": HEADER + "0006 0003 0004" + "11" * 6,
    "inside a pgroup": HEADER + "0005 0003 0005" + "11" * 5,
    "both": HEADER + "0005 0003 8005 0006 0004 0000" + "11" * 11,
    "data cut": HEADER + "000A 0003 0004" + "11" * 9,
    "header cut": HEADER + "000A 0003 8004 0005 00",
    "no header": HEADER[:-5],
    "octets to spare": HEADER + "0005 0003 0004" + "11" * 9,
    "contributing sources": "82 60 0001 00000E10 0000002A 11111111 22222222 0000 0005 0003 0004" + "11" * 5,
    "extension": "90 60 0001 00000E10 0000002A BEDE0001 01020304 0000 0005 0003 0004" + "11" * 5,
    "extension beyond the end": "90 60 0001 00000E10 0000002A BEDE0FFF 0000 0005 0003 0004" + "11" * 5,
    "extension cut": "90 60 0001 00000E10 0000002A BE",
    "padding": "A0 60 0001 00000E10 0000002A 0000 0005 0003 0004" + "11" * 5 + "000003",
    "padding of none": "A0 60 0001 00000E10 0000002A 0000 0005 0003 0004" + "11" * 5 + "000000",
    "padding over all": "A0 60 0001 00000E10 0000002A 0000 0005 0003 0004" + "11" * 5 + "0000FF",
    "version 1": "40 60 0001 00000E10 0000002A 0000 0005 0003 0004" + "11" * 5,
    "another type": "80 61 0001 00000E10 0000002A 0000 0005 0003 0004" + "11" * 5,
    "nothing": "",
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_packet_written_by_hand_reads_as_the_specification_says(name):
    chunk = columns_of(octets_of(BY_HAND[name]), stride=96)
    assert read_one_by_one(*chunk) == read_as_columns(*chunk)


def test_the_packets_written_by_hand_meet_every_fault():
    chunk = columns_of(*(octets_of(text) for text in BY_HAND.values()), stride=96)
    assert {said[0] for said in read_one_by_one(*chunk)} == set(Fault)


@pytest.mark.parametrize("seed", range(5))
def test_packets_with_any_bits_changed_read_as_the_specification_says(seed):
    random = np.random.default_rng(seed)
    texts = list(BY_HAND.values())
    packets = [bytearray(octets_of(texts[i])) for i in random.integers(0, len(texts), 2000)]
    for packet in packets:
        for _ in range(random.integers(0, 4)):
            if packet:
                packet[random.integers(0, len(packet))] = random.integers(0, 256)
    octets, lengths = columns_of(*packets, stride=96)
    lengths += random.integers(0, 2, len(lengths)).astype(np.int32) * random.integers(-8, 60, len(lengths)).astype(np.int32)
    lengths = np.maximum(lengths, 0)
    assert read_one_by_one(octets, lengths) == read_as_columns(octets, lengths)


@pytest.mark.parametrize("seed", range(3))
def test_noise_reads_as_the_specification_says(seed):
    random = np.random.default_rng(seed)
    octets = random.integers(0, 256, (2000, 64), dtype=np.uint8)
    octets[:, 0] = random.choice([0x80, 0x90, 0xA0, 0xB3, 0x40], 2000)
    octets[:, 1] = PAYLOAD_TYPE
    lengths = random.integers(0, 70, 2000).astype(np.int32)
    assert read_one_by_one(octets, lengths) == read_as_columns(octets, lengths)
