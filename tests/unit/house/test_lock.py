"""The lock installs the same octets everywhere: every entry is pinned and hashed, and none says where to fetch from."""

import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
TRITON = (ROOT / "requirements" / "triton.lock").read_text("utf-8")
"""What tests start a Triton server from, in an environment of its own."""
ENTRIES = re.split(r"\n(?=\S)", LOCK.strip())
SERVER_ENTRIES = re.split(r"\n(?=\S)", TRITON.strip())
PINNED = {entry.split("==")[0] for entry in ENTRIES}


def wanted():
    """Names that pyproject asks for at run time, in tests, for linting and for building; training has its own list."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    lists = [project["project"]["dependencies"], *(extras[name] for name in extras if name not in {"all", "training"})]
    lists += groups.values()
    return sorted({re.match(r"[\w-]+", line)[0].lower() for lines in lists for line in lines})


@pytest.mark.parametrize("entry", ENTRIES + SERVER_ENTRIES, ids=lambda entry: entry.split(" ")[0])
def test_an_entry_is_pinned_and_hashed(entry):
    first, *hashes = entry.split("\n")
    assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)? \\", first)
    assert hashes
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes)


@pytest.mark.parametrize("word", ["://", "@", "--index-url", "--find-links", "file:"])
def test_no_entry_says_where_to_fetch_from(word):
    assert word not in LOCK
    assert word not in TRITON


def test_the_server_runs_nets_with_the_runtime_of_the_process():
    entries = [next(entry for entry in every if entry.startswith("onnxruntime==")) for every in (ENTRIES, SERVER_ENTRIES)]
    assert entries[0].split(" ")[0] == entries[1].split(" ")[0]


@pytest.mark.parametrize("name", wanted())
def test_what_the_project_asks_for_is_locked(name):
    assert name in PINNED


def test_nobody_needs_torch_to_run_or_test_relip():
    assert "torch" not in PINNED
