"""Voice and ancillary data that stop, return, begin anew or leap: heard again at once, counted, and nothing made up."""

import numpy as np
import pytest

from relip.essence.formats import AudioFormat
from relip.essence.grains import AncGrain, AncPacket
from relip.essence.tai import Tai, tai_of_ticks
from relip.frames.ancillary import LATE_RUN, STRANGERS, AncAssembler
from relip.frames.audio import AudioAssembler
from relip.ports import Chunk
from relip.wire import st2110_40
from relip.wire.st2110_30 import AudioPackets

pytestmark = pytest.mark.unit

MS = 1_000_000
VISIT_MS = 20
"""So many packets of 1 ms are taken at once."""
START = 81_600_000_000_000
SECOND = 48_000
BREAK, RETURN, END = 10, 20, 30
"""Visits."""
ONE_FRAME = 2
"""Visits in the period of a frame at 25 a second."""


def chunk_of(packets):
    chunk = Chunk.of(max(1, len(packets)))
    for row, packet in enumerate(packets):
        octets = np.frombuffer(bytes(packet), np.uint8)
        chunk.octets[row, : len(octets)], chunk.lengths[row] = octets, len(octets)
    chunk.count = len(packets)
    return chunk


class Speaker:
    """A voice whose sample number n has the value of n; source, numbers and timestamps can be changed at any visit."""

    def __init__(self):
        self.ssrc, self.sequence, self.shift = 1, 0xFFF0, 0

    def packets(self, visit):
        first = START + visit * VISIT_MS * 48
        samples = ((np.arange(first, first + VISIT_MS * 48) % 4096) / 4096).astype(np.float32)[:, None]
        made = AudioPackets(AudioFormat(), payload_type=97, ssrc=self.ssrc).packets(samples, first + self.shift, self.sequence)
        self.sequence += len(made)
        return made


def pauses(speaker, visit):
    return [] if BREAK <= visit < RETURN else speaker.packets(visit)


def is_cut_off(speaker, visit):
    packets = speaker.packets(visit)
    return [] if BREAK <= visit < RETURN else packets


def is_restarted(speaker, visit):
    if visit == RETURN:
        speaker.ssrc, speaker.sequence = 9, 77
    return pauses(speaker, visit)


def is_replaced_at_once(speaker, visit):
    if visit == RETURN:
        speaker.ssrc, speaker.sequence = 9, 77
    return speaker.packets(visit)


def counts_anew(speaker, visit):
    if visit == RETURN:
        speaker.sequence = 7
    return speaker.packets(visit)


def leaps(by):
    def script(speaker, visit):
        speaker.shift = by if visit >= RETURN else 0
        return speaker.packets(visit)

    return script


@pytest.mark.parametrize(
    ("script", "counter"),
    [
        (pauses, None),
        (is_cut_off, "lost"),
        (is_restarted, "resyncs"),
        (is_replaced_at_once, "resyncs"),
        (counts_anew, None),
        (leaps(SECOND // 4), None),
        (leaps(-SECOND // 4), "duplicate"),
        (leaps(60 * SECOND), "resyncs"),
        (leaps(-60 * SECOND), "resyncs"),
        (leaps(-37 * SECOND), "resyncs"),
    ],
)
def test_a_voice_is_heard_again_with_its_first_packets_and_every_sample_is_where_it_belongs(script, counter):
    speaker, assembler, heard = Speaker(), AudioAssembler(AudioFormat(), payload_type=97), {}
    for visit in range(END):
        now = tai_of_ticks(START + (visit + 1) * VISIT_MS * 48, SECOND)
        for block in assembler.push(chunk_of(script(speaker, visit)), now):
            heard |= dict(zip(range(block.start_sample, block.end_sample), block.samples, strict=True))
        for number, value in heard.items():
            assert (
                value == ((number - (speaker.shift if visit >= RETURN else 0)) % 4096) / 4096 or number < START + RETURN * 960
            )
        if visit >= RETURN:
            assert START + speaker.shift + (visit + 1) * VISIT_MS * 48 - 1 in heard, "the last sample of this visit"
    if counter is not None:
        assert getattr(assembler.counters, counter) > 0


def anc(index, shift=0):
    return AncGrain(START + 1800 * index + shift, (AncPacket(0x51, 1, bytes([index % 256])),))


@pytest.mark.parametrize("window_ns", [None, 10 * MS])
@pytest.mark.parametrize(
    ("ssrc", "sequence", "shift", "most"),
    [
        (1, None, 0, 0),
        (9, 5, 0, STRANGERS),
        (1, 5, 0, 0),
        (1, None, 9000, 0),
        (1, None, -9000, LATE_RUN),
        (1, None, 5_400_000, STRANGERS),
    ],
    ids=["pauses", "restarts", "counts anew", "leaps ahead", "leaps back", "leaps a minute ahead"],
)
def test_ancillary_data_are_given_again_within_a_few_packets(window_ns, ssrc, sequence, shift, most):
    assembler = AncAssembler(payload_type=100, differential_ns=window_ns)
    number, got = 0xFFFFFFF0, []
    for k in range(40):
        if 10 <= k < 15:
            continue
        if k == 15 and sequence is not None:
            number = sequence
        moved = shift if k >= 15 else 0
        packets = st2110_40.pack(anc(k, moved), payload_type=100, ssrc=ssrc if k >= 15 else 1, sequence=number)
        number += len(packets)
        got += assembler.push(chunk_of(packets), Tai(tai_of_ticks(START, 90_000).ns + k * 20 * MS))
    wanted = [anc(k, shift) for k in range(15, 40)]
    assert got[:10] == [anc(k) for k in range(10)]
    back = got[10:]
    assert back == wanted[-len(back) :]
    assert len(wanted) - len(back) <= most + 1
