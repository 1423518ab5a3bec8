"""A net that is a function: the sibling of the real adapters for tests and for measuring everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from relip.inference.fitting import refuse_misfits
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
        refuse_misfits(self._signature, inputs)
        return tuple(self._forward(*inputs))
