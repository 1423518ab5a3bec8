"""The test picture, the test sound and the skew between them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.tai import NS_PER_S, Tai, grain_start
from relip.signals.bars import bars, sweep_centre
from relip.signals.pips import pips
from relip.signals.skew import bar_centre, skew_ns

pytestmark = pytest.mark.unit

SECOND = 1_764_000_000
FORMAT = VideoFormat(320, 180, Fraction(60000, 1001))


def pictures(late_ns: int = 0, count: int = 60):
    """A second of pictures, each shown `late_ns` after its instant."""
    first = Tai(SECOND * NS_PER_S).grain_index(FORMAT.rate)
    for index in range(first, first + count):
        at = grain_start(index, FORMAT.rate)
        yield at.after(late_ns), bars(FORMAT, at).y


def sound(seconds: float = 2.0) -> tuple[Tai, np.ndarray]:
    """The sound from a third of a second before a whole second on."""
    first = SECOND * 48000 - 16000
    return Tai(SECOND * NS_PER_S - NS_PER_S // 3), pips(first, int(seconds * 48000))


def test_the_bar_stands_in_the_middle_on_the_whole_second() -> None:
    assert sweep_centre(Tai(SECOND * NS_PER_S), 1920) == 960
    assert sweep_centre(Tai(SECOND * NS_PER_S + NS_PER_S // 4), 1920) == 1440
    assert bar_centre(bars(FORMAT, Tai(SECOND * NS_PER_S)).y) == pytest.approx(160, abs=1e-6)


def test_the_bar_moves_by_parts_of_a_pixel() -> None:
    for shift in (0.25, 0.5, 0.8):
        at = Tai(SECOND * NS_PER_S + int(NS_PER_S * shift / FORMAT.width))
        assert bar_centre(bars(FORMAT, at).y) == pytest.approx(160 + shift, abs=0.05)


def test_the_bars_are_legal_and_end_in_black() -> None:
    planes = bars(FORMAT, Tai(0))
    assert planes.y[0, [0, 40, 319]].tolist() == [721, 674, 64]
    assert (planes.cb[0, 0], planes.cr[0, 0]) == (512, 512)
    assert planes.y.min() >= 64
    assert planes.y.max() <= 940


def test_a_pip_is_centred_on_the_whole_second_wherever_the_block_begins() -> None:
    start = SECOND * 48000
    block = pips(start - 24000, 48000)
    assert int(np.abs(block).argmax()) == 24000
    np.testing.assert_array_equal(np.concatenate([pips(start - 100, 130), pips(start + 30, 70)]), pips(start - 100, 200))
    assert not pips(start + 481, 47000).any()


def test_picture_and_sound_of_the_same_instants_have_no_skew() -> None:
    assert abs(skew_ns(pictures(), *sound())) < 100_000


@pytest.mark.parametrize("late_ms", [-160, -7, 40, 333])
def test_a_late_picture_is_measured_to_a_tenth_of_a_millisecond(late_ms: int) -> None:
    assert skew_ns(pictures(late_ms * 1_000_000), *sound()) == pytest.approx(late_ms * 1_000_000, abs=100_000)


def test_it_works_on_small_pictures_of_eight_bits() -> None:
    halves = ((at, (luma[::2, ::2] >> 2).astype(np.uint8)) for at, luma in pictures(20_000_000))
    assert skew_ns(halves, *sound()) == pytest.approx(20_000_000, abs=2_000_000)


def test_no_bar_and_no_pip_are_said_by_name() -> None:
    black = [(Tai(0), np.full((180, 320), 64, np.uint16))]
    with pytest.raises(FormatError, match="no picture"):
        skew_ns(black, *sound())
    with pytest.raises(FormatError, match="no whole pip"):
        skew_ns(pictures(), Tai(0), np.zeros(48000, np.float32))


def test_a_bar_that_crosses_the_edge_is_not_believed() -> None:
    at = Tai(SECOND * NS_PER_S + NS_PER_S // 2)
    assert bar_centre(bars(FORMAT, at).y) is None
