"""The way from rung to rung."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.graph.ramp import Outlook, Ramp, ramp_grains

pytestmark = pytest.mark.unit

FULL, LIPS, REFUSED, BLOCKED, CUT = Outlook.FULL, Outlook.LIPS, Outlook.REFUSED, Outlook.BLOCKED, Outlook.CUT
CLEAR = [FULL] * 3
GRAINS = 6


def full(rate=25):
    ramp = Ramp(Fraction(rate))
    for _ in range(20):
        ramp.advance(FULL, CLEAR)
    return ramp


@pytest.mark.parametrize(
    ("rate", "grains"), [(Fraction(24000, 1001), 6), (25, 6), (30, 8), (50, 12), (Fraction(60000, 1001), 15)]
)
def test_a_ramp_lasts_for_240_ms_at_every_rate(rate, grains):
    assert ramp_grains(Fraction(rate)) == grains


def test_the_dub_comes_in_in_equal_steps():
    ramp = Ramp(Fraction(25))
    seen = [ramp.advance(FULL, CLEAR) for _ in range(GRAINS + 1)]
    assert seen == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1])


def test_the_dub_goes_out_in_equal_steps_when_it_is_refused():
    ramp = full()
    seen = [ramp.advance(REFUSED, CLEAR) for _ in range(GRAINS + 1)]
    assert seen == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0, 0], abs=1e-9)


def test_a_face_that_will_be_gone_is_left_before_it_is_gone():
    ramp = full()
    seen = [ramp.advance(FULL, [*[FULL] * clear, *[BLOCKED] * (3 - clear)]) for clear in (2, 1, 0)]
    assert seen == pytest.approx([3 / 4, 2 / 4, 1 / 4])


def test_a_face_that_will_be_refused_is_left_at_the_usual_pace_from_the_moment_that_this_is_known():
    ramp = full()
    seen = [ramp.advance(FULL, [*[FULL] * clear, *[REFUSED] * (3 - clear)]) for clear in (2, 1, 0)]
    seen += [ramp.advance(REFUSED, [REFUSED] * 3) for _ in range(3)]
    assert seen == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0], abs=1e-9)


def test_at_50_frames_a_second_nothing_is_left_earlier_than_it_must_be():
    ramp = full(50)
    seen = [ramp.advance(FULL, [*[FULL] * clear, *[REFUSED] * (7 - clear)]) for clear in range(6, -1, -1)]
    assert seen == pytest.approx([(12 - k) / 12 for k in range(1, 8)])


def test_what_will_be_refused_is_not_begun():
    ramp = Ramp(Fraction(25))
    assert ramp.advance(FULL, [FULL, FULL, REFUSED]) == 0
    assert ramp.advance(FULL, CLEAR) > 0


def test_before_a_cut_nothing_is_ramped_even_if_no_face_follows_it():
    assert full().advance(FULL, [CUT, BLOCKED, BLOCKED]) == 1.0


def test_after_a_drop_the_dub_comes_in_from_nothing():
    ramp = full()
    ramp.drop()
    assert ramp.advance(FULL, CLEAR) == pytest.approx(1 / 6)


def test_a_shot_may_be_entered_at_full_strength():
    ramp = Ramp(Fraction(25))
    ramp.enter(LIPS)
    assert (ramp.strength, ramp.jaw) == (1.0, 0.0)
    ramp.enter(FULL)
    assert (ramp.strength, ramp.jaw) == (1.0, 1.0)


def test_the_jaw_is_let_go_and_taken_up_again_while_the_lips_go_on():
    ramp = full()
    jaws = []
    for here in [LIPS] * 7 + [FULL] * 7:
        assert ramp.advance(here, CLEAR if here is FULL else [LIPS] * 3) == 1.0
        jaws.append(ramp.jaw)
    assert jaws == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0, 0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1], abs=1e-9)


def test_a_dub_that_comes_in_has_the_jaw_that_it_will_keep():
    ramp = Ramp(Fraction(25))
    ramp.advance(FULL, CLEAR)
    assert ramp.jaw == 1.0
    ramp.drop()
    ramp.advance(FULL, [FULL, LIPS, LIPS])
    assert ramp.jaw == 0.0


@given(st.lists(st.sampled_from([FULL, LIPS, REFUSED, BLOCKED]), max_size=80), st.sampled_from([25, 30, 50]), st.integers(0, 8))
def test_whatever_comes_neither_strength_nor_jaw_ever_jumps(outlooks, rate, ahead):
    ramp = Ramp(Fraction(rate))
    outlooks += [FULL] * ahead
    last, step = (0.0, 0.0), 1 / ramp_grains(Fraction(rate))
    for k in range(len(outlooks) - ahead):
        if outlooks[k] is BLOCKED:
            assert last[0] <= max(step, 1 / (ahead + 1)) + 1e-9
            ramp.drop()
        else:
            ramp.advance(outlooks[k], outlooks[k + 1 : k + 1 + ahead])
        assert abs(ramp.strength - last[0]) <= max(step, 1 / (ahead + 1)) + 1e-9
        assert abs(ramp.jaw - last[1]) <= step + 1e-9 or last[0] == 0
        last = ramp.strength, ramp.jaw
