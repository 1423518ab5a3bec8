"""Where lips must meet, and where they must not."""

import pytest

from relip.evaluation.phonetics import GRID, Lips, is_bilabial, moments_of_phones, moments_of_words
from relip.evaluation.sidecars import Label

pytestmark = pytest.mark.unit


def row(*names, step=0.2):
    """Labels that follow each other without a pause."""
    return [Label(name, i * step, (i + 1) * step) for i, name in enumerate(names)]


@pytest.mark.parametrize("phone", ["p", "b", "m", "em", "pʰ", "b̥", "mː", "p_h", "pf", "m1"])
def test_these_are_bilabial(phone):
    assert is_bilabial(phone)


@pytest.mark.parametrize("phone", ["n", "pau", "f", "w", "breath", "music", "iy", ""])
def test_these_are_not(phone):
    assert not is_bilabial(phone)


def test_a_bilabial_is_looked_for_from_40_ms_before_it_to_40_ms_after():
    (moment,) = (m for m in moments_of_phones(row("ah", "m", "ah")) if m.lips is Lips.MEET)
    assert (moment.start, moment.end) == pytest.approx((0.16, 0.44))


def test_a_phone_tells_of_false_closures_only_clear_of_lips_and_silence():
    apart = [m.start for m in moments_of_phones(row("ah", "t", "iy", "s", "m", "ah", "f", "ah")) if m.lips is Lips.APART]
    assert apart == pytest.approx([0.2, 0.4])


def moments(*words):
    return [(m.lips, round(m.start, 3), round(m.end, 3)) for m in moments_of_words(row(*words, step=0.3))]


def test_the_onset_of_a_word_is_100_ms_before_to_120_ms_after_its_label():
    assert moments("red", "blue") == [(Lips.APART, -0.1, 0.12), (Lips.MEET, 0.2, 0.42)]


def test_a_sentence_begins_after_a_pause():
    words = [Label("red", 0.3, 0.6), Label("green", 0.75, 1.0), Label("seven", 1.2, 1.5)]
    assert [moment.first for moment in moments_of_words(words)] == [True, False, True]


def test_a_word_after_closed_lips_tells_nothing():
    assert [lips for lips, *_ in moments("m", "seven", "red")] == [Lips.APART]


def test_a_word_with_a_bilabial_close_to_its_onset_tells_nothing():
    assert moments("apple", "white") == []


def test_the_spelling_of_an_unknown_word_is_asked_where_it_tells():
    assert [lips for lips, *_ in moments("market", "photo")] == [Lips.MEET]
    assert [lips for lips, *_ in moments("time", "under", "sky")] == [Lips.APART, Lips.APART]


def test_the_grids_51_words_are_known():
    assert len(GRID) == 51
    assert {word for word, sounds in GRID.items() if is_bilabial(sounds.split()[0])} == {
        "bin", "blue", "by", "b", "place", "please", "p",
    }  # fmt: skip
