"""Nets for `relip bench inference`: each in this process and on the Triton server of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from relip.config import Models
from relip.inference.onnx import OnnxModel
from relip.inference.triton import TritonModel
from relip.inference.triton_client import Account as ServerAccount
from relip.ports import Model
from relip.service.compose import triton
from relip.weights import cache, shipped
from relip.weights.repository import name_of

Asked: TypeAlias = TritonModel
"""What `articulation_alone` gives, for those who may not know an adapter."""
Account: TypeAlias = ServerAccount
"""And what its server says of itself."""


@dataclass(frozen=True, slots=True)
class Served:
    """One net in both places."""

    name: str
    here: Model
    triton: Model
    close: Callable[[], None]


def pairs(models: Models, look_ahead_ms: int) -> Iterator[Served]:
    """The nets of a channel, one after the other. Raises ResourceError."""
    folder = models.cache or cache.directory()
    places = [cache.locate(name, folder) for name in cache.NETS]
    for path in (*places, _articulation(models, look_ahead_ms)):
        there = triton.served(models, path, None)
        here = OnnxModel(path, threads=models.threads, provider=models.provider)
        yield Served(name_of(path), here, there, there.close)


def articulation_alone(models: Models, look_ahead_ms: int) -> Asked:
    """The articulation net of one more service. Raises ResourceError."""
    return triton.served(models, _articulation(models, look_ahead_ms), None)


def _articulation(models: Models, look_ahead_ms: int) -> Path:
    return models.articulation or shipped.locate(shipped.ARTICULATIONS[look_ahead_ms])
