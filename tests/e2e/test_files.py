"""Files and the live path: the same frames and the same voice give the same octets, whatever happens in the picture."""

from fractions import Fraction
from importlib.resources import as_file, files

import numpy as np
import pytest

from engines import DEVICE, studio_with_engines
from pictures import packed
from relip.config import LipSync, Models
from relip.essence.formats import RATES, VideoFormat
from relip.essence.scene import Bypass
from relip.offline.container import VideoReader, read_voice
from relip.offline.dubbing import dub, lay
from relip.service.compose import engines
from talker import SIZE, shot

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


class Story:
    """Frames and a voice, played through the studio and dubbed as a file."""

    def __init__(self, form, frames, voice, folder, lip_sync=None):
        lip_sync = lip_sync or LipSync()
        self.frames = frames
        self.studio = studio_with_engines(folder, form, frames=len(frames), lip_sync=lip_sync)
        came = self.studio.play(frames, voice)
        self.live = [came[self.studio.ticks(k)] for k in range(len(frames))]
        chain = engines.chain_for_files(lip_sync, engines.load_nets(Models(cache=folder), 120), form)
        self.tally = chain.tally
        self.file, self.strengths, self.reasons = [], [], []
        for take in dub(frames, voice, chain, first_ticks=self.studio.ticks(0)):
            self.strengths.append(take.strength)
            self.reasons.append(take.verdict.bypass)
            self.file.append(lay(take).copy())

    def assert_equal(self):
        for k, (live, file) in enumerate(zip(self.live, self.file, strict=True)):
            np.testing.assert_array_equal(file, live, err_msg=f"frame {k}")
        assert self.tally.bypassed == self.studio.tally.bypassed
        assert self.tally.failures == self.studio.tally.failures == {}


@pytest.fixture(scope="module")
def scene():
    """A shot, a cut to a closer one, a face that is hidden for a moment and comes back."""
    portrait = pytest.importorskip("skimage.data", reason="the portrait is part of the extra demo").astronaut()
    wide = [shot(portrait, k, zoom=0.7) for k in range(26)]
    close = [shot(portrait, k, zoom=0.5)[:, ::-1].copy() for k in range(80)]
    for reach, picture in zip((100, 200, 280, 340, 400, 400, 400, 400, 400, 400, 200), close[22:], strict=False):
        picture[:reach, 60:340] = (120, 90, 75)  # something is let down before the face: no cut, but the face is gone
    return [packed(picture) for picture in (*wide, *close)]


@pytest.fixture(scope="module")
def voice():
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        return read_voice(path)


@pytest.fixture(scope="module")
def story(scene, voice, face_models):
    return Story(VideoFormat(SIZE, SIZE, Fraction(25)), scene, voice[: 86 * 1920 + 768], face_models)


def test_every_octet_is_that_of_the_live_path(story):
    story.assert_equal()


def test_the_story_has_every_way_in_and_out(story):
    """Without this the equality above could be that of frames which nobody touched."""
    assert {Bypass.WARMING, Bypass.CUT, Bypass.COVERED, Bypass.NO_DUB} <= set(story.reasons)
    rising = [b > a > 0 for a, b in zip(story.strengths, story.strengths[1:], strict=False)]
    falling = [a > b > 0 for a, b in zip(story.strengths, story.strengths[1:], strict=False)]
    assert sum(rising) >= 10
    assert sum(falling) >= 3
    assert story.tally.altered >= 40


@pytest.mark.parametrize("rate", ["29.97", "50"])
def test_at_other_rates_too_where_more_is_coming_and_frames_lie_beside_the_columns(scene, voice, face_models, rate):
    frames = scene[30:]
    said = int(len(frames) * 48_000 / RATES[rate]) // 48 * 48  # the studio stops speaking with its last frame
    story = Story(VideoFormat(SIZE, SIZE, RATES[rate]), frames, voice[:said], face_models)
    story.assert_equal()
    assert story.tally.altered >= 25


def test_a_talker_dubbed_with_another_sentence_is_the_same_live_and_as_a_file(media, face_models):
    form = VideoFormat(360, 288, Fraction(25))
    with VideoReader(media / "swwjzp.mpg", format=form, pack=DEVICE.pack) as reader:
        frames = [frame.copy() for frame in reader]
    clip = Story(
        form, frames, read_voice(media / "pwip7s.mpg")[: 60 * 1920], face_models, LipSync(offset_ms=-40, amplitude=1.2)
    )
    clip.assert_equal()
    assert clip.tally.altered >= len(frames) - 12
