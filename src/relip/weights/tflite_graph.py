"""A TFLite flatbuffer as plain values: tensors with their constants, nodes with their options.

The only file that knows the `tflite` package, and only while a net is converted. Half-precision constants are
widened here, so that nobody above meets a DEQUANTIZE. Sub-graphs, quantised tensors and sparse constants are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError

_DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64}
"""The TensorType codes that are read; every other (int8 above all) is refused."""
_POOLS = {"MAX_POOL_2D", "AVERAGE_POOL_2D"}
_FUSED = {0: "", 1: "RELU"}
_PADDINGS = {0: "SAME", 1: "VALID"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: NHWC shape, and its values where it is a constant."""

    name: str
    shape: tuple[int, ...]
    constant: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class Node:
    """One operator. `custom` holds the flexbuffer map of a custom operator, empty otherwise."""

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    stride: tuple[int, int] = (1, 1)
    window: tuple[int, int] = (1, 1)
    padding: str = "VALID"
    activation: str = ""
    axis: int = 0
    custom: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """A net: tensors by index, nodes in execution order, and which tensors go in and come out."""

    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """NHWC shape of a tensor."""
        return self.tensors[tensor].shape

    def constant(self, tensor: int) -> NDArray[Any]:
        """The values of a constant tensor; FormatError when it is computed."""
        values = self.tensors[tensor].constant
        if values is None:
            raise FormatError(f"tensor {self.tensors[tensor].name} is computed where a constant is needed")
        return values


def read(octets: bytes) -> Graph:
    """The graph of a TFLite file. FormatError for what is not read, ResourceError without the `tflite` package."""
    library = _tflite()
    if octets[4:8] != b"TFL3":
        raise FormatError("not a TFLite file: its identifier is not TFL3")
    model = library.Model.GetRootAs(octets, 0)
    if model.SubgraphsLength() != 1:
        raise FormatError(f"a TFLite file of {model.SubgraphsLength()} sub-graphs: only one is read")
    graph = model.Subgraphs(0)
    tensors = [_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())]
    nodes = [_node(library, model, graph.Operators(i)) for i in range(graph.OperatorsLength())]
    kept = tuple(node for node in nodes if not _widened(node, tensors))
    return Graph(tuple(tensors), kept, _ints(graph.InputsAsNumpy()), _ints(graph.OutputsAsNumpy()))


def _tflite() -> ModuleType:
    try:
        import tflite  # noqa: PLC0415 - an extra, needed at set-up only
    except ImportError as cause:
        raise ResourceError("reading TFLite needs the package tflite: install relip[models]") from cause
    return tflite  # type: ignore[no-any-return]


def _ints(values: Any) -> tuple[int, ...]:  # noqa: ANN401 - the flatbuffer reader gives 0 for an empty vector
    return () if isinstance(values, int) else tuple(int(v) for v in values)


def _tensor(model: Any, tensor: Any) -> Tensor:  # noqa: ANN401 - flatbuffer accessors are untyped
    name = tensor.Name().decode()
    if tensor.Type() not in _DTYPES:
        raise FormatError(f"tensor {name} has TFLite type {tensor.Type()}: only float and int are read")
    if tensor.Sparsity() is not None:
        raise FormatError(f"tensor {name} is sparse: only dense constants are read")
    shape = _ints(tensor.ShapeAsNumpy())
    octets = model.Buffers(tensor.Buffer()).DataAsNumpy()
    if isinstance(octets, int):
        return Tensor(name, shape, None)
    return Tensor(name, shape, octets.view(_DTYPES[tensor.Type()]).reshape(shape))


def _widened(node: Node, tensors: list[Tensor]) -> bool:
    """Fold DEQUANTIZE of a half-precision constant into the tensor it writes."""
    if node.op != "DEQUANTIZE":
        return False
    source, target = tensors[node.inputs[0]], tensors[node.outputs[0]]
    if source.constant is None or source.constant.dtype != np.float16:
        raise FormatError(f"DEQUANTIZE of {source.name}: only half-precision constants are read")
    tensors[node.outputs[0]] = Tensor(target.name, target.shape, source.constant.astype(np.float32))
    return True


def _node(library: ModuleType, model: Any, operator: Any) -> Node:  # noqa: ANN401 - as above
    opcode = model.OperatorCodes(operator.OpcodeIndex())
    code = max(opcode.BuiltinCode(), opcode.DeprecatedBuiltinCode())
    ends = _ints(operator.InputsAsNumpy()), _ints(operator.OutputsAsNumpy())
    if code == library.BuiltinOperator.CUSTOM:
        return Node(f"{opcode.CustomCode().decode()}/{opcode.Version()}", *ends, custom=_custom(operator))
    op = next(name for name, value in vars(library.BuiltinOperator).items() if value == code)
    options = _options(library, operator, op)
    if options is None:
        return Node(op, *ends)
    return Node(
        op,
        *ends,
        stride=(options.StrideH(), options.StrideW()) if hasattr(options, "StrideH") else (1, 1),
        window=(options.FilterHeight(), options.FilterWidth()) if op in _POOLS else (1, 1),
        padding=_PADDINGS[options.Padding()] if hasattr(options, "Padding") else "VALID",
        activation=_activation(op, options),
        axis=options.Axis() if hasattr(options, "Axis") else 0,
    )


def _options(library: ModuleType, operator: Any, op: str) -> Any:  # noqa: ANN401 - as above
    """The table of a built-in operator's options that matter here; dilation other than 1 is refused."""
    tables = {
        "CONV_2D": "Conv2DOptions",
        "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
        "MAX_POOL_2D": "Pool2DOptions",
        "ADD": "AddOptions",
        "MUL": "MulOptions",
        "CONCATENATION": "ConcatenationOptions",
    }
    if op not in tables or operator.BuiltinOptions() is None:
        return None
    options = getattr(library, tables[op])()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    if hasattr(options, "DilationHFactor") and (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
        raise FormatError(f"{op} with dilation is not read")
    return options


def _activation(op: str, options: Any) -> str:  # noqa: ANN401 - as above
    code = options.FusedActivationFunction()
    if code not in _FUSED:
        raise FormatError(f"{op} with fused activation {code}: only RELU is read")
    return _FUSED[code]


def _custom(operator: Any) -> tuple[tuple[str, Any], ...]:  # noqa: ANN401 - as above
    from flatbuffers import flexbuffers  # noqa: PLC0415 - comes with tflite

    octets = operator.CustomOptionsAsNumpy()
    if isinstance(octets, int):
        return ()
    return tuple(sorted(flexbuffers.Loads(octets.tobytes()).items()))
