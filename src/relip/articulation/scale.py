"""What a net's tracks range over in speech, as the net itself says: from this scale a speaker's own measures are reached."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from relip.essence.errors import ModelError


@dataclass(frozen=True, slots=True)
class Scale:
    """`open`: 3rd, 50th and 97th percentile of the opening. `width`: mean and standard deviation.

    `closure`, `labiodental`: probabilities from which the lips meet, and from which the lower lip meets the teeth. The defaults
    are round figures of the nets that ship with Relip.
    """

    open: tuple[float, float, float] = (0.03, 0.33, 0.66)
    width: tuple[float, float] = (0.5, 0.09)
    closure: float = 0.5
    labiodental: float = 0.5

    def __post_init__(self) -> None:
        low, middle, top = self.open
        if not 0.0 < low < middle < top < 1.0:
            raise ModelError(f"scale open={list(self.open)}: three rising numbers in 0..1 are due")
        if not 0.0 < self.width[0] < 1.0 or not 0.0 < self.width[1] < 1.0:
            raise ModelError(f"scale width={list(self.width)}: mean and deviation in 0..1 are due")
        for name, value in (("closure", self.closure), ("labiodental", self.labiodental)):
            if not 0.0 < value < 1.0:
                raise ModelError(f"scale {name}={value}: a probability in 0..1 is due")


def read_scale(text: str | None) -> Scale:
    """The scale out of a net's metadata, JSON with the names of Scale. Raises ModelError, saying what is wrong."""
    if text is None:
        raise ModelError("a net has to say its scale: without it no opening can be told from another")
    try:
        said = json.loads(text)
    except ValueError as cause:
        raise ModelError(f"scale={text!r} is not JSON") from cause
    counts = {"open": 3, "width": 2, "closure": 1, "labiodental": 1}
    if not isinstance(said, dict) or set(said) != set(counts):
        raise ModelError(f"scale={text!r}: an object with {', '.join(counts)} is due")
    values = {name: _numbers(name, said[name], count) for name, count in counts.items()}
    (low, middle, top), (mean, spread) = values["open"], values["width"]
    return Scale((low, middle, top), (mean, spread), values["closure"][0], values["labiodental"][0])


def _numbers(name: str, value: Any, count: int) -> list[float]:  # noqa: ANN401 - whatever JSON holds
    numbers = value if isinstance(value, list) else [value]
    right = [v for v in numbers if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    if len(numbers) != count or len(right) != count:
        raise ModelError(f"scale {name}={value!r}: {count} finite numbers are due")
    return [float(v) for v in right]
