"""The stand-in for the Rivermax SDK, built once for all tests that need it."""

import pytest

from pyrivermax.building import build
from rivermax_sdk import Fake, build_sdk


@pytest.fixture(scope="session")
def rivermax_root(tmp_path_factory):
    """Folder of the stand-in's include/ and lib/; not to be changed."""
    return build_sdk(tmp_path_factory.mktemp("rivermax") / "sdk")


@pytest.fixture(scope="session")
def rivermax_shim(rivermax_root):
    """The shim, compiled against the stand-in."""
    return build(rivermax_root.parent / "libpyrivermax.so", root=rivermax_root)


@pytest.fixture
def cards(rivermax_root, rivermax_shim, monkeypatch):
    """What the stand-in can be told and asked; Rivermax is there as long as it is."""
    monkeypatch.setenv("PYRIVERMAX_SHIM", str(rivermax_shim))
    cards = Fake(rivermax_root)
    cards.reset()
    yield cards
    cards.reset()
