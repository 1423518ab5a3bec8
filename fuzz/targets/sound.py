"""Samples heard, and kept to be sent on, were sent for that instant, in runs without a gap and in order; none counts twice."""

from itertools import pairwise

import numpy as np

from columns import ROWS, chunk
from mutation import joined, records
from relip.essence.formats import AudioFormat
from relip.essence.tai import RTP_WRAP, Tai
from relip.frames.audio import AudioAssembler
from relip.frames.sounds import SoundStore
from relip.wire import st2110_30
from targets import pcm

FRAMED = True
FORM = AudioFormat(channels=2)
TYPE = 97


def check(data: bytes) -> None:
    """Records are packets; a record of one octet or none ends a chunk."""
    given(data)


def given(data: bytes) -> int:
    """How many samples were heard."""
    heard = 0
    store = SoundStore(FORM, samples=4096)
    assembler, now = AudioAssembler(FORM, payload_type=TYPE, channel=1, store=store), Tai(1_700_000_000_000_000_000)
    sent: dict[int, set[bytes]] = {}
    packets, waiting = 0, []
    for record in [*records(data), b""]:
        if len(record) > 1 and len(waiting) < ROWS:
            waiting.append(record)
            continue
        came = chunk(waiting)
        packets += came.count
        said = st2110_30.parse(came.octets, came.lengths, format=FORM, payload_type=TYPE)
        for i in np.flatnonzero(said.valid):
            for k in range(said.count[i]):
                code = said.samples[said.first[i] + k, 1].tobytes()
                sent.setdefault((int(said.timestamp[i]) + k) % RTP_WRAP, set()).add(code)
        blocks = assembler.push(came, now)
        for before, block in pairwise(blocks):
            assert before.start_sample < block.start_sample
        for block in blocks:
            heard += len(block.samples)
            assert len(block.samples)
            for k, sample in enumerate(block.samples):
                assert sample.tobytes() in sent[(block.start_sample + k) % RTP_WRAP]
            kept = np.zeros((len(block.samples), FORM.sample_octets), np.uint8)
            came_to = store.take(block.start_sample, kept)
            for k in np.flatnonzero(came_to):
                code = st2110_30.unpack(kept[k], depth=FORM.depth)[1].tobytes()
                assert code in sent[(block.start_sample + int(k)) % RTP_WRAP]
        waiting = [record] if len(record) > 1 else []
        now = Tai(now.ns + 1_000_000)
    counters = assembler.counters
    assert counters.packets == packets
    assert min(getattr(counters, name) for name in counters.__dataclass_fields__) >= 0
    assert counters.duplicate + counters.malformed + counters.other_type + counters.stranger <= packets
    return heard


def seeds() -> list[bytes]:
    """One chunk; a chunk a packet."""
    whole = records(pcm.seeds()[0])
    return [joined(whole), joined([part for packet in whole for part in (packet, b"\x01")])]
