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
from relip.service.compose.bench import Account, Asked, Served, articulation_alone, pairs
from relip.service.options import outputs, publish

WARM = 20
"""Requests before the measurement, of each net in each place."""
TURN = 25
"""Requests of one place before it is the other's turn."""
ROUNDS = 5
"""Turns of the parts in which services share the server."""
LONGEST_ACCOUNT_S = 1.0
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
    """So many services that ask for the articulation net without pause, all figures medians of the rounds but the quantiles.

    `joined`: requests that the server ran as one. `busy_ms`: what it took for a request, without its waiting.
    """

    services: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    joined: float
    busy_ms: float


@dataclass(frozen=True, slots=True)
class _Round:
    """One turn of some services: requests a second, the milliseconds of each; and as in Together."""

    per_s: float
    times_ms: NDArray[np.float64]
    joined: float
    busy_ms: float


def inference(options: InferenceOptions) -> None:
    """Measure, print and write. Raises ResourceError without a server that has the nets."""
    outputs(options.json_)
    models = settings(options.config_path, {}).models
    with ExitStack() as stack:
        added = []
        for one in pairs(models, LipSync().look_ahead_ms):
            stack.callback(one.close)
            added.append(_compare(one, options.requests))
        shared = _share(models, sorted({1, options.services}), options.requests)
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


def _share(models: Models, counts: Sequence[int], requests: int) -> list[Together]:
    """So many requests from each service, in rounds that the counts of services take in turn."""
    with ExitStack() as stack:
        asking = [articulation_alone(models, LipSync().look_ahead_ms) for _ in range(max(counts))]
        for model in asking:
            stack.callback(model.close)
        inputs = _noise(asking[0].signature)
        for model in asking:
            _times(model, inputs, WARM)
        rounds = [[_round(asking[:count], inputs, -(-requests // ROUNDS)) for count in counts] for _ in range(ROUNDS)]
    return [_together(count, own) for count, own in zip(counts, zip(*rounds, strict=True), strict=True)]


def _round(asking: Sequence[Asked], inputs: Sequence[NDArray[np.float32]], requests: int) -> _Round:
    """Every service at once, each with memory and a connection of its own."""
    before, times = asking[0].account(), [np.zeros(0)] * len(asking)

    def ask(k: int) -> None:
        times[k] = _times(asking[k], inputs, requests)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(len(asking))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began
    after = _settled(asking[0], before.requests + len(asking) * requests)
    answered = max(1, after.requests - before.requests)
    return _Round(
        per_s=len(asking) * requests / took_s,
        times_ms=np.concatenate(times),
        joined=answered / max(1, after.executions - before.executions),
        busy_ms=(after.busy_ns - before.busy_ns) / 1e6 / answered,
    )


def _settled(model: Asked, requests: int) -> Account:
    """The server's account once it has so many requests in it and rests: it is written a moment after the answers."""
    last, before = time.monotonic() + LONGEST_ACCOUNT_S, model.account()
    while time.monotonic() < last:
        time.sleep(0.01)
        account = model.account()
        if account == before and account.requests >= requests:
            break
        before = account
    return before


def _together(services: int, rounds: Sequence[_Round]) -> Together:
    p50, p99 = np.percentile(np.concatenate([one.times_ms for one in rounds]), (50, 99))
    rate, joined, busy = np.median([(one.per_s, one.joined, one.busy_ms) for one in rounds], axis=0).tolist()
    return Together(services, round(rate, 1), round(float(p50), 3), round(float(p99), 3), round(joined, 2), round(busy, 3))


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
    rows = [
        [str(t.services), f"{t.requests_per_s:.0f}", f"{t.p50_ms:.2f} / {t.p99_ms:.2f}", f"{t.joined:.2f}", f"{t.busy_ms:.2f}"]
        for t in shared
    ]
    heads = ["services", "requests a second", "p50 / p99 ms", "joined", "server's ms a request"]
    terminal.table("services that ask for the articulation net at once", heads, rows)
