"""Grains come in the order of their time, hold only packets that were sent under it, and every packet is counted."""

from collections import defaultdict

import numpy as np

from columns import ROWS, chunk
from mutation import joined, records
from relip.essence.errors import WireError
from relip.essence.grains import AncGrain, AncPacket
from relip.essence.tai import Tai, wrap_rtp
from relip.frames.ancillary import AncAssembler
from relip.wire import rtp, st2110_40

FRAMED = True
TYPE = 100


def check(data: bytes) -> None:
    """Records are packets; a record of one octet is so many milliseconds, and ends a chunk."""
    given(data)


def given(data: bytes) -> int:
    """How many grains came out."""
    assembler, now = AncAssembler(payload_type=TYPE), Tai(1_700_000_000_000_000_000)
    sent: dict[int, set[AncPacket]] = defaultdict(set)
    packets, grains, waiting = 0, 0, []
    for record in [*records(data), b"\xff", b"\xff"]:
        if len(record) > 1 and len(waiting) < ROWS:
            waiting.append(record)
            continue
        came = chunk(waiting)
        packets += came.count
        headers = rtp.parse(came.octets, came.lengths)
        for i in np.flatnonzero(headers.valid):
            try:
                payload = st2110_40.parse(came.octets[i, headers.payload_offset[i] : headers.payload_end[i]].tobytes())
            except WireError:
                continue
            sent[int(headers.timestamp[i])].update(payload.packets)
        given = assembler.push(came, now)
        grains += len(given)
        for grain in given:
            assert set(grain.packets) <= sent[wrap_rtp(grain.ticks)]
        waiting = [record] if len(record) > 1 else []
        now = Tai(now.ns + (record[0] if len(record) == 1 else 1) * 1_000_000)
    counters = assembler.counters
    assert counters.packets == packets
    assert counters.grains == grains
    assert min(getattr(counters, name) for name in counters.__dataclass_fields__) >= 0
    return grains


def seeds() -> list[bytes]:
    """Frames of one packet and of several or none."""
    one = AncPacket(did=0x61, sdid=0x02, words=bytes(range(40)), line=9)
    packets, sequence = [], 65530
    for n in range(8):
        packed = st2110_40.pack(
            AncGrain(1000 + 1800 * n, (one,) * (n % 4)), payload_type=TYPE, ssrc=1, sequence=sequence, max_octets=100
        )
        sequence += len(packed)
        packets += packed
    timed = [part for packet in packets for part in (packet, b"\x05")]
    return [joined(packets), joined(timed)]
