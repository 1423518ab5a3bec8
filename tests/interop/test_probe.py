"""What the probe counts and times in a capture is what tshark counts and times in it."""

import re
import subprocess

import numpy as np
import pytest

from foreign import PATIENCE_S, require
from packet_files import NS, SECONDS
from probed import LEG, Video, capture_of, probe
from relip.essence.flow import Leg
from relip.essence.formats import AudioFormat
from relip.probe.study import Target
from relip.wire.st2110_30 import AudioPackets

pytestmark = pytest.mark.interop

SOUND = Leg("239.1.2.4", 5006)
STREAM = re.compile(r"239\S+\s+(?P<port>\d+)\s+0x\S+\s+\S+\s+(?P<packets>\d+)\s+(?P<lost>\d+)[^%]*%\)\s+(?P<deltas>[\d. ]+)")


@pytest.fixture(autouse=True)
def installed():
    require("TShark")


@pytest.fixture
def path(tmp_path):
    """Video and sound, both with gaps, the sound with jitter."""
    pictures = Video().frames(6).packets
    del pictures[700:703]
    late = np.random.default_rng(5).integers(0, 400_000, 2000)
    samples = np.zeros((48 * 2000, 1), np.float32)
    octets = AudioPackets(AudioFormat(), payload_type=97, ssrc=7).packets(samples, SECONDS * 48_000, 65_000)
    heard = [(SECONDS * NS + i * 1_000_000 + int(late[i]), packet.tobytes()) for i, packet in enumerate(octets)]
    del heard[1500:1502], heard[530]
    return capture_of(tmp_path / "both.pcap", (LEG, pictures), (SOUND, heard))


def told_by_tshark(path):
    """By port: packets, lost, and least, mean and greatest time from packet to packet, ms."""
    decode = [part for leg in (LEG, SOUND) for part in ("-d", f"udp.port=={leg.port},rtp")]
    command = ["tshark", "-n", "-r", str(path), "-q", *decode, "-z", "rtp,streams"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout
    rows = [match.groupdict() for match in map(STREAM.search, text.splitlines()) if match]
    return {int(r["port"]): (int(r["packets"]), int(r["lost"]), *map(float, r["deltas"].split()[:3])) for r in rows}


@pytest.mark.parametrize("leg", [LEG, SOUND], ids=["video", "sound"])
def test_packets_losses_and_times_are_those_that_tshark_tells(path, leg):
    figures = probe(path, Target("flow", (leg,))).report.legs[0]
    packets, lost, least, mean, greatest = told_by_tshark(path)[leg.port]
    assert (figures.packets.received, figures.packets.lost) == (packets, lost)
    assert lost == 3
    gaps = figures.inter_packet_us
    assert [round(us / 1000, 3) for us in (gaps.min, gaps.mean, gaps.max)] == pytest.approx([least, mean, greatest], abs=0.0011)
