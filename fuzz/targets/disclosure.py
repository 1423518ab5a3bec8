"""Words are read, passed over or refused with a WireError; what is read reads the same when it is packed again."""

from relip.essence.errors import FormatError, WireError
from relip.essence.grains import AncPacket
from relip.essence.scene import Bypass, Region
from relip.wire import disclosure


def check(data: bytes) -> None:
    """Read the words of one packet of ours; pack and read them again."""
    if len(data) > 255:
        return
    packet = AncPacket(did=0x52, sdid=0x4C, words=data)
    try:
        read = disclosure.parse(packet)
    except WireError:
        return
    if read is None:
        return
    try:
        again = disclosure.pack(read)
    except FormatError:
        raise AssertionError("what was read cannot be said") from None
    assert disclosure.parse(again) == read


def seeds() -> list[bytes]:
    """An altered frame, an untouched one."""
    altered = disclosure.Disclosure(altered=True, region=Region(900, 600, 120, 80))
    return [disclosure.pack(said).words for said in (altered, disclosure.Disclosure(altered=False, reason=Bypass.NO_FACE))]
