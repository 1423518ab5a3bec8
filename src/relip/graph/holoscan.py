"""The graph as a Holoscan application: one thin operator a stage, driven from outside by pulses.

Holoscan runs the stages and nothing else: it owns no buffer, no clock of the essence and no way out (decision 0004).
The event-based scheduler waits without spinning and lets a stop finish the work in hand.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from relip.essence.errors import ResourceError
from relip.graph.guard import Guard
from relip.graph.ingress import Ingress

WORKERS = 2
"""One looks at the grain that came while the other draws the one that leaves."""


def load() -> ModuleType:
    """Import Holoscan, with the CUDA runtime library its core is linked to; no driver and no GPU are needed.

    Raises ResourceError naming the extra when it is not installed.
    """
    try:
        finder = import_module("cuda.pathfinder")
        ctypes.CDLL(finder.load_nvidia_dynamic_lib("cudart").abs_path, mode=ctypes.RTLD_GLOBAL)
        with warnings.catch_warnings():
            # It wants a stack of 32 MB for operators in C++; ours are Python, whose threads are far from the usual 8.
            warnings.filterwarnings("ignore", message="Current stack size", category=RuntimeWarning)
            return import_module("holoscan.core")
    except ImportError as cause:
        raise ResourceError(f"the Holoscan SDK is not here ({cause}): install relip[graph]") from cause


def run_pending(ingress: Ingress, guards: Sequence[Guard]) -> None:
    """Run the pulses that are there and return: one thread, the greedy scheduler, the same order every time.

    For tests and for files: with a manual clock the same grains give the same pixels as live.
    """
    core = load()
    schedulers = import_module("holoscan.schedulers")
    states = import_module("holoscan.conditions").AsynchronousEventState
    app = _application(core, ingress=ingress, guards=guards, idle=states.EVENT_NEVER, started=threading.Event())
    app.scheduler(schedulers.GreedyScheduler(app, name="greedy"))
    app.run()


class GraphRunner:
    """Runs the guards in order as a Holoscan application. `run` blocks; `stop` may come from any thread."""

    def __init__(self, ingress: Ingress, guards: Sequence[Guard]) -> None:
        core = load()
        schedulers = import_module("holoscan.schedulers")
        self._states = import_module("holoscan.conditions").AsynchronousEventState
        self.started = threading.Event()
        """Set once the graph runs and Holoscan has taken the process's signals, so that the service may take them back."""
        self._app = _application(core, ingress=ingress, guards=guards, idle=self._states.EVENT_WAITING, started=self.started)
        self._app.scheduler(schedulers.EventBasedScheduler(self._app, worker_thread_number=WORKERS, name="events"))
        ingress.wake = self._wake

    def run(self) -> None:
        """Run until `stop`; an error of the runtime itself comes out as it is."""
        self._app.run()

    def stop(self) -> None:
        """End `run` after the work in hand."""
        self._app.stop_execution()
        self._set_state(self._states.EVENT_DONE)  # an idle scheduler looks at the stop only when something happens

    def _wake(self) -> None:
        self._set_state(self._states.EVENT_DONE)

    def _set_state(self, state: Any) -> None:
        pulse_there = getattr(self._app, "pulse_there", None)
        if pulse_there is not None:
            pulse_there.event_state = state


def _application(core: ModuleType, *, ingress: Ingress, guards: Sequence[Guard], idle: Any, started: threading.Event) -> Any:
    """Make the application; its class can only be defined once Holoscan is loaded. `idle`: the state when no pulse is there."""
    conditions = import_module("holoscan.conditions")
    ingress_operator = _ingress_operator(
        core, ingress, idle=idle, busy=conditions.AsynchronousEventState.EVENT_DONE, started=started
    )
    stage_operator = _stage_operator(core)

    class RelipApplication(core.Application):  # type: ignore[misc, name-defined]
        def compose(self) -> None:
            self.pulse_there = conditions.AsynchronousCondition(self, name="pulse_there")
            before = ingress_operator(self, self.pulse_there, name="ingress")
            for guard in guards:
                operator = stage_operator(self, name=guard.stage.name, guard=guard, last=guard is guards[-1])
                self.add_flow(before, operator)
                before = operator

    return RelipApplication([sys.executable, "relip"])


def _ingress_operator(
    core: ModuleType, ingress: Ingress, *, idle: Any, busy: Any, started: threading.Event
) -> Callable[..., Any]:
    class IngressOperator(core.Operator):  # type: ignore[misc, name-defined]
        def setup(self, spec: Any) -> None:
            spec.output("out")

        def start(self) -> None:
            started.set()

        def compute(self, _input: Any, output: Any, _context: Any) -> None:
            waiting = self.fragment.pulse_there
            waiting.event_state = idle  # before the look, so that a pulse that comes meanwhile wakes us again
            pulse = ingress.take_pulse()
            if pulse is not None:
                waiting.event_state = busy
                output.emit(pulse, "out")

    return IngressOperator


def _stage_operator(core: ModuleType) -> Callable[..., Any]:
    class StageOperator(core.Operator):  # type: ignore[misc, name-defined]
        def __init__(self, fragment: Any, *args: Any, guard: Guard, last: bool, **kwargs: Any) -> None:
            self.guard = guard
            self.last = last
            super().__init__(fragment, *args, **kwargs)

        def setup(self, spec: Any) -> None:
            spec.input("in")
            if not self.last:
                spec.output("out")

        def compute(self, source: Any, output: Any, _context: Any) -> None:
            pulse = self.guard.work(source.receive("in"))
            if not self.last:
                output.emit(pulse, "out")

    return StageOperator
