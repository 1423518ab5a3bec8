"""Every frame from the wire to the wire, impaired by a seed, through the real graph under Holoscan's greedy scheduler."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import RATES, VideoFormat
from relip.essence.scene import Bypass, Patch, Region, Verdict
from relip.graph.chain import Chain
from relip.graph.delay import Delay
from relip.graph.stages import AlignStage, Inbox, Switch
from relip.graph.tally import Tally
from studio import Studio

pytestmark = pytest.mark.e2e

FORM = VideoFormat(width=360, height=288, rate=Fraction(25))
DELAY = Delay(frames=5, latency_ns=200_000_000, release_ns=173_500_000)


def chain_of(*stages, form=FORM, delay=DELAY, bypass=False):
    """What makes a chain of no engine but these stages."""

    def make(clock):
        switch = Switch(bypass=bypass)
        line = (AlignStage(switch, clock, delay.ahead), *stages)
        return Chain(format=form, delay=delay, stages=line, inbox=Inbox(), switch=switch, tally=Tally())

    return make


bypassed = chain_of(bypass=True)


def pictures(count, form=FORM, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, form.height, form.row_octets)).astype(np.uint8)


def test_bypassed_every_frame_leaves_bit_for_bit_as_it_came_and_with_its_timestamp():
    sent = pictures(12)
    studio = Studio(FORM, DELAY, frames=12, make=bypassed)
    came = studio.play(sent)
    assert sorted(came) == [studio.ticks(k) for k in range(12)]
    for k, picture in enumerate(sent):
        np.testing.assert_array_equal(came[studio.ticks(k)], picture, err_msg=f"frame {k}")
    assert studio.tally.bypassed == {Bypass.REQUESTED: 12}


@pytest.mark.parametrize("behind_s", [37, -3600])
def test_a_sender_that_does_not_keep_tai_is_served_like_any_other(behind_s):
    sent = pictures(12)
    studio = Studio(FORM, DELAY, frames=12, make=bypassed, behind_ns=behind_s * 10**9)
    came = studio.play(sent)
    assert sorted(came) == [studio.ticks(k) for k in range(12)]
    for k, picture in enumerate(sent):
        np.testing.assert_array_equal(came[studio.ticks(k)], picture, err_msg=f"frame {k}")
    assert studio.tally.bypassed == {Bypass.REQUESTED: 12}


@pytest.mark.parametrize("rate", ["23.98", "29.97", "59.94"])
def test_at_rates_that_no_float_holds_no_timestamp_is_off_by_a_tick(rate):
    form = VideoFormat(width=360, height=16, rate=RATES[rate])
    delay = Delay(frames=11, latency_ns=int(11 * 10**9 / form.rate), release_ns=150_000_000)
    studio = Studio(form, delay, frames=20, make=chain_of(form=form, delay=delay, bypass=True))
    came = studio.play(pictures(20, form))
    assert sorted(came) == [studio.ticks(k) for k in range(20)]


def test_reordered_and_repeated_packets_cost_nothing():
    sent = pictures(12)
    studio = Studio(FORM, DELAY, frames=12, make=bypassed, impairment={"reorder": 0.2, "duplicate": 0.1})
    came = studio.play(sent)
    for k, picture in enumerate(sent):
        np.testing.assert_array_equal(came[studio.ticks(k)], picture, err_msg=f"frame {k}")
    assert studio.assembler.counters.duplicate > 0
    assert studio.assembler.counters.lost == 0


def test_a_lost_packet_costs_its_rows_and_they_come_from_the_frame_before():
    sent = pictures(30)
    studio = Studio(FORM, DELAY, frames=30, make=bypassed, impairment={"loss": 0.004})
    came = studio.play(sent)
    counters = studio.assembler.counters
    assert counters.lost > 5
    concealed, shown = 0, None
    for k, picture in enumerate(sent):
        got = came.get(studio.ticks(k))
        if got is None:
            assert shown is None, "only the first frame, which has none before it, may be kept back"
            continue
        wrong = np.flatnonzero((got != picture).any(axis=1))
        if shown is not None:
            np.testing.assert_array_equal(got[wrong], shown[wrong], err_msg=f"frame {k}")
        concealed += len(wrong)
        shown = got
    assert concealed == counters.concealed_rows > 0
    assert 0 <= studio.camera.lost - counters.lost <= 2, "what is lost before the first or after the last packet nobody can see"


def test_a_grain_that_no_stage_has_looked_at_is_left_alone_and_counted_as_failed():
    studio = Studio(FORM, DELAY, frames=6, make=chain_of())
    assert len(studio.play(pictures(6))) == 6
    assert studio.tally.bypassed == {Bypass.FAILED: 6}


class Paints:
    """A stage that patches a region, in place of the engines."""

    name = "paints"

    def __init__(self, patch):
        self._verdict = Verdict(patch=patch)

    def work(self, pulse):
        for take in pulse.ready:
            take.verdict = self._verdict
        return True


def test_what_is_altered_is_the_patch_and_nothing_else():
    patch = Patch(Region(x=100, y=50, width=80, height=60), np.full((60, 200), 0x5A, np.uint8))
    studio = Studio(FORM, DELAY, frames=8, make=chain_of(Paints(patch)))
    sent = pictures(8)
    came = studio.play(sent)
    assert studio.tally.altered == 8
    for k, picture in enumerate(sent):
        wanted = picture.copy()
        wanted[50:110, 250:450] = 0x5A
        np.testing.assert_array_equal(came[studio.ticks(k)], wanted, err_msg=f"frame {k}")
