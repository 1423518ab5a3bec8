"""TFLite operators re-expressed in ONNX, in NCHW inside.

An activation of shape (1, H, W, C) becomes (1, C, H, W); tensors of other ranks keep their order, so that only the
net's input and a RESHAPE of an image transpose. PRELU is rewritten for speed. An operator that is not known, or an
option that the face nets do not use, is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.weights.onnx_graph import OnnxGraph
from relip.weights.tflite_graph import Graph, Node

TO_NCHW = (0, 3, 1, 2)
TO_NHWC = (0, 2, 3, 1)


class Conversion:
    """One net on its way: the graph read, the graph written, and the ONNX name of each tensor so far."""

    def __init__(self, graph: Graph, onnx: OnnxGraph, inputs: dict[int, str]) -> None:
        self.graph = graph
        self.onnx = onnx
        self._names = dict(inputs)

    def name(self, tensor: int) -> str:
        """The ONNX value of a tensor; a constant is stored on first use, in the order of its TFLite axes."""
        if tensor not in self._names:
            self._names[tensor] = self.onnx.constant(self.graph.constant(tensor))
        return self._names[tensor]

    def bind(self, tensor: int, value: str) -> None:
        """Say which ONNX value holds a tensor."""
        self._names[tensor] = value


Rule = Callable[[Conversion, Node], str]


def convert(conversion: Conversion, rules: dict[str, Rule]) -> None:
    """Walk the graph in execution order; `rules` are the custom operators' (key `name/version`)."""
    known = _RULES | rules
    for node in conversion.graph.nodes:
        if node.op not in known:
            raise FormatError(f"TFLite operator {node.op} is not known to the converter")
        conversion.bind(node.outputs[0], known[node.op](conversion, node))


def _same_pads(extent: tuple[int, int], node: Node, kernel: tuple[int, int]) -> list[int]:
    """ONNX pads (top, left, bottom, right) of TFLite's SAME: the odd one goes to the end."""
    if node.padding == "VALID":
        return [0, 0, 0, 0]
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(extent, node.stride, kernel, strict=True)]
    return [t // 2 for t in total] + [t - t // 2 for t in total]


def _activated(conversion: Conversion, node: Node, value: str) -> str:
    return conversion.onnx.node("Relu", value) if node.activation == "RELU" else value


def _convolved(conversion: Conversion, node: Node, weights: NDArray[np.float32], groups: int) -> str:
    """`weights`: (out, in / groups, h, w)."""
    onnx, graph = conversion.onnx, conversion.graph
    kernel = (weights.shape[2], weights.shape[3])
    _, height, width, _ = graph.shape(node.inputs[0])
    value = onnx.node(
        "Conv",
        conversion.name(node.inputs[0]),
        onnx.constant(weights),
        onnx.constant(graph.constant(node.inputs[2])),
        kernel_shape=list(kernel),
        strides=list(node.stride),
        pads=_same_pads((height, width), node, kernel),
        group=groups,
    )
    return _activated(conversion, node, value)


def _convolution(conversion: Conversion, node: Node) -> str:
    weights = conversion.graph.constant(node.inputs[1])
    return _convolved(conversion, node, weights.transpose(TO_NCHW), 1)


def _depthwise(conversion: Conversion, node: Node) -> str:
    weights = conversion.graph.constant(node.inputs[1])
    groups = conversion.graph.shape(node.inputs[0])[3]
    return _convolved(conversion, node, weights.transpose(3, 0, 1, 2), groups)


def _max_pool(conversion: Conversion, node: Node) -> str:
    _, height, width, _ = conversion.graph.shape(node.inputs[0])
    value = conversion.onnx.node(
        "MaxPool",
        conversion.name(node.inputs[0]),
        kernel_shape=list(node.window),
        strides=list(node.stride),
        pads=_same_pads((height, width), node, node.window),
    )
    return _activated(conversion, node, value)


def _prelu(conversion: Conversion, node: Node) -> str:
    """a·x + (1 − a)·max(x, 0), both factors as depthwise 1×1 convolutions.

    On one thread the attention mesh takes 2.3 ms so, 3.4 with Relu, Sub, Mul and Add, 5.8 with PRelu: only a
    convolution keeps onnxruntime's blocked channels, and it takes the sum with it.
    """
    onnx, value = conversion.onnx, conversion.name(node.inputs[0])
    slope = conversion.graph.constant(node.inputs[1]).reshape(-1, 1, 1, 1)
    leak = onnx.node("Conv", value, onnx.constant(slope), group=len(slope), kernel_shape=[1, 1])
    positive = onnx.node("Relu", value)
    gain = onnx.node("Conv", positive, onnx.constant(1 - slope), group=len(slope), kernel_shape=[1, 1])
    return onnx.node("Add", leak, gain)


def _add(conversion: Conversion, node: Node) -> str:
    value = conversion.onnx.node("Add", *(conversion.name(i) for i in node.inputs))
    return _activated(conversion, node, value)


def _multiply(conversion: Conversion, node: Node) -> str:
    assert all(len(conversion.graph.shape(i)) < 4 for i in node.inputs), "an image's axes would not agree"
    value = conversion.onnx.node("Mul", *(conversion.name(i) for i in node.inputs))
    return _activated(conversion, node, value)


def _pad(conversion: Conversion, node: Node) -> str:
    amounts = conversion.graph.constant(node.inputs[1])[list(TO_NCHW)]
    return conversion.onnx.node("Pad", conversion.name(node.inputs[0]), conversion.onnx.ints(*amounts.T.reshape(-1)))


def _image_last(conversion: Conversion, tensor: int) -> str:
    """A tensor in its TFLite order; an image of one pixel is in that order already."""
    shape, value = conversion.graph.shape(tensor), conversion.name(tensor)
    if len(shape) == 4 and shape[1:3] != (1, 1):
        return conversion.onnx.node("Transpose", value, perm=list(TO_NHWC))
    return value


def _reshape(conversion: Conversion, node: Node) -> str:
    shape = conversion.graph.shape(node.outputs[0])
    if len(shape) == 4:
        assert shape[1:3] == (1, 1), "a reshape to an image would need its axes moved back"
        shape = (shape[0], shape[3], 1, 1)
    return conversion.onnx.node("Reshape", _image_last(conversion, node.inputs[0]), conversion.onnx.ints(*shape))


def _concatenation(conversion: Conversion, node: Node) -> str:
    axis = node.axis % len(conversion.graph.shape(node.outputs[0]))
    if len(conversion.graph.shape(node.outputs[0])) == 4:
        axis = TO_NCHW.index(axis)
    value = conversion.onnx.node("Concat", *(conversion.name(i) for i in node.inputs), axis=axis)
    return _activated(conversion, node, value)


def _strided_slice(conversion: Conversion, node: Node) -> str:
    """Some nets name an output by slicing all of a tensor; nothing else is read."""
    if conversion.graph.shape(node.inputs[0]) != conversion.graph.shape(node.outputs[0]):
        raise FormatError("STRIDED_SLICE that cuts: only the whole tensor is read")
    return conversion.name(node.inputs[0])


_RULES: dict[str, Rule] = {
    "ADD": _add,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "MAX_POOL_2D": _max_pool,
    "MUL": _multiply,
    "PAD": _pad,
    "PRELU": _prelu,
    "RELU": lambda conversion, node: conversion.onnx.node("Relu", conversion.name(node.inputs[0])),
    "RESHAPE": _reshape,
    "STRIDED_SLICE": _strided_slice,
}
