"""Writes an ONNX graph node by node. The only file that knows the `onnx` package, and only while a net is converted.

It checks nothing about meaning: names are made here, so that they are unique and the same on every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ResourceError

OPSET = 17
"""GridSample came with 16; 17 is what TensorRT 10 and onnxruntime 1.14 and later read."""
IR_VERSION = 8


class OnnxGraph:
    """A graph under construction. Values are named by strings; equal constants are stored once."""

    def __init__(self, name: str) -> None:
        self._onnx = _onnx()
        self._name = name
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._stored: list[Any] = []

    def constant(self, values: NDArray[Any]) -> str:
        """Store an array; returns its name."""
        values = np.ascontiguousarray(values)
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._constants:
            name = f"k{len(self._constants)}"
            self._constants[key] = name
            self._stored.append(self._onnx.numpy_helper.from_array(values, name))
        return self._constants[key]

    def floats(self, *values: float) -> str:
        """Store a vector of float32."""
        return self.constant(np.array(values, np.float32))

    def ints(self, *values: int) -> str:
        """Store a vector of int64."""
        return self.constant(np.array(values, np.int64))

    def node(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:  # noqa: ANN401 - ONNX attributes
        """Add a node of one output; returns the output's name."""
        output = output or f"v{len(self._nodes)}"
        self._nodes.append(
            self._onnx.helper.make_node(op, list(inputs), [output], name=f"{op}_{len(self._nodes)}", **attributes)
        )
        return output

    def serialise(
        self,
        inputs: Mapping[str, Sequence[int]],
        outputs: Mapping[str, Sequence[int]],
        metadata: Mapping[str, str],
    ) -> bytes:
        """The checked model as a file's octets; `inputs` and `outputs` map float32 values to their shapes.

        What no output depends on is left out.
        """
        helper = self._onnx.helper
        nodes, used = self._needed(outputs)
        stored = [values for values in self._stored if values.name in used]
        ends = [
            [helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, list(shape)) for name, shape in side.items()]
            for side in (inputs, outputs)
        ]
        graph = helper.make_graph(nodes, self._name, ends[0], ends[1], initializer=stored)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="relip")
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(metadata))
        self._onnx.checker.check_model(model, full_check=True)
        octets: bytes = model.SerializeToString(deterministic=True)
        return octets

    def _needed(self, outputs: Iterable[str]) -> tuple[list[Any], set[str]]:
        """The nodes that lead to the outputs, in order, and the names of all that they use."""
        used, nodes = set(outputs), []
        for node in reversed(self._nodes):
            if not used.isdisjoint(node.output):
                nodes.append(node)
                used.update(node.input)
        return nodes[::-1], used


def _onnx() -> ModuleType:
    try:
        import onnx  # noqa: PLC0415 - an extra, needed at set-up only
    except ImportError as cause:
        raise ResourceError("writing ONNX needs the package onnx: install relip[models]") from cause
    return onnx  # type: ignore[no-any-return]
