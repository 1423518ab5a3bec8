"""`relip bench inference`: what a Triton server adds to a request beside the same net in this process; what joining gains.

The two places take turns of a few requests, so that both meet the same machine and each has its caches warm.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relip.config import LipSync, Models, settings
from relip.ports import Model, Signature
from relip.service import terminal
from relip.service.compose.bench import Served, articulation_alone, pairs
from relip.service.options import outputs, publish

WARM = 20
"""Requests before the measurement, of each net in each place."""
TURN = 25
"""Requests of one place before it is the other's turn."""
COLUMNS = 222
"""Columns of log-mel that a frame of 25 a second needs of the net that looks 120 ms ahead."""


@dataclass(frozen=True, slots=True)
class InferenceOptions:
    """As the command line gives them."""

    config_path: Path | None
    requests: int
    services: int
    json_: Path | None


@dataclass(frozen=True, slots=True)
class Added:
    """One net in both places, milliseconds. `added`: difference of the medians. `equal`: the answers, to the bit."""

    net: str
    here_p50_ms: float
    here_p99_ms: float
    triton_p50_ms: float
    triton_p99_ms: float
    added_p50_ms: float
    equal: bool


@dataclass(frozen=True, slots=True)
class Together:
    """So many services that ask for the articulation net without pause. `joined`: requests that the server ran as one."""

    services: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    joined: float


def inference(options: InferenceOptions) -> None:
    """Measure, print and write. Raises ResourceError without a server that has the nets."""
    outputs(options.json_)
    models = settings(options.config_path, {}).models
    with ExitStack() as stack:
        added = []
        for one in pairs(models, LipSync().look_ahead_ms):
            stack.callback(one.close)
            added.append(_compare(one, options.requests))
        shared = [_share(models, count, options.requests) for count in sorted({1, options.services})]
    _tell(models, added, shared)
    if options.json_ is not None:
        told = {"server": models.triton.model_dump(mode="json"), "nets": [asdict(one) for one in added]}
        publish(json.dumps({**told, "shared": [asdict(one) for one in shared]}, indent=2), options.json_)


def _compare(one: Served, requests: int) -> Added:
    inputs = _noise(one.here.signature)
    equal = all(np.array_equal(*both) for both in zip(one.here.infer(inputs), one.triton.infer(inputs), strict=True))
    for model in (one.here, one.triton):
        _times(model, inputs, WARM)
    turns = [[_times(model, inputs, TURN) for model in (one.here, one.triton)] for _ in range(-(-requests // TURN))]
    here, triton = (np.percentile(np.concatenate(times), (50, 99)).round(3) for times in zip(*turns, strict=True))
    return Added(
        net=one.name,
        here_p50_ms=float(here[0]),
        here_p99_ms=float(here[1]),
        triton_p50_ms=float(triton[0]),
        triton_p99_ms=float(triton[1]),
        added_p50_ms=round(float(triton[0] - here[0]), 3),
        equal=equal,
    )


def _share(models: Models, services: int, requests: int) -> Together:
    """The same number of requests from each of so many services at once, each with memory and a connection of its own."""
    with ExitStack() as stack:
        asking = []
        for _ in range(services):
            asking.append(articulation_alone(models, LipSync().look_ahead_ms))
            stack.callback(asking[-1].close)
        inputs = _noise(asking[0].signature)
        for model in asking:
            _times(model, inputs, WARM)
        before, times = asking[0].counts(), [np.zeros(0)] * services
        began = time.perf_counter()

        def ask(k: int) -> None:
            times[k] = _times(asking[k], inputs, requests)

        threads = [threading.Thread(target=ask, args=(k,)) for k in range(services)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took, after = time.perf_counter() - began, asking[0].counts()
    p50, p99 = np.percentile(np.concatenate(times), (50, 99))
    joined = (after[0] - before[0]) / max(1, after[1] - before[1])
    return Together(
        services, round(services * requests / took, 1), round(float(p50), 3), round(float(p99), 3), round(joined, 2)
    )


def _times(model: Model, inputs: Sequence[NDArray[np.float32]], count: int) -> NDArray[np.float64]:
    """Milliseconds of so many requests, one after the other."""
    times = np.zeros(count)
    for k in range(count):
        before = time.perf_counter_ns()
        model.infer(inputs)
        times[k] = (time.perf_counter_ns() - before) / 1e6
    return times


def _noise(signature: Signature) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return [rng.random([COLUMNS if n < 0 else n for n in spec.shape], np.float32) for spec in signature.inputs]


def _tell(models: Models, added: list[Added], shared: list[Together]) -> None:
    keys = models.triton
    where = f"{keys.url}, {keys.protocol}, shared memory: {keys.shared_memory}"
    rows = [
        [
            one.net,
            f"{one.here_p50_ms:.2f} / {one.here_p99_ms:.2f}",
            f"{one.triton_p50_ms:.2f} / {one.triton_p99_ms:.2f}",
            f"{one.added_p50_ms:+.2f}",
            "yes" if one.equal else "no",
        ]
        for one in added
    ]
    heads = ["net", "in the process, p50 / p99 ms", "Triton, p50 / p99 ms", "added, p50 ms", "equal"]
    terminal.table(f"a request to {where}", heads, rows)
    rows = [[str(t.services), f"{t.requests_per_s:.0f}", f"{t.p50_ms:.2f} / {t.p99_ms:.2f}", f"{t.joined:.2f}"] for t in shared]
    terminal.table(
        "services that ask for the articulation net at once", ["services", "requests a second", "p50 / p99 ms", "joined"], rows
    )
