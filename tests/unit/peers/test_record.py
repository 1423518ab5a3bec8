"""The recording: what was received, placed by timestamp, in a file that can be played."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from relip.device.pgroup import pack_reference
from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.grains import AudioBlock, Planes
from relip.essence.tai import NS_PER_S, Tai, grain_start, grain_ticks, tai_of_ticks
from relip.offline.container import read_voice
from relip.peers.labels import burn
from relip.peers.record import LONGEST_GAP_S, Recorder
from relip.signals.bars import bars
from relip.signals.pips import pips
from relip.signals.skew import skew_ns

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(320, 180, Fraction(25))
SECOND = 1_764_000_000
FIRST = SECOND * 25


def packed(planes: Planes) -> np.ndarray:
    """Planes as pgroups."""
    out = np.zeros((FORMAT.height, FORMAT.row_octets), np.uint8)
    pack_reference(planes, out)
    return out


def grey(level: int) -> np.ndarray:
    """A packed frame of one luma."""
    planes = Planes.of(FORMAT.width, FORMAT.height)
    planes.y[:], planes.cb[:], planes.cr[:] = level, 512, 512
    return packed(planes)


def ticks(number: int) -> int:
    """The timestamp of frame `number` of the run."""
    return grain_ticks(FIRST + number, FORMAT.rate, 90000)


def lumas(path: Path) -> list[np.ndarray]:
    """The luma of every frame of a file."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray()[: frame.height].copy() for frame in container.decode(video=0)]


@pytest.fixture
def recorder():
    recorder = Recorder(FORMAT, with_before=True)
    yield recorder
    recorder.close()


def test_before_stands_on_the_left_and_after_on_the_right(recorder: Recorder, tmp_path: Path) -> None:
    recorder.picture(ticks(0), grey(300), grey(700))
    assert recorder.write(tmp_path / "a.mp4") == 1
    (luma,) = lumas(tmp_path / "a.mp4")
    assert luma.shape == (180, 640)
    assert float(luma[100:, :310].mean()) == pytest.approx(75, abs=2)
    assert float(luma[100:, 330:].mean()) == pytest.approx(175, abs=2)
    assert luma[:40, :80].max() > 220
    assert luma[:40, 320:400].max() > 220


def test_a_hole_leaves_the_former_picture_standing(recorder: Recorder, tmp_path: Path) -> None:
    told = []
    for number, level in ((0, 200), (1, 400), (4, 800)):
        recorder.picture(ticks(number), None, grey(level))
    assert recorder.write(tmp_path / "a.mp4", progress=lambda *at: told.append(at)) == 5
    levels = [round(float(luma[100:, 400:].mean()) / 50) for luma in lumas(tmp_path / "a.mp4")]
    assert levels == [1, 2, 2, 2, 4]
    assert told == [(n + 1, 5) for n in range(5)]


def test_a_picture_of_the_past_and_one_of_another_age_are_left_out(recorder: Recorder) -> None:
    recorder.picture(ticks(5), None, grey(200))
    recorder.picture(ticks(5), None, grey(200))
    recorder.picture(ticks(4), None, grey(200))
    recorder.picture(ticks(5) + LONGEST_GAP_S * 90000 + 1, None, grey(200))
    assert len(recorder) == 1


def test_the_voice_lies_where_its_timestamps_say(recorder: Recorder, tmp_path: Path) -> None:
    """A block from before the picture, one that is missing, one that reaches beyond the end."""
    for number in range(25):
        recorder.picture(ticks(number), None, grey(500))
    start = SECOND * 48000
    loud = (0.7 * np.sin(np.arange(4800) * np.pi / 24)).astype(np.float32)
    recorder.sound(AudioBlock(start - 2400, loud))
    recorder.sound(AudioBlock(start + 24000, loud))
    recorder.sound(AudioBlock(start + 45600, loud))
    recorder.write(tmp_path / "a.mp4")
    voice = read_voice(tmp_path / "a.mp4")
    level = np.abs(voice[:48000]).reshape(-1, 480).mean(axis=1)
    assert (level[1:4] > 0.3).all()
    assert (level[6:49] < 0.1).all()
    assert (level[51:59] > 0.3).all()
    assert (level[61:94] < 0.1).all()
    assert (level[96:99] > 0.3).all()


def test_a_block_is_kept_though_its_owner_reuses_the_array(recorder: Recorder) -> None:
    samples = np.ones(48, np.float32)
    recorder.sound(AudioBlock(0, samples))
    samples[:] = 0
    assert recorder._sound[0].samples.all()


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(60000, 1001)])
def test_the_file_has_no_skew_between_picture_and_sound(rate: Fraction, tmp_path: Path) -> None:
    form = VideoFormat(320, 180, rate)
    first = Tai(SECOND * NS_PER_S).grain_index(rate) - 8
    count = int(2.5 * rate)
    recorder = Recorder(form, with_before=False)
    for index in range(first, first + count):
        recorder.picture(grain_ticks(index, rate, 90000), None, packed(bars(form, grain_start(index, rate))))
    start = SECOND * 48000 - 24000
    for block in range(0, 3 * 48000, 48):
        recorder.sound(AudioBlock(start + block, pips(start + block, 48)))
    recorder.write(tmp_path / "a.mp4")
    recorder.close()
    with av.open(str(tmp_path / "a.mp4")) as container:
        shown = [
            (Tai(int(frame.pts * frame.time_base * NS_PER_S)), frame.to_ndarray()[: frame.height])
            for frame in container.decode(video=0)
        ]
    assert len(shown) == count
    assert abs(skew_ns(shown, tai_of_ticks(0, 48000), read_voice(tmp_path / "a.mp4"))) < 2_000_000


def test_nothing_received_is_nothing_to_write(recorder: Recorder, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nothing to record"):
        recorder.write(tmp_path / "a.mp4")


def test_letters_are_white_on_a_darkened_box_and_stop_at_the_edge() -> None:
    luma = np.full((40, 60), 120, np.uint8)
    burn(luma, "BEFORE", dot=2)
    assert (luma == 235).sum() > 100
    assert luma[4, 4] == 16 + (120 - 16) // 3
    assert (luma[:4] == 120).all()
    stem = luma[6:20, 6:8]
    assert (stem == 235).all()
