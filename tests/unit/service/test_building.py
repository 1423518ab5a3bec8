"""Building a service: what is open when something after it cannot be had is given back."""

import socket
from pathlib import Path

import pytest

from relip import config
from relip.essence.errors import ResourceError
from relip.service.compose.service import service

pytestmark = pytest.mark.unit

HERE = "127.0.0.1"


def open_sockets():
    """The sockets of this process."""
    return {place.readlink() for place in Path("/proc/self/fd").iterdir() if place.is_socket()}


@pytest.mark.parametrize("taken", ["video", "voice", "ancillary", "sdp"])
def test_a_service_that_cannot_be_built_leaves_nothing_open(taken, tmp_path):
    busy = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    busy.bind((HERE, 0))
    flows = {name: {"destination": HERE, "port": port} for port, name in enumerate(("video", "voice", "ancillary"), 21_520)}
    if taken in flows:
        flows[taken]["port"] = busy.getsockname()[1]
    outputs = {name: {"destination": HERE, "port": port} for port, name in enumerate(("video", "voice", "ancillary"), 21_530)}
    if taken == "sdp":
        outputs["voice"]["sdp"] = str(tmp_path / "nowhere" / "voice.sdp")
    flows["video"]["format"] = "1080p25"
    content = {**flows, "output": outputs, "lip_sync": {"bypass": True}, "latency": {"frames": 2}}
    before = open_sockets()
    said = "voice.sdp" if taken == "sdp" else f"cannot receive {HERE}:{flows[taken]['port']}"
    with busy, pytest.raises(ResourceError, match=said) as told:
        service(config.parse(content, where="here"))
    assert open_sockets() <= before
    del told  # until here it kept alive what had been built
