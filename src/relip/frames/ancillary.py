"""Packets of ST 2110-40 become the ancillary data of a frame, by RTP timestamp.

A frame's packets are few, so this is plain Python. A frame leaves when its marker has come and no packet before it is
missing, when a newer frame has begun (and of two legs the slower one has had its time), or after a fifth of a second of
silence; what is missing then stays missing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from relip.essence.errors import WireError
from relip.essence.grains import AncGrain
from relip.essence.tai import NS_PER_S, RTP_WRAP, VIDEO_CLOCK_HZ, Tai, unwrap_rtp
from relip.ports import Chunk
from relip.wire import rtp, st2110_40
from relip.wire.st2110_40 import AncPayload

STRANGERS = 4
"""Packets of another SSRC in sequence by which a new sender shows that it is no stray; likewise of timestamps far away."""
FAR_TICKS = VIDEO_CLOCK_HZ
LATE_RUN = 8
"""So many late packets in a row: the sender's timestamps went back."""
PATIENCE_NS = 200_000_000
MAX_PACKETS = 256
"""Of one frame: more is no frame's ancillary data, and the memory is ours."""
MAX_FRAMES = 32
"""Under assembly at once: half a second at 60 frames a second."""
REMEMBERED = 512
"""Packets whose repetition is told from a late packet after their frame has left."""
STALE_NS = 1_000_000_000
"""Of two legs one may be so far behind: what it repeats says nothing of the sender's time while the other brings news."""


@dataclass(slots=True)
class AncCounters:
    """What an ancillary flow brought since the start.

    In RTP packets: `packets`, `lost` (a frame left without them, or between frames), `duplicate`, `late`, `malformed`,
    `other_type`, `stranger`. In ANC packets: `bad_parity`, `bad_checksum`, which are given out as octets only, and `truncated`,
    which are not.
    `grains` given out; `resyncs`: the sender changed or its timestamps leapt.
    """

    packets: int = 0
    lost: int = 0
    duplicate: int = 0
    late: int = 0
    malformed: int = 0
    other_type: int = 0
    stranger: int = 0
    bad_parity: int = 0
    bad_checksum: int = 0
    truncated: int = 0
    grains: int = 0
    resyncs: int = 0


@dataclass(slots=True)
class _Frame:
    """One frame under assembly: its packets by 32-bit sequence number."""

    ticks: int
    first_ns: int
    payloads: dict[int, AncPayload] = field(default_factory=dict)
    marker: int | None = None


