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


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("01", "requested"),
        ("02", "no_face"),
        ("03", "face_small"),
        ("04", "face_turned"),
        ("05", "face_unsure"),
        ("06", "cut"),
        ("07", "no_dub"),
        ("08", "warming"),
        ("09", "incomplete"),
        ("0a", "model"),
        ("0b", "failed"),
        ("0c", "deadline"),
        ("0d", "face_lost"),
        ("0e", "face_tilted"),
        ("0f", "out_of_frame"),
        ("10", "covered"),
        ("11", "two_faces"),
        ("12", "overload"),
    ],
)
def test_a_reason_keeps_its_number(code, reason):
    words = octets_of(f"52 4c 49 50  01 00 {code} 00  0000 0000 0000 0000")
    said = Disclosure(altered=False, reason=Bypass(reason))
    assert disclosure.pack(said).words == words
    assert disclosure.parse(AncPacket(did=0x52, sdid=0x4C, words=words)) == said


def test_no_reason_is_without_a_number():
    assert set(disclosure.REASONS.values()) == set(Bypass)
