"""What a sender's own output looked like, by what its sink measured of each frame: plain integers for report and metrics.

The arithmetic is ST 2110-21's (`wire.st2110_21`); here it is only counted against the limits. Nothing here logs or exports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from relip.graph.pacing import Mode, Pacing
from relip.ports import Measured
from relip.wire.st2110_21 import Limits


@dataclass(slots=True)
class Departures:
    """Counts of one flow since its start, against the `limits` of its type of sender. One writer.

    `blind`: the kernel decides when packets leave, and nothing is known of it. `frames`: measured, `within` of them in all
    limits. `late`: a packet left after it should have been read. `early`: more were sent ahead than the receiver's buffer
    holds. `bunched`: Cinst above its limit. `cinst_max`, `vrx_min`, `vrx_max`: the extremes; `worst_start_ns`: the latest
    first packet, after its frame's instant. `claimed`: whether the flow's transport file says that it keeps to these limits.
    """

    limits: Limits
    claimed: bool = False
    blind: bool = False
    frames: int = 0
    within: int = 0
    late: int = 0
    early: int = 0
    bunched: int = 0
    cinst_max: int = 0
    vrx_min: int | None = None
    vrx_max: int | None = None
    worst_start_ns: int = 0

    @classmethod
    def of(cls, pacing: Pacing) -> Self:
        """Of a flow that is about to begin."""
        return cls(pacing.limits, claimed=pacing.tp is not None, blind=pacing.mode is Mode.KERNEL)

    def count(self, measured: NDArray[np.int64]) -> None:
        """Add a frame, (len(Measured),); one that a sink without a clock sent adds nothing."""
        packets, first_ns, _, cinst, least, most = (int(value) for value in measured)
        if not packets or self.blind:
            return
        late, early, bunched = least < 0, most > self.limits.vrx_full, cinst > self.limits.c_max
        self.frames += 1
        self.late += late
        self.early += early
        self.bunched += bunched
        self.within += not (late or early or bunched)
        self.cinst_max = max(self.cinst_max, cinst)
        self.vrx_min = least if self.vrx_min is None else min(self.vrx_min, least)
        self.vrx_max = most if self.vrx_max is None else max(self.vrx_max, most)
        self.worst_start_ns = max(self.worst_start_ns, first_ns)


assert list(Measured) == [0, 1, 2, 3, 4, 5], "`count` takes the columns apart by their order"
