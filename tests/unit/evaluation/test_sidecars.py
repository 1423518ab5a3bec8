"""Words and phones from files written by hand, good and bad."""

import numpy as np
import pytest

from relip.essence.errors import FormatError, ResourceError
from relip.evaluation import sidecars
from relip.evaluation.sidecars import Label, Transcript

pytestmark = pytest.mark.unit

ALIGN = "0 13250 sil\n13250 19250 bin\n19250 28000 green\n28000 30000 sp\n30000 74500 sil\n"
LONG_GRID = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.5
            text = "Map ""42"""
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 1.5
        points: size = 1
        points [1]:
            number = 0.7
            mark = "x"
    item [3]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 2
        intervals [1]:
            xmin = 0.5
            xmax = 0.75
            text = "m"
        intervals [2]:
            xmin = 0.75
            xmax = 1.5
            text = "AE1"
'''
SHORT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
1
<exists>
1
"IntervalTier"
"utterance"
0
1
1
0.25
1
"hello"
"""


def test_grid_writes_words_in_parts_of_25000():
    found = sidecars.parse_align(ALIGN)
    assert found == Transcript(words=(Label("bin", 0.53, 0.77), Label("green", 0.77, 1.12)))
    assert found.spoken == found.words


def test_timit_writes_samples_and_a_stop_as_two_phones():
    found = sidecars.parse_phones("0 1600 h#\n1600 3200 bcl\n3200 4000 b\n4000 8000 iy\n8000 9600 tcl\n9600 9700 t\n")
    names = [(label.name, label.start, label.end) for label in found.phones]
    assert names == [("b", 0.1, 0.25), ("iy", 0.25, 0.5), ("tcl", 0.5, 0.6), ("t", 0.6, 0.60625)]


def test_htk_writes_hundreds_of_nanoseconds():
    found = sidecars.parse_phones("0 5000000 sil\n5000000 6000000 m\n6000000 8500000 aa\n")
    assert found.phones == (Label("m", 0.5, 0.6), Label("aa", 0.6, 0.85))
    assert found.spoken == found.phones


def test_json_is_as_beside_the_demos_voice():
    found = sidecars.parse_json('{"sample_rate": 48000, "phones": [["pau", 0, 4800], ["m", 4800, 9600]]}')
    assert found == Transcript(phones=(Label("m", 0.1, 0.2),))


def test_a_text_grid_has_words_and_phones_in_tiers():
    found = sidecars.parse_text_grid(LONG_GRID)
    assert found.words == (Label('map "42"', 0.5, 1.5),)
    assert found.phones == (Label("m", 0.5, 0.75), Label("ae1", 0.75, 1.5))


def test_a_short_text_grid_with_one_tier_has_words_in_it():
    assert sidecars.parse_text_grid(SHORT_GRID) == Transcript(words=(Label("hello", 0.25, 1.0),))


def test_a_text_grid_may_be_utf_16_as_praat_writes_it(tmp_path):
    path = tmp_path / "a.TextGrid"
    path.write_text(SHORT_GRID.replace("hello", "hallö"), "utf-16")
    assert sidecars.read(path).words[0].name == "hallö"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.align", "0 10 bin\n10 x green\n", "line 2: '10 x green'"),
        ("a.align", "0 10\n", "line 1"),
        ("a.align", "\n", "no line"),
        ("a.align", "10 5 bin\n", "'bin' lasts from"),
        ("a.lab", "0.0 0.5 m\n", "line 1"),
        ("a.json", "{", "sample_rate"),
        ("a.json", '{"phones": []}', "sample_rate"),
        ("a.json", '{"sample_rate": 0, "phones": [["a", 0, 1]]}', "sample_rate"),
        ("a.json", '{"sample_rate": 48000}', "neither words nor phones"),
        ("a.json", '{"sample_rate": 48000, "phones": [["a", 0]]}', "sample_rate"),
        ("a.TextGrid", "hello", "not a TextGrid"),
        ("a.TextGrid", SHORT_GRID.replace('"hello"', ""), "breaks off"),
        ("a.TextGrid", SHORT_GRID.replace("1\n0.25", "7\n0.25"), "breaks off"),
        ("a.TextGrid", LONG_GRID.replace('"words"', '"a"').replace('"phones"', '"b"'), "no interval tier"),
        ("a.txt", "hello", "not a transcript"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name_and_what_is_wrong(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(FormatError, match=r"a\.\w+: ") as fault:
        sidecars.read(path)
    assert told in str(fault.value)


def test_octets_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "a.align").write_bytes(np.arange(256, dtype=np.uint8).tobytes())
    with pytest.raises(FormatError, match="UTF-8"):
        sidecars.read(tmp_path / "a.align")


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(ResourceError, match="cannot be read"):
        sidecars.read(sidecars.Path("none.align"))


def test_the_sidecar_of_a_clip_has_its_stem(tmp_path):
    (tmp_path / "a.mpg").touch()
    (tmp_path / "b.align").write_text(ALIGN)
    assert sidecars.beside(tmp_path / "a.mpg") is None
    (tmp_path / "a.PHN").write_text("0 1600 m\n")
    assert sidecars.beside(tmp_path / "a.mpg").phones == (Label("m", 0.0, 0.1),)
