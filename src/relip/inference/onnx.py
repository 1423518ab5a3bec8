"""Runs ONNX files in this process, on the CPU or a GPU: the only file that knows onnxruntime."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ModelError, ResourceError
from relip.ports import Signature, TensorSpec

_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64", "tensor(int32)": "int32"}
ERRORS_ONLY = 3
"""onnxruntime's log severity: its warnings are about graphs, which nobody on shift can act on."""
CPU = "CPUExecutionProvider"
PROVIDERS = {"cpu": CPU, "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
"""What runs a net, by the names of the configuration. Operators that a GPU's provider lacks are the CPU's."""


class OnnxModel:
    """A net in an ONNX file. Implements ports.Model.

    `threads`: intra-operator threads; one by default, since nets this small are slower on two. `provider`: one of PROVIDERS.
    Whether the numbers that come out are numbers is for the caller to ask: only it knows which of them matter.
    """

    def __init__(self, path: Path | str, *, threads: int = 1, provider: str = "cpu") -> None:
        """Load a file.

        Raises ResourceError when it cannot be read as a net, without the extra `onnx`, and where the provider is not to be
        had: onnxruntime itself would go on with the CPU and say nothing.
        """
        library = _onnxruntime()
        wanted = PROVIDERS[provider]
        _refuse_absent(provider, library.get_available_providers())
        options = library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        try:
            octets = Path(path).read_bytes()
            self._session = library.InferenceSession(
                octets, options, providers=list(dict.fromkeys((wanted, CPU))), enable_fallback=0
            )
        except Exception as cause:  # onnxruntime has no common base for its errors
            raise ResourceError(f"{path} cannot be loaded as a net with models.provider={provider}: {cause}") from cause
        _refuse_fallback(provider, self._session.get_providers())
        self._signature = Signature(
            inputs=tuple(_spec(end) for end in self._session.get_inputs()),
            outputs=tuple(_spec(end) for end in self._session.get_outputs()),
            sha256=hashlib.sha256(octets).hexdigest(),
            metadata=dict(self._session.get_modelmeta().custom_metadata_map),
        )
        self._outputs = [spec.name for spec in self._signature.outputs]

    @property
    def signature(self) -> Signature:
        """Names, shapes, dtypes and metadata of the file."""
        return self._signature

    def infer(self, inputs: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
        """One forward pass; the results are new arrays. Raises ModelError when the net refuses or fails."""
        wanted = self._signature.inputs
        if len(inputs) != len(wanted):
            raise ModelError(f"{len(inputs)} inputs for a net of {len(wanted)}")
        feed = {spec.name: np.ascontiguousarray(value) for spec, value in zip(wanted, inputs, strict=True)}
        try:
            return tuple(self._session.run(self._outputs, feed))
        except Exception as cause:  # as above
            raise ModelError(f"the net failed: {cause}") from cause


def _onnxruntime() -> ModuleType:
    try:
        import onnxruntime  # noqa: PLC0415 - an extra
    except ImportError as cause:
        raise ResourceError("running nets in this process needs onnxruntime: install relip[onnx]") from cause
    return onnxruntime  # type: ignore[no-any-return]


def _refuse_absent(provider: str, available: Sequence[str]) -> None:
    if PROVIDERS[provider] not in available:
        raise ResourceError(
            f"models.provider={provider} is not in this onnxruntime (it has {', '.join(available)}): "
            "install onnxruntime-gpu in place of onnxruntime"
        )


def _refuse_fallback(provider: str, running: Sequence[str]) -> None:
    """The GPU's package lists its providers on machines without a GPU, too; only the session tells which one it has."""
    if running[0] != PROVIDERS[provider]:
        raise ResourceError(
            f"models.provider={provider} cannot run here, onnxruntime fell back to {running[0]}: "
            "a GPU, its driver, or a library of CUDA or TensorRT is missing"
        )


def _spec(end: object) -> TensorSpec:
    shape = tuple(n if isinstance(n, int) else -1 for n in getattr(end, "shape", ()))
    kind = str(getattr(end, "type", ""))
    return TensorSpec(name=str(getattr(end, "name", "")), shape=shape, dtype=_DTYPES.get(kind, kind))
