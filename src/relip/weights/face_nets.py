"""The two face nets as Relip uses them: what goes in, what comes out, in which order.

Both take R'G'B' in 0..1 as (1, h, w, 3), the layout `Device.crop` writes; ranges and axes are the graph's business.
"""

from __future__ import annotations

import numpy as np

from relip.essence.errors import FormatError
from relip.weights.attention import RULES, Box
from relip.weights.convert import TO_NCHW, Conversion, convert
from relip.weights.onnx_graph import OnnxGraph
from relip.weights.tflite_graph import Graph, read

MESH_POINTS = 468
"""Points of the coarse mesh; the refined mesh appends two irises of five points."""
EYELID_POINTS = 16
"""An eye's subset begins with its two lids; an iris lies at their mean depth."""


def face_detector(octets: bytes) -> bytes:
    """ONNX of the short-range detector.

    `image` (1, 128, 128, 3) → `boxes` (1, 896, 16): centre, size and six points against the anchors, in pixels;
    `scores` (1, 896, 1): logits. The original's −1..1 input is made inside.
    """
    graph = read(octets)
    onnx = OnnxGraph("face_detector")
    image = onnx.node("Transpose", "image", perm=list(TO_NCHW))
    signed = onnx.node("Sub", onnx.node("Mul", image, onnx.floats(2.0)), onnx.floats(1.0))
    conversion = Conversion(graph, onnx, {graph.inputs[0]: signed})
    convert(conversion, {})
    outputs = {}
    for name, tensor in (("boxes", "regressors"), ("scores", "classificators")):
        index = _output(graph, tensor)
        onnx.node("Identity", conversion.name(index), output=name)
        outputs[name] = graph.shape(index)
    return onnx.serialise({"image": graph.shape(graph.inputs[0])}, outputs, _ORIGIN)


def face_mesh(octets: bytes) -> bytes:
    """ONNX of the attention mesh.

    `image` (1, 192, 192, 3) → `landmarks` (1, 478, 3): x, y, z in pixels of the crop, the fine lips already put in the
    place of the coarse points; `presence` (1,): probability that the crop holds a face. The parts that look at eyes and
    irises are left out (docs/decisions/0018): eyes are the coarse mesh's, and all of an iris lies in the middle of its lids.
    """
    graph = read(octets)
    onnx = OnnxGraph("face_mesh")
    conversion = Conversion(graph, onnx, {graph.inputs[0]: onnx.node("Transpose", "image", perm=list(TO_NCHW))})
    convert(conversion, RULES)
    _refined(conversion)
    flag = onnx.node("Reshape", conversion.name(_output(graph, "conv_faceflag")), onnx.ints(1))
    onnx.node("Sigmoid", flag, output="presence")
    shapes = {"landmarks": (1, MESH_POINTS + 10, 3), "presence": (1,)}
    return onnx.serialise({"image": graph.shape(graph.inputs[0])}, shapes, _ORIGIN)


_ORIGIN = {"licence": "Apache-2.0", "origin": "mediapipe 0.10.21, converted by relip"}


def _output(graph: Graph, name: str) -> int:
    for tensor in graph.outputs:
        if graph.tensors[tensor].name == name:
            return tensor
    raise FormatError(f"the net has no output {name}")


def _refined(conversion: Conversion) -> None:
    """Write `landmarks`: x and y of the lips from the tensor that looked at them, all else from the coarse mesh."""
    onnx, graph = conversion.onnx, conversion.graph
    boxes = [Box.of(node).subset for node in graph.nodes if node.op.startswith("Landmarks2TransformMatrix")]
    lips, left_eye, right_eye = boxes
    shape = onnx.ints(MESH_POINTS, 3)
    coarse = onnx.node("Reshape", conversion.name(_output(graph, "output_mesh_identity")), shape)
    weights = np.eye(MESH_POINTS + 10, MESH_POINTS, dtype=np.float32)
    weights[MESH_POINTS : MESH_POINTS + 5, left_eye[:EYELID_POINTS]] = 1 / EYELID_POINTS
    weights[MESH_POINTS + 5 :, right_eye[:EYELID_POINTS]] = 1 / EYELID_POINTS
    points = onnx.node("MatMul", onnx.constant(weights), coarse)
    planar = onnx.node("Slice", points, onnx.ints(0), onnx.ints(2), onnx.ints(1))
    fine = onnx.node("Reshape", conversion.name(_output(graph, "output_lips")), onnx.ints(-1, 2))
    source = np.arange(MESH_POINTS + 10)
    source[list(lips)] = MESH_POINTS + 10 + np.arange(len(lips))
    planar = onnx.node("Gather", onnx.node("Concat", planar, fine, axis=0), onnx.constant(source), axis=0)
    z = onnx.node("Slice", points, onnx.ints(2), onnx.ints(3), onnx.ints(1))
    onnx.node("Unsqueeze", onnx.node("Concat", planar, z, axis=1), onnx.ints(0), output="landmarks")
