"""What the evaluation is given: the product's engines and the machine's devices, as `service.compose` fits them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import VideoFormat
from relip.face.tracker import FaceTracker
from relip.graph.chain import Chain
from relip.mouth.own_pixels import OwnPixels
from relip.ports import Device, Model

Voice = NDArray[np.float32]
"""Mono at 48 kHz, −1..1."""


@dataclass(frozen=True, slots=True)
class Rig:
    """`tracker`, `renderer`: a new engine for one clip. `chain`: the product's whole chain, fresh; with True it is in bypass.

    `sync`: the net of the own score. `lse`: a user's SyncNet, where one was given. `sha256`: of each net, by its name.
    """

    format: VideoFormat
    device: Device
    tracker: Callable[[], FaceTracker]
    renderer: Callable[[], OwnPixels]
    chain: Callable[[bool], Chain]
    sync: Model | None = None
    lse: Model | None = None
    sha256: dict[str, str] = field(default_factory=dict)
