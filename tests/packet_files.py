"""Captures written octet by octet: UDP in IPv4 in Ethernet, as pcap and as pcapng."""

import struct

ETHERNET, RAW = 1, 101
MAC = bytes.fromhex("01005e010203 020000000001")
VLAN = bytes.fromhex("8100 0064")
IPV4 = bytes.fromhex("0800")


def udp(payload, *, port=5004, length=None):
    return struct.pack(">HHHH", 20000, port, length or 8 + len(payload), 0) + payload


def ip(datagram, *, destination="239.1.2.3", source="192.0.2.7", options=b"", fragment=0x4000, protocol=17):
    words = 5 + len(options) // 4
    addresses = bytes(int(o) for a in (source, destination) for o in a.split("."))
    total = words * 4 + len(datagram)
    return struct.pack(">BBHHHBBH", 0x40 | words, 0, total, 1, fragment, 16, protocol, 0) + addresses + options + datagram


def ethernet(packet, *, vlan=b""):
    return MAC + vlan + IPV4 + packet


def pcap(*frames, link=ETHERNET):
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    return head + b"".join(struct.pack("<IIII", 0, 0, len(f), len(f)) + f for f in frames)


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(*frames):
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", ETHERNET, 0, 65535))
    packets = (block(6, struct.pack("<IIIII", 0, 0, 0, len(f), len(f)) + f) for f in frames)
    return section + interface + b"".join(packets)
