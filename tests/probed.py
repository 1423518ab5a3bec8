"""Flows written to a capture packet by packet, at instants that a test chooses, and what a probe makes of them."""

from fractions import Fraction

import numpy as np

from packet_files import SECONDS, ethernet, ip, stamped_pcap, udp
from relip.essence.flow import Leg
from relip.essence.formats import VideoFormat
from relip.essence.tai import grain_ticks, wrap_rtp
from relip.probe.legs import Capturing
from relip.probe.listen import replay
from relip.probe.study import Target, Watch, study
from relip.transport.pcap import Capture, PcapSource
from relip.wire.st2110_20 import FrameHeaders
from relip.wire.st2110_21 import Schedule, TrafficShape

RASTER = VideoFormat(720, 160, Fraction(50))
"""Two packets of 900 octets a row, 320 a frame, 62.5 µs apart or 60 by the gapped schedule: a difference of 13 packets."""
PACKETS = 320
TAI_UTC_NS = 37_000_000_000
LEG = Leg("239.1.2.3", 5004)
FILE = Capturing("the capture file", 1)


class Video:
    """A sender whose packets are kept with their stamps, until they are written."""

    def __init__(self, *, raster=RASTER, ssrc=0x2110, sequence=100, payload_type=96):
        self.raster = raster
        self.headers = FrameHeaders(raster, payload_type=payload_type, ssrc=ssrc)
        self.shape = TrafficShape(raster.rate, raster.height, self.headers.packets)
        self.first = int(SECONDS * raster.rate)
        self.sequence = sequence
        self.packets = []

    def frame(self, number, *, schedule=Schedule.GAPPED, arrivals=None, ticks=None):
        """Packets of frame `number`, at the instants of a schedule or at others, TAI; where they begin in `packets`."""
        index = self.first + number
        stamp = grain_ticks(index, self.raster.rate, 90_000) if ticks is None else ticks
        self.sequence = self.headers.stamp(self.sequence, wrap_rtp(stamp))
        at = self.shape.reading(index, schedule) if arrivals is None else arrivals
        sizes = self.headers.lengths.tolist()
        begin = len(self.packets)
        for ns, header, size in zip(at.tolist(), self.headers.headers, sizes, strict=True):
            self.packets.append((ns - TAI_UTC_NS, header.tobytes() + bytes(size)))
        return begin

    def frames(self, count, **how):
        """Frames 0 to `count`."""
        for number in range(count):
            self.frame(number, **how)
        return self


def capture_of(path, *flows):
    """A file of packets (ns UTC, payload) that go to legs: (leg, packets) each; of one flow they lie in the order given."""
    merged = [
        (ns, ethernet(ip(udp(octets, port=leg.port), destination=leg.destination))) for leg, p in flows for ns, octets in p
    ]
    if len(flows) > 1:
        merged.sort(key=lambda packet: packet[0])
    path.write_bytes(stamped_pcap(merged))
    return path


def probe(path, target=None, how=FILE):
    """The study of one flow of a capture."""
    target = target or Target("flow", (LEG,))
    watches = [Watch(target, leg) for leg in target.legs]
    capture = Capture(path)
    for watch in watches:
        replay(watch, PcapSource(capture, watch.leg), tell=lambda _: None)
    return study(watches, [how] * len(watches), tai_utc_ns=TAI_UTC_NS)


def spaced(first_ns, count, step_ns):
    """Instants a step apart."""
    return first_ns + np.arange(count, dtype=np.int64) * step_ns
