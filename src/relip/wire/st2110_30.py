"""Linear PCM in packets: L24 and L16, 1 ms and 125 µs, 1 to 64 channels (ST 2110-30, RFC 3190).

Samples are float32 in −1..1, one column a channel: code value ÷ 2²³ (L24) or 2¹⁵ (L16), which float32 holds exactly.
How many samples a packet has is read from the packet, never from the SDP. Nothing is put in order or filled up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import AudioFormat
from relip.wire import rtp


class Fault(IntEnum):
    """Why a packet is masked. Where several apply, the lowest number is the one that is given."""

    NONE = 0
    RTP = 1
    """The fixed header breaks RFC 3550 (see `rtp.parse`)."""
    PAYLOAD_TYPE = 2
    """Another payload type: not ours to read."""
    LENGTH = 3
    """The payload is empty, or not a whole number of samples of every channel."""


@dataclass(frozen=True, slots=True)
class SampleSpans:
    """What a chunk says: columns of packets (n,), and the samples of all valid packets back to back.

    `fault` (uint8, a `Fault`); and, only where it is NONE, `timestamp` (32 bits, of the packet's first sample),
    `sequence` (16 bits), `ssrc`. `count`: samples for each channel, 0 where masked; packet i owns
    `samples[first[i] : first[i] + count[i]]`. `offset`: of its first octet in the packet's row. `samples`: (sum of count,
    channels) float32, owned by the caller.
    """

    fault: NDArray[np.uint8]
    timestamp: NDArray[np.int64]
    sequence: NDArray[np.int64]
    ssrc: NDArray[np.int64]
    count: NDArray[np.int64]
    first: NDArray[np.int64]
    offset: NDArray[np.int64]
    samples: NDArray[np.float32]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which packets have no fault."""
        return np.equal(self.fault, Fault.NONE)

    @property
    def faults(self) -> NDArray[np.int64]:
        """How many packets have each fault, indexed by `Fault`."""
        return np.bincount(self.fault, minlength=len(Fault))


def parse(
    octets: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    *,
    format: AudioFormat,  # noqa: A002  the essence's own word
    payload_type: int,
) -> SampleSpans:
    """Read `octets` (n, stride) uint8, one datagram of `lengths` (n,) octets a row; never raises for what it reads.

    Of the format, channels and depth count; the packet time is the packet's own.
    """
    headers = rtp.parse(octets, lengths)
    size = headers.payload_end - headers.payload_offset
    faulty = [~headers.valid, headers.payload_type != payload_type, (size == 0) | (size % format.sample_octets != 0)]
    fault = np.select(faulty, [f.value for f in Fault if f], Fault.NONE.value).astype(np.uint8)
    count = np.where(fault == Fault.NONE, size // format.sample_octets, 0)
    first = np.cumsum(count) - count
    packet = np.repeat(np.arange(len(count)), count)
    at = headers.payload_offset[packet] + (np.arange(len(packet)) - first[packet]) * format.sample_octets
    data = octets[packet[:, None], at[:, None] + np.arange(format.sample_octets)]
    return SampleSpans(
        fault=fault,
        timestamp=headers.timestamp,
        sequence=headers.sequence,
        ssrc=headers.ssrc,
        count=count,
        first=first,
        offset=headers.payload_offset,
        samples=unpack(data, depth=format.depth),
    )


def unpack(data: NDArray[np.uint8], *, depth: int) -> NDArray[np.float32]:
    """Big-endian code values (…, k·depth/8) uint8 to samples (…, k) float32; exact."""
    octets = depth // 8
    code = data.reshape(*data.shape[:-1], data.shape[-1] // octets, octets).astype(np.int32)
    value = code[..., 0] << 24 | code[..., 1] << 16
    if depth == 24:
        value |= code[..., 2] << 8
    return (value >> (32 - depth)).astype(np.float32) / np.float32(1 << (depth - 1))


def pack(samples: NDArray[np.float32], *, depth: int) -> NDArray[np.uint8]:
    """Samples (…, k) float32 to big-endian code values (…, k·depth/8) uint8.

    Rounds to the nearest code, clips what is beyond full scale, and writes silence for what is not a number.
    """
    full_scale = 1 << (depth - 1)
    bounded = np.clip(np.nan_to_num(samples, nan=0.0), -1.0, 1.0).astype(np.float32)
    code = np.minimum(np.rint(bounded * np.float32(full_scale)), full_scale - 1).astype(np.int32)
    shifts = np.arange(depth - 8, -8, -8, dtype=np.int32)
    octets: NDArray[np.uint8] = (code[..., None] >> shifts & 0xFF).astype(np.uint8)
    return octets.reshape(*samples.shape[:-1], samples.shape[-1] * (depth // 8))


class AudioPackets:
    """Cuts samples into whole RTP packets of one flow: equal packets of the format's packet time."""

    def __init__(self, format: AudioFormat, *, payload_type: int, ssrc: int) -> None:  # noqa: A002  the essence's own word
        self._format = format
        self._header = rtp.template(1, rtp.HEADER_OCTETS, payload_type=payload_type, ssrc=ssrc)

    def packets(self, samples: NDArray[np.float32], first_sample: int, sequence: int) -> NDArray[np.uint8]:
        """Packets (n, 12 + payload) uint8 for `samples` (n·packet_samples, channels) float32; the caller owns them.

        `first_sample`: 48 kHz samples since the epoch, not wrapped. `sequence`: of the first packet, any integer;
        the next call's is `sequence + n`. Raises FormatError for samples that do not fill whole packets of this format.
        """
        size = self._format.packet_samples
        if samples.ndim != 2 or samples.shape[1] != self._format.channels or len(samples) % size:
            raise FormatError(f"samples {samples.shape} do not fill packets of {size} × {self._format.channels}")
        packets = self.room(len(samples) // size)
        packets[:, rtp.HEADER_OCTETS :] = pack(samples.reshape(len(packets), -1), depth=self._format.depth)
        self.stamp(packets, first_sample, sequence)
        return packets

    def room(self, n: int) -> NDArray[np.uint8]:
        """Packets (n, 12 + payload) uint8 whose payload is still to be written, and to be stamped."""
        packets = np.empty((n, rtp.HEADER_OCTETS + self._format.packet_samples * self._format.sample_octets), np.uint8)
        packets[:, : rtp.HEADER_OCTETS] = self._header
        return packets

    def stamp(self, packets: NDArray[np.uint8], first_sample: int, sequence: int) -> None:
        """Write timestamps and sequence numbers of consecutive packets, as `packets` says."""
        fields = rtp.fixed_header(packets)
        index = np.arange(len(packets), dtype=np.int64)
        fields["sequence"] = (index + (sequence & 0xFFFF)) & 0xFFFF
        fields["timestamp"] = (index * self._format.packet_samples + (first_sample & 0xFFFFFFFF)) & 0xFFFFFFFF
