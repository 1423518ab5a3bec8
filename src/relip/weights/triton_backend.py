"""Runs `model.onnx` beside it with onnxruntime, inside a Triton server whose only backend is Python.

`relip models repository --backend python` copies this file to where such a server looks for it, as `model.py`. It runs there,
in the server's own interpreter, and knows nothing of Relip.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))  # which the server's interpreter passes over

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import triton_python_backend_utils as server  # noqa: E402


class TritonPythonModel:
    """One instance of a model. The three names are Triton's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the net. Whatever is raised here the server tells in its log, and the model is not ready."""
        config = json.loads(args["model_config"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(config["parameters"]["intra_op_thread_count"]["string_value"])
        options.inter_op_num_threads = 1
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        wanted = ["CPUExecutionProvider"]
        if args["model_instance_kind"] == "GPU":
            wanted.insert(0, "CUDAExecutionProvider")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=wanted, enable_fallback=0)
        if self._session.get_providers()[0] != wanted[0]:
            raise RuntimeError(
                f"{path} was to run by {wanted[0]}, and onnxruntime fell back to {self._session.get_providers()[0]}"
            )
        self._inputs = [end.name for end in self._session.get_inputs()]
        self._outputs = [end.name for end in self._session.get_outputs()]

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer requests in their order; those of equal shapes run as one, and fail as one."""
        fed = [[server.get_input_tensor_by_name(one, name).as_numpy() for name in self._inputs] for one in requests]
        alike: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for k, arrays in enumerate(fed):  # the server hands over several only where the first axis is free
            alike.setdefault(tuple(array.shape[1:] for array in arrays), []).append(k)
        answers: list[Any] = [None] * len(requests)
        for members in alike.values():
            for k, answer in zip(members, self._joined([fed[k] for k in members]), strict=True):
                answers[k] = answer
        return answers

    def _joined(self, fed: list[list[Any]]) -> list[Any]:
        joined = fed[0] if len(fed) == 1 else [np.concatenate(parts) for parts in zip(*fed, strict=True)]
        try:
            results = self._session.run(self._outputs, dict(zip(self._inputs, joined, strict=True)))
        except Exception as cause:  # noqa: BLE001  onnxruntime has no common base for its errors
            error = server.TritonError(str(cause))
            return [server.InferenceResponse(error=error) for _ in fed]
        if len(fed) == 1:
            return [self._response(results)]
        cuts = np.cumsum([arrays[0].shape[0] for arrays in fed])[:-1]
        parts = [np.split(result, cuts) for result in results]
        return [self._response(own) for own in zip(*parts, strict=True)]

    def _response(self, results: Any) -> Any:  # noqa: ANN401  arrays in, a class of the server's out
        return server.InferenceResponse(
            output_tensors=[
                server.Tensor(name, np.ascontiguousarray(a)) for name, a in zip(self._outputs, results, strict=True)
            ]
        )
