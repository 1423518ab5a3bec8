"""Flows from transport files."""

from pathlib import Path

import pytest

from relip.control.static import flow_of_file, write_transport_file
from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AudioFormat, VideoFormat, video_format
from relip.wire import sdp
from relip.wire.sdp_media import Sending

pytestmark = pytest.mark.unit

FLOW = Flow(format=video_format("720p50"), payload_type=96, legs=(Leg("239.1.1.1", 5004, source="127.0.0.1"),), name="camera 1")


@pytest.fixture
def camera(tmp_path):
    path = tmp_path / "camera.sdp"
    write_transport_file(path, sdp.format(FLOW, sending=Sending(ts_refclk="ptp=IEEE1588-2008:traceable")))
    return path


def test_a_flow_is_read_from_its_transport_file(camera):
    assert flow_of_file(camera, VideoFormat, interface="127.0.0.1") == FLOW


def test_a_file_without_such_a_flow_is_told_with_its_name(camera):
    with pytest.raises(FormatError, match=r"camera\.sdp.*AudioFormat"):
        flow_of_file(camera, AudioFormat, interface="127.0.0.1")


def test_what_cannot_be_received_is_told_with_the_file_the_parameter_and_the_value(camera):
    camera.write_text(camera.read_text().replace("depth=10", "depth=12"))
    with pytest.raises(FormatError, match=r"camera\.sdp.*depth=12"):
        flow_of_file(camera, VideoFormat, interface="127.0.0.1")


def test_a_file_that_is_not_there_or_not_text_is_told_by_its_name(tmp_path):
    with pytest.raises(ResourceError, match=r"none\.sdp"):
        flow_of_file(tmp_path / "none.sdp", VideoFormat, interface="127.0.0.1")
    (tmp_path / "binary.sdp").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match=r"binary\.sdp"):
        flow_of_file(tmp_path / "binary.sdp", VideoFormat, interface="127.0.0.1")


def test_a_transport_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    with pytest.raises(ResourceError, match=r"out\.sdp"):
        write_transport_file(tmp_path / "none" / "out.sdp", "v=0")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file/out.sdp", ".", "long" * 100])
def test_a_path_that_cannot_be_is_an_error_of_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ResourceError):
        write_transport_file(Path(name), "v=0")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
