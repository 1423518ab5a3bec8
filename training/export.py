"""Writes the trained net as ONNX (opset 17), batch normalisation folded into the convolutions, figures in its metadata.

The graph is written node by node: it is small, and so it is the same for every version of the training library.
"""

from __future__ import annotations

import json
from pathlib import Path

import net as nets
import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from relip.speech.mel import FLOOR

OPSET = 17
LICENCE = "Apache-2.0"


class _Graph:
    """Nodes and weights in the order they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: object) -> str:
        output = output or f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def crop(self, x: str, start: int, end: int) -> str:
        """Columns from `start` to `end` columns before the last."""
        if start == end == 0:
            return x
        stop = -end if end else np.iinfo(np.int64).max
        return self.add("Slice", x, *(self.constant(np.array([v], np.int64)) for v in (start, stop, 2)))

    def conv(self, x: str, layer: nn.Conv1d, norm: nn.BatchNorm1d | None = None) -> str:
        weight, bias = _folded(layer, norm)
        inputs = (x, self.constant(weight), self.constant(bias))
        return self.add("Conv", *inputs, kernel_shape=[weight.shape[2]], dilations=list(layer.dilation))


def export(net: nets.Net, path: Path, *, scale: dict[str, object], figures: dict[str, object]) -> None:
    """Write `net` to `path`: input `mel` (1, 80, n), output `mouth` (1, 9, n − past − future)."""
    graph = _Graph()
    x = _normalise(graph)
    x = graph.add("Relu", graph.conv(x, net.first, net.norm))
    for block in net.blocks:
        assert isinstance(block, nets.Block)
        inner = graph.conv(graph.add("Relu", graph.conv(x, block.spread, block.norm)), block.mix)
        x = graph.add("Add", graph.crop(x, *block.crop), inner)
    logits = graph.conv(graph.add("Relu", x), net.last)
    decides = np.array([i in nets.LOGITS for i in range(len(nets.OUTPUTS))])[None, :, None]
    graph.add("Where", graph.constant(decides), logits, graph.add("Sigmoid", logits), output="mouth")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "articulation",
            [helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, nets.BANDS, "columns"])],
            [helper.make_tensor_value_info("mouth", TensorProto.FLOAT, [1, len(nets.OUTPUTS), "outputs"])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="relip training/train_articulation.py",
    )
    model.ir_version = 8
    helper.set_model_props(
        model,
        {
            "past_columns": str(net.plan.past),
            "future_columns": str(net.plan.future),
            "columns_per_second": "100",
            "outputs": " ".join(nets.OUTPUTS),
            "logits": " ".join(nets.OUTPUTS[i] for i in nets.LOGITS),
            "scale": json.dumps(scale),
            "figures": json.dumps(figures),
            "licence": LICENCE,
        },
    )
    onnx.checker.check_model(model)
    _compare(net, model.SerializeToString())
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


@torch.no_grad()
def _compare(net: nets.Net, octets: bytes) -> None:
    """What is written must say what was trained."""
    mel = np.random.default_rng(1).uniform(FLOOR, -2.0, (1, nets.BANDS, net.plan.past + 50 + net.plan.future))
    mel = mel.astype(np.float32)
    net.eval()
    wanted = nets.bounded(net(torch.from_numpy(mel))).numpy()
    found = onnxruntime.InferenceSession(octets).run(None, {"mel": mel})[0]
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-3, f"the exported net differs by {np.abs(found - wanted).max()}"


def _normalise(graph: _Graph) -> str:
    """The same as net.normalise, in nodes."""
    loudness = graph.add("ReduceLogSumExp", "mel", axes=[1], keepdims=1)
    smooth = graph.add("AveragePool", loudness, kernel_shape=[nets.LOUDNESS_COLUMNS], strides=[1])
    level = graph.add("MaxPool", smooth, kernel_shape=[nets.LEVEL_COLUMNS], strides=[1])
    level = graph.add("Max", level, graph.constant(np.float32(nets.LEAST_LEVEL)))
    skip = nets.LEVEL_CONTEXT
    quarter, depth = graph.constant(np.float32(0.25)), graph.constant(np.float32(-nets.DEPTH))
    bands = graph.add("Max", graph.add("Sub", graph.crop("mel", skip, 0), level), depth)
    bands = graph.add("Add", graph.add("Mul", bands, quarter), graph.constant(np.float32(1.5)))
    relative = graph.add("Max", graph.add("Sub", graph.crop(loudness, skip, 0), level), depth)
    relative = graph.add("Mul", relative, quarter)
    absolute = graph.add("Mul", graph.add("Add", level, graph.constant(np.float32(4.0))), quarter)
    return graph.add("Concat", bands, relative, absolute, axis=1)


def _folded(layer: nn.Conv1d, norm: nn.BatchNorm1d | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    weight = _array(layer.weight)
    bias = np.zeros(weight.shape[0], np.float32) if layer.bias is None else _array(layer.bias)
    if norm is None:
        return weight, bias
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    return weight * scale[:, None, None], (bias - _array(norm.running_mean)) * scale + _array(norm.bias)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy().astype(np.float32)
