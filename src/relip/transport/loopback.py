"""A link inside the process that loses, repeats and reorders packets by a seed: the sibling of transport.udp for tests.

Time passes on it only as it is told: reordering is counted in the packets that overtake, and stamps are what `now_ns` says. The
same seed and the same bursts give the same packets. Nothing here opens a socket.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.ports import PACKET_STRIDE, Burst, Chunk

_NS_PER_S = 1_000_000_000


class Link:
    """One direction of a network, with a queue of `capacity` packets before the source that drops the newest when full.

    `loss`, `reorder`, `duplicate`: shares of packets, 0..1. Losses come `burst` in a row. A reordered packet is overtaken by 1
    to `jitter` packets; what is still under way when the queue has run empty arrives then. A duplicate follows its original.
    While it is not `plugged`, what is sent is lost. `lost`, `overrun`: packets the network or the full queue dropped.
    `now_ns`: when the next burst is sent, UTC; who sends sets it, and a burst moves it on by its span, over which its packets
    leave evenly. They arrive `delay_ns` later, and where `now` is given they cannot be taken before. Raises FormatError for a
    share outside 0..1.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        loss: float = 0.0,
        reorder: float = 0.0,
        duplicate: float = 0.0,
        jitter: int = 16,
        burst: int = 1,
        delay_ns: int = 0,
        now: Callable[[], int] | None = None,
        capacity: int = 1 << 14,
    ) -> None:
        for name, share in (("loss", loss), ("reorder", reorder), ("duplicate", duplicate)):
            if not 0.0 <= share <= 1.0:
                raise FormatError(f"{name}={share}: a share of packets lies in 0..1")
        if min(jitter, burst, capacity) < 1:
            raise FormatError(f"jitter={jitter}, burst={burst}, capacity={capacity}: at least one packet each")
        self.lost = self.overrun = self.now_ns = 0
        self.plugged = True
        self.delay_ns = delay_ns
        self._burst, self._now, self._losing = burst, now, 0
        self._loss, self._reorder, self._duplicate, self._jitter = loss, reorder, duplicate, jitter
        self._random = np.random.default_rng(seed)
        self._octets = np.zeros((capacity, PACKET_STRIDE), np.uint8)
        self._lengths = np.zeros(capacity, np.int32)
        self._arrivals = np.zeros(capacity, np.int64)
        self._first = self._count = 0
        self._carried = self._latest_ns = 0
        self._under_way = _nothing()
        self._arrived = threading.Condition()
        self._source_open = True
        self.sink = LoopbackSink(self)
        self.source = LoopbackSource(self)

    def carry(self, octets: NDArray[np.uint8], lengths: NDArray[np.int32], span_ns: int = 0) -> None:
        """Take packets (n, PACKET_STRIDE) uint8 of `lengths` (n,) int32 onto the link, spread evenly over `span_ns`."""
        n = len(lengths)
        stamps = self.now_ns + self.delay_ns + np.arange(n) * span_ns // max(n, 1)
        self.now_ns += span_ns
        kept = self._kept(n)
        copies = np.where(kept, 1 + (self._random.random(n) < self._duplicate), 0)
        delay = np.where(self._random.random(n) < self._reorder, self._random.integers(1, self._jitter + 1, n), 0)
        packet = np.repeat(np.arange(n), copies)
        # A delayed packet arrives just after the one that overtakes it last: halves keep the two apart.
        due = 2 * (self._carried + packet + delay[packet]) + (delay[packet] > 0)
        with self._arrived:
            self.lost += n - int(kept.sum())
            self._carried += n
            self._let_pass(due, octets[packet], lengths[packet], stamps[packet])

    def take(self, chunk: Chunk, wait_ns: int) -> int:
        """Move what has arrived into the chunk; see PacketSource.receive."""
        with self._arrived:
            chunk.count = 0
            self._arrived.wait_for(self._something, wait_ns / _NS_PER_S)
            if not self._source_open:
                raise ResourceError("the source is closed")
            if not self._count:
                self._enqueue(*self._under_way[1:])
                self._under_way = _nothing()
            at = (self._first + np.arange(min(self._count, len(chunk.lengths)))) % len(self._lengths)
            at = at if self._now is None else at[self._arrivals[at] <= self._now()]
            n = len(at)
            stride = min(chunk.octets.shape[1], PACKET_STRIDE)
            chunk.octets[:n, :stride] = self._octets[at, :stride]
            chunk.lengths[:n] = self._lengths[at]
            if chunk.arrivals is not None:
                chunk.arrivals[:n] = self._arrivals[at]
            self._first = (self._first + n) % len(self._lengths)
            self._count -= n
            chunk.count = n
        return n

    def shut(self) -> None:
        """Nobody will take packets any more; who waits in `take` is woken."""
        with self._arrived:
            self._source_open = False
            self._arrived.notify_all()

    def _kept(self, n: int) -> NDArray[np.bool_]:
        """Which of the next n packets are not lost; a run of losses goes on in the next burst."""
        if not self.plugged:
            return np.zeros(n, np.bool_)
        begins = np.flatnonzero(self._random.random(n) < self._loss / self._burst)
        kept = np.ones(n, np.bool_)
        kept[: self._losing] = False
        for begin in begins:
            kept[begin : begin + self._burst] = False
        ends = begins + self._burst
        self._losing = max([self._losing - n, *(ends[-1:] - n), 0])
        return kept

    def _something(self) -> bool:
        return self._count > 0 or len(self._under_way[0]) > 0 or not self._source_open

    def _let_pass(
        self, due: NDArray[np.int64], octets: NDArray[np.uint8], lengths: NDArray[np.int32], stamps: NDArray[np.int64]
    ) -> None:
        """Everything whose time has come arrives in the order of its time; the rest stays under way."""
        due = np.concatenate((self._under_way[0], due))
        octets = np.concatenate((self._under_way[1], octets))
        lengths = np.concatenate((self._under_way[2], lengths))
        stamps = np.concatenate((self._under_way[3], stamps))
        order = np.argsort(due, kind="stable")
        late = due[order] >= 2 * self._carried
        self._enqueue(octets[order[~late]], lengths[order[~late]], stamps[order[~late]])
        self._under_way = (due[order[late]], octets[order[late]], lengths[order[late]], stamps[order[late]])
        self._arrived.notify_all()

    def _enqueue(self, octets: NDArray[np.uint8], lengths: NDArray[np.int32], stamps: NDArray[np.int64]) -> None:
        capacity = len(self._lengths)
        n = min(len(lengths), capacity - self._count)
        self.overrun += len(lengths) - n
        at = (self._first + self._count + np.arange(n)) % capacity
        self._octets[at] = octets[:n]
        self._lengths[at] = lengths[:n]
        stamps = np.maximum.accumulate(np.concatenate(([self._latest_ns], stamps[:n])))
        self._arrivals[at] = stamps[1:]
        self._latest_ns = int(stamps[-1])
        self._count += n


