"""The chain played through without a clock; stages that only note what they are given stand where the engines would."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import drawn_face
from relip.clock.manual import ManualClock
from relip.essence.errors import FormatError, ModelError
from relip.essence.formats import RATES, VideoFormat
from relip.essence.scene import Bypass, Patch, Region, Sighting, Verdict
from relip.essence.tai import Tai
from relip.graph.chain import Chain
from relip.graph.delay import delay_for
from relip.graph.stages import AlignStage, Inbox, Switch, grain_samples
from relip.graph.tally import Tally
from relip.offline.dubbing import dub, lay

pytestmark = pytest.mark.unit

FORM = VideoFormat(width=4, height=2, rate=Fraction(25))
VOICE_NS = 162_500_000
REGION = Region(x=2, y=0, width=2, height=2)


class Sees:
    """Sees nobody in frame 5, and numbers the others."""

    name = "sees"

    def work(self, pulse):
        if pulse.arrived is not None:
            number = int(pulse.arrived.grain.packed[0, 0])
            nobody = Sighting(face=None, absent=Bypass.NO_FACE)
            pulse.arrived.sighting = nobody if number == 5 else Sighting(face=drawn_face.face(), absent=None)
        return True


class Hears:
    """Notes what lies in the inbox when a grain is ready, and of what else the grain was told."""

    name = "hears"

    def __init__(self, inbox):
        self._inbox = inbox
        self.blocks, self.behind, self.coming = [], [], []

    def work(self, pulse):
        for take in pulse.ready:
            self.blocks.extend(self._inbox.drained())
            self.behind.append((self.blocks[-1].end_sample if self.blocks else 0) - grain_samples(take.grain)[0])
            self.coming.append(take.coming)
        return True


class Paints:
    """Patches every grain that nobody has decided on; grain 3 it fails to."""

    name = "paints"

    def work(self, pulse):
        for take in pulse.ready:
            if take.grain.packed[0, 0] == 3:
                raise ModelError("a net gave NaN")
            if take.verdict is None:
                take.verdict = Verdict(patch=Patch(REGION, np.full((2, 5), 0xAA, np.uint8)))
        return True


def chain_of(form=FORM):
    inbox, tally = Inbox(), Tally()
    stages = (Sees(), AlignStage(Switch(), ManualClock(Tai(0)), 3), Hears(inbox), Paints())
    return Chain(format=form, delay=delay_for(form.rate, VOICE_NS), stages=stages, inbox=inbox, switch=Switch(), tally=tally)


def reused(count, form=FORM):
    """Frames 0, 1, 2 … in one array that is overwritten, as a reader's is."""
    packed = np.zeros((form.height, form.row_octets), np.uint8)
    for number in range(count):
        packed[:] = number
        yield packed


def test_every_frame_comes_out_once_in_order_with_its_own_picture():
    numbers = [int(take.grain.packed[0, 0]) for take in dub(reused(9), np.zeros(0, np.float32), chain_of())]
    assert numbers == list(range(9))


def test_a_take_holds_the_original_until_it_is_laid():
    for take in dub(reused(2), np.zeros(0, np.float32), chain_of()):
        number = take.grain.packed[0, 0]
        assert (take.grain.packed == number).all()
        packed = lay(take)
        assert (packed[:, :5] == number).all()
        assert (packed[:, 5:] == 0xAA).all()


def test_a_frame_that_is_left_alone_says_why_and_laid_it_is_as_it_came():
    takes = {}
    chain = chain_of()
    for take in dub(reused(8), np.zeros(0, np.float32), chain):
        takes[int(take.grain.packed[0, 0])] = take.verdict.bypass
        if take.verdict.bypass is not None:
            assert np.ptp(lay(take)) == 0
    assert {number: reason for number, reason in takes.items() if reason} == {3: Bypass.MODEL, 5: Bypass.NO_FACE}
    assert chain.tally.bypassed == {Bypass.MODEL: 1, Bypass.NO_FACE: 1}
    assert (chain.tally.received, chain.tally.sent, chain.tally.altered) == (8, 8, 6)
    assert chain.tally.failures == {"paints: ModelError: a net gave NaN": 1}


def test_each_frame_is_told_of_the_three_after_it_and_the_last_ones_of_what_there_is():
    chain = chain_of()
    list(dub(reused(6), np.zeros(0, np.float32), chain))
    told = [[None if seen is None else seen.reason for seen in coming] for coming in chain.stages[2].coming]
    assert told[1] == [None, None, None]
    assert told[2] == [None, None, Bypass.NO_FACE]
    assert told[4][0] is Bypass.NO_FACE
    assert chain.stages[2].coming[3][2] is None
    assert chain.stages[2].coming[5] == (None, None, None)


@pytest.mark.parametrize("rate", ["23.98", "25", "59.94"])
def test_the_voice_a_frame_needs_is_heard_by_then_and_hardly_more(rate):
    form = VideoFormat(width=4, height=2, rate=RATES[rate])
    voice = np.zeros(48_000 * 5, np.float32)
    chain = chain_of(form)
    list(dub(reused(100, form), voice, chain))
    behind = np.array(chain.stages[2].behind)
    assert behind.min() >= VOICE_NS * 48 // 1_000_000
    assert behind.max() <= VOICE_NS * 48 // 1_000_000 + 480


def test_the_voice_is_heard_whole_once_and_as_l24_carries_it():
    voice = np.random.default_rng(1).uniform(-1.2, 1.2, 8 * 1920 + 11).astype(np.float32)
    chain = chain_of()
    list(dub(reused(20), voice, chain))
    blocks = chain.stages[2].blocks
    assert all(one.end_sample == two.start_sample for one, two in pairwise(blocks))
    heard = np.concatenate([block.samples for block in blocks])
    assert len(heard) == len(voice)
    np.testing.assert_array_equal(heard * 2**23, np.rint(heard * 2**23))
    np.testing.assert_allclose(heard, np.clip(voice, -1, 1 - 2**-23), atol=2**-23)


def test_the_first_sample_of_the_voice_lies_on_the_first_frame():
    chain = chain_of()
    (take, *_) = list(dub(reused(2), np.ones(4800, np.float32), chain))
    assert chain.stages[2].blocks[0].start_sample == grain_samples(take.grain)[0]


def test_a_frame_of_another_shape_is_refused():
    with pytest.raises(FormatError, match=r"\(2, 5\) is not one of 4x2p25"):
        list(dub(iter([np.zeros((2, 5), np.uint8)]), np.zeros(0, np.float32), chain_of()))


def test_no_frame_makes_no_take():
    assert list(dub(iter(()), np.ones(100, np.float32), chain_of())) == []
