"""Disclosures there and back, foreign packets and broken ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.errors import FormatError, WireError
from relip.essence.grains import AncPacket
from relip.essence.scene import Bypass
from relip.wire import disclosure
from relip.wire.disclosure import Disclosure

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("reason", Bypass)
def test_every_reason_has_a_number_of_its_own(reason):
    said = Disclosure(altered=False, reason=reason)
    assert disclosure.parse(disclosure.pack(said)) == said


def test_another_identifier_or_signature_is_not_ours():
    ours = disclosure.pack(Disclosure(altered=True))
    assert disclosure.parse(AncPacket(did=0x61, sdid=0x02, words=ours.words)) is None
    assert disclosure.parse(AncPacket(did=ours.did, sdid=ours.sdid, words=b"QLIP" + ours.words[4:])) is None
    assert disclosure.parse(AncPacket(did=ours.did, sdid=ours.sdid, words=b"")) is None


@pytest.mark.parametrize(
    ("what", "tail"),
    [
        ("15 words", "01 01 00 00 0000 0000 0000 00"),
        ("version 2", "02 01 00 00 0000 0000 0000 0000"),
        ("flags 0x09", "01 09 00 00 0000 0000 0000 0000"),
        ("reserved word 0x01", "01 01 00 01 0000 0000 0000 0000"),
        ("reason 200", "01 00 c8 00 0000 0000 0000 0000"),
        ("splits a pgroup", "01 03 00 00 0001 0000 0002 0002"),
        ("empty", "01 03 00 00 0000 0000 0000 0000"),
        ("not altered", "01 01 02 00 0000 0000 0000 0000"),
    ],
)
def test_a_broken_one_of_ours_says_what_is_wrong(what, tail):
    packet = AncPacket(did=disclosure.DID, sdid=disclosure.SDID, words=b"RLIP" + bytes.fromhex(tail))
    with pytest.raises(WireError, match=what):
        disclosure.parse(packet)


def test_a_frame_is_not_both_altered_and_bypassed():
    with pytest.raises(FormatError, match="no_face"):
        Disclosure(altered=True, reason=Bypass.NO_FACE)


@given(st.binary(max_size=20), st.booleans())
def test_random_words_raise_nothing_but_wire_errors(words, signed):
    packet = AncPacket(did=disclosure.DID, sdid=disclosure.SDID, words=b"RLIP" * signed + words)
    try:
        said = disclosure.parse(packet)
    except WireError:
        return
    assert (said is None) or disclosure.parse(disclosure.pack(said)) == said
