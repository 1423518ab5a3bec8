"""The contact sheet of made clips."""

import sys
from pathlib import Path

import numpy as np
import pytest

from drawn_face import face, picture, small_format
from relip.device.host import HostDevice
from relip.essence.errors import ResourceError
from relip.essence.grains import VideoGrain
from relip.essence.scene import Bypass, Patch, Region, Verdict
from relip.essence.tai import Tai
from relip.evaluation.clips import Clip
from relip.evaluation.judge import Judged
from relip.evaluation.rig import Rig
from relip.evaluation.seen import Seen
from relip.evaluation.sheet import TILES, Sheet, chosen
from relip.evaluation.voiced import Voiced
from relip.graph.take import Take

pytestmark = pytest.mark.unit

FORMAT = small_format()
FRAMES = 40
REGION = Region(150, 80, 100, 90)


def take(packed, verdict):
    grain = VideoGrain(ticks=0, format=FORMAT, packed=packed, slot=0, arrived=Tai(0))
    return Take(grain=grain, local=Tai(0), due=Tai(0), verdict=verdict)


def shown(*, name="a.mpg", wanted=("a.mpg",)):
    pytest.importorskip("matplotlib", reason="the sheet needs the extra eval")
    one_face = face(opening=0.05)
    seen = Seen(Clip(Path(name), name, "1"), (one_face,) * FRAMES, None, None, np.zeros(0), np.zeros(0, np.bool_), ())
    made = Voiced(seen, Judged(FRAMES), np.zeros(FRAMES))
    rig = Rig(format=FORMAT, device=HostDevice(), tracker=lambda: None, renderer=lambda: None, chain=lambda _: None)
    sheet, frame = Sheet(rig, wanted), picture(one_face, FORMAT)
    for k in range(FRAMES):
        dubbed = k >= 10
        patch = Patch(REGION, np.zeros((90, 250), np.uint8))
        verdict = Verdict(patch=patch) if dubbed else Verdict(bypass=Bypass.WARMING)
        if dubbed:
            made.judged.target[k] = made.judged.output[k] = 0.001 * k
        sheet.see(k, made, take(frame, verdict), frame, frame, one_face)
    return sheet


def test_of_each_part_the_widest_dub_and_the_farthest_moved_are_shown_in_turn():
    (strip,) = shown()._strips.values()
    assert len(strip.tiles) == TILES
    assert [tile.number for tile in strip.tiles][2:] == [14, 15, 24, 25, 34, 35]
    assert strip.tiles[0].reason == "warming"
    assert strip.tiles[0].outline is None


def test_the_region_is_outlined_where_it_lies():
    (strip,) = shown()._strips.values()
    x, _, width, height = strip.tiles[5].outline
    assert width / height == pytest.approx(100 / 90)
    assert x + width / 2 == pytest.approx(120, abs=1)


def test_the_sheet_is_a_png_and_other_clips_are_not_on_it(tmp_path):
    sheet = shown()
    sheet.write(tmp_path / "sheet.png", "a title")
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"
    assert shown(name="b.mpg")._strips == {}


def test_a_sheet_that_cannot_be_written_says_where(tmp_path):
    with pytest.raises(ResourceError, match="cannot be written"):
        shown().write(tmp_path / "none" / "sheet.png", "a title")


def test_clips_are_chosen_evenly():
    assert chosen(list("abcdefgh")) == ["a", "c", "e", "g"]
    assert chosen(["a"]) == ["a"]
    assert len(chosen([str(k) for k in range(30)])) == 4


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ResourceError, match=r"relip\[eval\]"):
        Sheet(None, [])
