"""What files say of their rates and times, and what is made of it."""

from fractions import Fraction

import pytest

from relip.essence.errors import FormatError
from relip.offline.footage import Colour, Footage, Paced, exact_rate, likely_rate, paced, timecode_after

pytestmark = pytest.mark.unit

PAL = Fraction(25)
FILM = Fraction(24_000, 1001)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (Fraction(25), PAL),
        (Fraction(23_976, 1000), FILM),
        (Fraction(2997, 100), Fraction(30_000, 1001)),
        (Fraction(5994, 100), Fraction(60_000, 1001)),
        (Fraction(24), Fraction(24)),
        (Fraction(25025, 1000), Fraction(25025, 1000)),
        (Fraction(15), Fraction(15)),
    ],
)
def test_a_rate_is_the_usual_one_it_is_meant_to_be_or_itself(said, meant):
    assert exact_rate(said) == meant


@pytest.mark.parametrize("said", [Fraction(0), Fraction(-1)])
def test_no_rate_is_refused(said):
    with pytest.raises(FormatError, match="frames a second"):
        exact_rate(said)


@pytest.mark.parametrize(
    ("guessed", "average", "likely"), [(25, 25, 25), (50, 25, 50), (1000, 24, 24), (30, 0, 30), (0, 15, 15), (0, 0, 0)]
)
def test_the_rate_is_what_ffmpeg_guesses_unless_that_is_the_step_of_a_clock(guessed, average, likely):
    assert likely_rate(Fraction(guessed), Fraction(average)) == likely


def laid(milliseconds, rate, end):
    """The numbers of the frames that grains show, and what was repeated and dropped."""
    counts = Paced()
    timed = [(k, Fraction(ms, 1000)) for k, ms in enumerate(milliseconds)]
    shown = list(paced([*timed, (len(timed) - 1, Fraction(end, 1000))], rate, counts))
    return shown, counts.repeated, counts.dropped


def test_frames_on_the_grid_are_each_a_grain():
    assert laid([0, 40, 80, 120], PAL, 160) == ([0, 1, 2, 3], 0, 0)


def test_times_rounded_to_milliseconds_repeat_and_drop_nothing():
    times = [round(1001 * k / 24) for k in range(1000)]
    assert laid(times, FILM, round(1001 * 1000 / 24)) == (list(range(1000)), 0, 0)


def test_a_frame_that_lasts_for_three_grains_is_shown_three_times():
    assert laid([0, 40, 160], PAL, 200) == ([0, 1, 1, 1, 2], 2, 0)


def test_of_two_frames_within_one_grain_the_later_is_shown():
    assert laid([0, 40, 41, 80], PAL, 120) == ([0, 2, 3], 0, 1)


def test_a_higher_rate_repeats_and_a_lower_one_drops():
    assert laid([0, 40], Fraction(50), 80) == ([0, 0, 1, 1], 2, 0)
    assert laid([0, 20, 40, 60], PAL, 80) == ([0, 2], 0, 2)


def test_nothing_makes_nothing():
    assert list(paced(iter(()), PAL, Paced())) == []


def test_a_picture_turned_by_a_quarter_is_as_wide_as_it_was_high():
    upright = Footage(640, 360, PAL, "yuv420p").format(quarters=1)
    assert (upright.width, upright.height, upright.rate) == (360, 640, PAL)


@pytest.mark.parametrize(
    ("height", "matrix", "named"), [(576, 5, "BT601"), (576, 2, "BT601"), (1080, 2, "BT709"), (2160, 9, "BT2020")]
)
def test_the_colorimetry_is_said_or_follows_from_the_raster(height, matrix, named):
    assert Footage(720, height, PAL, "yuv420p", Colour(matrix=matrix)).format().colorimetry == named


def test_an_odd_width_is_refused_by_name():
    with pytest.raises(FormatError, match="width=63"):
        Footage(63, 48, PAL, "yuv420p").format()


NTSC = Fraction(30_000, 1001)


@pytest.mark.parametrize(
    ("timecode", "frames", "rate", "later"),
    [
        ("10:00:00:00", 25 * 61 + 3, Fraction(25), "10:01:01:03"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),
        ("00:00:59;59", 1, NTSC * 2, "00:01:00;04"),
        ("01:00:00:00", 24, Fraction(24_000, 1001), "01:00:01:00"),
        ("noon", 1, Fraction(25), None),
    ],
)
def test_a_timecode_is_counted_on(timecode, frames, rate, later):
    assert timecode_after(timecode, frames, rate) == later


def test_an_hour_of_drop_frame_timecode_is_an_hour_of_frames():
    """SMPTE ST 12-1: 108 numbers are left out in an hour of 29.97."""
    assert timecode_after("00:00:00;00", 107_892, NTSC) == "01:00:00;00"
    steps = "00:00:00;00"
    for _ in range(4000):
        steps = timecode_after(steps, 1, NTSC)
    assert steps == timecode_after("00:00:00;00", 4000, NTSC)


def test_footage_from_its_first_frame_keeps_whatever_its_timecode_is():
    footage = Footage(64, 48, Fraction(25), "yuv420p", timecode="noon")
    assert footage.later(0).timecode == "noon"
    assert footage.later(1).timecode is None
