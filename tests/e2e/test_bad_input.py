"""What networks and pictures do to a service: it sends on what it gets, counts why, and takes up the work again."""

from fractions import Fraction
from importlib.resources import as_file, files

import numpy as np
import pytest

from engines import DEVICE, studio_with_engines
from pictures import packed, resampled, turned
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import Bypass, Region
from relip.essence.tai import period_ns
from relip.offline.container import read_voice
from relip.wire.st2110_20 import FrameHeaders
from studio import VIDEO

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FORM = VideoFormat(width=480, height=480, rate=Fraction(25))


@pytest.fixture(scope="module")
def portrait():
    data = pytest.importorskip("skimage.data", reason="the portrait is part of the extra demo")
    size = FORM.width
    return packed(resampled(data.astronaut(), turned((225, 130), 0.6, 0.0, size), size))


@pytest.fixture
def studio_of(face_models):
    """Makes a studio with all engines in it."""

    def make(frames):
        return studio_with_engines(face_models, FORM, frames=frames)

    return make


def luma(frame):
    planes = Planes.of(FORM.width, FORM.height)
    DEVICE.unpack(frame, Region(0, 0, FORM.width, FORM.height), planes)
    return planes.y.astype(int)


@pytest.fixture(scope="module")
def speech():
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        return read_voice(path)


def assert_untouched(studio, frames, came):
    for k, picture in enumerate(frames):
        np.testing.assert_array_equal(came[studio.ticks(k)], picture, err_msg=f"frame {k}")


def test_a_picture_without_a_face_leaves_bit_for_bit(studio_of, speech):
    frames = np.random.default_rng(7).integers(0, 256, (10, FORM.height, FORM.row_octets)).astype(np.uint8)
    studio = studio_of(10)
    assert_untouched(studio, frames, studio.play(frames, speech))
    assert studio.tally.altered == 0
    assert set(studio.tally.bypassed) <= {Bypass.NO_FACE, Bypass.CUT}
    assert studio.tally.failures == {}


def test_without_a_voice_the_picture_leaves_bit_for_bit(studio_of, portrait):
    frames = [portrait] * 14
    studio = studio_of(14)
    assert_untouched(studio, frames, studio.play(frames))
    assert set(studio.tally.bypassed) <= {Bypass.NO_DUB, Bypass.WARMING}


def test_a_silent_voice_closes_the_mouth_and_keeps_it_still(studio_of, portrait):
    frames = [portrait] * 30
    studio = studio_of(30)
    came = studio.play(frames, np.zeros(30 * 1920, np.float32))
    assert studio.tally.altered > 15
    last = [luma(came[studio.ticks(k)]) for k in range(24, 30)]
    assert max(int(np.abs(last[i] - last[i + 1]).max()) for i in range(5)) <= 8, "of 876 code values, on a still picture"


@pytest.mark.parametrize("what", ["noise", "clipped"])
def test_a_voice_that_is_none_costs_no_frame(studio_of, portrait, what):
    rng = np.random.default_rng(3)
    voice = {
        "noise": rng.normal(0, 0.3, 20 * 1920),
        "clipped": rng.choice([-4.0, 4.0], 20 * 1920),
    }[what].astype(np.float32)
    studio = studio_of(20)
    came = studio.play([portrait] * 20, voice)
    assert len(came) == 20
    assert studio.tally.failures == {}


def test_a_sender_that_stops_and_comes_back_as_another_is_taken_up_again(studio_of, portrait, speech):
    studio = studio_of(60)
    first = [portrait] * 20
    for k, picture in enumerate(first):
        studio.run_frame(k, picture, speech)
    for _ in range(25):  # a second without a packet: what was in the house leaves, nobody is restarted
        studio.clock.advance(period_ns(FORM.rate))
        studio.work()
    altered = studio.tally.received
    studio.camera_headers = FrameHeaders(FORM, payload_type=VIDEO, ssrc=77)
    for k in range(45, 60):
        studio.run_frame(k, portrait, speech)
    came = studio.finish()
    assert altered == 20
    assert studio.assembler.counters.resyncs == 1
    assert {studio.ticks(k) for k in [*range(20), *range(47, 60)]} <= set(came)
    assert studio.tally.altered > 20
    assert studio.tally.failures == {}


def test_another_raster_is_never_shown_and_the_right_one_is_taken_up_again(studio_of, portrait, speech):
    studio = studio_of(40)
    for k in range(10):
        studio.run_frame(k, portrait, speech)
    wide = VideoFormat(width=960, height=480, rate=FORM.rate)
    right, studio.camera_headers = studio.camera_headers, FrameHeaders(wide, payload_type=VIDEO, ssrc=1)
    for k in range(10, 16):
        studio.run_frame(k, np.zeros((wide.height, wide.row_octets), np.uint8), speech)
    studio.camera_headers = right
    for k in range(16, 30):
        studio.run_frame(k, portrait, speech)
    came = studio.finish()
    for k in [*range(10), *range(18, 30)]:
        assert studio.ticks(k) in came, f"frame {k}"
    assert not any(studio.ticks(k) in came and not came[studio.ticks(k)].any() for k in range(10, 16))
    assert studio.tally.failures == {}
