"""What every PacketSource and every PacketSink promises; each adapter's tests run it on that adapter."""

import threading
from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import FormatError, ResourceError
from relip.ports import PACKET_STRIDE, Burst, Chunk, Schedule

SECOND_NS = 1_000_000_000
LENGTHS = [1220] * 100 + [700] + [1220, 1452, 24, 21, 20, 20] + [164] * 300


SCHEDULES = [
    Schedule(),
    Schedule(span_ns=4_000_000, together=100),
    *(Schedule(span_ns=4_000_000, together=8, hold_ns=Fraction(10_000), spin_ns=spin) for spin in (50_000, SECOND_NS)),
]


def payloads():
    """Datagrams of many lengths, each different."""
    octets = np.random.default_rng(2110)
    return [octets.integers(0, 256, length, dtype=np.uint8).tobytes() for length in LENGTHS]


def burst_of(datagrams, header_octets=20, *, schedule=None):
    """The datagrams as headers and slices, in memory that may only be read, as a frame's plan is."""
    headers = np.frombuffer(b"".join(d[:header_octets] for d in datagrams), np.uint8).reshape(-1, header_octets)
    lengths = np.array([len(d) - header_octets for d in datagrams], np.int64)
    offsets = np.cumsum(lengths) - lengths
    offsets.flags.writeable = lengths.flags.writeable = False
    payload = np.frombuffer(b"".join(d[header_octets:] for d in datagrams), np.uint8)
    return Burst(headers, payload, offsets, lengths, schedule)


def receive_all(source, expected, *, capacity=64):
    """Datagrams until as many came as are expected, or none came for a second."""
    chunk = Chunk.of(capacity)
    got = []
    while len(got) < expected and source.receive(chunk, SECOND_NS):
        rows = zip(chunk.octets[: chunk.count], chunk.lengths[: chunk.count], strict=True)
        got += [row[:length].tobytes() for row, length in rows]
    return got


class SourceContract:
    """Needs a fixture `filled`: a source for which the datagrams of `payloads` are waiting, and nothing after them."""

    def test_datagrams_come_in_order_bit_for_bit(self, filled):
        assert receive_all(filled, len(LENGTHS)) == payloads()

    def test_a_small_chunk_is_filled_and_the_rest_comes_next(self, filled):
        chunk = Chunk.of(3)
        counts = []
        while sum(counts) < len(LENGTHS):
            counts.append(filled.receive(chunk, SECOND_NS))
            assert chunk.count == counts[-1]
        assert counts[0] == 3
        assert max(counts) == 3

    def test_a_stamp_is_an_instant_or_0_where_it_is_not_known(self, filled):
        chunk = Chunk.stamped(8)
        chunk.arrivals[:] = -1
        assert filled.receive(chunk, SECOND_NS) == 8
        assert (chunk.arrivals >= 0).all()

    def test_nothing_more_to_come_is_a_count_of_zero(self, filled):
        receive_all(filled, len(LENGTHS))
        chunk = Chunk.of(8)
        chunk.count = 5
        assert filled.receive(chunk, 1) == 0
        assert chunk.count == 0

    def test_a_closed_source_says_that_it_is_gone(self, filled):
        filled.close()
        filled.close()
        with pytest.raises(ResourceError, match="closed"):
            filled.receive(Chunk.of(8), 0)


class StampContract:
    """Needs `filled`, as SourceContract does, of a source that stamps, and `sent`: ns before and after its packets came."""

    def test_every_packet_says_when_it_came(self, filled, sent):
        chunk = Chunk.stamped(len(LENGTHS))
        arrivals = []
        while len(arrivals) < len(LENGTHS):
            assert filled.receive(chunk, SECOND_NS)
            arrivals += chunk.arrivals[: chunk.count].tolist()
        assert sent[0] <= arrivals[0]
        assert arrivals[-1] <= sent[1]
        assert arrivals == sorted(arrivals)
        assert len(set(arrivals)) > 1


class PairContract:
    """Needs a fixture `pair`: a sink and the source at its other end, on a network that loses nothing."""

    def test_unequal_packets_arrive_as_they_were_described(self, pair):
        sink, source = pair
        assert sink.send(burst_of(payloads())) == len(LENGTHS)
        assert receive_all(source, len(LENGTHS)) == payloads()

    @pytest.mark.parametrize("schedule", SCHEDULES, ids=["at once", "spread", "hybrid", "spin"])
    def test_a_burst_on_a_schedule_arrives_whole_and_in_order(self, pair, schedule):
        sink, source = pair
        assert sink.send(burst_of(payloads(), schedule=schedule)) == len(LENGTHS)
        assert receive_all(source, len(LENGTHS)) == payloads()

    def test_packets_may_be_headers_alone(self, pair):
        sink, source = pair
        assert sink.send(burst_of([bytes([i] * 20) for i in range(3)])) == 3
        assert receive_all(source, 3) == [bytes([i] * 20) for i in range(3)]

    def test_an_empty_burst_sends_nothing(self, pair):
        sink, source = pair
        assert sink.send(burst_of([])) == 0
        assert source.receive(Chunk.of(1), 1) == 0

    def test_a_datagram_beyond_the_stride_is_cut_and_says_its_true_length(self, pair):
        sink, source = pair
        long = bytes(range(200)) * 10
        sink.send(burst_of([long]))
        chunk = Chunk.of(1)
        assert source.receive(chunk, SECOND_NS) == 1
        assert chunk.lengths[0] == len(long)
        assert chunk.octets[0].tobytes() == long[:PACKET_STRIDE]

    @pytest.mark.parametrize(("offset", "length"), [(0, 101), (90, 20), (-1, 10), (10, -1)])
    def test_a_slice_outside_the_payload_is_refused(self, pair, offset, length):
        sink, _ = pair
        with pytest.raises(FormatError, match="outside its payload of 100 octets"):
            sink.send(Burst(np.zeros((1, 12), np.uint8), np.zeros(100, np.uint8), np.array([offset]), np.array([length])))

    def test_a_closed_sink_says_that_it_is_gone(self, pair):
        sink, _ = pair
        sink.close()
        sink.close()
        with pytest.raises(ResourceError, match="closed"):
            sink.send(burst_of(payloads()))

    def test_closing_ends_a_receive_that_waits(self, pair):
        _, source = pair
        ended = []

        def wait():
            with pytest.raises(ResourceError):
                source.receive(Chunk.of(1), 60 * SECOND_NS)
            ended.append(True)

        waiting = threading.Thread(target=wait)
        waiting.start()
        source.close()
        waiting.join(timeout=10)
        assert ended
