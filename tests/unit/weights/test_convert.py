"""Each operator of the converter gives what TFLite defines: the expected numbers are computed here, in NHWC."""

import numpy as np
import pytest

from relip.essence.errors import FormatError
from relip.inference.onnx import OnnxModel
from relip.weights.attention import RULES
from relip.weights.convert import Conversion, convert
from relip.weights.onnx_graph import OnnxGraph
from relip.weights.tflite_graph import Graph, Node, Tensor, read

pytestmark = pytest.mark.unit

RNG = np.random.default_rng(11)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def run(folder, node, image, *constants, shape):
    """One operator on an image (1, h, w, c) and constants; its output of `shape`, in NHWC."""
    tensors = [Tensor("image", image.shape, None), *(Tensor(f"c{i}", c.shape, c) for i, c in enumerate(constants))]
    tensors.append(Tensor("out", shape, None))
    graph = Graph(tuple(tensors), (node,), (0,), (len(tensors) - 1,))
    onnx = OnnxGraph("one")
    conversion = Conversion(graph, onnx, {0: onnx.node("Transpose", "image", perm=[0, 3, 1, 2])})
    convert(conversion, {})
    last = conversion.name(len(tensors) - 1)
    if len(shape) == 4:
        last = onnx.node("Transpose", last, perm=[0, 2, 3, 1])
    onnx.node("Identity", last, output="out")
    (folder / "one.onnx").write_bytes(onnx.serialise({"image": image.shape}, {"out": shape}, {}))
    return OnnxModel(folder / "one.onnx").infer([image])[0]


def node(op, inputs, **options):
    return Node(op, tuple(range(inputs)), (inputs,), **options)


def convolved(image, weights, bias, stride, pads):
    """The definition: (out, h, w, in) weights over an image padded by (top, left, bottom, right)."""
    top, left, bottom, right = pads
    padded = np.pad(image[0], ((top, bottom), (left, right), (0, 0)))
    _, kh, kw, _ = weights.shape
    rows, columns = (padded.shape[0] - kh) // stride + 1, (padded.shape[1] - kw) // stride + 1
    windows = [
        [padded[r * stride : r * stride + kh, c * stride : c * stride + kw] for c in range(columns)] for r in range(rows)
    ]
    return np.einsum("rchwi,ohwi->rco", np.array(windows), weights)[None] + bias


def test_same_padding_puts_the_odd_row_last(tmp_path):
    image, weights, bias = floats(1, 6, 6, 2), floats(4, 3, 3, 2), floats(4)
    out = run(tmp_path, node("CONV_2D", 3, stride=(2, 2), padding="SAME"), image, weights, bias, shape=(1, 3, 3, 4))
    assert np.allclose(out, convolved(image, weights, bias, 2, (0, 0, 1, 1)), atol=1e-5)


def test_valid_padding_shrinks_and_a_fused_relu_is_applied(tmp_path):
    image, weights, bias = floats(1, 5, 5, 2), floats(4, 3, 3, 2), floats(4)
    out = run(tmp_path, node("CONV_2D", 3, activation="RELU"), image, weights, bias, shape=(1, 3, 3, 4))
    assert np.allclose(out, np.maximum(convolved(image, weights, bias, 1, (0, 0, 0, 0)), 0), atol=1e-5)


def test_depthwise_keeps_channels_apart(tmp_path):
    image, weights, bias = floats(1, 6, 6, 3), floats(1, 3, 3, 3), floats(3)
    out = run(tmp_path, node("DEPTHWISE_CONV_2D", 3, padding="SAME"), image, weights, bias, shape=(1, 6, 6, 3))
    spread = np.einsum("hwc,oc->ohwc", weights[0], np.eye(3, dtype=np.float32))
    assert np.allclose(out, convolved(image, spread, bias, 1, (1, 1, 1, 1)), atol=1e-5)


def test_prelu_leaks_by_channel_also_above_one_and_below_zero(tmp_path):
    image, slope = floats(1, 4, 4, 3), np.array([0.25, 1.5, -0.5], np.float32).reshape(1, 1, 3)
    out = run(tmp_path, node("PRELU", 2), image, slope, shape=image.shape)
    assert np.allclose(out, np.where(image < 0, image * slope, image), atol=1e-6)


def test_pooling_takes_the_largest(tmp_path):
    image = floats(1, 4, 4, 2)
    out = run(tmp_path, node("MAX_POOL_2D", 1, stride=(2, 2), window=(2, 2)), image, shape=(1, 2, 2, 2))
    assert np.array_equal(out, image.reshape(1, 2, 2, 2, 2, 2).max(axis=(2, 4)))


def test_padding_follows_the_axes(tmp_path):
    image, amounts = floats(1, 2, 3, 2), np.array([[0, 0], [1, 0], [0, 2], [0, 3]], np.int32)
    out = run(tmp_path, node("PAD", 2), image, amounts, shape=(1, 3, 5, 5))
    assert np.array_equal(out, np.pad(image, amounts))


