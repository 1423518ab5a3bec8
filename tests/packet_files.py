"""Captures written octet by octet: UDP in IPv4 in Ethernet, as pcap and as pcapng."""

import struct

ETHERNET, RAW, COOKED, COOKED_2 = 1, 101, 113, 276
SECONDS = 1_790_000_000
NS = 1_000_000_000
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


def pcap(*frames, link=ETHERNET, order="<", magic=0xA1B2C3D4, fraction=0):
    """Frames a second apart from SECONDS on, with the same fraction of a second each."""
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    records = (struct.pack(order + "IIII", SECONDS + i, fraction, len(f), len(f)) + f for i, f in enumerate(frames))
    return head + b"".join(records)


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(*options, link=ETHERNET, order="<"):
    return block(1, struct.pack(order + "HHI", link, 0, 65535) + b"".join(options), order)


def enhanced(frame, *, units=0, number=0, order="<"):
    head = struct.pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def pcapng(*frames):
    packets = (enhanced(f, units=(SECONDS + i) * 1_000_000) for i, f in enumerate(frames))
    return section() + interface() + b"".join(packets)


def stamped_pcap(packets):
    """Stamps in ns, UTC, each with its frame, as a pcap file with nanoseconds."""
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, ETHERNET)
    return head + b"".join(struct.pack("<IIII", ns // NS, ns % NS, len(f), len(f)) + f for ns, f in packets)
