"""The ANC packet that tells a receiver what Relip did to the frame it travels with.

A frame whose mouth was rewritten is synthetic, and must be able to say so to machines downstream. The packet is of
type 2, in the range ST 291-1 leaves to user applications; which DID and SDID is configuration. User data words:

    word   what
    0–3    signature, the ASCII letters R L I P: others may use the same DID and SDID
    4      version of this table, 1
    5      flags: b0 the frame was altered; b1 words 8–15 hold the altered region; b2 rows that never
           came were taken from the frame before; b3–b7 zero
    6      why it was not altered: 0 nothing to say, else the number of REASONS
    7      zero
    8–15   x, y, width, height of the region in pixels, 16 bits each, most significant word first; zero without b1
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from relip.essence.errors import FormatError, WireError
from relip.essence.grains import AncPacket
from relip.essence.scene import Bypass, Region

DID = 0x52
SDID = 0x4C
SIGNATURE = b"RLIP"
VERSION = 1
ALTERED = 0x01
REGION = 0x02
CONCEALED = 0x04
REASONS: dict[int, Bypass] = {
    1: Bypass.REQUESTED,
    2: Bypass.NO_FACE,
    3: Bypass.FACE_SMALL,
    4: Bypass.FACE_TURNED,
    5: Bypass.FACE_UNSURE,
    6: Bypass.CUT,
    7: Bypass.NO_DUB,
    8: Bypass.WARMING,
    9: Bypass.INCOMPLETE,
    10: Bypass.MODEL,
    11: Bypass.FAILED,
    12: Bypass.DEADLINE,
    13: Bypass.FACE_LOST,
    14: Bypass.FACE_TILTED,
    15: Bypass.OUT_OF_FRAME,
    16: Bypass.COVERED,
    17: Bypass.TWO_FACES,
    18: Bypass.OVERLOAD,
}
"""Numbers on the wire; they are never reused for another reason."""

_LAYOUT = struct.Struct(">4sBBBB4H")
_CODES = {reason: code for code, reason in REASONS.items()}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What became of a frame: altered inside `region`, or left alone for `reason`.

    `concealed`: the frame did not come whole, and its missing rows are those of the frame before.
    """

    altered: bool
    reason: Bypass | None = None
    region: Region | None = None
    concealed: bool = False

    def __post_init__(self) -> None:
        if self.altered and self.reason is not None:
            raise FormatError(f"a frame bypassed for {self.reason} is not altered")


def pack(disclosure: Disclosure, *, did: int = DID, sdid: int = SDID) -> AncPacket:
    """The ANC packet that says it, on no specific line."""
    region = disclosure.region
    words = _LAYOUT.pack(
        SIGNATURE,
        VERSION,
        ALTERED * disclosure.altered | REGION * (region is not None) | CONCEALED * disclosure.concealed,
        0 if disclosure.reason is None else _CODES[disclosure.reason],
        0,
        *((region.x, region.y, region.width, region.height) if region else (0, 0, 0, 0)),
    )
    return AncPacket(did=did, sdid=sdid, words=words)


def parse(packet: AncPacket, *, did: int = DID, sdid: int = SDID) -> Disclosure | None:
    """What the packet says; None when it is not one of ours, WireError when it is and breaks the table."""
    if (packet.did, packet.sdid) != (did, sdid) or not packet.words.startswith(SIGNATURE):
        return None
    if len(packet.words) != _LAYOUT.size:
        raise WireError(f"a disclosure of {len(packet.words)} words, not {_LAYOUT.size}")
    _, version, flags, code, reserved, *numbers = _LAYOUT.unpack(packet.words)
    if version != VERSION:
        raise WireError(f"disclosure version {version}: only {VERSION} is known")
    if reserved or flags & ~(ALTERED | REGION | CONCEALED):
        raise WireError(f"disclosure flags {flags:#04x} and reserved word {reserved:#04x} have bits that mean nothing")
    if code and code not in REASONS:
        raise WireError(f"disclosure reason {code} is not known")
    try:
        region = Region(*numbers) if flags & REGION else None
        return Disclosure(
            altered=bool(flags & ALTERED), reason=REASONS.get(code), region=region, concealed=bool(flags & CONCEALED)
        )
    except FormatError as cause:
        raise WireError(f"disclosure: {cause}") from cause
