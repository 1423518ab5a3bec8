"""NVIDIA Rivermax: packets between the network card and memory without the kernel, and sends that the card itself paces.

Rivermax is proprietary and optional: `pyrivermax` binds it where its SDK is installed, and says what is missing elsewhere. A
packet is copied once each way, between the card's ring and a chunk's rows or a grain: that is what the ports ask for.
Nothing here knows what a packet means: transport file and sizes of a frame's packets come from above.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

import pyrivermax
from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Leg
from relip.ports import PACKET_STRIDE, Burst, Chunk

RING_OCTETS = 32 << 20
"""Of a receive ring: about 80 ms of 1080p60, as of the kernel's buffer."""
HEADER_OCTETS = 20
"""RTP, extended sequence number and one SRD header: what the card splits off a video packet."""
BLOCKS = 4
"""Blocks of a sender's memory, each of a frame: one being filled, one being sent, two that wait."""
BLOCK_PACKETS = 64
"""A block holds several frames where they are shorter than this: of sound, a packet is a frame."""
PACKETS_PER_CHUNK = 64
"""Most packets committed at once; of 1080p, 15 rows."""
LOOSE_PACKETS = 16
"""Packets of a chunk where their sizes are told with it, as of ancillary data: one frame has few."""
LEAD_PACKETS = 2
"""So many readings before its first packet is read a frame leaves, as in the vendor's kit: the least narrow buffer holds 8."""
PATIENCE_NS = 50_000_000
"""How long a full send ring is waited for, as with sockets."""
GATHER_NS = 1_000_000
DSCP_AF41 = 34
LARGEST_OCTETS = 1472
"""RTP octets that a frame of Ethernet carries."""


