"""Whether inputs fit a net, told in one way by every adapter that would otherwise find out late or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from relip.essence.errors import ModelError
from relip.ports import Signature


def refuse_misfits(signature: Signature, inputs: Sequence[NDArray[Any]]) -> None:
    """Raise ModelError for inputs of another number, shape or dtype than the signature has."""
    wanted = signature.inputs
    if len(inputs) != len(wanted):
        raise ModelError(f"{len(inputs)} inputs for a net of {len(wanted)}")
    for spec, value in zip(wanted, inputs, strict=True):
        fits = len(spec.shape) == value.ndim and all(n in (-1, m) for n, m in zip(spec.shape, value.shape, strict=True))
        if not fits or value.dtype.name != spec.dtype:
            raise ModelError(f"input {spec.name} is {value.dtype.name} {value.shape}, not {spec.dtype} {spec.shape}")
