"""Speaks to a Triton server: the only file of the running service that knows tritonclient.

Two protocols and three ways for tensors, each as the library has it. What to do when the server is slow or gone is not
decided here (`triton.py`): whatever goes wrong is raised as the library raises it, but for what is wrong at start.
"""

from __future__ import annotations

import os
import secrets
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ResourceError

MOST_OCTETS = 2**31 - 1
REGION_NAME = r"relip-\d+-[0-9a-f]{16}"
COMPUTING = ("compute_input", "compute_infer", "compute_output")
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM. `root`: whom to trust, by default the system's; `certificate`, `key`: who we are, if the server asks."""

    root: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and how tensors reach it.

    `url`: ADDRESS:PORT. `memory`: through system or CUDA shared memory, which takes the same machine, or within the messages.
    `device`: the GPU of CUDA shared memory.
    """

    url: str
    protocol: Literal["grpc", "http"] = "grpc"
    memory: Literal["system", "cuda", "none"] = "system"
    device: int = 0
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A server's own account of a model: requests answered, runs of the net, and what those took, whoever asked."""

    requests: int
    executions: int
    busy_ns: int


class Client:
    """Calls to one server. Every verb may be called by any thread; over HTTP each thread has a connection of its own."""

    def __init__(self, server: Server) -> None:
        """Nothing is sent yet. Raises ResourceError without the extra `triton` or without the files of TLS."""
        self.server = server
        self._library, self._utils = _library(server.protocol)
        self._lock = threading.Lock()
        self._opened: list[Any] = []
        self._own = threading.local()
        tls = server.tls or Tls()
        try:
            for path in filter(None, (tls.root, tls.certificate, tls.key)):
                path.read_bytes()  # the library would not say which one it could not read
            if server.protocol == "grpc":
                self._shared = self._grpc()
                self._opened.append(self._shared)
            else:
                self._http(1.0).close()
        except OSError as cause:  # ssl.SSLError is one
            raise ResourceError(f"models.triton.tls: {cause}") from cause

    def tensor(self, name: str, shape: Sequence[int], dtype: str) -> Any:  # noqa: ANN401  a class of the library's
        """An input of a request, to be kept and used again."""
        return self._library.InferInput(name, list(shape), self._utils.np_to_triton_dtype(np.dtype(dtype)))

    def dtype(self, kind: str) -> str:
        """The numpy name of one of Triton's data types; its own name where numpy has none."""
        found = self._utils.triton_to_np_dtype(kind)
        return kind if found is None else np.dtype(found).name

    def wanted(self, name: str) -> Any:  # noqa: ANN401
        """An output of a request, to be kept and used again."""
        return self._library.InferRequestedOutput(name)

    def ready(self, timeout_s: float) -> bool:
        """Whether the server takes requests."""
        return bool(self._call("is_server_ready", timeout_s=timeout_s))

    def has(self, name: str, timeout_s: float) -> bool:
        """Whether a model is there and takes requests."""
        return bool(self._call("is_model_ready", name, timeout_s=timeout_s))

    def description(self, name: str, timeout_s: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """A model's metadata and configuration, as Triton's JSON has them."""
        json = {"as_json": True} if self.server.protocol == "grpc" else {}
        metadata = self._call("get_model_metadata", name, timeout_s=timeout_s, **json)
        config = self._call("get_model_config", name, timeout_s=timeout_s, **json)
        return metadata, config.get("config", config)

    def account(self, name: str, timeout_s: float) -> Account:
        """What the server has done for a model since its start, over all its versions."""
        json = {"as_json": True} if self.server.protocol == "grpc" else {}
        told = self._call("get_inference_statistics", name, timeout_s=timeout_s, **json)["model_stats"]
        joined = [size for one in told for size in one.get("batch_stats", [])]
        return Account(
            requests=sum(int(one.get("inference_count", 0)) for one in told),
            executions=sum(int(one.get("execution_count", 0)) for one in told),
            busy_ns=sum(int(size[part].get("ns", 0)) for size in joined for part in COMPUTING),
        )

    def infer(self, name: str, inputs: list[Any], outputs: list[Any], timeout_s: float) -> Any:  # noqa: ANN401
        """One request; the library's result."""
        return self._call("infer", name, inputs, outputs=outputs, timeout_s=timeout_s)

    def late(self, cause: Exception) -> bool:
        """Whether an error says that the time was up, over a connection that is none the worse for it."""
        status = getattr(cause, "status", None)  # over HTTP nobody says whether the connection still owes an answer
        return self.server.protocol == "grpc" and callable(status) and status() == "StatusCode.DEADLINE_EXCEEDED"

    def call(self, verb: str, *values: object, timeout_s: float) -> None:
        """Any other verb of the library."""
        self._call(verb, *values, timeout_s=timeout_s)

    def close(self) -> None:
        """Close every connection. Idempotent."""
        with self._lock:
            opened, self._opened = self._opened, []
        for client in opened:
            with suppress(Exception):  # of a connection that is lost anyway
                client.close()

    def _call(self, verb: str, *values: object, timeout_s: float, **named: object) -> Any:  # noqa: ANN401
        if self.server.protocol == "grpc":
            return getattr(self._shared, verb)(*values, client_timeout=timeout_s, **named)
        own: dict[float, Any] = vars(self._own).setdefault("clients", {})
        if timeout_s not in own:  # a connection of this library belongs to the thread that opened it, and has one time-out
            own[timeout_s] = self._http(timeout_s)
            with self._lock:
                self._opened.append(own[timeout_s])
        return getattr(own[timeout_s], verb)(*values, **named)

    def _grpc(self) -> Any:  # noqa: ANN401
        tls = self.server.tls or Tls()
        options = [
            ("grpc.max_send_message_length", MOST_OCTETS),
            ("grpc.max_receive_message_length", MOST_OCTETS),
            ("grpc.use_local_subchannel_pool", 1),  # else a new client would inherit how long the lost one was told to wait
        ]
        return self._library.InferenceServerClient(
            self.server.url,
            ssl=self.server.tls is not None,
            root_certificates=tls.root,
            certificate_chain=tls.certificate,
            private_key=tls.key,
            channel_args=options,
        )

    def _http(self, timeout_s: float) -> Any:  # noqa: ANN401
        tls = self.server.tls
        return self._library.InferenceServerClient(
            self.server.url,
            connection_timeout=timeout_s,
            network_timeout=timeout_s,
            ssl=tls is not None,
            ssl_context_factory=None if tls is None else lambda: _context(tls),
        )


class Region(Protocol):
    """Memory that both sides see, for one tensor."""

    name: str

    def put(self, value: Array) -> None:
        """Lay an input's values into it."""
        ...

    def take(self) -> Array:
        """An output's values, as a new array."""
        ...

    def unregister(self, client: Client, timeout_s: float) -> None:
        """Have the server forget it. Raises as the library does: a server that was started anew does not know it."""
        ...

    def free(self) -> None:
        """Give it back. Not to be used afterwards."""
        ...


class SystemRegion:
    """Shared memory of the system, registered with the server. Implements Region."""

    def __init__(self, client: Client, shape: Sequence[int], dtype: str, timeout_s: float) -> None:
        """Make it and register it. Raises as the library does."""
        self._shared = import_module("tritonclient.utils.shared_memory")
        self.name, octets = _region_name(), _octets(shape, dtype)
        self._handle = self._shared.create_shared_memory_region(self.name, self.name, octets, create_only=True)
        self._view: Array | None = self._shared.get_contents_as_numpy(self._handle, np.dtype(dtype), list(shape))
        try:
            client.call("register_system_shared_memory", self.name, self.name, octets, timeout_s=timeout_s)
        except BaseException:
            self.free()
            raise

    def put(self, value: Array) -> None:
        """Copy values in."""
        assert self._view is not None, "nobody puts into what is given back"
        self._view[...] = value

    def take(self) -> Array:
        """A copy, since the next request writes here again."""
        assert self._view is not None, "nobody takes from what is given back"
        return self._view.copy()

    def unregister(self, client: Client, timeout_s: float) -> None:
        """Have the server unmap it."""
        client.call("unregister_system_shared_memory", self.name, timeout_s=timeout_s)

    def free(self) -> None:
        """Unlink it."""
        self._view = None  # the memory cannot be given back while an array shows it
        self._shared.destroy_shared_memory_region(self._handle)


class CudaRegion:
    """Memory of a GPU, registered with the server. Implements Region. Not run yet: no machine with a GPU had a server."""

    def __init__(self, client: Client, shape: Sequence[int], dtype: str, timeout_s: float) -> None:
        """Make it and register it. Raises ResourceError without a GPU or CUDA's bindings, and as the library does."""
        self.name, self._shape, self._dtype = _region_name(), list(shape), np.dtype(dtype)
        octets, device = _octets(shape, dtype), client.server.device
        try:
            self._shared = import_module("tritonclient.utils.cuda_shared_memory")
            self._handle = self._shared.create_shared_memory_region(self.name, octets, device)
        except Exception as cause:  # the library raises RuntimeError where its own import fails
            raise ResourceError(f"models.triton.shared_memory=cuda needs a GPU and the package cuda-python: {cause}") from cause
        try:
            raw = self._shared.get_raw_handle(self._handle)
            client.call("register_cuda_shared_memory", self.name, raw, device, octets, timeout_s=timeout_s)
        except BaseException:
            self.free()
            raise

    def put(self, value: Array) -> None:
        """Copy values to the device."""
        self._shared.set_shared_memory_region(self._handle, [value])

    def take(self) -> Array:
        """Copy values from the device."""
        return np.array(self._shared.get_contents_as_numpy(self._handle, self._dtype, self._shape))

    def unregister(self, client: Client, timeout_s: float) -> None:
        """Have the server unmap it."""
        client.call("unregister_cuda_shared_memory", self.name, timeout_s=timeout_s)

    def free(self) -> None:
        """Free it."""
        self._shared.destroy_shared_memory_region(self._handle)


def region(client: Client, shape: Sequence[int], dtype: str, timeout_s: float) -> Region:
    """Memory for one tensor, of the kind the server is to be reached by."""
    kind = CudaRegion if client.server.memory == "cuda" else SystemRegion
    return kind(client, shape, dtype, timeout_s)


def give_back(client: Client, regions: list[Region], timeout_s: float) -> None:
    """Unregister and free regions. A server that does not answer is not asked again: it has gone, and its mappings with it."""
    answers = True
    for place in regions:
        if answers:
            try:
                place.unregister(client, timeout_s)
            except Exception:  # noqa: BLE001  the two protocols have no common base for their errors
                answers = False
        place.free()
    regions.clear()


def _octets(shape: Sequence[int], dtype: str) -> int:
    return int(np.prod(shape)) * np.dtype(dtype).itemsize


def _region_name() -> str:
    return f"relip-{os.getpid()}-{secrets.token_hex(8)}"


def _context(tls: Tls) -> ssl.SSLContext:
    secure = import_module("gevent.ssl")
    context = secure.create_default_context(cafile=tls.root)
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context  # type: ignore[no-any-return]


def _library(protocol: str) -> tuple[ModuleType, ModuleType]:
    try:
        spoken = import_module("tritonclient.grpc") if protocol == "grpc" else import_module("tritonclient.http")
        return spoken, import_module("tritonclient.utils")
    except ImportError as cause:
        raise ResourceError("running nets on a Triton server needs tritonclient: install relip[triton]") from cause
