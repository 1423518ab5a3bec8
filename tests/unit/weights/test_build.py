"""Building is done once, says how far it is, and leaves nothing half done."""

import pytest

from relip.essence.errors import ResourceError
from relip.weights import cache, wheel
from relip.weights.build import build

pytestmark = pytest.mark.unit


def test_nets_that_are_there_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(wheel.OVERRIDE, "/nowhere")
    cache.store(tmp_path, dict.fromkeys(cache.NETS, b"net"))
    said = []
    assert build(tmp_path, lambda *step: said.append(step)) == tmp_path
    assert [(done, total) for _, done, total in said] == [(4, 4)]


def test_a_wheel_that_cannot_be_had_leaves_the_cache_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv(wheel.OVERRIDE, "/nowhere")
    with pytest.raises(ResourceError, match="/nowhere"):
        build(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
