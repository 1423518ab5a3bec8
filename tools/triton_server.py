"""A real Triton server on the loopback, for tests and benchmarks: python tools/triton_server.py REPOSITORY.

The binary is the one inside the nvidia-pytriton wheel, whose only backend is Python. It gets an environment of its own in the
user's cache, from requirements/triton.lock, made when first asked for (about 25 s, 320 MB) and again when the lock changes.
It is no server for the air: use NVIDIA's.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "triton.lock"
BUILD_S = 240
LONGEST_EXIT_S = 5


class Unavailable(Exception):  # noqa: N818  the noun is the state
    """There is no such server on this machine; the message says why."""


def environment() -> Path:
    """The folder of the environment, made if need be. Raises Unavailable."""
    if sys.version_info >= (3, 13):
        raise Unavailable("the server's Python backend needs numpy below 2, which has no wheels for Python 3.13 and up")
    own = os.environ.get("RELIP_CACHE")
    root = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relip"
    mark = hashlib.sha256(LOCK.read_bytes() + sys.version.encode() + sys.base_prefix.encode()).hexdigest()[:16]
    folder = root / f"triton-{mark}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            made = Path(temporary) / folder.name
            _build(made)
            with contextlib.suppress(OSError):  # somebody else was faster
                made.rename(folder)
    return folder


def _build(folder: Path) -> None:
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", folder],
        [*install, "--only-binary", ":all:", "--require-hashes", "--requirement", LOCK],
    ):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=BUILD_S)  # noqa: S603  our own words
        except subprocess.CalledProcessError as cause:
            last = (cause.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise Unavailable(f"the server's environment cannot be built: {last}") from cause
        except (OSError, subprocess.TimeoutExpired) as cause:
            raise Unavailable(f"the server's environment cannot be built: {cause}") from cause


def command(
    repository: Path, backends: Path, *, grpc: int, http: int, options: tuple[str, ...] = ()
) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of a server on the loopback. `backends`: an empty folder that lives as long as it does.

    Raises Unavailable.
    """
    site = next((environment() / "lib").glob("python3.*")) / "site-packages"
    bundled = site / "pytriton" / "tritonserver"
    python = backends / "python"
    python.mkdir()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = bundled / "python_backend_stubs" / version / "triton_python_backend_stub"
    for source in (*(bundled / "backends" / "python").glob("*.*"), stub):
        (python / source.name).symlink_to(source)
    library = Path(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME"))
    if library.suffix == ".a" or not library.exists():
        raise Unavailable(f"the server's Python backend needs Python's shared library, and {library} is not one")
    libraries = [sysconfig.get_config_var("LIBDIR"), f"{site / 'nvidia_pytriton.libs'}"]
    arguments = [
        str(bundled / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        "--disable-auto-complete-config",
        f"--backend-config=python,shm-region-prefix-name={_prefix(backends)}",
        "--http-address=127.0.0.1",
        f"--http-port={http}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={grpc}",
        "--allow-metrics=false",
        f"--exit-timeout-secs={LONGEST_EXIT_S}",
        *options,
    ]
    given = {"LD_LIBRARY_PATH": os.pathsep.join(libraries), "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    return arguments, {**os.environ, **given}


def sweep(backends: Path) -> None:
    """Remove what a server that has ended leaves in shared memory; `backends` as `command` was given it."""
    for left in Path("/dev/shm").glob(f"{_prefix(backends)}*"):  # noqa: S108  where the kernel has it
        left.unlink(missing_ok=True)
    shutil.rmtree(backends)


def _prefix(backends: Path) -> str:
    return f"triton-{os.getpid()}-{backends.name}-"


def main() -> None:
    """Run a server until it is told to end."""
    parser = argparse.ArgumentParser(description="A Triton server on the loopback, for tests and benchmarks.")
    parser.add_argument("repository", type=Path)
    parser.add_argument("--grpc", type=int, default=8001)
    parser.add_argument("--http", type=int, default=8000)
    asked = parser.parse_args()
    backends = Path(tempfile.mkdtemp())
    try:
        arguments, given = command(asked.repository, backends, grpc=asked.grpc, http=asked.http)
        server = subprocess.Popen(arguments, env=given)  # noqa: S603  our own words
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.terminate())
        sys.exit(server.wait())
    except Unavailable as cause:
        sys.exit(str(cause))
    finally:
        sweep(backends)


if __name__ == "__main__":
    main()
