"""The disclosure's own table by hand."""

import pytest

from relip.essence.grains import AncPacket
from relip.essence.scene import Bypass, Region
from relip.wire import disclosure
from relip.wire.disclosure import Disclosure
from wirebytes import octets_of

pytestmark = pytest.mark.conformance

ALTERED = octets_of("""
    52 4c 49 50     # R L I P
    01 03 00 00     # version 1; altered, with region; no reason
    0384 0258       # x 900, y 600
    0078 0050       # 120 × 80
""")
BYPASSED = octets_of("52 4c 49 50  01 00 02 00  0000 0000 0000 0000")


def test_an_altered_frame_names_its_region():
    said = Disclosure(altered=True, region=Region(900, 600, 120, 80))
    assert disclosure.pack(said) == AncPacket(did=0x52, sdid=0x4C, words=ALTERED)
    assert disclosure.parse(AncPacket(did=0x52, sdid=0x4C, words=ALTERED)) == said


def test_a_bypassed_frame_names_its_reason():
    said = Disclosure(altered=False, reason=Bypass.NO_FACE)
    assert disclosure.pack(said, did=0x5F, sdid=1) == AncPacket(did=0x5F, sdid=1, words=BYPASSED)
    assert disclosure.parse(AncPacket(did=0x5F, sdid=1, words=BYPASSED), did=0x5F, sdid=1) == said
