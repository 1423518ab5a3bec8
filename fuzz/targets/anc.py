"""A payload is read or refused with a WireError; what is read keeps its checksum, and reads the same, packed or sent on."""

from relip.essence.errors import WireError
from relip.essence.grains import AncGrain, AncPacket
from relip.wire import disclosure, st2110_40


def check(data: bytes) -> None:
    """Read a payload; pack and read it again."""
    try:
        read = st2110_40.parse(data)
    except WireError:
        assert len(data) < st2110_40.HEADER_OCTETS
        return
    assert len(read.packets) + read.bad_parity + read.bad_checksum + read.truncated == data[4]
    again = st2110_40.pack(AncGrain(0, read.packets), payload_type=100, ssrc=1, sequence=0)
    assert [packet for octets in again for packet in st2110_40.parse(octets[12:]).packets] == list(read.packets)
    assert len(read.octets) == len(read.packets) + read.bad_parity + read.bad_checksum
    passed = st2110_40.pack_octets(list(read.octets), ticks=0, payload_type=100, ssrc=1, sequence=0)
    assert [one for octets in passed for one in st2110_40.parse(octets[12:]).octets] == list(read.octets)
    for packet in read.packets:
        try:
            disclosure.parse(packet)
        except WireError:
            continue


def seeds() -> list[bytes]:
    """Captions, several packets, a disclosure, a keep-alive."""
    captions = AncPacket(did=0x61, sdid=0x02, words=bytes(range(40)), line=9, horizontal_offset=0)
    numbered = AncPacket(did=0x41, sdid=0x05, words=b"\x00", stream=3, c_channel=True)
    told = disclosure.pack(disclosure.Disclosure(altered=False))
    grains = [(captions,), (captions, numbered, told), (told,), ()]
    return [st2110_40.pack(AncGrain(7, g), payload_type=100, ssrc=1, sequence=5)[0][12:] for g in grains]