class AncAssembler:
    """Assembles one flow, from one leg or both.

    A keep-alive (no ANC packet, marker set) gives an empty grain: the sender lives.
    `differential_ns`: by how much one of two legs may follow the other, None where there is but one.
    """

    def __init__(self, *, payload_type: int, differential_ns: int | None = None) -> None:
        self.counters = AncCounters()
        self._payload_type = payload_type
        self._window_ns = differential_ns or 0
        self._stale_ns = 0 if differential_ns is None else STALE_NS
        self._ssrc: int | None = None
        self._stranger = self._stranger_low = -1
        self._heard_ns = 0
        self._forget()

    def push(self, chunk: Chunk, now: Tai) -> list[AncGrain]:
        """Take a chunk that was received at `now`; the grains that are due, in the order of their timestamps."""
        grains: list[AncGrain] = []
        n = chunk.count
        headers = rtp.parse(chunk.octets[:n], chunk.lengths[:n])
        self.counters.packets += n
        for i in range(n):
            if not headers.valid[i]:
                self.counters.malformed += 1
            elif headers.payload_type[i] != self._payload_type:
                self.counters.other_type += 1
            elif self._is_known(int(headers.ssrc[i]), int(headers.sequence[i])):
                body = chunk.octets[i, headers.payload_offset[i] : headers.payload_end[i]].tobytes()
                place = (int(headers.timestamp[i]), int(headers.sequence[i]))
                self._take(body, place, marker=bool(headers.marker[i]), now=now)
                if not self._window_ns:  # in the order of arrival, as one leg brings them
                    grains += self._depart(now)
        return grains + self._depart(now)

    def _is_known(self, ssrc: int, low: int) -> bool:
        """Whether the packet is the present sender's; enough of another one in sequence make it the present one."""
        if ssrc == self._ssrc:
            self._strangers = 0
            return True
        follows = ssrc == self._stranger and (low - self._stranger_low) & 0xFFFF <= 1
        self._strangers = self._strangers + 1 if follows else 1
        self._stranger, self._stranger_low = ssrc, low
        if self._ssrc is not None and self._strangers < STRANGERS:
            self.counters.stranger += 1
            return False
        self.counters.resyncs += self._ssrc is not None
        self._ssrc = ssrc
        self._forget()
        return True

    def _forget(self) -> None:
        """Nothing of the stream is known any more; frames under assembly are given up."""
        self._strangers = self._late = self._leaps = 0
        self._frames: dict[int, _Frame] = {}
        self._recent: deque[int] = deque(maxlen=REMEMBERED)
        self._left_ticks: int | None = None
        self._next_sequence: int | None = None

    def _take(self, body: bytes, place: tuple[int, int], *, marker: bool, now: Tai) -> None:
        """Put a packet into its frame."""
        try:
            payload = st2110_40.parse(body)
        except WireError:
            self.counters.malformed += 1
            return
        timestamp, low = place
        sequence = payload.extended_sequence << 16 | low
        near = now.ticks(VIDEO_CLOCK_HZ) if self._left_ticks is None else self._left_ticks
        ticks = unwrap_rtp(timestamp, near)
        if self._leaps_away(ticks, now) or self._has_left(ticks, sequence, now):
            return
        self._heard_ns = now.ns
        frame = self._frames.get(ticks)
        if frame is None:
            frame = self._frames[ticks] = _Frame(ticks, now.ns)
        self._add(frame, payload, sequence, marker=marker)

    def _leaps_away(self, ticks: int, now: Tai) -> bool:
        """Whether a timestamp is far from where the stream must be by now: damaged or forged, unless no other comes."""
        if self._left_ticks is None:
            return False
        passed = (now.ns - self._heard_ns) * VIDEO_CLOCK_HZ // NS_PER_S
        far = abs(ticks - self._left_ticks) > FAR_TICKS and abs(ticks - self._left_ticks - passed) > FAR_TICKS
        self._leaps = self._leaps + 1 if far else 0
        if self._leaps >= STRANGERS:
            self.counters.resyncs += 1
            self._forget()
            return False
        self.counters.stranger += far
        return far

    def _has_left(self, ticks: int, sequence: int, now: Tai) -> bool:
        """Whether the packet's frame has left; a long run of those means that the sender's time went back.

        A number that is not new is a repetition, and where another leg brings news it says no more than that.
        """
        if self._left_ticks is None or ticks > self._left_ticks:
            self._late = 0
            return False
        repeated = sequence in self._recent
        old = self._next_sequence is not None and unwrap_rtp(sequence, self._next_sequence) < self._next_sequence
        self._late += not (old and now.ns - self._heard_ns < self._stale_ns)
        if self._late < LATE_RUN:
            self.counters.duplicate += repeated
            self.counters.late += not repeated
            return True
        self.counters.resyncs += 1
        self._forget()
        return False

    def _add(self, frame: _Frame, payload: AncPayload, sequence: int, *, marker: bool) -> None:
        if sequence in frame.payloads:
            self.counters.duplicate += 1
            return
        if len(frame.payloads) >= MAX_PACKETS:
            self.counters.malformed += 1
            return
        self.counters.bad_parity += payload.bad_parity
        self.counters.bad_checksum += payload.bad_checksum
        self.counters.truncated += payload.truncated
        frame.payloads[sequence] = payload
        if marker:
            frame.marker = sequence

    def _depart(self, now: Tai) -> list[AncGrain]:
        """The frames that are whole or have been waited for, oldest first, up to the first that is neither."""
        grains = []
        for ticks in sorted(self._frames):
            newer = [frame.first_ns for frame in self._frames.values() if frame.ticks > ticks]
            overtaken = bool(newer) and now.ns - min(newer) >= self._window_ns
            frame = self._frames[ticks]
            tired = now.ns - frame.first_ns >= PATIENCE_NS + self._window_ns or len(self._frames) > MAX_FRAMES
            if not (overtaken or tired or self._is_whole(frame)):
                break
            grains.append(self._leave(frame))
        return grains

    def _is_whole(self, frame: _Frame) -> bool:
        """The marker is there, and every packet since the frame before (of the first frame: whatever has come)."""
        if frame.marker is None:
            return False
        if self._next_sequence is None:
            return True
        return len(frame.payloads) == (frame.marker - self._next_sequence) % RTP_WRAP + 1

    def _leave(self, frame: _Frame) -> AncGrain:
        near = next(iter(frame.payloads))
        order = sorted(frame.payloads, key=lambda sequence: unwrap_rtp(sequence, near))
        if self._next_sequence is not None:
            missing = (order[-1] - self._next_sequence) % RTP_WRAP + 1 - len(order)
            if 0 <= missing <= MAX_PACKETS:  # else the sender began its numbers anew: no loss
                self.counters.lost += missing
        self._next_sequence = (order[-1] + 1) % RTP_WRAP
        self._left_ticks = frame.ticks
        del self._frames[frame.ticks]
        self._recent.extend(order)
        self.counters.grains += 1
        payloads = [frame.payloads[sequence] for sequence in order]
        return AncGrain(
            frame.ticks,
            tuple(packet for payload in payloads for packet in payload.packets),
            tuple(octets for payload in payloads for octets in payload.octets),
        )
