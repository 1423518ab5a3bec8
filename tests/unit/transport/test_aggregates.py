"""Messages of joined datagrams are taken apart into rows as the reference says."""

import numpy as np
import pytest

from relip.ports import Chunk
from relip.transport.aggregates import MESSAGE_OCTETS, split, split_reference

pytestmark = pytest.mark.unit

STRIDE = 64


def held(*messages, seed=0):
    """Messages of random octets, each as (octets, octets of each of its datagrams)."""
    octets = np.random.default_rng(seed).integers(0, 256, (len(messages), MESSAGE_OCTETS), dtype=np.uint8)
    sizes, segments = np.array(messages, np.int64).T.copy()
    return octets, sizes, segments, np.array([0, len(messages), 0])


def rows_of(chunk, count):
    return [chunk.octets[i, : chunk.lengths[i]].tobytes() for i in range(count)]


def take_apart(messages, capacity):
    """Chunk after chunk until nothing is held; each datagram cut at the stride, and its length."""
    cut, lengths = [], []
    chunk = Chunk.of(capacity, STRIDE)
    while count := split((chunk.octets, chunk.lengths), messages, 0):
        cut += rows_of(chunk, count)
        lengths += chunk.lengths[:count].tolist()
    return cut, lengths


@pytest.mark.parametrize("capacity", [1, 2, 7, 64, 100_000])
@pytest.mark.parametrize("seed", range(5))
def test_the_kernel_gives_what_the_reference_gives_whatever_the_chunk_holds(seed, capacity):
    random = np.random.default_rng(seed)
    sizes = random.integers(0, 3000, 16)
    messages = held(*((size, max(1, random.integers(1, 100))) for size in sizes), seed=seed)
    expected = split_reference(*messages[:3])
    assert take_apart(messages, capacity) == ([each[:STRIDE] for each in expected], [len(each) for each in expected])


def test_only_the_last_datagram_of_a_message_is_shorter():
    messages = held((3 * 20 + 5, 20), (40, 20), (7, 7))
    assert take_apart(messages, 3)[1] == [20, 20, 20, 5, 20, 20, 7]


def test_an_empty_datagram_is_a_row_of_no_octets():
    assert take_apart(held((0, 1), (4, 4)), 8)[1] == [0, 4]


def test_a_message_may_fill_all_the_room_there_is():
    messages = held((MESSAGE_OCTETS, 1024), (MESSAGE_OCTETS, MESSAGE_OCTETS))
    cut, lengths = take_apart(messages, 50)
    assert lengths == [1024] * 64 + [MESSAGE_OCTETS]
    assert cut[-1] == messages[0][1, :STRIDE].tobytes()


def test_a_cut_row_does_not_spill_into_the_next():
    chunk = Chunk.of(2, STRIDE)
    messages = held((STRIDE + 30, STRIDE + 30))
    assert split((chunk.octets, chunk.lengths), messages, 0) == 1
    assert chunk.lengths[0] == STRIDE + 30
    assert not chunk.octets[1].any()


def test_rows_already_filled_stay_as_they_are():
    chunk = Chunk.of(3, STRIDE)
    chunk.octets[0] = 9
    messages = held((40, 20))
    assert split((chunk.octets, chunk.lengths), messages, 1) == 3
    assert (chunk.octets[0] == 9).all()
    assert [row[:20].tobytes() for row in chunk.octets[1:]] == split_reference(*messages[:3])
