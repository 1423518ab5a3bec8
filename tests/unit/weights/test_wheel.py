"""Only the pinned files are taken from a wheel, and a wheel that cannot be had is a clear error."""

import zipfile

import pytest

from relip.essence.errors import ResourceError
from relip.weights import wheel

pytestmark = pytest.mark.unit


def wheel_of(folder, members):
    path = folder / "mediapipe-0.10.21-test.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, octets in members.items():
            archive.writestr(member, octets)
    return path


def test_a_file_with_another_hash_is_refused_by_name(tmp_path):
    path = wheel_of(tmp_path, {wheel.FACE_DETECTOR.member: b"TFL3", wheel.FACE_MESH.member: b"TFL3"})
    with pytest.raises(ResourceError, match=r"short_range.*SHA-256"):
        wheel.read(path)


def test_a_wheel_without_the_nets_is_refused(tmp_path):
    with pytest.raises(ResourceError, match=r"not a mediapipe 0\.10\.21 wheel"):
        wheel.read(wheel_of(tmp_path, {"mediapipe/__init__.py": b""}))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "wheel.whl"
    path.write_bytes(b"not a zip")
    with pytest.raises(ResourceError, match=str(path)):
        wheel.read(path)


def test_the_override_is_read_instead_of_the_index(tmp_path, monkeypatch):
    monkeypatch.setenv(wheel.OVERRIDE, str(tmp_path / "absent.whl"))
    with pytest.raises(ResourceError, match=r"absent\.whl"):
        wheel.originals()


def test_an_index_that_does_not_answer_is_said_with_the_way_out(monkeypatch):
    monkeypatch.delenv(wheel.OVERRIDE, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ResourceError, match=wheel.OVERRIDE):
        wheel.originals()
