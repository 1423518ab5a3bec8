"""Runs nets on a Triton server, and goes on without it when it is slow or gone.

A request that fails or takes too long raises ModelError, which the graph turns into a bypass. The server may still be reading
or writing the memory of a late one, so that this memory rests for a while and another set takes its place. After some late
ones in a row, or any other failure, the link is given up whole, and a thread makes a new one; until it stands, every call
raises at once and nothing waits. In the steady state there is no such thread, requests are kept and used again, and the only
arrays made are the results, which belong to the caller.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ModelError, ResourceError
from relip.inference.fitting import refuse_misfits
from relip.inference.triton_client import REGION_NAME, Account, Client, Region, Server, give_back, region
from relip.ports import Signature, TensorSpec

START_S = 10.0
"""How long a server may take for a first answer: nothing is on air yet, or nothing more is lost."""
CLOSE_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
"""Between attempts at a new link: doubled each time, and only reset by a request that was answered."""
MOST_LATE = 3
"""Late requests in a row after which a server counts as gone: each has cost the graph its whole limit."""
MOST_SETS = 4
"""Sets of memory for each kind of request; the second is made when the server is late with the first."""
LIMBO_S = 10.0
"""How long memory is left alone that a server may be late with."""
MOST_LOST = 8
"""Lost links whose memory waits; beyond them the oldest does not, lest /dev/shm fill up."""
MOST_PLANS = 8
"""Sets of input shapes for which requests and memory are kept; what comes beyond them travels within messages."""
MOST_CHARACTERS = 300
SHA256, METADATA, SINGLE = "sha256", "onnx.", "first_axis"
"""Parameters of a model as `weights.triton_config` writes them."""

Shapes = tuple[tuple[int, ...], ...]


class TritonModel:
    """A net on a Triton server. Implements ports.Model.

    One call at a time: a second thread waits, since the memory is one. Channels that shall not wait take one each.
    """

    def __init__(self, server: Server, name: str, *, timeout_s: float) -> None:
        """Ask for the model. `timeout_s`: what a request may take once one has been answered, the first has START_S.

        Raises ResourceError when there is no server, no such model, or no memory that both see.
        """
        self._server, self._name, self._timeout_s = server, name, timeout_s
        self._limit_s = START_S
        self._shapes: dict[Shapes, Shapes] = {}
        self._busy, self._closed = threading.Lock(), threading.Event()
        self._pause_s, self._why, self._late = 0.0, "", 0
        self._links = _Links()
        self._finalizer = weakref.finalize(self, self._links.close)
        link = _Link(server, name)
        try:
            self._signature = link.signature()
            link.try_memory()
        except BaseException:
            link.close()
            raise
        self._links.current = link

    @property
    def signature(self) -> Signature:
        """What the server says of the model, with what its repository says of the file."""
        return self._signature

    def infer(self, inputs: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
        """One request; the results are new arrays. Raises ModelError: they do not fit, no answer in time, no server."""
        refuse_misfits(self._signature, inputs)
        with self._busy:
            link = self._links.current
            if link is None:
                raise ModelError(self._why)
            try:
                results = link.infer(inputs, self._shapes, self._limit_s)
            except Exception as cause:  # the two protocols have no common base for their errors
                self._late += 1
                if not link.outlives(cause) or self._late >= MOST_LATE:
                    self._lose(cause)
                raise ModelError(f"{self._name} on {self._server.url}: {_line(cause)}") from cause
            self._limit_s, self._pause_s, self._late = self._timeout_s, 0.0, 0
            return results

    def account(self) -> Account:
        """The server's own account of this model. Raises ModelError: no server, no answer."""
        with self._busy:
            link = self._links.current
            if link is None:
                raise ModelError(self._why)
            try:
                return link.account()
            except Exception as cause:  # as above
                raise ModelError(f"{self._name} on {self._server.url}: {_line(cause)}") from cause

    def close(self) -> None:
        """Give memory and connection back. Idempotent; done at the end of the program where nobody calls it."""
        self._closed.set()
        with self._busy:
            self._why = f"{self._name} on {self._server.url} is closed"
            self._finalizer()

    def _lose(self, cause: Exception) -> None:
        self._why = f"{self._name} on {self._server.url} is being sought again after: {_line(cause)}"
        self._links.give_up(time.monotonic())
        threading.Thread(target=self._mend, name=f"triton-{self._name}", daemon=True).start()

    def _mend(self) -> None:
        while not self._closed.wait(self._pause_s):
            self._pause_s = min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
            self._links.tidy(time.monotonic())
            try:
                link = self._renewed()
            except Exception as cause:  # noqa: BLE001  whatever it is, the next attempt may go well, and nobody else is told
                self._why = f"{self._name} on {self._server.url}: {_line(cause)}"
                continue
            with self._busy:
                if self._closed.is_set():
                    link.close()
                else:
                    self._links.current, self._late = link, 0
            break
        if not self._closed.wait(LIMBO_S):
            self._links.tidy(time.monotonic())

    def _renewed(self) -> _Link:
        """A link that has answered once for every kind of request, so that no grain waits for what a server loads late."""
        link = _Link(self._server, self._name)
        try:
            link.refuse_another(self._signature)
            for shapes, results in dict(self._shapes).items():
                link.rehearse(shapes, results)
        except BaseException:
            link.close()
            raise
        return link