def test_an_image_is_reshaped_in_its_own_order(tmp_path):
    image = floats(1, 2, 3, 4)
    out = run(tmp_path, node("RESHAPE", 1), image, shape=(1, 6, 4))
    assert np.array_equal(out, image.reshape(1, 6, 4))


def test_an_unknown_operator_is_refused_by_name(tmp_path):
    with pytest.raises(FormatError, match="SOFTMAX"):
        run(tmp_path, node("SOFTMAX", 1), floats(1, 2, 2, 1), shape=(1, 2, 2, 1))


def test_a_slice_that_cuts_is_refused(tmp_path):
    with pytest.raises(FormatError, match="STRIDED_SLICE"):
        run(tmp_path, node("STRIDED_SLICE", 1), floats(1, 2, 2, 1), shape=(1, 1, 2, 1))


def test_a_file_that_is_not_tflite_is_refused():
    with pytest.raises(FormatError, match="TFL3"):
        read(b"\0" * 64)


def attended(folder, landmarks, features, points, box):
    """The three custom operators in a row: what was cut out of `features`, and `points` carried back."""
    options = (
        ("left_rotation_idx", box["left"]),
        ("output_height", 4),
        ("output_width", 6),
        ("right_rotation_idx", box["right"]),
        ("scale_x", 1.5),
        ("scale_y", 2.0),
        ("subset_idxs", box["subset"]),
        ("target_rotation_radians", box.get("target", 0.0)),
    )
    size = (("output_height", 4), ("output_width", 6))
    shapes = [landmarks.shape, features.shape, points.shape, (1, 4, 4), (1, 4, 6, features.shape[3]), points.shape]
    tensors = [Tensor(f"t{i}", shape, None) for i, shape in enumerate(shapes)]
    nodes = [
        Node("Landmarks2TransformMatrix/2", (0,), (3,), custom=options),
        Node("TransformTensorBilinear/2", (1, 3), (4,), custom=size),
        Node("TransformLandmarks/2", (2, 3), (5,)),
    ]
    onnx = OnnxGraph("attention")
    inputs = {0: "landmarks", 1: onnx.node("Transpose", "features", perm=[0, 3, 1, 2]), 2: "points"}
    conversion = Conversion(Graph(tuple(tensors), tuple(nodes), (0, 1, 2), (4, 5)), onnx, inputs)
    convert(conversion, RULES)
    onnx.node("Transpose", conversion.name(4), perm=[0, 2, 3, 1], output="cut")
    onnx.node("Identity", conversion.name(5), output="carried")
    ends = {"landmarks": shapes[0], "features": shapes[1], "points": shapes[2]}
    (folder / "net.onnx").write_bytes(onnx.serialise(ends, {"cut": shapes[4], "carried": shapes[5]}, {}))
    return OnnxModel(folder / "net.onnx").infer([landmarks, features, points])


def box_matrix(landmarks, box):
    """Box pixels to feature pixels, from the operator's definition by angles."""
    points = landmarks[0][:, :2].astype(np.float64)
    across = points[box["right"]] - points[box["left"]]
    angle = np.arctan2(across[1], across[0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    level = points[box["subset"]] @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    linear = turn @ np.diag((high - low) * (1.5, 2.0) / (6, 4))
    return linear, turn @ ((low + high) / 2) - linear @ (3, 2)


BOX = {"left": 3, "right": 7, "subset": [0, 1, 2, 3, 5, 7, 8]}


def bilinear(features, x, y):
    """Value at a feature pixel; 0 when it lies beyond the outermost centres."""
    height, width, _ = features.shape
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        return np.zeros(features.shape[2])
    left, top = int(x), int(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    upper = features[top, left] * (1 - x + left) + features[top, right] * (x - left)
    lower = features[bottom, left] * (1 - x + left) + features[bottom, right] * (x - left)
    return upper * (1 - y + top) + lower * (y - top)


@pytest.mark.parametrize("middle", [(20.0, 16.0), (3.0, 30.0)], ids=["inside", "over the edge"])
def test_the_attention_operators_do_what_their_definition_says(tmp_path, middle):
    landmarks = (floats(1, 10, 3) * 6 + np.array([*middle, 0])).astype(np.float32)
    features, points = floats(1, 32, 40, 3), floats(1, 5, 2) * 4
    cut, carried = attended(tmp_path, landmarks, features, points, BOX)
    linear, shift = box_matrix(landmarks, BOX)
    assert np.allclose(carried[0], points[0] @ linear.T + shift, atol=1e-3)
    for row in range(4):
        for column in range(6):
            x, y = linear @ (column + 0.5, row + 0.5) + shift - 0.5
            assert np.allclose(cut[0, row, column], bilinear(features[0], x, y), atol=1e-3)


def test_a_box_that_is_not_level_is_refused(tmp_path):
    with pytest.raises(FormatError, match="level"):
        attended(tmp_path, floats(1, 10, 3), floats(1, 8, 8, 1), floats(1, 5, 2), BOX | {"target": 0.5})
