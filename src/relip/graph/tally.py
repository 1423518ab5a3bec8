"""Plain integers of what happened, for the report and for metrics; nothing here logs or exports."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

from relip.essence.scene import Bypass, Verdict

KEPT_TIMES = 4096
"""Stage times kept for quantiles: 160 s at 25 fps; the oldest are dropped."""


@dataclass(slots=True)
class Tally:
    """Counts of one channel since its start. Each field has one writer."""

    received: int = 0
    sent: int = 0
    altered: int = 0
    bypassed: Counter[Bypass] = field(default_factory=Counter)
    limited: Counter[Bypass] = field(default_factory=Counter)
    tracked: int = 0
    late_verdicts: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    stages: dict[str, deque[int]] = field(default_factory=dict)

    def count(self, verdict: Verdict) -> None:
        """One grain has left."""
        self.sent += 1
        if verdict.patch is not None:
            self.altered += 1
            if verdict.limit is not None:
                self.limited[verdict.limit] += 1
        elif verdict.bypass is not None:
            self.bypassed[verdict.bypass] += 1

    def took(self, stage: str, ns: int) -> None:
        """A stage has worked for `ns` nanoseconds on one grain."""
        self.stages.setdefault(stage, deque(maxlen=KEPT_TIMES)).append(ns)

    def quantiles_ms(self, stage: str) -> tuple[float, float]:
        """Median and 99th percentile of a stage in milliseconds; (0, 0) when it has not run."""
        times = list(self.stages.get(stage, ()))
        if not times:
            return 0.0, 0.0
        p50, p99 = np.percentile(np.array(times, np.float64), (50, 99)) / 1e6
        return float(p50), float(p99)
