"""The lock installs the same octets everywhere: every entry is pinned and hashed, and none says where to fetch from."""

import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
ENTRIES = re.split(r"\n(?=\S)", LOCK.strip())
PINNED = {entry.split("==")[0] for entry in ENTRIES}


def wanted():
    """Names that pyproject asks for at run time, in tests, for linting and for building; training has its own list."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    lists = [project["project"]["dependencies"], *(extras[name] for name in extras if name not in {"all", "training"})]
    lists += groups.values()
    return sorted({re.match(r"[\w-]+", line)[0].lower() for lines in lists for line in lines})


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.split(" ")[0] for entry in ENTRIES])
def test_an_entry_is_pinned_and_hashed(entry):
    first, *hashes = entry.split("\n")
    assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)? \\", first)
    assert hashes
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes)


@pytest.mark.parametrize("word", ["://", "@", "--index-url", "--find-links", "file:"])
def test_no_entry_says_where_to_fetch_from(word):
    assert word not in LOCK


@pytest.mark.parametrize("name", wanted())
def test_what_the_project_asks_for_is_locked(name):
    assert name in PINNED


def test_nobody_needs_torch_to_run_or_test_relip():
    assert "torch" not in PINNED
