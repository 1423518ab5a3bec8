"""Writes the `config.pbtxt` of a net in a Triton model repository, through the message that Triton itself publishes.

Metadata and checksum of the ONNX file travel as parameters, since an articulation net is of no use without its scale and
Triton's own answers know nothing of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Literal

from relip.essence.errors import ResourceError
from relip.ports import Signature

SHA256 = "sha256"
"""Parameter: the checksum of the ONNX file that the repository was written from."""
METADATA = "onnx."
"""What a parameter's name begins with that is an entry of the file's metadata."""
SINGLE = "first_axis"
"""Parameter: 1 where the file's first axis was 1 and was opened so that Triton can join requests."""
_TYPES = {
    "float32": "TYPE_FP32",
    "float16": "TYPE_FP16",
    "int64": "TYPE_INT64",
    "int32": "TYPE_INT32",
    "uint8": "TYPE_UINT8",
    "bool": "TYPE_BOOL",
}


@dataclass(frozen=True, slots=True)
class Hosting:
    """How a server is to run the nets.

    `backend`: Triton's ONNX Runtime, or a Python model that runs onnxruntime, for servers without it. `instances`: copies of
    each net that run side by side. `gpu`: whether they lie on a GPU. `threads`: of an instance. `batch`: the most requests that
    are joined, for nets with a free first axis; 1 joins none. `delay_us`: how long a request may wait for others.
    """

    backend: Literal["onnxruntime", "python"] = "onnxruntime"
    instances: int = 1
    gpu: bool = False
    threads: int = 1
    batch: int = 8
    delay_us: int = 0


def text(name: str, signature: Signature, hosting: Hosting, *, joins: bool, single: bool) -> str:
    """The configuration of one net. `joins`: its first axis is free; `single`: that axis was 1 in the file.

    Raises ResourceError without the extra `triton`.
    """
    message, text_format = _protobuf()
    batch = hosting.batch if joins else 0
    config = message.ModelConfig(name=name, backend=hosting.backend, max_batch_size=batch)
    for spec in signature.inputs:
        config.input.add(name=spec.name, data_type=_TYPES[spec.dtype], dims=spec.shape[1:] if batch else spec.shape)
    for spec in signature.outputs:
        config.output.add(name=spec.name, data_type=_TYPES[spec.dtype], dims=spec.shape[1:] if batch else spec.shape)
    kind = message.ModelInstanceGroup.KIND_GPU if hosting.gpu else message.ModelInstanceGroup.KIND_CPU
    config.instance_group.add(count=hosting.instances, kind=kind)
    if batch > 1:
        config.dynamic_batching.max_queue_delay_microseconds = hosting.delay_us
    said = {"intra_op_thread_count": str(hosting.threads), "inter_op_thread_count": "1", SHA256: signature.sha256}
    said |= {f"{METADATA}{key}": value for key, value in signature.metadata.items()}
    if batch and single:
        said[SINGLE] = "1"
    for key, value in sorted(said.items()):
        config.parameters[key].string_value = value
    return str(text_format.MessageToString(config))


def _protobuf() -> tuple[ModuleType, ModuleType]:
    try:
        text_format = import_module("google.protobuf.text_format")  # comes with the extra below
        message = import_module("tritonclient.grpc.model_config_pb2")
    except ImportError as cause:
        raise ResourceError("writing a Triton model repository needs tritonclient: install relip[triton]") from cause
    return message, text_format
