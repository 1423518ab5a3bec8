"""The stages of one channel from face to composite, with what reaches into them from outside.

What becomes of a take is not decided here: live it goes to the egress, with files to whoever asked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from relip.essence.formats import VideoFormat
from relip.graph.delay import Delay
from relip.graph.guard import Guard, Stage
from relip.graph.ladder import Overload
from relip.graph.stages import Inbox, Switch
from relip.graph.tally import Tally


@dataclass(frozen=True, slots=True)
class Chain:
    """Stages that remember one flow: a second flow, or the same one from its start, needs a chain of its own."""

    format: VideoFormat
    delay: Delay
    stages: tuple[Stage, ...]
    inbox: Inbox
    switch: Switch
    tally: Tally
    overload: Overload = field(default_factory=Overload)

    def guards(self, *last: Stage, stopwatch: Callable[[], int]) -> list[Guard]:
        """Each stage behind its guard, in order, and the `last` ones after them; `stopwatch` gives nanoseconds."""
        return [Guard(stage, self.tally, stopwatch) for stage in (*self.stages, *last)]