class LoopbackSource:
    """PacketSource at the far end of a Link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def dropped(self) -> int:
        """Packets that found the queue full."""
        return self._link.overrun

    def receive(self, chunk: Chunk, wait_ns: int) -> int:
        """See PacketSource."""
        return self._link.take(chunk, wait_ns)

    def close(self) -> None:
        """See PacketSource."""
        self._link.shut()


class LoopbackSink:
    """PacketSink at the near end of a Link. It accepts every packet: what the network loses, no sender knows."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._open = True

    def send(self, burst: Burst) -> int:
        """See PacketSink; it does not wait, but the packets' stamps are spread over the schedule's span."""
        if not self._open:
            raise ResourceError("the sink is closed")
        self._link.carry(*_datagrams(burst), burst.schedule.span_ns if burst.schedule else 0)
        return len(burst.headers)

    def close(self) -> None:
        """See PacketSink."""
        self._open = False


def _nothing() -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32], NDArray[np.int64]]:
    """No packets: when they are due, their octets, lengths and stamps."""
    return np.zeros(0, np.int64), np.zeros((0, PACKET_STRIDE), np.uint8), np.zeros(0, np.int32), np.zeros(0, np.int64)


def _datagrams(burst: Burst) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Header and slice joined, (n, PACKET_STRIDE) uint8 cut at the stride, and their true lengths (n,) int32."""
    ends = burst.offsets + burst.lengths
    if len(ends) and (min(burst.offsets.min(), burst.lengths.min()) < 0 or ends.max() > burst.payload.size):
        raise FormatError(f"a packet's slice lies outside its payload of {burst.payload.size} octets")
    n, header_octets = burst.headers.shape
    octets = np.zeros((n, PACKET_STRIDE), np.uint8)
    octets[:, :header_octets] = burst.headers
    kept = np.minimum(burst.lengths, PACKET_STRIDE - header_octets)
    packet = np.repeat(np.arange(n), kept)
    within = np.arange(len(packet)) - np.repeat(np.cumsum(kept) - kept, kept)
    octets[packet, header_octets + within] = burst.payload[burst.offsets[packet] + within]
    return octets, (burst.lengths + header_octets).astype(np.int32)
