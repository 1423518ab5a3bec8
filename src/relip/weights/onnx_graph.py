"""Writes an ONNX graph node by node, and reads finished ones. The only file that knows `onnx`; no running net needs it.

It checks nothing about meaning: names are made here, so that they are unique and the same on every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.ports import Signature, TensorSpec

OPSET = 17
"""GridSample came with 16; 17 is what TensorRT 10 and onnxruntime 1.14 and later read."""
IR_VERSION = 8
ROW_BY_ROW = frozenset(
    {"Add", "AveragePool", "Concat", "Conv", "Flatten", "Gemm", "LpNormalization", "Max", "MaxPool", "Mul", "ReduceLogSumExp"}
    | {"Relu", "Sigmoid", "Slice", "Sub", "Where"}
)
"""Operators that treat each entry of a first axis as if it were alone, unless an attribute names that axis."""


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


def describe(octets: bytes) -> Signature:
    """What a net in an ONNX file takes and gives, as onnxruntime would say it. FormatError when it is none."""
    onnx = _onnx()
    net = _read(onnx, octets)
    stored = {constant.name for constant in net.graph.initializer}
    return Signature(
        inputs=tuple(_spec(onnx, end) for end in net.graph.input if end.name not in stored),
        outputs=tuple(_spec(onnx, end) for end in net.graph.output),
        sha256=hashlib.sha256(octets).hexdigest(),
        metadata={entry.key: entry.value for entry in net.metadata_props},
    )


def opened(octets: bytes) -> bytes | None:
    """The same net with a free first axis in place of one of 1, so that requests can be joined; None where that is not sure.

    Sure is a net of operators that look at each entry of the first axis alone (ROW_BY_ROW). Each entry's numbers are those of
    the net as it was, but for the rounding of sums that the runtime arranges differently.
    """
    net = _read(_onnx(), octets)
    ends = [*net.graph.input, *net.graph.output]
    if not all(node.op_type in ROW_BY_ROW and 0 not in _axes(node) for node in net.graph.node):
        return None
    for end in ends:
        first = end.type.tensor_type.shape.dim[0]
        if first.dim_value == 1:
            first.dim_param = "batch"
    del net.graph.value_info[:]  # shapes of what lies between, which said 1
    return bytes(net.SerializeToString())


def _read(onnx: ModuleType, octets: bytes) -> Any:  # noqa: ANN401 - a message of a package that may be absent
    try:
        net = onnx.load_from_string(octets)
    except Exception as cause:  # protobuf's own errors, which differ from version to version
        raise FormatError(f"that is no ONNX file: {cause}") from cause
    if not net.graph.output:
        raise FormatError("that is no ONNX file: it has no outputs")
    return net


def _axes(node: Any) -> list[int]:  # noqa: ANN401 - as above
    """The axes that a node's attributes name; those of Slice are inputs, and no net of ours slices the first."""
    single = [entry.i for entry in node.attribute if entry.name == "axis"]
    return single + [axis for entry in node.attribute if entry.name == "axes" for axis in entry.ints]


def _spec(onnx: ModuleType, end: Any) -> TensorSpec:  # noqa: ANN401 - as above
    kind = end.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)
    return TensorSpec(name=end.name, shape=shape, dtype=str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)))


def _onnx() -> ModuleType:
    try:
        import onnx  # noqa: PLC0415 - an extra, needed at set-up only
    except ImportError as cause:
        raise ResourceError("writing ONNX needs the package onnx: install relip[models]") from cause
    return onnx  # type: ignore[no-any-return]