class RivermaxSource:
    """PacketSource on one flow through one card, which is the one whose address `leg.interface` is.

    `header_octets` of each packet are split off into a memory block of their own; 0 keeps packets whole. `by_sequence`: the
    card puts packets where their extended sequence number says (ST 2110-20), and not as they come. One thread receives; any
    thread may close. Raises ResourceError when SDK, licence or card cannot be had.
    """

    def __init__(
        self,
        leg: Leg,
        *,
        ring_octets: int = RING_OCTETS,
        packet_octets: int = PACKET_STRIDE,
        header_octets: int = HEADER_OCTETS,
        by_sequence: bool = False,
    ) -> None:
        try:
            self._input = pyrivermax.Input(
                nic=leg.interface,
                destination=leg.destination,
                port=leg.port,
                source=leg.source,
                capacity=max(1, ring_octets // packet_octets),
                packet_octets=packet_octets,
                header_octets=header_octets,
                order=pyrivermax.Order.EXTENDED_SEQUENCE if by_sequence else pyrivermax.Order.ARRIVAL,
            )
        except (pyrivermax.Unavailable, pyrivermax.RivermaxError) as cause:
            raise ResourceError(
                f"cannot receive {leg.destination}:{leg.port} on {leg.interface} by Rivermax: {cause}"
            ) from cause
        self._in_use = threading.Lock()
        self._closed = np.zeros(1, np.uint8)
        self._behind = False

    def receive(self, chunk: Chunk, wait_ns: int) -> int:
        """See PacketSource. Once a packet came, up to 1 ms of packets is gathered, so that calls stay few."""
        assert chunk.octets.flags.c_contiguous
        chunk.count = 0
        with self._in_use:
            if self._closed[0]:
                raise ResourceError("the source is closed")
            gather_ns = 0 if self._behind else min(wait_ns, GATHER_NS)
            try:
                count = self._input.receive(
                    chunk.octets, chunk.lengths, wait_ns=wait_ns, gather_ns=gather_ns, closed=self._closed
                )
            except pyrivermax.RivermaxError as cause:
                raise ResourceError(f"receiving by Rivermax failed: {cause}") from cause
        if count < 0:
            raise ResourceError("the source was closed while receiving")
        if chunk.arrivals is not None:
            chunk.arrivals[:count] = 0  # the card stamps packets, on a scale that its vendor's public pages do not say
        chunk.count = count
        self._behind = count == len(chunk.lengths)
        return chunk.count

    @property
    def checksum_issues(self) -> int:
        """Chunks in which the card found a wrong checksum; their packets are handed on all the same."""
        return self._input.checksum_issues

    def close(self) -> None:
        """See PacketSource; a blocked `receive` ends within a millisecond."""
        already, self._closed[0] = self._closed[0], 1
        with self._in_use:
            if already:
                return
            try:
                self._input.close()
            except pyrivermax.RivermaxError as cause:
                raise ResourceError(f"leaving a flow of Rivermax failed: {cause}") from cause


class RivermaxSink:
    """PacketSink on the flow that a transport file describes, sent and paced by the card of the sender's address in it.

    `sizes`: (n,) octets of each packet of a frame, headers and all; a burst is then whole frames of just these. None takes
    packets of any sizes up to `largest`, as ancillary data has them. Of a burst's schedule only the instant counts at which
    its first packet is read, and that only where the process has a `clock.rivermax`: the card goes by the transport file, and
    tells nobody when packets left (`measured` stays 0). Raises ResourceError.
    """

    def __init__(
        self, sdp: str, *, sizes: NDArray[np.int64] | None, largest: int = LARGEST_OCTETS, dscp: int = DSCP_AF41
    ) -> None:
        frame = LOOSE_PACKETS if sizes is None else len(sizes)
        if sizes is not None and (not frame or sizes.min() <= 0 or sizes.max() > largest):
            raise FormatError(
                f"a frame of {frame} packets of up to {max(sizes, default=0)} octets: some, of 1 to {largest} each"
            )
        try:
            self._output = pyrivermax.Output(
                sdp=sdp,
                sizes=None if sizes is None else sizes.astype(np.uint16),
                packets_per_frame=frame,
                packets_per_chunk=_packets_per_chunk(frame),
                largest=largest if sizes is None else int(sizes.max()),
                blocks=BLOCKS,
                frames_per_block=max(1, BLOCK_PACKETS // frame),
                dscp=dscp,
            )
        except (pyrivermax.Unavailable, pyrivermax.RivermaxError) as cause:
            raise ResourceError(f"cannot send by Rivermax: {cause}") from cause
        self._in_use = threading.Lock()
        self._open = True

    def send(self, burst: Burst) -> int:
        """See PacketSink. What the card takes none of for 50 ms is given up; ResourceError when it refuses for good."""
        _check(burst)
        with self._in_use:
            if not self._open:
                raise ResourceError("the sink is closed")
            try:
                sent = self._output.send(
                    burst.headers,
                    burst.payload,
                    burst.offsets,
                    burst.lengths,
                    tai_ns=_leaves_ns(burst),
                    patience_ns=PATIENCE_NS,
                )
            except pyrivermax.RivermaxError as cause:
                raise ResourceError(f"sending by Rivermax failed: {cause}") from cause
        if sent < 0:
            raise FormatError(f"a burst of {len(burst.headers)} packets: not whole frames of the sizes agreed on, or too large")
        return sent

    def close(self) -> None:
        """See PacketSink; what the card has not sent is cancelled."""
        with self._in_use:
            if not self._open:
                return
            self._open = False
            try:
                self._output.close()
            except pyrivermax.RivermaxError as cause:
                raise ResourceError(f"closing a flow of Rivermax failed: {cause}") from cause


def _leaves_ns(burst: Burst) -> int:
    """The instant for which the card is asked to send the first packet: shortly before it is read. 0 is at once."""
    if burst.due is None:
        return 0
    if burst.schedule is None:
        return burst.due.ns
    return burst.due.ns + max(0, int(burst.schedule.ahead_ns - LEAD_PACKETS * burst.schedule.read_ns))


def _packets_per_chunk(frame: int) -> int:
    """The most packets up to PACKETS_PER_CHUNK of which a frame is a whole number of times."""
    return next(packets for packets in range(min(frame, PACKETS_PER_CHUNK), 0, -1) if frame % packets == 0)


def _check(burst: Burst) -> None:
    """Refuse slices outside the payload: the card would send whatever lies there."""
    assert burst.headers.flags.c_contiguous
    assert burst.payload.flags.c_contiguous
    assert burst.offsets.dtype == burst.lengths.dtype == np.int64
    if not len(burst.headers) == len(burst.offsets) == len(burst.lengths):
        raise FormatError(f"{len(burst.headers)} headers, {len(burst.offsets)} offsets, {len(burst.lengths)} lengths")
    ends = burst.offsets + burst.lengths
    if len(ends) and (min(burst.offsets.min(), burst.lengths.min()) < 0 or ends.max() > burst.payload.size):
        raise FormatError(f"a packet's slice lies outside its payload of {burst.payload.size} octets")
