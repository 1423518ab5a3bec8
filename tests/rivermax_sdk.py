"""A stand-in for the vendor's SDK, built by the system's compiler from tests/fake_rivermax, and what tests ask of it."""

import ctypes
import shutil
import subprocess
from itertools import count
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "fake_rivermax"
NO_DEVICE = 401
MISUSE = 402
STATUS = {
    "signal": 301,
    "no free chunk": 302,
    "queue full": 303,
    "completion": 304,
    "checksum": 305,
    "busy": 306,
    "licence": 309,
}
"""The stand-in's numbers, in the order of tests/fake_rivermax/fake.h."""


_serial = count(1)
"""Each stand-in is a library of its own, or the loader would take the first one built for all of them."""


def build_sdk(root):
    """Lay out `root` as an SDK: include/rivermax_api.h, and lib/librivermax.so that leads to the versioned library."""
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler (c++): the stand-in for the Rivermax SDK cannot be built")
    (root / "include").mkdir(parents=True)
    (root / "lib").mkdir()
    shutil.copy(SOURCES / "fake.h", root / "include" / "rivermax_api.h")
    name = f"librivermax.so.{next(_serial)}"
    flags = ["-std=c++17", "-O1", "-g", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{name}"]
    sources = [f"-I{root / 'include'}", SOURCES / "fake.cpp"]
    subprocess.run([compiler, *flags, *sources, "-o", root / "lib" / name], check=True)
    (root / "lib" / "librivermax.so").symlink_to(name)
    return root


class Fake:
    """The stand-in's own controls."""

    def __init__(self, root):
        library = ctypes.CDLL(str(root / "lib" / "librivermax.so"))
        self.reset = library.fake_reset
        self.inject = lambda step, status, times=-1: library.fake_inject(step.encode(), status, times)
        self._calls, self._counter, self._set_time = library.fake_calls, library.fake_counter, library.fake_set_time
        self._calls.restype, self._counter.restype = ctypes.c_char_p, ctypes.c_uint64
        self._follow = library.fake_follow
        self._set_time.argtypes, self._follow.argtypes = (ctypes.c_uint64,), (ctypes.c_int64,)

    def calls(self):
        """Names of the steps taken, in order; those of the hot path are left out."""
        return self._calls().decode().split()

    def counter(self, name):
        """What the stand-in counted: overrun, duplicates, too long, dscp, processor (from 1), looks at a receive ring."""
        return self._counter(name.encode())

    def set_time(self, ns):
        """Set the card's clock; it moves on by a microsecond whenever it is read."""
        self._set_time(ns)

    def follow(self, ahead_ns):
        """Let the card's clock run, so far ahead of the system's."""
        self._follow(ahead_ns)
