"""The latency that is declared."""

from fractions import Fraction

import pytest

from relip.essence.errors import FormatError
from relip.essence.formats import RATES
from relip.essence.tai import NS_PER_S, period_ns
from relip.graph.delay import ARRIVAL_NS, RENDER_NS, Apart, delay_for, delay_without_voice

pytestmark = pytest.mark.unit

LOOK_AHEAD_NS = 132_500_000
"""120 ms of look-ahead and half of the 25 ms window."""


def voice_ns(rate):
    return LOOK_AHEAD_NS + period_ns(rate) - 5_000_000


def test_25_frames_a_second_take_five_frames():
    assert delay_for(Fraction(25), voice_ns(Fraction(25))).frames == 5


def test_50_frames_a_second_take_nine_frames():
    assert delay_for(Fraction(50), voice_ns(Fraction(50))).frames == 9


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_the_voice_is_there_before_the_grain_is_due_and_no_frame_is_wasted(rate):
    delay = delay_for(rate, voice_ns(rate))
    assert delay.latency_ns == int(delay.frames * NS_PER_S / rate)
    assert voice_ns(rate) + RENDER_NS <= delay.latency_ns + 1
    assert delay.latency_ns - period_ns(rate) < voice_ns(rate) + RENDER_NS
    assert delay.release_ns < delay.latency_ns


def test_the_operators_own_choice_is_kept():
    assert delay_for(Fraction(25), voice_ns(Fraction(25)), frames=8).frames == 8


def test_a_latency_in_which_the_voice_cannot_be_here_is_refused_by_name_and_number():
    with pytest.raises(FormatError, match=r"latency\.frames=4.*at least 5"):
        delay_for(Fraction(25), voice_ns(Fraction(25)), frames=4)


@pytest.mark.parametrize(("rate", "ahead"), [("23.98", 3), ("25", 3), ("29.97", 3), ("50", 6), ("59.94", 7)])
def test_as_many_coming_grains_are_complete_at_the_release_as_fit_before_the_last_sample(rate, ahead):
    delay = delay_for(RATES[rate], voice_ns(RATES[rate]))
    assert delay.ahead == ahead
    assert (ahead + 1) * period_ns(RATES[rate]) < delay.release_ns - ARRIVAL_NS < (ahead + 2) * period_ns(RATES[rate])


def test_a_longer_latency_does_not_show_more_of_what_is_coming():
    assert delay_for(Fraction(25), voice_ns(Fraction(25)), frames=9).ahead == 3


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_without_a_voice_to_wait_for_one_frame_of_latency_will_do(rate):
    delay = delay_without_voice(rate, 1)
    assert (delay.frames, delay.latency_ns) == (1, int(NS_PER_S / rate))


MS = 1_000_000
NEEDS_MS = {"23.98": 174.2, "25": 162.5, "29.97": 165.9, "30": 162.5, "50": 142.5, "59.94": 149.2, "60": 145.9}
"""What the default net needs of the voice; docs/explanation/timing.md has the table."""


def need_ns(rate):
    return int(NEEDS_MS[rate] * MS)


@pytest.mark.parametrize("rate", NEEDS_MS)
@pytest.mark.parametrize("apart", [Apart(10 * MS, 10 * MS), Apart(150_000, 150_000), Apart(50 * MS, 0)])
def test_legs_that_are_a_little_apart_cost_no_frame(rate, apart):
    assert delay_for(RATES[rate], need_ns(rate), apart=apart).frames == delay_for(RATES[rate], need_ns(rate)).frames


@pytest.mark.parametrize(
    ("rate", "apart", "frames"),
    [
        ("25", Apart(50 * MS, 50 * MS), 6),
        ("50", Apart(50 * MS, 50 * MS), 11),
        ("25", Apart(150 * MS, 450 * MS), 16),
        ("25", Apart(150 * MS, 0), 6),
        ("50", Apart(150 * MS, 0), 10),
    ],
)
def test_what_the_first_leg_loses_is_here_before_the_grain_is_due(rate, apart, frames):
    delay = delay_for(RATES[rate], need_ns(rate), apart=apart)
    assert delay.frames == frames
    assert need_ns(rate) + apart.voice_ns < delay.release_ns
    assert period_ns(RATES[rate]) + apart.picture_ns < delay.release_ns


def test_a_latency_in_which_the_second_leg_cannot_be_here_is_refused():
    with pytest.raises(FormatError, match=r"latency\.frames=5.*at least 16"):
        delay_for(Fraction(25), need_ns("25"), frames=5, apart=Apart(150 * MS, 450 * MS))
    with pytest.raises(FormatError, match=r"latency\.frames=1.*at least 2"):
        delay_without_voice(Fraction(25), 1, apart=Apart(10 * MS, 0))
    assert delay_without_voice(Fraction(25), 2, apart=Apart(10 * MS, 0)).frames == 2
