"""A leg of ST 2110-40: what its ANC packets are, by name where one is registered, and whether they are well made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import WireError
from relip.essence.grains import AncPacket
from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.ports import Chunk
from relip.probe import legs
from relip.probe.legs import NS_PER_US, Own
from relip.probe.report import AncContent, AncFigures, Disclosed
from relip.wire import disclosure, rtp, st2110_40
from relip.wire.st2110_40 import Field

NAMES = {
    (0x08, 0x08): "MPEG recoding data (ST 353)",
    (0x41, 0x01): "video payload identifier (ST 352)",
    (0x41, 0x05): "active format and bar data (ST 2016-3)",
    (0x41, 0x06): "pan and scan (ST 2016-4)",
    (0x41, 0x07): "SCTE 104 messages (ST 2010)",
    (0x41, 0x08): "DVB and SCTE VBI data (ST 2031)",
    (0x43, 0x02): "OP-47 subtitles (RDD 8)",
    (0x43, 0x03): "OP-47 VANC multipackets (RDD 8)",
    (0x44, 0x04): "KLV metadata, VANC (RP 214)",
    (0x44, 0x14): "KLV metadata, HANC (RP 214)",
    (0x45, 0x01): "audio metadata, no association (ST 2020-2)",
    (0x60, 0x60): "ancillary time code (ST 12-2)",
    (0x61, 0x01): "CEA-708 captions (ST 334-1)",
    (0x61, 0x02): "CEA-608 captions (ST 334-1)",
    (0x62, 0x01): "programme description (ST 334-1)",
    (0x62, 0x02): "data broadcast (ST 334-1)",
    (0x62, 0x03): "VBI data (ST 334-1)",
}
"""Registered under DID and SDID; of type 1 the DID alone says it: see `name_of`."""
_TYPE_1 = {0x80: "marked for deletion (ST 291-1)", 0x84: "end marker (ST 291-1)", 0x88: "start marker (ST 291-1)"}
_USER_TYPE_2 = range(0x50, 0x60)
_USER_TYPE_1 = range(0xC0, 0xD0)


def name_of(did: int, sdid: int) -> str:
    """What is registered under a pair; ranges of user applications belong to nobody."""
    if (did, sdid) in NAMES:
        return NAMES[did, sdid]
    if did in _TYPE_1:
        return _TYPE_1[did]
    return "user application" if did in _USER_TYPE_2 or did in _USER_TYPE_1 else "not known"


@dataclass(slots=True)
class _Seen:
    """What came under one DID and SDID."""

    packets: int = 0
    frames: set[int] = field(default_factory=set)
    words: set[int] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Reading:
    """What is kept of the contents, packet by packet: an ANC flow has few."""

    disclosed_as: tuple[int, int] = (disclosure.DID, disclosure.SDID)
    seen: dict[tuple[int, int], _Seen] = field(default_factory=dict)
    keep_alives: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    concealed: int = 0
    anc_in_frame: Counter[int] = field(default_factory=Counter)
    _disclosed: set[int] = field(default_factory=set)
    _read: set[tuple[int, int]] = field(default_factory=set)

    def read(self, chunk: Chunk, payload_type: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Read a chunk: which packets have a whole header, (n,), and their 32-bit sequence numbers. Repeats are read once."""
        octets, lengths = chunk.octets[: chunk.count], chunk.lengths[: chunk.count]
        columns = rtp.parse(octets, lengths)
        valid = columns.valid & (columns.payload_type == payload_type)
        number = columns.sequence.copy()
        for i in np.flatnonzero(valid).tolist():
            payload = octets[i, columns.payload_offset[i] : columns.payload_end[i]].tobytes()
            try:
                anc = st2110_40.parse(payload)
            except WireError:
                valid[i] = False
                continue
            number[i] |= anc.extended_sequence << 16
            one = int(columns.timestamp[i]), int(number[i])
            if one in self._read:
                continue
            self._read.add(one)
            self._note(anc, one[0])
        return valid, number

    def _note(self, anc: st2110_40.AncPayload, frame: int) -> None:
        self.bad.update(parity=anc.bad_parity, checksum=anc.bad_checksum, truncated=anc.truncated)
        self.bad["field"] += anc.field is Field.INVALID
        self.keep_alives += not (anc.packets or anc.bad_parity or anc.bad_checksum or anc.truncated)
        self.anc_in_frame[frame] += len(anc.packets)
        for packet in anc.packets:
            seen = self.seen.setdefault((packet.did, packet.sdid), _Seen())
            seen.packets += 1
            seen.frames.add(frame)
            seen.words.add(len(packet.words))
            seen.lines.add(packet.line)
            self._disclosure(packet, frame)

    def _disclosure(self, packet: AncPacket, frame: int) -> None:
        """Count what our own packet says; a frame that says it twice is counted once."""
        if not packet.words.startswith(disclosure.SIGNATURE):
            return
        try:
            told = disclosure.parse(packet, did=packet.did, sdid=packet.sdid)
        except WireError:
            self.said["unreadable"] += 1
            return
        if told is None or frame in self._disclosed:
            return
        self._disclosed.add(frame)
        self.concealed += told.concealed
        self.said["altered" if told.altered else str(told.reason or "no reason")] += 1

    def contents(self) -> list[AncContent]:
        """Every kind that came, by DID and SDID."""
        return [
            AncContent(
                did=f"0x{did:02X}",
                sdid=f"0x{sdid:02X}",
                name="Relip disclosure" if self._disclosed and (did, sdid) == self.disclosed_as else name_of(did, sdid),
                packets=seen.packets,
                frames=len(seen.frames),
                words="-".join(str(n) for n in sorted({min(seen.words), max(seen.words)})),
                lines=sorted(seen.lines),
            )
            for (did, sdid), seen in sorted(self.seen.items())
        ]

    def disclosed(self) -> Disclosed | None:
        """What our own packets said in sum."""
        if not self.said:
            return None
        reasons = {name: count for name, count in self.said.items() if name not in ("altered", "unreadable")}
        return Disclosed(
            altered=self.said["altered"], untouched=reasons, concealed=self.concealed, unreadable=self.said["unreadable"]
        )


def study(of: Own, reading: Reading, *, tai_utc_ns: int) -> AncFigures | None:
    """Judge a leg; None without packets."""
    if not len(of.packets):
        return None
    order = np.lexsort((of.number, of.ticks))
    ticks, first, count = np.unique(of.ticks[order], return_index=True, return_counts=True)
    last = of.packets["marker"][order][first + count - 1]
    starts = np.minimum.reduceat(of.arrivals[order], first)
    ages = legs.ages(of, ticks, starts, clock_hz=VIDEO_CLOCK_HZ, tai_utc_ns=tai_utc_ns)
    anc = np.array([reading.anc_in_frame[legs.wrapped(t)] for t in ticks.tolist()], np.int64)
    rtp_spread, anc_spread = legs.spread(count), legs.spread(anc)
    assert rtp_spread is not None, "there is a frame"
    assert anc_spread is not None, "there is a frame"
    return AncFigures(
        frames=len(ticks),
        keep_alives=reading.keep_alives,
        rtp_packets_per_frame=rtp_spread,
        anc_packets_per_frame=anc_spread,
        contents=reading.contents(),
        disclosed=reading.disclosed(),
        bad_parity=reading.bad["parity"],
        bad_checksum=reading.bad["checksum"],
        truncated=reading.bad["truncated"],
        bad_field=reading.bad["field"],
        without_marker=int((~last).sum()),
        rtp_age_us=legs.spread(ages, unit=NS_PER_US) if of.timed else None,
    )
