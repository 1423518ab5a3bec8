"""Anchors, boxes and their merging, against numbers worked out by hand."""

import numpy as np
import pytest

from relip.essence.errors import ModelError
from relip.face.detector import anchors, boxes_in, decode, letterbox, merge

pytestmark = pytest.mark.unit

UNIT = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def silent():
    """The net's outputs when it sees nothing."""
    return np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -50, np.float32)


def test_anchors_are_two_a_cell_of_eight_pixels_then_six_a_cell_of_sixteen():
    found = anchors()
    assert found.shape == (896, 2)
    assert found[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert found[511].tolist() == [124, 124]
    assert found[512:519].tolist() == [[8, 8]] * 6 + [[24, 8]]


def test_a_box_is_an_offset_from_its_anchor():
    raw, scores = silent()
    scores[0, 2], raw[0, 2, :8] = 0.0, (1, 2, 10, 20, -3, -4, 5, 6)
    (row,) = decode(raw, scores, 0.3)
    assert row.tolist() == [12 + 1 - 5, 4 + 2 - 10, 12 + 1 + 5, 4 + 2 + 10, 9, 0, 17, 10, 0.5]


def test_nothing_seen_is_no_box_and_no_warning():
    assert boxes_in(UNIT, *silent(), least_score=0.3) == []
    raw, scores = silent()
    assert boxes_in(UNIT, raw, scores - 1e6, least_score=0.3) == []


def test_overlapping_boxes_are_averaged_by_score_and_keep_the_best_score():
    close = np.array([[0, 0, 10, 10, 1, 1, 2, 2, 0.6], [2, 0, 12, 10, 3, 1, 4, 2, 0.3], [50, 50, 60, 60, 0, 0, 0, 0, 0.9]])
    far, merged = merge(close)
    assert far[-1] == 0.9
    assert np.allclose(merged, [2 / 3, 0, 32 / 3, 10, 5 / 3, 1, 8 / 3, 2, 0.6])


def test_boxes_come_back_in_raster_pixels():
    raw, scores = silent()
    scores[0, 0], raw[0, 0, :8] = 10.0, (0, 0, 8, 8, 0, 0, 2, 0)
    (box,) = boxes_in(letterbox(1280, 720), raw, scores, least_score=0.3)
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0, 0 - 280, 80, 80))
    assert box.eyes.tolist() == [[40, 40 - 280], [60, 40 - 280]]


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (360, 288), (288, 360)])
def test_the_letterbox_holds_the_whole_raster(width, height):
    affine = letterbox(width, height)
    corners = affine @ np.array([[0, 128], [0, 128], [1, 1]])
    assert (corners[:, 0] <= 0).all()
    assert corners[0, 1] >= width
    assert corners[1, 1] >= height
    assert corners.mean(axis=1) == pytest.approx((width / 2, height / 2))


@pytest.mark.parametrize("output", [0, 1])
def test_what_is_not_a_number_is_a_model_error(output):
    out = silent()
    out[output][0, 100, 0] = np.nan
    with pytest.raises(ModelError):
        boxes_in(UNIT, *out, least_score=0.3)