class _Links:
    """The link of a model, and lost ones whose memory waits. Knows no model, so that it can outlive one."""

    def __init__(self) -> None:
        self.current: _Link | None = None
        self._lost: deque[tuple[float, _Link]] = deque()
        self._lock = threading.Lock()

    def give_up(self, now_s: float) -> None:
        with self._lock:
            if self.current is not None:
                self._lost.append((now_s, self.current))
                self.current = None

    def tidy(self, now_s: float) -> None:
        """Close what was lost long enough ago."""
        self._close_those(lambda since_s, count: now_s - since_s >= LIMBO_S or count > MOST_LOST)

    def close(self) -> None:
        self.give_up(0.0)
        self._close_those(lambda _since_s, _count: True)

    def _close_those(self, due: Callable[[float, int], bool]) -> None:
        """The oldest first. Hanging up may take its time, during which nobody who gives a link up must wait."""
        while True:
            with self._lock:
                if not self._lost or not due(self._lost[0][0], len(self._lost)):
                    return
                _, link = self._lost.popleft()
            link.close()


class _Set:
    """One request, kept whole, with the memory it names."""

    def __init__(self, client: Client, signature: Signature, sides: tuple[Shapes, Shapes], limit_s: float) -> None:
        self.regions: list[Region] = []
        self.asked, self.wanted = [], []
        shapes, results = sides
        try:
            for spec, shape in zip(signature.inputs, shapes, strict=True):
                self.asked.append(self._through(client, client.tensor(spec.name, shape, spec.dtype), spec, shape, limit_s))
            for spec, shape in zip(signature.outputs, results, strict=True):
                self.wanted.append(self._through(client, client.wanted(spec.name), spec, shape, limit_s))
        except BaseException:
            give_back(client, self.regions, limit_s)
            raise
        self.inputs, self.outputs = self.regions[: len(shapes)], self.regions[len(shapes) :]

    def _through(self, client: Client, end: Any, spec: TensorSpec, shape: tuple[int, ...], limit_s: float) -> Any:  # noqa: ANN401
        """An end of the request, led through memory of its own."""
        self.regions.append(region(client, shape, spec.dtype, limit_s))
        end.set_shared_memory(self.regions[-1].name, int(np.prod(shape)) * np.dtype(spec.dtype).itemsize)
        return end


class _Plan:
    """The sets for one kind of request: free ones, and those that the server may still be busy with."""

    def __init__(self, client: Client, signature: Signature, sides: tuple[Shapes, Shapes], limit_s: float) -> None:
        self._client, self._signature, self._sides = client, signature, sides
        self._free = [_Set(client, signature, sides, limit_s)]
        self._resting: deque[tuple[float, _Set]] = deque()

    def lend(self, now_s: float, limit_s: float) -> _Set:
        """A set that nobody uses, a new one if need be. Raises TimeoutError when the server is late with all there may be."""
        while self._resting and now_s - self._resting[0][0] > LIMBO_S:
            self._free.append(self._resting.popleft()[1])
        if self._free:
            return self._free.pop()
        if len(self._resting) >= MOST_SETS:
            raise TimeoutError(f"the server was late with {MOST_SETS} requests within {LIMBO_S:.0f} seconds")
        return _Set(self._client, self._signature, self._sides, limit_s)

    def take_back(self, one: _Set) -> None:
        """It was answered."""
        self._free.append(one)

    def lay_aside(self, one: _Set, now_s: float) -> None:
        """It was not: nobody touches it for a while."""
        self._resting.append((now_s, one))

    def close(self, limit_s: float) -> None:
        sets = chain(self._free, (resting for _, resting in self._resting))
        give_back(self._client, [place for one in sets for place in one.regions], limit_s)


