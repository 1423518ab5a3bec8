"""Which grains meet, when, and what is measured on them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Region
from relip.essence.tai import Tai
from relip.peers.inspection import Inspection
from relip.peers.pairs import HOLD, KEEP, Pair, Pairing
from relip.wire.disclosure import Disclosure

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(64, 48, Fraction(25))
PERIOD = 3600
START = 158_760_000_000_000
REGION = Region(16, 20, 20, 12)
ALTERED = Disclosure(altered=True, region=REGION)


def grain(number: int, *, arrived_ms: float = 0.0, content: int | None = None, concealed: int = 0) -> VideoGrain:
    """Grain `number` of a flow whose content is noise of that number."""
    seed = number if content is None else content
    packed = np.random.default_rng(seed).integers(0, 256, (48, FORMAT.row_octets), dtype=np.uint8)
    arrived = Tai(1_764_000_000_000_000_000 + int(arrived_ms * 1e6))
    return VideoGrain(START + number * PERIOD, FORMAT, packed, number, arrived, concealed)


def numbers(pairs: list[Pair]) -> list[tuple[int, bool, bool]]:
    """Which dubbed grains came out, and with what."""
    return [(pair.dubbed.slot, pair.original is not None, pair.disclosure is not None) for pair in pairs]


def test_a_pair_is_given_out_as_soon_as_it_is_whole() -> None:
    pairing = Pairing(with_original=True, with_disclosure=True)
    pairing.original(grain(1))
    pairing.dubbed(grain(1))
    assert pairing.settled() == []
    pairing.disclosed(grain(1).ticks, ALTERED)
    assert numbers(pairing.settled()) == [(1, True, True)]


def test_what_is_not_received_is_not_waited_for() -> None:
    pairing = Pairing(with_original=False, with_disclosure=False)
    pairing.dubbed(grain(1))
    assert numbers(pairing.settled()) == [(1, False, False)]


def test_a_grain_waits_for_a_few_newer_ones_at_most() -> None:
    pairing = Pairing(with_original=True, with_disclosure=False)
    for number in range(HOLD):
        pairing.dubbed(grain(number))
    assert pairing.settled() == []
    pairing.dubbed(grain(HOLD))
    assert numbers(pairing.settled()) == [(0, False, False)]
    assert len(pairing.settled(end=True)) == HOLD


def test_the_disclosure_of_another_frame_is_not_taken() -> None:
    pairing = Pairing(with_original=False, with_disclosure=True)
    pairing.disclosed(grain(2).ticks, ALTERED)
    pairing.dubbed(grain(1))
    assert numbers(pairing.settled(end=True)) == [(1, False, False)]


def test_originals_that_nobody_will_ask_for_are_dropped() -> None:
    pairing = Pairing(with_original=True, with_disclosure=False, room=3)
    for number in range(5):
        pairing.original(grain(number))
    assert [lost.slot for lost in pairing.dropped] == [0, 1]
    pairing.dubbed(grain(4))
    pairing.settled()
    assert [lost.slot for lost in pairing.dropped] == [0, 1, 2, 3]


def test_a_second_original_of_the_same_instant_replaces_the_first() -> None:
    pairing = Pairing(with_original=True, with_disclosure=False)
    pairing.original(grain(1))
    pairing.original(grain(1, content=7))
    assert len(pairing.dropped) == 1
    pairing.dubbed(grain(1))
    (pair,) = pairing.settled()
    np.testing.assert_array_equal(pair.original.packed, grain(7).packed)


def test_disclosures_do_not_pile_up() -> None:
    pairing = Pairing(with_original=False, with_disclosure=True)
    for number in range(3 * KEEP):
        pairing.disclosed(grain(number).ticks, ALTERED)
    assert len(pairing._disclosures) == KEEP


def altered(original: VideoGrain, row: int, octet: int, *, arrived_ms: float = 200.0) -> VideoGrain:
    """The same frame as it comes back with one octet changed."""
    packed = original.packed.copy()
    packed[row, octet] ^= 0xFF
    arrived = original.arrived.after(int(arrived_ms * 1e6))
    return VideoGrain(original.ticks, FORMAT, packed, original.slot, arrived)


@pytest.mark.parametrize(
    ("disclosure", "outside"),
    [
        (ALTERED, 0),
        (None, 2),
        (Disclosure(altered=False, reason=Bypass.CUT, region=REGION), 2),
        (Disclosure(altered=True, region=Region(0, 0, 2, 2)), 2),
        (Disclosure(altered=True, region=Region(16, 20, 20, 200)), 2),
        (Disclosure(altered=True), 2),
    ],
)
def test_only_the_region_declared_for_this_frame_may_differ(disclosure: Disclosure | None, outside: int) -> None:
    """An octet in the middle of a pgroup holds bits of two samples."""
    inspection = Inspection(FORMAT)
    original = grain(1)
    inspection.pair(Pair(altered(original, 25, 52), original, disclosure))
    assert inspection.outside_changed == outside
    assert (inspection.changed, inspection.compared) == (1, 1)


def test_a_grain_that_cannot_be_compared_is_skipped_and_counted() -> None:
    inspection = Inspection(FORMAT)
    inspection.pair(Pair(grain(1), None, None))
    inspection.pair(Pair(grain(2, concealed=3), grain(2), None))
    inspection.pair(Pair(grain(3), grain(3, concealed=1), None))
    assert (inspection.received, inspection.skipped, inspection.compared, inspection.incomplete) == (3, 3, 0, 1)
    assert inspection.latency_ms is None
    assert inspection.skew_ms is None


def test_latency_is_from_arrival_to_arrival_of_the_same_timestamp() -> None:
    inspection = Inspection(FORMAT)
    for number, late in enumerate((199.0, 200.0, 203.0)):
        original = grain(number, arrived_ms=40.0 * number)
        inspection.pair(Pair(altered(original, 0, 0, arrived_ms=late), original, None))
    assert (inspection.latency_ms.min, inspection.latency_ms.median, inspection.latency_ms.max) == (199.0, 200.0, 203.0)
    assert (inspection.latency_frames.min, inspection.latency_frames.max) == (5, 5)


def test_preserved_timestamps_have_no_skew_even_where_the_mouth_is_new() -> None:
    inspection = Inspection(FORMAT)
    for number in range(6):
        original = grain(number)
        inspection.original(original)
        inspection.pair(Pair(altered(original, 25, 52), original, ALTERED))
    assert inspection.skew_ms == 0.0


def test_a_picture_that_comes_under_a_later_timestamp_is_late() -> None:
    """Five frames of 40 ms between a content's own timestamp and the one it came back with."""
    inspection = Inspection(FORMAT)
    for number in range(12):
        inspection.original(grain(number))
        if number >= 5:
            back = grain(number, content=number - 5)
            inspection.pair(Pair(back, grain(number), None))
    assert inspection.skew_ms == 200.0
    assert inspection.outside_changed > 0


def test_content_that_was_never_seen_says_nothing_of_skew() -> None:
    inspection = Inspection(FORMAT)
    inspection.original(grain(1))
    inspection.pair(Pair(grain(1, content=99), grain(1), None))
    assert inspection.skew_ms is None
