"""Runs a stage so that its failure costs the grains it worked on, never the graph, and times it.

Plain objects; Holoscan operators and tests both call `Guard.work`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from relip.essence.errors import ModelError
from relip.essence.scene import Bypass, Sighting
from relip.graph.take import Pulse
from relip.graph.tally import Tally


class Stage(Protocol):
    """One operator's work."""

    name: str

    def work(self, pulse: Pulse) -> bool:
        """Do this stage's part for the takes the pulse carries; whether there was anything to do."""
        ...


class Guard:
    """Runs a stage so that its failure costs the takes it worked on, never the graph; and times it."""

    def __init__(self, stage: Stage, tally: Tally, stopwatch: Callable[[], int]) -> None:
        self.stage = stage
        self._tally = tally
        self._stopwatch = stopwatch

    def work(self, pulse: Pulse) -> Pulse:
        """Do the stage's work; the takes of a failed stage are bypassed with the reason."""
        before = self._stopwatch()
        try:
            worked = self.stage.work(pulse)
        except ModelError as error:
            self._failed(pulse, Bypass.MODEL, error)
        except Exception as error:  # noqa: BLE001  a bug in an engine must cost a grain, not the programme
            self._failed(pulse, Bypass.FAILED, error)
        else:
            if worked:
                self._tally.took(self.stage.name, self._stopwatch() - before)
        return pulse

    def _failed(self, pulse: Pulse, reason: Bypass, error: Exception) -> None:
        self._tally.failures[f"{self.stage.name}: {type(error).__name__}: {error}"] += 1
        for take in pulse.ready:
            take.bypass(reason)
        if pulse.arrived is not None:
            pulse.arrived.sighting = Sighting(face=None, absent=reason)
