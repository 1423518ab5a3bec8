"""A net in the cache is whole or it is not there."""

from pathlib import Path

import pytest

from relip.essence.errors import ResourceError
from relip.weights import cache

pytestmark = pytest.mark.unit

NETS = {name: name.encode() for name in cache.NETS}


def test_a_stored_net_is_found(tmp_path):
    cache.store(tmp_path / "new", NETS)
    assert cache.complete(tmp_path / "new")
    assert cache.locate(cache.FACE_MESH, tmp_path / "new").read_bytes() == cache.FACE_MESH.encode()


def test_nothing_temporary_is_left(tmp_path):
    cache.store(tmp_path, NETS)
    assert {path.name for path in tmp_path.iterdir()} == {*cache.NETS, cache.MANIFEST}


def test_an_empty_folder_says_how_to_build(tmp_path):
    with pytest.raises(ResourceError, match="relip models build"):
        cache.locate(cache.FACE_MESH, tmp_path)


def test_a_damaged_net_does_not_exist(tmp_path):
    cache.store(tmp_path, NETS)
    (tmp_path / cache.FACE_MESH).write_bytes(b"half")
    assert not cache.complete(tmp_path)
    with pytest.raises(ResourceError, match=cache.FACE_MESH):
        cache.locate(cache.FACE_MESH, tmp_path)


def test_a_net_that_is_gone_does_not_exist(tmp_path):
    cache.store(tmp_path, NETS)
    (tmp_path / cache.FACE_DETECTOR).unlink()
    assert not cache.complete(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"face_mesh.onnx": 3}'])
def test_a_damaged_manifest_means_an_empty_cache(tmp_path, text):
    cache.store(tmp_path, NETS)
    (tmp_path / cache.MANIFEST).write_text(text)
    assert not cache.complete(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ResourceError, match="cannot be written"):
        cache.store(tmp_path / "file" / "models", NETS)


def test_the_directory_follows_the_environment(monkeypatch):
    version = f"models-v{cache.CONVERTER_VERSION}"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.delenv("RELIP_CACHE", raising=False)
    assert cache.directory() == Path("/somewhere/relip") / version
    monkeypatch.setenv("RELIP_CACHE", "/mine")
    assert cache.directory() == Path("/mine") / version
