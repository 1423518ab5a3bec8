"""A capture is replayed or refused with a ResourceError, and each packet given lies inside its row."""

import os
import struct

from packet_files import RAW, VLAN, block, enhanced, ethernet, interface, ip, option, pcap, pcapng, section, udp
from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.ports import PACKET_STRIDE, Chunk
from relip.transport.pcap import Capture, PcapSource

LEG = Leg("239.1.2.3", 5004)
_chunk = Chunk.of(64)


def check(data: bytes) -> None:
    """Replay a file that lies in memory."""
    file = os.memfd_create("capture")
    try:
        os.write(file, data)
        capture = Capture(f"/proc/self/fd/{file}")
        source = PcapSource(capture, LEG)
    except ResourceError:
        return
    finally:
        os.close(file)
    given = 0
    while count := source.receive(_chunk, 0):
        given += count
        assert (_chunk.lengths[:count] >= 0).all()
        assert (_chunk.lengths[:count] <= PACKET_STRIDE).all() or len(data) > PACKET_STRIDE
    assert source.skipped >= 0
    assert capture.dropped >= 0
    assert given == sum(flow.packets for flow in capture.flows() if flow.leg == LEG)
    assert given * 8 <= len(data)


def seeds() -> list[bytes]:
    """Both kinds of file, every kind of packet block, an interface with options, a VLAN tag, raw IP."""
    packet = ip(udp(bytes(range(30))))
    frame = ethernet(packet, vlan=VLAN)
    timed = interface(option(9, b"\x09"), option(14, (37).to_bytes(8, "little")))
    simple = block(3, struct.pack("<I", len(frame)) + frame)
    old = block(2, struct.pack("<HHIIII", 0, 0, 1, 2, len(frame), len(frame)) + frame)
    lost = block(5, struct.pack("<III", 0, 0, 0) + option(5, (3).to_bytes(8, "little")))
    files = [pcap(frame), pcap(packet, link=RAW), pcap(frame, frame, order=">"), pcapng(frame, frame)]
    return [*files, section() + timed + enhanced(frame, units=1 << 40) + simple + old + lost]
