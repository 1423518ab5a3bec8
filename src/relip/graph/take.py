"""A take: one grain on its way through the graph, and what each stage found out about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import VideoGrain
from relip.essence.scene import NOBODY, Articulation, Bypass, MouthShape, Rendered, Sighting, Verdict
from relip.essence.tai import Tai
from relip.graph.ladder import Standing


@dataclass(slots=True)
class Take:
    """Mutable on purpose: it belongs to exactly one operator at a time, and passing it on passes it whole.

    `local`: the grain's instant on our TAI. `due`: when it leaves. A stage that finds a reason to leave the grain
    alone sets `verdict`; the stages after it do nothing. `person`: who is seen, by the number that `face.people` gives.
    `standing`: how much may be drawn; `coming`: the same of the next grains, nearest first, None for one that did not come.
    `voice_shift`: samples from its timestamp to its voice.
    `strength`, `jaw`: how much is drawn, 0..1. `overtaken`: the verdict came when the grain had already left.
    """

    grain: VideoGrain
    local: Tai
    due: Tai
    sighting: Sighting | None = None
    person: int = NOBODY
    standing: Standing | None = None
    coming: tuple[Standing | None, ...] = ()
    voice_shift: int = 0
    mel: NDArray[np.float32] | None = None
    voice_absent: bool = False
    articulation: Articulation | None = None
    target: MouthShape | None = None
    strength: float = 0.0
    jaw: float = 0.0
    rendered: Rendered | None = None
    overtaken: bool = False
    verdict: Verdict | None = None

    def bypass(self, reason: Bypass) -> None:
        """Leave the grain untouched, for the first reason found."""
        if self.verdict is None:
            self.verdict = Verdict(bypass=reason)


@dataclass(slots=True)
class Pulse:
    """What travels from operator to operator: the grain that just came, and those whose voice is now all here."""

    arrived: Take | None = None
    ready: list[Take] = field(default_factory=list)
