"""A net that is a function: the sibling of the real adapters for tests and for measuring everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ModelError
from relip.ports import Signature

Forward = Callable[..., Sequence[NDArray[np.float32]]]


class NullModel:
    """Answers with whatever `forward` makes of the inputs. Implements ports.Model.

    It checks the inputs against the signature as the real adapters do, so that a test cannot pass by being sloppy.
    """

    def __init__(self, signature: Signature, forward: Forward) -> None:
        self._signature = signature
        self._forward = forward

    @property
    def signature(self) -> Signature:
        """The signature it was made with."""
        return self._signature

    def infer(self, inputs: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
        """One call of the function. Raises ModelError for inputs of another number, shape or dtype."""
        wanted = self._signature.inputs
        if len(inputs) != len(wanted):
            raise ModelError(f"{len(inputs)} inputs for a net of {len(wanted)}")
        for spec, value in zip(wanted, inputs, strict=True):
            fits = len(spec.shape) == value.ndim and all(n in (-1, m) for n, m in zip(spec.shape, value.shape, strict=True))
            if not fits or value.dtype.name != spec.dtype:
                raise ModelError(f"input {spec.name} is {value.dtype.name} {value.shape}, not {spec.dtype} {spec.shape}")
        return tuple(self._forward(*inputs))
