"""Tremble goes, movement stays, and lips that meet for one frame still meet."""

import numpy as np
import pytest

from heads import LOWER_LIP, UPPER_LIP, head
from relip.face.smooth import LandmarkSmoother

pytestmark = pytest.mark.unit

IOD = 100.0
FRAME = {25: 3600, 50: 1800}


def smoothed(frames, rate=25, speed=0.0):
    smoother = LandmarkSmoother(speed)
    return np.array([smoother.smooth(points, 7_000_000_000 + i * FRAME[rate]) for i, points in enumerate(frames)])


def opening(points):
    return np.linalg.norm(points[..., UPPER_LIP, :2] - points[..., LOWER_LIP, :2], axis=-1) / IOD


def test_the_first_frame_comes_back_as_it_was():
    points = head((300, 200), IOD, roll=5)
    assert np.abs(smoothed([points])[0] - points).max() < 1e-3


@pytest.mark.parametrize("rate", [25, 50])
def test_a_closure_of_one_frame_survives(rate):
    out = opening(smoothed([head(iod=IOD, opening=o) for o in [0.1] * 10 + [0.0] + [0.1] * 5], rate))
    assert out[10] < 0.02
    assert out[12] > 0.08


def test_the_tremble_of_a_still_head_is_halved():
    noise = np.random.default_rng(2).normal(0, 0.003 * IOD, (60, 478, 3))
    frames = (head((300, 200), IOD) + noise).astype(np.float32)
    out = smoothed(frames)
    skull = [33, 263, 10]
    assert np.diff(out[10:, skull, :2], axis=0).std() < 0.5 * np.diff(frames[10:, skull, :2], axis=0).std()


def test_a_moving_head_is_hardly_late():
    """Half an IOD a second to the right: behind by less than 0.01 IOD."""
    frames = [head((300 + 0.5 * IOD * i / 25, 200), IOD) for i in range(40)]
    lag = (np.array(frames) - smoothed(frames))[20:, :, 0] / IOD
    assert np.abs(lag).max() < 0.01


def test_a_nodding_head_is_followed_closer_the_faster_heads_are_said_to_move():
    """Two nods a second by a fifth of an IOD; what is left behind, in IOD."""
    frames = [head((300, 200 + 0.1 * IOD * np.sin(2 * np.pi * 2 * i / 25)), IOD) for i in range(50)]
    slow, middle, fast = (
        np.abs(np.array(frames) - smoothed(frames, speed=speed))[10:, :, 1].max() / IOD for speed in (0.0, 0.5, 1.0)
    )
    assert slow > 1.5 * middle > 2.0 * fast


def test_even_a_fast_head_loses_some_of_its_tremble():
    noise = np.random.default_rng(2).normal(0, 0.003 * IOD, (60, 478, 3))
    frames = (head((300, 200), IOD) + noise).astype(np.float32)
    out, skull = smoothed(frames, speed=1.0), [33, 263, 10]
    assert np.diff(out[10:, skull, :2], axis=0).std() < 0.9 * np.diff(frames[10:, skull, :2], axis=0).std()


def test_a_turning_zooming_head_keeps_its_mouth_shape():
    frames = [head((300 + i, 200), IOD * 1.01**i, roll=i, opening=0.1) for i in range(20)]
    out = smoothed(frames)
    sizes = np.linalg.norm(out[:, 33] - out[:, 263], axis=-1)
    gaps = np.linalg.norm(out[:, UPPER_LIP] - out[:, LOWER_LIP], axis=-1)
    assert gaps / sizes == pytest.approx(0.1, abs=0.002)


def test_a_repeated_timestamp_is_taken_as_it_is():
    smoother = LandmarkSmoother()
    smoother.smooth(head(iod=IOD), 3600)
    points = head((50, 0), IOD)
    assert np.abs(smoother.smooth(points, 3600) - points).max() < 1e-2
