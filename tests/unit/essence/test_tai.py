"""Time without floats (SMPTE ST 2059-1, ST 2110-10 §7)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.formats import RATES
from relip.essence.tai import (
    AUDIO_CLOCK_HZ,
    VIDEO_CLOCK_HZ,
    Tai,
    convert_ticks,
    grain_start,
    grain_ticks,
    shift_grains,
    tai_of_ticks,
    unwrap_rtp,
    wrap_rtp,
)

pytestmark = pytest.mark.unit

INDEX = st.integers(0, 2**44)
RATE = st.sampled_from(list(RATES.values()))


def test_59_94_is_28_minutes_away_from_60000_1001_by_now():
    now = Tai(1_700_000_000 * 10**9)
    assert now.grain_index(Fraction(60000, 1001)) == 101_898_101_898


@pytest.mark.parametrize(
    ("rate", "ticks"),
    [("23.98", [0, 3753, 7507, 11261, 15015]), ("25", [0, 3600]), ("29.97", [0, 3003]), ("59.94", [0, 1501, 3003, 4504, 6006])],
)
def test_ticks_a_frame_are_those_of_the_standard_and_never_accumulate_an_error(rate, ticks):
    assert [grain_ticks(k, RATES[rate], VIDEO_CLOCK_HZ) for k in range(len(ticks))] == ticks


@given(INDEX, RATE)
def test_a_grains_first_nanosecond_belongs_to_it_and_the_one_before_does_not(index, rate):
    start = grain_start(index, rate)
    assert start.grain_index(rate) == index
    assert start.after(-1).grain_index(rate) == index - 1


@given(st.integers(0, 2**54), st.sampled_from([VIDEO_CLOCK_HZ, AUDIO_CLOCK_HZ]))
def test_a_ticks_first_nanosecond_belongs_to_it(ticks, clock_hz):
    assert tai_of_ticks(ticks, clock_hz).ticks(clock_hz) == ticks
    assert tai_of_ticks(ticks, clock_hz).after(-1).ticks(clock_hz) == ticks - 1


@given(st.integers(2**33, 2**54), st.integers(1 - 2**31, 2**31))
def test_an_rtp_timestamp_is_unwrapped_to_the_nearest_instant(ticks, apart):
    assert unwrap_rtp(wrap_rtp(ticks), ticks + apart) == ticks


@given(INDEX, st.integers(-100, 100), RATE)
def test_a_shift_by_grains_stays_on_the_grid(index, grains, rate):
    shifted = shift_grains(grain_ticks(index, rate, VIDEO_CLOCK_HZ), grains, rate=rate, clock_hz=VIDEO_CLOCK_HZ)
    assert shifted == grain_ticks(index + grains, rate, VIDEO_CLOCK_HZ)


@given(INDEX, st.integers(-100, 100), st.integers(-20, 20))
def test_a_shift_keeps_what_a_sender_was_beside_the_grid(index, grains, beside):
    rate = RATES["59.94"]
    on_grid = grain_ticks(index, rate, VIDEO_CLOCK_HZ)
    shifted = shift_grains(on_grid + beside, grains, rate=rate, clock_hz=VIDEO_CLOCK_HZ)
    assert shifted - grain_ticks(index + grains, rate, VIDEO_CLOCK_HZ) == beside


def test_a_video_tick_lies_on_its_audio_sample():
    assert convert_ticks(3600, VIDEO_CLOCK_HZ, AUDIO_CLOCK_HZ) == 1920
