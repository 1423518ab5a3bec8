"""The compiled reader says of every packet what its specification says, and every span lies inside its packet."""

import numpy as np

from columns import columns
from mutation import joined, records
from relip.essence.formats import VideoFormat
from relip.frames import rows
from relip.wire import st2110_20

FRAMED = True
TYPE = 96


def check(data: bytes) -> None:
    """Read the records by both readers."""
    octets, lengths = columns(records(data))
    read = st2110_20.parse(octets, lengths, payload_type=TYPE)
    said = np.stack([read.row, read.offset_octets, read.length_octets, read.data], axis=1)
    spans = np.zeros((rows.MAX_SPANS, rows.SPAN_FIELDS), np.int64)
    for i, length in enumerate(lengths):
        fault, count, interlaced, sequence = rows.read(octets, i, length, TYPE, spans)
        assert fault == read.fault[i]
        if not fault:
            assert (interlaced, sequence) == (read.interlaced[i], read.sequence[i])
            assert (spans[:count] == said[read.packet == i]).all()
    assert (read.data + read.length_octets <= lengths[read.packet]).all()
    assert not len(read.length_octets) or (read.length_octets.min() >= 0 and (read.length_octets % 5 == 0).all())
    inside = st2110_20.within_raster(read, VideoFormat(8, 6, 50))  # type: ignore[arg-type]
    assert (read.offset_octets[inside] + read.length_octets[inside] <= 20).all()


def seeds() -> list[bytes]:
    """One, two and three SRD headers, an extension, padding."""
    head = bytes.fromhex("60 0001 00000e10 0000002a")
    one = b"\x80" + head + bytes.fromhex("0000 000a 0003 0004") + bytes(10)
    two = b"\x80" + head + bytes.fromhex("0000 0005 0003 8004 000a 0004 0000") + bytes(15)
    three = b"\x80" + head + bytes.fromhex("0000 0005 0003 8004 0005 0004 8000 0000 7fff 0000") + bytes(10)
    extended = b"\xb0" + head + bytes.fromhex("bede 0001 01020304 0000 0005 0003 0004") + bytes(5) + b"\x00\x02"
    return [joined([one, two, three, extended]), joined([two])]
