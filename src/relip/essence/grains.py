"""Grains: one timed unit of essence, with the origin timestamp that travels with it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import VideoFormat
from relip.essence.tai import AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ, Tai, tai_of_ticks


@dataclass(frozen=True, slots=True)
class VideoGrain:
    """One packed frame.

    `ticks`: origin timestamp, 90 kHz ticks since the epoch, not wrapped; it leaves as it came.
    `packed`: (height, row_octets) uint8, pgroups as on the wire, owned by whoever holds the lease `slot`.
    `concealed_rows`: rows that the wire did not bring and that hold the previous frame instead.
    `arrived`: when the last packet that completed it was received.
    """

    ticks: int
    format: VideoFormat
    packed: NDArray[np.uint8]
    slot: int
    arrived: Tai
    concealed_rows: int = 0

    @property
    def origin(self) -> Tai:
        """The instant the origin timestamp names."""
        return tai_of_ticks(self.ticks, VIDEO_CLOCK_HZ)


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Consecutive samples of one channel: float32 in −1..1, first sample at `start_sample` (48 kHz since the epoch)."""

    start_sample: int
    samples: NDArray[np.float32]

    @property
    def end_sample(self) -> int:
        """The sample after the last."""
        return self.start_sample + len(self.samples)

    @property
    def origin(self) -> Tai:
        """The instant of the first sample."""
        return tai_of_ticks(self.start_sample, AUDIO_CLOCK_HZ)


@dataclass(frozen=True, slots=True)
class AncPacket:
    """One ST 291-1 ancillary data packet: 8-bit user data words, parity and checksum left to the wire."""

    did: int
    sdid: int
    words: bytes
    line: int = 0x7FF
    horizontal_offset: int = 0xFFF
    stream: int | None = None
    c_channel: bool = False


@dataclass(frozen=True, slots=True)
class AncGrain:
    """The ancillary packets of one frame; `ticks` is that frame's origin timestamp.

    `octets`: of a grain that was received, every ANC packet as the wire brought it, from its C bit to the end of its
    word_align, those too that `packets` leaves out because their parity or checksum is wrong.
    """

    ticks: int
    packets: tuple[AncPacket, ...]
    octets: tuple[bytes, ...] = field(default=(), compare=False)


@dataclass(slots=True)
class Planes:
    """Unpacked 4:2:2 samples of a region: `y` (h, w) uint16, `cb` and `cr` (h, w/2) uint16, 10-bit code values.

    Chroma sample i sits on luma sample 2·i (co-sited, BT.709-6 §3).
    """

    y: NDArray[np.uint16]
    cb: NDArray[np.uint16]
    cr: NDArray[np.uint16]

    @classmethod
    def of(cls, width: int, height: int) -> Planes:
        """Zeroed planes for a region of an even width."""
        return cls(*(np.zeros((height, w), np.uint16) for w in (width, width // 2, width // 2)))
