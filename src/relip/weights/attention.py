"""The attention mesh's three custom operators in standard ONNX (the operators' public C++ is the specification).

`Landmarks2TransformMatrix` fits a rotated box round some landmarks, `TransformTensorBilinear` cuts that box out of a
feature map, `TransformLandmarks` carries points found in it back. The rotation needs no angle: the vector between two
landmarks, normalised, is its cosine and sine. Matrices keep the operators' shape (1, 4, 4). Version 2 of each is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relip.essence.errors import FormatError
from relip.weights.convert import Conversion, Rule
from relip.weights.onnx_graph import OnnxGraph
from relip.weights.tflite_graph import Node


@dataclass(frozen=True, slots=True)
class Box:
    """The options of `Landmarks2TransformMatrix`: which landmarks span the box, which two level it, its size."""

    subset: tuple[int, ...]
    left: int
    right: int
    scale: tuple[float, float]
    size: tuple[int, int]

    @classmethod
    def of(cls, node: Node) -> Box:
        """Read from the node's flexbuffer; FormatError when it asks for another target rotation than level."""
        options = dict(node.custom)
        if options["target_rotation_radians"] != 0:
            raise FormatError(f"target rotation {options['target_rotation_radians']}: only level boxes are read")
        return cls(
            subset=tuple(options["subset_idxs"]),
            left=options["left_rotation_idx"],
            right=options["right_rotation_idx"],
            scale=(options["scale_x"], options["scale_y"]),
            size=(options["output_width"], options["output_height"]),
        )


def _box_matrix(conversion: Conversion, node: Node) -> str:
    """Box pixel → feature pixel: shift to the box's centre · rotation · scale · shift by half the box."""
    onnx, box = conversion.onnx, Box.of(node)
    planar = onnx.node("Reshape", conversion.name(node.inputs[0]), onnx.ints(-1, 3))
    planar = onnx.node("Slice", planar, onnx.ints(0), onnx.ints(2), onnx.ints(1))
    rotation = _levelling(onnx, planar, box)
    points = onnx.node("MatMul", onnx.node("Gather", planar, onnx.ints(*box.subset), axis=0), rotation)
    high = onnx.node("ReduceMax", points, axes=[0], keepdims=1)
    low = onnx.node("ReduceMin", points, axes=[0], keepdims=1)
    factor = [s / n for s, n in zip(box.scale, box.size, strict=True)]
    pixel = onnx.node("Mul", onnx.node("Sub", high, low), onnx.floats(*factor))
    middle = onnx.node("Mul", onnx.node("Add", high, low), onnx.floats(0.5, 0.5))
    linear = onnx.node("Mul", rotation, pixel)
    half = onnx.constant(np.array(box.size, np.float32).reshape(2, 1) / 2)
    centre = onnx.node("MatMul", rotation, onnx.node("Transpose", middle))
    shift = onnx.node("Sub", centre, onnx.node("MatMul", linear, half))
    rows = onnx.node("Concat", linear, onnx.constant(np.zeros((2, 1), np.float32)), shift, axis=1)
    square = onnx.node("Concat", rows, onnx.constant(np.eye(4, dtype=np.float32)[2:]), axis=0)
    return onnx.node("Unsqueeze", square, onnx.ints(0))


def _levelling(onnx: OnnxGraph, planar: str, box: Box) -> str:
    """The rotation (2, 2) by the angle of the line from `left` to `right`; a point as a row times it is levelled."""
    ends = onnx.node("Gather", planar, onnx.ints(box.right, box.left), axis=0)
    line = onnx.node("MatMul", onnx.constant(np.array([[1, -1]], np.float32)), ends)
    unit = onnx.node("Div", line, onnx.node("ReduceL2", line, axes=[1], keepdims=1))
    spread = np.array([[1, 0, 0, 1], [0, -1, 1, 0]], np.float32)
    return onnx.node("Reshape", onnx.node("MatMul", unit, onnx.constant(spread)), onnx.ints(2, 2))


def _affine(onnx: OnnxGraph, matrix: str) -> tuple[str, str]:
    """A (1, 4, 4) matrix as what a row of points (n, 2) is multiplied by (2, 2) and shifted by (1, 2)."""
    rows = onnx.node("Slice", onnx.node("Reshape", matrix, onnx.ints(4, 4)), onnx.ints(0), onnx.ints(2), onnx.ints(0))
    columns = onnx.node("Transpose", rows)
    linear = onnx.node("Slice", columns, onnx.ints(0), onnx.ints(2), onnx.ints(0))
    return linear, onnx.node("Slice", columns, onnx.ints(3), onnx.ints(4), onnx.ints(0))


def _cut_out(conversion: Conversion, node: Node) -> str:
    """Bilinear at pixel centres. A sample whose centre lies outside the feature map is 0, not faded."""
    onnx, options = conversion.onnx, dict(node.custom)
    width, height = options["output_width"], options["output_height"]
    _, rows, columns, _ = conversion.graph.shape(node.inputs[0])
    linear, shift = _affine(onnx, conversion.name(node.inputs[1]))
    lattice = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2) + 0.5
    at = onnx.node("Add", onnx.node("MatMul", onnx.constant(lattice.astype(np.float32)), linear), shift)
    last = np.array([columns - 1, rows - 1], np.float32)
    grid = onnx.node("Sub", onnx.node("Mul", at, onnx.constant(2 / last)), onnx.constant(1 + 1 / last))
    furthest = onnx.node("ReduceMax", onnx.node("Abs", grid), axes=[1], keepdims=1)
    inside = onnx.node("Cast", onnx.node("LessOrEqual", furthest, onnx.floats(1.0)), to=1)
    sampled = onnx.node(
        "GridSample",
        conversion.name(node.inputs[0]),
        onnx.node("Reshape", grid, onnx.ints(1, height, width, 2)),
        mode="bilinear",
        padding_mode="border",
        align_corners=1,
    )
    return onnx.node("Mul", sampled, onnx.node("Reshape", inside, onnx.ints(1, 1, height, width)))


def _carry_back(conversion: Conversion, node: Node) -> str:
    """Planar points (1, n, 2) through a matrix."""
    onnx, shape = conversion.onnx, conversion.graph.shape(node.inputs[0])
    if shape[-1] != 2:
        raise FormatError(f"TransformLandmarks of {shape[-1]} dimensions: only planar points are read")
    linear, shift = _affine(onnx, conversion.name(node.inputs[1]))
    return onnx.node("Add", onnx.node("MatMul", conversion.name(node.inputs[0]), linear), shift)


RULES: dict[str, Rule] = {
    "Landmarks2TransformMatrix/2": _box_matrix,
    "TransformTensorBilinear/2": _cut_out,
    "TransformLandmarks/2": _carry_back,
}
