"""The own sync score on pairs whose shift is known, with a net that is a function; and the net that ships."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import ModelError
from relip.evaluation import sync
from relip.inference.null import NullModel
from relip.inference.onnx import OnnxModel
from relip.ports import Signature, TensorSpec
from relip.weights import shipped

pytestmark = pytest.mark.unit

FRAMES = 100


def model(*, poison=False):
    """Both sides show their movement: the mouth's opening, and the sound's level in each frame."""

    def embed(lips, mel):
        level = mel.mean(axis=1).reshape(len(mel), sync.FRAMES, sync.COLUMNS_A_FRAME).mean(axis=2)
        return lips[:, 0] * (np.nan if poison else 1), level

    ends = tuple(TensorSpec(name, (-1, sync.FRAMES), "float32") for name in ("lips_embedding", "mel_embedding"))
    return NullModel(Signature(sync.INPUTS, ends), embed)


def movement(late=0):
    return np.convolve(np.random.default_rng(2).standard_normal(FRAMES + 40), np.ones(3) / 3, "same")[
        20 - late : 20 - late + FRAMES
    ]


def curve(late=0, *, counted=None, net=None, hole=()):
    lips = np.stack([movement(late), movement(late)]).astype(np.float32)
    lips[:, list(hole)] = np.nan
    sound = np.repeat(movement()[None], 80, axis=0).repeat(sync.COLUMNS_A_FRAME, axis=1).astype(np.float32)
    return sync.curve(net or model(), lips, sound, np.ones(FRAMES, np.bool_) if counted is None else counted)


@pytest.mark.parametrize("late", [-5, -1, 0, 2, 7])
def test_a_picture_that_is_late_has_its_least_distance_there(late):
    d, c, offset = sync.reading([curve(late)])
    assert offset == pytest.approx(40 * late)
    assert d == pytest.approx(0, abs=1e-5)
    assert c > 1


def test_windows_with_an_unmeasured_mouth_are_left_out():
    d, _, offset = sync.reading([curve(hole=range(40, 50))])
    assert (d, offset) == pytest.approx((0, 0), abs=1e-5)


def test_without_a_window_that_counts_there_is_no_curve():
    assert curve(counted=np.zeros(FRAMES, np.bool_)) is None
    assert sync.reading([]) == (None, None, None)


def test_a_clip_too_short_to_be_shifted_has_no_curve():
    lips, sound = np.zeros((2, 14), np.float32), np.zeros((80, 56), np.float32)
    assert sync.curve(model(), lips, sound, np.ones(14, np.bool_)) is None


def test_a_net_of_another_shape_or_without_numbers_is_refused():
    with pytest.raises(ModelError, match="not a number"):
        curve(net=model(poison=True))
    other = Signature((TensorSpec("x", (-1, 3), "float32"),), ())
    with pytest.raises(ModelError, match="a sync net takes"):
        curve(net=NullModel(other, lambda x: (x,)))


def test_a_talker_who_opens_less_moves_the_same_lips():
    opening, width = 0.15 + 0.05 * movement(), 0.5 + 0.02 * movement(3)
    small, large = sync.lips_of(opening, width), sync.lips_of(2 * opening + 0.01, width)
    assert np.allclose(small, large, atol=1e-5)


def test_a_mouth_that_hardly_moves_is_not_blown_up():
    still = sync.lips_of(0.001 * movement(), 0.5 + 0.0001 * movement())
    assert np.abs(still).max() < 0.5


def test_the_microphones_colour_and_level_do_not_count():
    columns = np.random.default_rng(1).standard_normal((80, 200)).astype(np.float32)
    coloured = columns + np.linspace(-3, 2, 80)[:, None].astype(np.float32)
    assert np.allclose(sync.sound_of(columns), sync.sound_of(coloured), atol=1e-5)


def test_tracks_of_50_frames_a_second_are_brought_to_25():
    ramp = np.arange(100.0)
    assert np.array_equal(sync.at_net_rate(ramp, Fraction(25)), ramp)
    assert np.allclose(sync.at_net_rate(ramp, Fraction(50)), np.arange(50) * 2 + 0.5)


def test_the_net_that_ships_has_the_shape_that_is_asked_for():
    net = OnnxModel(shipped.locate(shipped.SYNC))
    assert net.signature.inputs == sync.INPUTS
    assert curve(net=net).shape == (len(sync.SHIFTS),)
