"""What stands between reception and egress: the dubbing graph, or with a configured bypass nothing at all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from relip.config import Config
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.tai import period_ns
from relip.graph.channel import Looping, Runner
from relip.graph.delay import Apart, Delay, delay_without_voice
from relip.graph.egress import Egress
from relip.graph.holoscan import GraphRunner
from relip.graph.ingress import Ingress
from relip.graph.passing import Passing
from relip.graph.stages import EgressStage, Inbox
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline
from relip.ports import Clock
from relip.service.compose.engines import chain, delay_of, load_articulation, load_nets

MERGE_WINDOW_NS = 50_000_000
"""An incomplete frame may wait so long: its voice is not here earlier, and a stall of this machine is no loss. The legs of
path classes A, B and D are no further apart."""
SENDING_NS = 2_000_000
"""A frame that has waited in vain must be on its way this long before it is due."""
VIDEO_REST_NS = 3_000_000
"""Ten visits a frame instead of forty; it makes a frame complete this much later at most."""


class Offering(Looping, Protocol):
    """Where grains are handed in."""

    def offer(self, grain: VideoGrain) -> None:
        """A grain has been received."""
        ...


@dataclass(frozen=True, slots=True)
class Inside:
    """What runs between the flows. `feed`: takes received grains. `runner`: its own loop, beside it."""

    feed: Offering
    runner: Runner


class Dubbing:
    """Nets, engines and Holoscan. `close`: gives back what the nets hold outside the process."""

    def __init__(self, config: Config, format: VideoFormat, *, clock: Clock, apart: Apart | None = None) -> None:  # noqa: A002
        nets = load_nets(config.models, config.lip_sync.look_ahead_ms, format.rate)
        self.close, self.notes = nets.close, nets.notes
        self.delay = delay_of(config.lip_sync, nets.articulation, format.rate, config.latency.frames, apart=apart)
        self._chain = chain(config.lip_sync, nets, format, delay=self.delay, clock=clock)
        self._clock = clock
        self.tally: Tally = self._chain.tally
        self.inbox: Inbox = self._chain.inbox

    def between(self, timeline: Timeline, egress: Egress) -> Inside:
        """The graph, ready to run."""
        ingress = Ingress(clock=self._clock, timeline=timeline, delay=self.delay, egress=egress, tally=self.tally)
        guards = self._chain.guards(EgressStage(egress, self._chain.overload), stopwatch=time.perf_counter_ns)
        return Inside(ingress, GraphRunner(ingress, guards))


class Nothing:
    """A configured bypass: the latency is that of the dubbing service, unless another is asked for, down to one frame."""

    def __init__(self, config: Config, format: VideoFormat, *, apart: Apart | None = None) -> None:  # noqa: A002
        if config.latency.frames is None:
            voice = load_articulation(config.models, config.lip_sync.look_ahead_ms)
            self.delay = delay_of(config.lip_sync, voice, format.rate, apart=apart)
        else:
            self.delay = delay_without_voice(format.rate, config.latency.frames, apart=apart)
        self.tally = Tally()
        self.inbox = Inbox()
        self.notes: tuple[str, ...] = ()

    def close(self) -> None:
        """There is nothing to give back."""

    def between(self, timeline: Timeline, egress: Egress) -> Inside:
        """Straight on."""
        passing = Passing(timeline=timeline, delay=self.delay, egress=egress, tally=self.tally)
        return Inside(passing, passing)


def graph_of(config: Config, format: VideoFormat, *, clock: Clock, apart: Apart | None = None) -> Dubbing | Nothing:  # noqa: A002
    """What a configuration asks for; `apart`, by how much the legs of a flow may be. Raises FormatError, ResourceError."""
    return Nothing(config, format, apart=apart) if config.lip_sync.bypass else Dubbing(config, format, clock=clock, apart=apart)


def merge_window_ns(delay: Delay, format: VideoFormat, apart_ns: int = 0) -> int:  # noqa: A002
    """How long beyond its period an incomplete frame may wait for what it lacks, and still leave when it is due.

    `apart_ns`: by how much the slower of two legs may follow.
    """
    return max(0, min(max(MERGE_WINDOW_NS, apart_ns), delay.latency_ns - period_ns(format.rate) - SENDING_NS))


def rest_ns(delay: Delay) -> int:
    """How long the loop that receives the picture pauses; not at all when a frame is due as soon as it is complete."""
    return VIDEO_REST_NS if delay.frames > 1 else 0
