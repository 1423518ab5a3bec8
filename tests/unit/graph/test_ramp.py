"""The way in and out of bypass."""

import pytest

from relip.graph.ramp import RAMP_GRAINS, Outlook, Ramp

pytestmark = pytest.mark.unit

CLEAR = [Outlook.WORKABLE] * 3


def full():
    ramp = Ramp()
    for _ in range(RAMP_GRAINS):
        ramp.advance(wanted=True, coming=CLEAR)
    return ramp


def test_the_dub_comes_in_over_six_grains_in_equal_steps():
    ramp = Ramp()
    seen = [ramp.advance(wanted=True, coming=CLEAR) for _ in range(RAMP_GRAINS + 1)]
    assert seen == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1])


def test_the_dub_goes_out_over_six_grains_when_the_voice_is_gone():
    ramp = full()
    seen = [ramp.advance(wanted=False, coming=CLEAR) for _ in range(RAMP_GRAINS + 1)]
    assert seen == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0, 0], abs=1e-9)


def test_a_face_that_will_be_lost_is_left_before_it_is_lost():
    ramp = full()
    blocked = Outlook.BLOCKED
    seen = [
        ramp.advance(wanted=True, coming=[Outlook.WORKABLE, Outlook.WORKABLE, blocked]),
        ramp.advance(wanted=True, coming=[Outlook.WORKABLE, blocked, blocked]),
        ramp.advance(wanted=True, coming=[blocked, blocked, blocked]),
    ]
    assert seen == pytest.approx([3 / 4, 2 / 4, 1 / 4])


def test_before_a_cut_nothing_is_ramped_even_if_no_face_follows_it():
    ramp = full()
    assert ramp.advance(wanted=True, coming=[Outlook.CUT, Outlook.BLOCKED, Outlook.BLOCKED]) == 1.0


def test_after_a_drop_the_dub_comes_in_from_nothing():
    ramp = full()
    ramp.drop()
    assert ramp.advance(wanted=True, coming=CLEAR) == pytest.approx(1 / 6)
