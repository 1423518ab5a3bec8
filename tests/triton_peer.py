"""A real Triton server on the loopback, started and ended by a test; `tools/triton_server.py` has its environment."""

import contextlib
import functools
import os
import signal
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pytest

import triton_server
from relip.essence.errors import ModelError

LONGEST_START_S = 60
LONGEST_MENDING_S = 20


def answered(model, inputs):
    """The first answer of a model that is being mended."""
    last = time.monotonic() + LONGEST_MENDING_S
    while True:
        try:
            return model.infer(inputs)
        except ModelError:
            if time.monotonic() > last:
                raise
            time.sleep(0.02)


def account(model, *, requests):
    """A server's account once it has so many requests in it and rests: it is written a moment after the answers."""
    last, before = time.monotonic() + LONGEST_MENDING_S, None
    while (told := model.account()).requests < requests or told != before:
        assert time.monotonic() < last, told
        before = told
        time.sleep(0.02)
    return told


def refused(model, inputs, words):
    """Wait until a model that is being mended says why it cannot be."""
    last = time.monotonic() + LONGEST_MENDING_S
    said = ""
    while words not in said:
        assert time.monotonic() < last, said
        with pytest.raises(ModelError) as told:
            model.infer(inputs)
        said = str(told.value)
        time.sleep(0.02)


@functools.cache
def missing():
    """Why there is no such server here, if there is none; tried once a session, for it takes its time."""
    try:
        triton_server.environment()
    except triton_server.Unavailable as cause:
        return str(cause)
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def tls_before(address, certificates):
    """An address that speaks TLS, wants a client's certificate, and hands everything on to another address in clear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates / "client.pem")
    host, _, port = address.rpartition(":")

    class Pair(socketserver.BaseRequestHandler):
        def handle(self):
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as near,
                socket.create_connection((host, int(port))) as far,
            ):
                back = threading.Thread(target=handed_on, args=(far, near))
                back.start()
                handed_on(near, far)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Pair) as before:
        before.daemon_threads = True
        threading.Thread(target=before.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{before.server_address[1]}"
        before.shutdown()


def handed_on(source, sink):
    """Octets from one socket to another until either ends."""
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class TritonPeer:
    """A server of one repository. It keeps its ports from start to start."""

    def __init__(self, repository, folder, options=()):
        if (why := missing()) is not None:
            pytest.skip(why)
        self._repository, self._folder, self._options = repository, folder, options
        self.grpc, self.http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.start()

    def url(self, protocol):
        return self.grpc if protocol == "grpc" else self.http

    def start(self):
        ports = {name: int(getattr(self, name).rpartition(":")[2]) for name in ("grpc", "http")}
        self._backends = backends = Path(tempfile.mkdtemp(dir=self._folder))
        command, environment = triton_server.command(self._repository, backends, options=self._options, **ports)
        with (backends / "log").open("w") as log:  # a group of its own: the Python backend's processes are in it
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        last = time.monotonic() + LONGEST_START_S
        while not self._ready():
            told = (backends / "log").read_text()[-3000:]
            assert self._process.poll() is None, f"the server ended: {told}"
            assert time.monotonic() < last, f"the server is not ready: {told}"
            time.sleep(0.05)

    def _ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.http}/v2/health/ready", timeout=1) as answer:
                return answer.status == 200
        except OSError:  # urllib's own are of its kind
            return False

    def signal(self, number):
        os.killpg(self._process.pid, number)

    def kill(self):
        """As if the power had gone; what that leaves in shared memory is removed."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
        self._process.wait(10)
        if self._backends is not None:
            triton_server.sweep(self._backends)
            self._backends = None

    def stop(self):
        """As an operator would."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(15)
        self.kill()
