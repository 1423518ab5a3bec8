"""Which file a name asks for."""

from pathlib import Path

import pytest

from relip.essence.errors import FormatError
from relip.offline.delivery import delivery

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "codec", "made"),
    [
        ("a.mp4", None, ("mp4", "h264", "aac")),
        ("a.MOV", None, ("mov", "prores", "pcm_s24le")),
        ("a.mkv", None, ("matroska", "ffv1", "flac")),
        ("a.mov", "h264", ("mov", "h264", "pcm_s24le")),
        ("a.mkv", "prores", ("matroska", "prores", "flac")),
    ],
)
def test_the_ending_says_what_is_in_it_unless_a_codec_is_given(name, codec, made):
    asked = delivery(Path(name), codec)
    assert (asked.container, asked.codec, asked.sound.encoder) == made


def test_prores_is_422_hq_in_ten_bits():
    picture = delivery(Path("a.mov")).picture
    assert picture.encoders["prores_ks"]["profile"] == "hq"
    assert picture.layout == "yuv422p10le"


@pytest.mark.parametrize("name", ["a", "a.avi", "mp4", ".mov"])
def test_another_ending_is_refused_with_those_there_are(name):
    with pytest.raises(FormatError, match=r"\.mp4, \.mov, \.mkv"):
        delivery(Path(name))


def test_a_codec_that_the_container_does_not_hold_is_refused():
    with pytest.raises(FormatError, match=r"--codec=ffv1: a file ending in \.mp4 holds h264"):
        delivery(Path("a.mp4"), "ffv1")
