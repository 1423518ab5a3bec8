"""The debug overlay: an outline and a word, in the packed picture, and nowhere else."""

from fractions import Fraction

import numpy as np
import pytest

from relip.device import pgroup
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes, VideoGrain
from relip.essence.scene import Bypass, Patch, Region, Verdict
from relip.essence.tai import Tai
from relip.graph.overlay import ALTERED, SHADOW, UNTOUCHED, dot_of, draw, outline, write
from relip.signals.letters import dots

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(width=640, height=360, rate=Fraction(25))
REGION = Region(200, 100, 120, 80)


def grain(value=0x55):
    packed = np.full((FORMAT.height, FORMAT.row_octets), value, np.uint8)
    return VideoGrain(0, FORMAT, packed, slot=0, arrived=Tai(0))


def planes(packed):
    out = Planes.of(FORMAT.width, FORMAT.height)
    pgroup.unpack_reference(packed, out)
    return out


def altered():
    return Verdict(patch=Patch(REGION, np.zeros((REGION.height, REGION.width // 2 * 5), np.uint8)))


def test_an_altered_grain_gets_an_outline_just_inside_its_region_and_nothing_outside():
    marked, plain = grain(), grain()
    draw(marked, altered())
    after, before = planes(marked.packed), planes(plain.packed)
    assert (after.y[100:102, 200:320] == ALTERED[0]).all()
    assert (after.y[178:180, 200:320] == ALTERED[0]).all()
    assert (after.y[100:180, 200:202] == ALTERED[0]).all()
    assert (after.y[100:180, 318:320] == ALTERED[0]).all()
    assert (after.cb[100:180, 100] == ALTERED[1]).all()
    assert (after.cr[100:180, 159] == ALTERED[2]).all()
    differs = after.y != before.y
    differs[100:180, 200:320] = False
    assert not differs.any()


def test_an_untouched_grain_says_why_in_the_corner():
    marked = grain()
    draw(marked, Verdict(bypass=Bypass.NO_FACE))
    seen = planes(marked.packed).y
    word = np.kron(np.pad(dots("no_face"), 1), np.ones((2, 2), bool))
    box = seen[24 : 24 + word.shape[0], 24 : 24 + word.shape[1]]
    assert np.array_equal(box == UNTOUCHED[0], word)
    assert (box[~word] == SHADOW[0]).all()


def test_every_reason_can_be_written():
    for reason in Bypass:
        assert set(reason.value.upper()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _")
        assert dots(reason.value).any()


def test_a_word_that_does_not_fit_is_cut():
    packed = grain().packed
    write(packed, "ALTERED", at=(630, 355), dot=2, colour=ALTERED)
    assert (planes(packed).y[355:, 630:] == SHADOW[0]).any()


def test_a_region_smaller_than_the_line_is_filled():
    packed = grain().packed
    outline(packed, Region(10, 10, 2, 2), 4, ALTERED)
    assert (planes(packed).y[10:12, 10:12] == ALTERED[0]).all()
    assert (planes(packed).y[12:, :] != ALTERED[0]).all()


@pytest.mark.parametrize(("height", "dot"), [(144, 2), (360, 2), (720, 2), (1080, 4), (2160, 6)])
def test_letters_grow_with_the_raster_and_keep_whole_pgroups(height, dot):
    assert dot_of(height) == dot