class _Link:
    """One connection with what was registered over it; used until it is given up, then never again."""

    def __init__(self, server: Server, name: str) -> None:
        self._server, self._name = server, name
        self._client = Client(server)
        self._plans: dict[Shapes, _Plan] = {}
        self._said: Signature | None = None

    def signature(self) -> Signature:
        """What the model takes and gives. ResourceError: no server, no model, no answer that is understood."""
        if self._said is None:
            self._said = self._asked()
        return self._said

    def refuse_another(self, wanted: Signature) -> None:
        """ResourceError when a server that came back has another net, which may not replace the old one on air."""
        if self.signature() != wanted:
            raise ResourceError("the server came back with another net: start the service anew")

    def try_memory(self) -> None:
        """ResourceError when the server cannot see the memory that tensors are to go through."""
        if self._server.memory == "none":
            return
        try:
            give_back(self._client, [region(self._client, (1,), "float32", START_S)], CLOSE_S)
        except ResourceError:
            raise
        except Exception as cause:  # the two protocols have no common base for their errors
            raise ResourceError(
                f"the Triton server at {self._server.url} does not see {self._server.memory} shared memory of this machine "
                f"(on another one, or in another container, set models.triton.shared_memory: none): {_line(cause)}"
            ) from cause

    def infer(self, inputs: Sequence[NDArray[Any]], known: dict[Shapes, Shapes], limit_s: float) -> tuple[NDArray[Any], ...]:
        """One request, through memory where its shapes are planned for; `known` learns those that are new."""
        shapes = tuple(value.shape for value in inputs)
        plan = self._plans.get(shapes)
        if plan is not None:
            return self._through_memory(plan, inputs, limit_s)
        results = self._in_messages(inputs, limit_s)
        if self._server.memory != "none" and len(known) < MOST_PLANS:
            known[shapes] = tuple(result.shape for result in results)
            self._plans[shapes] = _Plan(self._client, self.signature(), (shapes, known[shapes]), limit_s)
        return results

    def outlives(self, cause: Exception) -> bool:
        """Whether a failed request was no more than late, so that the next one may go the same way."""
        return self._client.late(cause)

    def account(self) -> Account:
        """The server's own account of the model."""
        return self._client.account(self._name, START_S)

    def rehearse(self, shapes: Shapes, results: Shapes) -> None:
        """Register memory for a kind of request, and send one of noughts."""
        plan = self._plans[shapes] = _Plan(self._client, self.signature(), (shapes, results), START_S)
        nought = [np.zeros(shape, spec.dtype) for spec, shape in zip(self.signature().inputs, shapes, strict=True)]
        self._through_memory(plan, nought, START_S)

    def close(self) -> None:
        """Unregister and unlink, then hang up."""
        for plan in self._plans.values():
            plan.close(CLOSE_S)
        self._plans.clear()
        self._client.close()

    def _through_memory(self, plan: _Plan, inputs: Sequence[NDArray[Any]], limit_s: float) -> tuple[NDArray[Any], ...]:
        one = plan.lend(time.monotonic(), limit_s)
        try:
            for place, value in zip(one.inputs, inputs, strict=True):
                place.put(value)
            self._client.infer(self._name, one.asked, one.wanted, limit_s)
            results = tuple(place.take() for place in one.outputs)
        except BaseException:
            plan.lay_aside(one, time.monotonic())
            raise
        plan.take_back(one)
        return results

    def _in_messages(self, inputs: Sequence[NDArray[Any]], limit_s: float) -> tuple[NDArray[Any], ...]:
        said = self.signature()
        asked = []
        for spec, value in zip(said.inputs, inputs, strict=True):
            tensor = self._client.tensor(spec.name, value.shape, spec.dtype)
            tensor.set_data_from_numpy(np.ascontiguousarray(value))
            asked.append(tensor)
        result = self._client.infer(self._name, asked, [self._client.wanted(spec.name) for spec in said.outputs], limit_s)
        return tuple(np.array(result.as_numpy(spec.name)) for spec in said.outputs)

    def _asked(self) -> Signature:
        url = self._server.url
        try:
            ready = self._client.ready(START_S)
        except Exception as cause:  # as above
            raise ResourceError(f"no Triton server answers at {url} by {self._server.protocol}: {_line(cause)}") from cause
        if not ready:
            raise ResourceError(f"the Triton server at {url} is not ready")
        try:
            there = self._client.has(self._name, START_S)
            said = self._client.description(self._name, START_S) if there else None
        except Exception as cause:  # as above
            raise ResourceError(f"the Triton server at {url} does not describe {self._name}: {_line(cause)}") from cause
        if said is None:
            raise ResourceError(
                f"the Triton server at {url} has no model {self._name} that is ready: "
                "write its repository with `relip models repository`"
            )
        return _signature(self._client, *said)


def _signature(client: Client, metadata: dict[str, Any], config: dict[str, Any]) -> Signature:
    """From Triton's own JSON, in which gRPC writes whole numbers as text."""
    said = {key: str(value.get("string_value", "")) for key, value in config.get("parameters", {}).items()}
    single = said.get(SINGLE) == "1"
    return Signature(
        inputs=tuple(_spec(client, end, single=single) for end in metadata["inputs"]),
        outputs=tuple(_spec(client, end, single=single) for end in metadata["outputs"]),
        sha256=said.get(SHA256, ""),
        metadata={key.removeprefix(METADATA): value for key, value in said.items() if key.startswith(METADATA)},
    )


def _spec(client: Client, end: dict[str, Any], *, single: bool) -> TensorSpec:
    shape = [int(n) for n in end["shape"]]
    return TensorSpec(name=end["name"], shape=tuple([1, *shape[1:]] if single else shape), dtype=client.dtype(end["datatype"]))


def _line(cause: BaseException) -> str:
    """An error in one line; grpc's may hold pages. Memory loses its name, lest equal failures be counted as different ones."""
    words = re.sub(REGION_NAME, "memory of ours", " ".join(f"{cause}".split()))
    return words[:MOST_CHARACTERS] or type(cause).__name__
