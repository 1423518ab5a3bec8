"""A bounded run of every fuzz target, the same inputs each time, with compiled code that checks its bounds.

Each runs in a process of its own: memory that is written past its end kills it, and that shall be seen.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fuzz

ROOT = Path(__file__).parents[2]
TARGETS = sorted((ROOT / "fuzz" / "targets").glob("*.py"))
RUNS = {
    "video": 100,
    "sound": 100,
    "ancillary": 200,
    "probe": 80,
    "enrolment": 1000,
    "pcm": 400,
    "rows": 600,
    "capture": 1000,
}
"""Inputs of the slower ones: a second or two each."""


def run(*arguments, **environment):
    command = [sys.executable, str(ROOT / "fuzz" / "run.py"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=110, env={**os.environ, **environment}, cwd=ROOT
    )


@pytest.mark.parametrize("target", [path.stem for path in TARGETS])
def test_nothing_breaks_it(target):
    done = run(target, "--runs", str(RUNS.get(target, 2000)))
    assert done.returncode == 0, done.stderr
    assert f"{target} " in done.stdout


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.stem)
def test_its_first_line_is_the_invariant_in_one_sentence(path):
    first = ast.get_docstring(ast.parse(path.read_text("utf-8"))).splitlines()[0]
    assert first.endswith(".")


def test_an_input_that_breaks_a_target_is_kept_and_ends_the_run(tmp_path):
    code = "import pathlib, sys, run\nrun.FOUND = pathlib.Path(sys.argv[1])\nrun.attempt('some', lambda data: 1 / 0, b'octets')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT / "fuzz"
    )
    assert done.returncode == 1
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == b"octets"
    assert f"some: broken by {kept}" in done.stderr


@pytest.mark.parametrize(("target", "given"), [("video", 6), ("sound", 288), ("ancillary", 8)])
def test_valid_packets_give_what_they_hold(target, given):
    code = f"import run\nt = run.load('{target}')\nassert t.given(t.seeds()[0]) == {given}, t.given(t.seeds()[0])"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100, cwd=ROOT / "fuzz")


def test_memory_that_is_left_is_noticed():
    code = "from fences import fenced\na = fenced((3, 5))\nimport ctypes\nctypes.memset(a.ctypes.data + 15, 0, 1)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60, cwd=ROOT / "fuzz", capture_output=True)
    assert done.returncode < 0


def test_memory_before_an_array_is_looked_at():
    code = (
        "from fences import fenced, untouched\nimport ctypes\na = fenced((3, 5))\nassert untouched(a)\n"
        "ctypes.memset(a.ctypes.data - 1, 0, 1)\nassert not untouched(a)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT / "fuzz")
