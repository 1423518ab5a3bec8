"""The pool of frames: what is lent comes back, and is lent again in that order."""

from fractions import Fraction

import pytest

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.frames.pool import FramePool

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(8, 4, Fraction(25))


def test_every_slot_is_lent_once_and_then_none():
    pool = FramePool(3, FORMAT)
    assert sorted(pool.lease() for _ in range(3)) == [0, 1, 2]
    assert pool.lease() is None
    assert pool.free == 0


def test_the_longest_unused_slot_is_lent_first():
    pool = FramePool(3, FORMAT)
    slots = [pool.lease() for _ in range(3)]
    for slot in (slots[1], slots[0], slots[2]):
        pool.give_back(slot)
    assert [pool.lease() for _ in range(3)] == [slots[1], slots[0], slots[2]]


def test_a_frame_is_a_view_of_its_slot():
    pool = FramePool(2, FORMAT)
    pool.frame(1)[3, 19] = 7
    assert pool.frame(1).shape == (4, 20)
    assert pool.octets[1, 3, 19] == 7
    assert not pool.frame(0).any()


def test_a_shared_slot_is_free_when_both_holders_are_done():
    pool = FramePool(1, FORMAT)
    slot = pool.share(pool.lease())
    pool.give_back(slot)
    assert pool.lease() is None
    pool.give_back(slot)
    assert pool.lease() == slot


def test_a_pool_of_nothing_is_refused():
    with pytest.raises(FormatError, match="0 frames"):
        FramePool(0, FORMAT)
