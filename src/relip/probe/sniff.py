"""What kind of flow packets belong to, told from their octets alone, where no transport file says it.

RTP does not say what it carries. Each kind has a payload header, or a lack of one, that chance does not imitate over
many packets: lengths that add up, reserved bits that are zero, timestamps that rise by what the payload holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import RATES, AudioFormat
from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.ports import Chunk
from relip.probe import packets
from relip.probe.report import Kind
from relip.wire import rtp, st2110_20, st2110_40

ENOUGH = 0.9
"""Share of the packets that must look like a kind for it to be taken."""
RATE_TOLERANCE = Fraction(1, 4000)
"""Of a rate: 59.94 and 60 differ by four times as much."""
_DEPTHS = (24, 16)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The kind of a flow and the payload type of most of its packets; of audio also the coding, where it could be told."""

    kind: Kind
    payload_type: int
    audio: AudioFormat | None = None


def sniff(chunk: Chunk) -> Sniffed | None:
    """What the packets of a chunk, some dozens at least, are; None when they are not RTP."""
    octets, lengths = chunk.octets[: chunk.count], chunk.lengths[: chunk.count]
    read = rtp.parse(octets, lengths)
    if not chunk.count or read.valid.mean() < ENOUGH:
        return None
    payload_type = int(np.bincount(read.payload_type[read.valid]).argmax())
    mine = read.valid & (read.payload_type == payload_type)
    octets, lengths = octets[mine], lengths[mine]
    if _looks_ancillary(octets, lengths):
        return Sniffed("ancillary", payload_type)
    if _looks_video(octets, lengths, payload_type):
        return Sniffed("video", payload_type)
    audio = _audio_of(octets, lengths)
    return Sniffed("unknown" if audio is None else "audio", payload_type, audio)


def _looks_ancillary(octets: NDArray[np.uint8], lengths: NDArray[np.int32]) -> bool:
    """RFC 8331 §2.1: the Length is that of the payload, and 22 bits are zero."""
    read = rtp.parse(octets, lengths)
    at, size = read.payload_offset, read.payload_end - read.payload_offset
    said = rtp.field16(octets, at + 2)
    reserved = rtp.field8(octets, at + 5) & 0x3F | rtp.field16(octets, at + 6)
    return bool(
        ((size >= st2110_40.HEADER_OCTETS) & (said == size - st2110_40.HEADER_OCTETS) & (reserved == 0)).mean() >= ENOUGH
    )


def _looks_video(octets: NDArray[np.uint8], lengths: NDArray[np.int32], payload_type: int) -> bool:
    """RFC 4175: SRD headers whose lengths, in whole pgroups, fill the payload to the end."""
    spans = st2110_20.parse(octets, lengths, payload_type=payload_type)
    end = np.zeros(len(lengths), np.int64)
    np.maximum.at(end, spans.packet, spans.data + spans.length_octets)
    filled = spans.valid & (end == rtp.parse(octets, lengths).payload_end)
    return bool(filled.mean() >= ENOUGH and spans.length_octets.sum() > 0)


def _audio_of(octets: NDArray[np.uint8], lengths: NDArray[np.int32]) -> AudioFormat | None:
    """Packets of one size whose timestamps rise by as many samples as they could hold."""
    read = rtp.parse(octets, lengths)
    size, counts = np.unique(read.payload_end - read.payload_offset, return_counts=True)
    following = np.diff(read.sequence) == 1
    steps = np.diff(read.timestamp)[following]
    if not len(steps) or counts.max() < ENOUGH * len(lengths):
        return None
    step, times = np.unique(steps, return_counts=True)
    samples, payload = int(step[times.argmax()]), int(size[counts.argmax()])
    if samples <= 0 or times.max() < ENOUGH * len(steps):
        return None
    for depth in _DEPTHS:
        channels, rest = divmod(payload, samples * depth // 8)
        if not rest:
            try:
                return AudioFormat(channels=channels, depth=depth)  # the packet time is read from the packets anyway
            except FormatError:
                continue
    return None


def rate_of(steps: Sequence[int] | NDArray[np.int64]) -> Fraction | None:
    """The rate whose frames are so many ticks apart; the nearest usual one, else what they come to.

    Steps over a frame that did not come are left out. None of no steps, or of steps that are nothing like each other.
    """
    column = np.asarray(steps, np.int64)
    column = column[column > 0]
    one = column[np.abs(column - np.median(column)) <= np.median(column) / 4] if len(column) else column
    if not len(one):
        return None
    measured = Fraction(VIDEO_CLOCK_HZ * len(one), int(one.sum()))
    nearest = min(RATES.values(), key=lambda rate: abs(rate - measured))
    tolerance = max(RATE_TOLERANCE, Fraction(1, int(one.sum())))
    return nearest if abs(nearest - measured) <= nearest * tolerance else measured.limit_denominator(1001)


def raster_of(of: packets.Packets) -> tuple[int, int]:
    """Width and height that packets, one at least, reach."""
    return packets.pixels_of(int(of["row_octets"].max())), int(of["row"].max()) + 1
