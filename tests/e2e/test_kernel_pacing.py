"""The kernel is left to pace only where it was seen to: on a veth pair in a network namespace, with and without a shaper."""

import shutil
import subprocess
import sys
import textwrap

import pytest

from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import video_format
from relip.service.compose import ends
from relip.transport.qdisc import queueing

pytestmark = pytest.mark.e2e

VETH = """
ip link set lo up
ip link add there type veth peer name here
ip addr add 10.9.9.1/24 dev there
ip addr add 10.9.9.2/24 dev here
ip link set there up
ip link set here up
for key in all there here; do
    echo 0 > /proc/sys/net/ipv4/conf/$key/rp_filter
    echo 1 > /proc/sys/net/ipv4/conf/$key/accept_local
done
"""
TRY = """
from relip.essence.errors import ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import video_format
from relip.service.compose import ends

form = video_format("720p25")
try:
    print(ends.pacing(Flow(form, 96, (Leg("239.9.9.9", 5004, interface="10.9.9.1"),)), 2880, mode="kernel").tp)
except ResourceError as error:
    print(error)
"""
SEND = """
import threading
import numpy as np
from relip.essence.flow import Flow, Leg
from relip.essence.formats import video_format
from relip.peers.reel import Reel
from relip.peers.send import Sender, VideoOut
from relip.ports import Chunk
from relip.service.compose import ends
from relip.transport.udp import UdpSink, UdpSource

form, leg = video_format("720p25"), Leg("239.9.9.9", 5004, interface="10.9.9.1")
flow = Flow(form, 96, (leg,))
paced = ends.pacing(flow, 2880, mode="kernel")
source, chunk = UdpSource(Leg(leg.destination, leg.port, interface="10.9.9.2")), Chunk.of(512)
clock = ends.tai_clock()
reel = Reel(np.zeros((1, form.height, form.row_octets), np.uint8))
sender = Sender(VideoOut(reel, flow, UdpSink(leg, clock=clock), paced), clock=clock)
said = []
sending = threading.Thread(target=lambda: said.append(sender.run(frames=4, stop=threading.Event())))
sending.start()
came = 0
while came < 4 * 2880 and (count := source.receive(chunk, 2_000_000_000)):
    came += count
sending.join()
print(came, said[0].frames_sent, said[0].packets_refused, said[0].output.frames)
"""
FLOW_MBIT = 72_000 * (800 + 62) * 8 * 105 // 100 // 1_000_000  # 720p25 with the headers of the link, and a little more


def in_namespace(shell, python):
    """What a program prints in a network namespace that a script has furnished."""
    if shutil.which("unshare") is None or shutil.which("tc") is None:
        pytest.skip("util-linux and iproute2 are not installed")
    script = "set -e\n" + VETH + shell + '\nexec "$0" -c "$1"'
    ended = subprocess.run(
        ["unshare", "-n", "sh", "-c", script, sys.executable, textwrap.dedent(python)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    if ended.returncode and "Operation not permitted" in ended.stderr:
        pytest.skip("a network namespace takes CAP_SYS_ADMIN")
    if ended.returncode and "qdisc kind is unknown" in ended.stderr:
        pytest.skip("this kernel has no tbf")
    assert not ended.returncode, ended.stderr
    return ended.stdout.strip().splitlines()[-1]


def shaper(mbit, limit="20mb"):
    return f"tc qdisc add dev there root tbf rate {mbit}mbit burst 20kb limit {limit}"


def test_an_interface_that_paces_nothing_is_refused_by_what_it_has():
    said = in_namespace("", TRY)
    assert said == "pacing=kernel: there has noqueue, which paces nothing; fq or tbf would, and hybrid needs neither"


def test_a_shaper_of_the_flows_rate_is_measured_and_taken_and_nothing_is_claimed_for_it():
    assert in_namespace(shaper(FLOW_MBIT), TRY) == "None"


def test_frames_go_whole_through_a_kernel_that_paces_and_nobody_says_how_they_left():
    assert in_namespace(shaper(FLOW_MBIT), SEND) == "11520 4 0 0"


@pytest.mark.parametrize("mbit", [FLOW_MBIT // 2, FLOW_MBIT * 4])
def test_a_shaper_of_another_rate_is_refused_by_what_was_measured(mbit):
    said = in_namespace(shaper(mbit), TRY)
    assert "there has tbf, but lets 1000 packets pass in" in said


def test_the_disciplines_of_loopback_are_read():
    assert str(queueing("127.0.0.1")).startswith("lo has ")


def test_an_address_that_nobody_has_is_named():
    with pytest.raises(ResourceError, match=r"no interface has the address 198\.51\.100\.9"):
        ends.pacing(Flow(video_format("720p25"), 96, (Leg("239.9.9.9", 5004, interface="198.51.100.9"),)), 2880, mode="kernel")
