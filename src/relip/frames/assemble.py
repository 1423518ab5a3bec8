"""Packets of ST 2110-20 become frames: by RTP timestamp and extended sequence number, whole or concealed, in order.

Each frame lies in a slot of the pool, written straight from the packets. It leaves when its octets are all there, or one
frame period and the merge window after its first packet, with the rows that are missing taken from the frame before. One
bad packet costs its rows and never the frame. No sample is unpacked here and no socket is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.grains import VideoGrain
from relip.essence.tai import Tai, period_ns, unwrap_rtp
from relip.frames.entries import NO_VALUE, STRANGERS, Count, Event, Field, State, Stream, step, table
from relip.frames.pattern import Pattern, Whole
from relip.frames.pool import FramePool
from relip.frames.scatter import mark, scatter
from relip.ports import Chunk

MERGE_WINDOW_NS = 10_000_000
"""Path differential of an ST 2022-7 class A receiver."""
NEVER_NS = (1 << 63) - 1
LIVE_FRAMES = 3
"""Under assembly at once, from one leg; a second adds the frames by which it may be behind."""
STALE_NS = 1_000_000_000
"""Of two legs one may be so far behind: what it repeats says nothing of the sender's time while the other brings news."""
OFF_GRID = Fraction(1, 8)
"""Of a period: timestamps that stray no further from the grid are of our rate, or of its whole parts. Frames in a row beyond,
none of which lacks a packet, are of another rate when they have strayed a whole period."""
OUTSIDE_LIMIT = 16
"""More packets beyond the raster than this and the frame is of another format, not damaged."""
_LEAST_DATA_OCTETS = 90
"""Packets of a frame are told apart if they carry this on average: half a block of the block packing mode."""


@dataclass(frozen=True, slots=True)
class VideoCounters:
    """What a video flow brought since the start. Packets unless said.

    `lost`: missing when their frame left; those of them that came after it are also `late`. `malformed`: break RFC 3550 or
    RFC 4175. `other_type`: another payload type. `stranger`: another SSRC, or a timestamp far from the stream's.
    `misplaced`: number, timestamp and place do not go together as this sender's always do (`pattern`).
    `outside`: named rows or pixels beyond the raster. `frames`: grains given out, `incomplete` of them with
    `concealed_rows` rows from the frame before. Not given out: `dropped` (frames at the start, too broken to be concealed),
    `other_format` (of another raster or rate) and `no_buffer` (no slot was free). `absent`: periods between two frames of a
    sender for which it sent none, or of whose frame nothing came. `resyncs`: the sender changed or began anew.
    """

    packets: int = 0
    lost: int = 0
    duplicate: int = 0
    late: int = 0
    malformed: int = 0
    other_type: int = 0
    interlaced: int = 0
    stranger: int = 0
    outside: int = 0
    misplaced: int = 0
    frames: int = 0
    incomplete: int = 0
    concealed_rows: int = 0
    dropped: int = 0
    other_format: int = 0
    no_buffer: int = 0
    absent: int = 0
    resyncs: int = 0


@dataclass(slots=True)
class _Tally:
    """Counters that are kept here and not in the compiled loop."""

    lost: int = 0
    frames: int = 0
    incomplete: int = 0
    concealed_rows: int = 0
    dropped: int = 0
    other_format: int = 0
    no_buffer: int = 0
    absent: int = 0
    resyncs: int = 0


class VideoAssembler:
    """Assembles one flow, from one leg or both. One thread.

    Every grain given out holds a slot of `pool` that its receiver gives back; besides those, up to five slots are in
    use: three frames under assembly (`frames_behind` more of two legs), one that waits for its turn, and the last grain's, kept
    to conceal from. That one must not be written to until the next grain. `differential_ns`: by how much one of two legs
    may follow the other, None where there is but one. Raises FormatError when the pool is for another raster.
    """

    def __init__(
        self,
        format: VideoFormat,  # noqa: A002  the essence's own word
        *,
        payload_type: int,
        pool: FramePool,
        merge_window_ns: int = MERGE_WINDOW_NS,
        differential_ns: int | None = None,
    ) -> None:
        if pool.octets.shape[1:] != (format.height, format.row_octets):
            raise FormatError(f"a pool of {pool.format} frames does not fit {format}")
        self._format = format
        self._pool = pool
        self._payload_type = payload_type
        self._silence_ns = period_ns(format.rate) // 2
        self._patience_ns = period_ns(format.rate) + merge_window_ns
        self._stale_ns = 0 if differential_ns is None else STALE_NS
        self._differential_ns = differential_ns or 0
        behind = frames_behind(format.rate, differential_ns)
        self._live_frames = LIVE_FRAMES + behind
        places = 1 << max(10, (2 * format.frame_octets // _LEAST_DATA_OCTETS).bit_length())
        self._table = table(format.height, places, self._live_frames + behind + 1)
        self._entries, self._seen, self._filled, self._stream, self._counts, _, self._patterns = self._table
        self._pattern = Pattern(self._stream, self._patterns[-1], format.rate)
        self._tally = _Tally()
        self._previous: int | None = None
        self._near_ticks: int | None = None
        self._end_sequence: int | None = None
        self._joining = True
        self._foreign = False
        self._left = 0
        self._strayed = Fraction(0)
        self._left_timestamp = NO_VALUE
        self._period_ticks = format.clock_hz / format.rate
        self._deadline_ns = NEVER_NS
        self._scatter(Chunk.of(0), 0, Tai(0))  # loads the compiled loop now and not on the first packet's time

    @property
    def counters(self) -> VideoCounters:
        """The counters as they stand."""
        loop = {c.name.lower(): int(self._counts[0, c]) for c in Count}
        kept = {name: getattr(self._tally, name) for name in _Tally.__dataclass_fields__}
        return VideoCounters(**loop, **kept)

    def push(self, chunk: Chunk, now: Tai) -> list[VideoGrain]:
        """Take a chunk that was received at `now`; the grains that it completed, in the order of their timestamps.

        What is overdue leaves by `expire` alone: only the caller knows whether more packets are waiting for this machine.
        """
        grains: list[VideoGrain] = []
        self._stream[Stream.STRANGER_FIRST] = 0
        self._stream[Stream.DOUBT_FIRST] = 0
        self._counts[1:] = self._counts[0]
        event, packet, timestamp = self._scatter(chunk, 0, now)
        while event != Event.END:
            if event == Event.COMPLETE:
                grains += self._depart(now, overdue_ns=-NEVER_NS)
            elif event == Event.NEW:
                grains += self._open(timestamp, now)
            elif event == Event.CHANGED:
                self._pattern.forget()
            else:
                grains += self._restart(now)
            event, packet, timestamp = self._scatter(chunk, packet, now)
        return grains

    def expire(self, now: Tai) -> list[VideoGrain]:
        """The grains that have waited long enough, and the complete ones behind them, in the order of their timestamps."""
        return [] if now.ns < self._deadline_ns else self._depart(now, overdue_ns=now.ns - self._patience_ns)

    def _depart(self, now: Tai, *, overdue_ns: int) -> list[VideoGrain]:
        """Grains up to the first that is not complete, nor began at `overdue_ns` or before, nor strayed."""
        grains: list[VideoGrain] = []
        live = self._live()
        whole = any(self._is_complete(entry) for entry in live)
        for entry in live:
            overdue = self._entries[entry, Field.FIRST_NS] <= overdue_ns
            stray = whole and self._entries[entry, Field.PACKETS] > 0 and self._is_stray(self._entries[entry])
            if not (overdue or stray or self._is_due(entry, now)):
                break
            grains += self._retire(entry, now)
        self._deadline_ns = self._next_deadline_ns()
        return grains

    def _next_deadline_ns(self) -> int:
        """When `expire` has something to do: of two legs, a complete frame waits for the slower one only."""
        waiting = self._entries[self._entries[:, Field.STATE] == State.LIVE]
        if not len(waiting):
            return NEVER_NS
        held = (waiting[:, Field.ROWS] == self._format.height) & (self._differential_ns > 0)
        return int((waiting[:, Field.FIRST_NS] + np.where(held, self._differential_ns, self._patience_ns)).min())

    def _scatter(self, chunk: Chunk, first: int, now: Tai) -> tuple[int, int, int]:
        columns = (chunk.octets, chunk.lengths, chunk.count)
        context = (self._payload_type, now.ns, self._silence_ns, self._stale_ns)
        event: tuple[int, int, int] = scatter(columns, first, context, self._pool.octets, self._table)
        return event

    def _live(self) -> list[int]:
        """Entries under assembly, oldest timestamp first."""
        newest = int(self._stream[Stream.NEWEST])
        live = np.flatnonzero(self._entries[:, Field.STATE] == State.LIVE)
        return sorted((int(i) for i in live), key=lambda i: step(int(self._entries[i, Field.TIMESTAMP]), newest))

    def _is_complete(self, entry: int) -> bool:
        return bool(self._entries[entry, Field.ROWS] == self._format.height)

    def _is_due(self, entry: int, now: Tai) -> bool:
        """Whether a frame is complete, and so is what was sent before it, unless the slower leg has had its time."""
        if not self._is_complete(entry):
            return False
        values = self._entries[entry]
        if not values[Field.MARKED] and self._is_newest(values):
            return False  # a sender that says no end may be one of a taller raster, until its next frame begins
        if self._end_sequence is None or values[Field.FIRST_NS] + self._differential_ns <= now.ns:
            return True
        gap = step(int(values[Field.BASE] + values[Field.HIGHEST]), self._end_sequence) - int(values[Field.PACKETS])
        return not 0 < gap <= 2 * self._live_frames * self._seen.shape[1]  # more, and the sender began its numbers anew

    def _open(self, timestamp: int, now: Tai) -> list[VideoGrain]:
        """Make an entry for a frame; older ones make room when there are too many or the pool is empty."""
        live = self._live()
        grains = self._retire(live.pop(0), now) if len(live) >= self._live_frames else []
        slot = self._pool.lease()
        if slot is None:
            self._tally.no_buffer += 1
            slot = self._drop(live[0]) if live else None
        if self._is_retired(timestamp):
            if slot is not None:
                self._pool.give_back(slot)
            return grains
        idle = np.flatnonzero(self._entries[:, Field.STATE] != State.LIVE)
        index = min(idle, key=lambda i: (self._entries[i, Field.STATE] != State.FREE, self._entries[i, Field.FIRST_NS]))
        if slot is None:
            self._end_sequence = None  # the packets that are passed over are no loss of the network
        entry = self._entries[index]
        entry[:] = 0
        entry[Field.STATE] = State.SKIPPED if slot is None else State.LIVE
        entry[Field.TIMESTAMP] = timestamp
        entry[Field.SLOT] = NO_VALUE if slot is None else slot
        entry[Field.FIRST_NS] = entry[Field.LAST_NS] = now.ns
        entry[Field.JOINED] = self._joining
        self._seen[index] = 0
        self._filled[index] = 0
        self._joining = False
        self._deadline_ns = min(self._deadline_ns, now.ns + self._patience_ns)
        if any(self._is_complete(entry) for entry in live):
            grains += self._depart(now, overdue_ns=-NEVER_NS)
        return grains

    def _is_retired(self, timestamp: int) -> bool:
        retired = int(self._stream[Stream.RETIRED])
        return retired != NO_VALUE and step(timestamp, retired) <= 0

    def _drop(self, entry: int) -> int:
        """Give up an unfinished frame for a newer one; its slot."""
        self._leave(entry)
        return int(self._entries[entry, Field.SLOT])

    def _is_newest(self, values: NDArray[np.int64]) -> bool:
        """Whether no later frame has begun."""
        live = self._entries[self._entries[:, Field.STATE] == State.LIVE, Field.TIMESTAMP]
        return not any(step(int(timestamp), int(values[Field.TIMESTAMP])) > 0 for timestamp in live)

    def _leave(self, entry: int) -> int | None:
        """A frame is under assembly no more: count what it lacks up to its last packet that came; None where nobody knows."""
        values = self._entries[entry]
        values[Field.STATE] = State.DONE
        self._left = entry
        self._stream[Stream.RETIRED] = values[Field.TIMESTAMP]
        end, before = int(values[Field.BASE] + values[Field.HIGHEST]), self._end_sequence
        self._end_sequence = end
        if before is None:
            return None
        missing = int(step(end, before)) - int(values[Field.PACKETS])
        if not 0 <= missing <= 2 * self._seen.shape[1]:  # the sender began its numbers anew: no loss
            self._tally.resyncs += 1
            return None
        self._tally.lost += missing
        return missing

    def _retire(self, entry: int, now: Tai) -> list[VideoGrain]:
        """A frame leaves: as one grain, or as none when it is not fit to be shown."""
        values = self._entries[entry]
        slot = int(values[Field.SLOT])
        if self._is_stray(values):
            self._counts[0, Count.STRANGER] += values[Field.PACKETS]
            self._joining |= bool(values[Field.JOINED])
            values[Field.STATE] = State.FREE
            self._pool.give_back(slot)
            return []
        missing = self._leave(entry)
        self._learn(entry)
        if self._is_foreign(values, missing):
            self._tally.other_format += 1
            self._pool.give_back(slot)
            return []
        concealed = 0
        if not self._is_complete(entry):
            if values[Field.JOINED] or (self._previous is None and values[Field.ROWS] * 2 <= self._format.height):
                self._tally.dropped += not values[Field.JOINED]
                self._pool.give_back(slot)
                return []
            concealed = self._conceal(self._filled[entry], slot)
        return [self._grain(values, concealed, now)]

    def _learn(self, entry: int) -> None:
        """See the pattern in a frame that came whole and without one packet too many; where it is known, count from here."""
        values = self._entries[entry]
        packets, end = int(values[Field.PACKETS]), int(values[Field.HIGHEST]) + 1
        self._pattern.follow(int(values[Field.TIMESTAMP]))
        if self._stream[Stream.LENGTH] or not self._is_complete(entry) or values[Field.OUTSIDE] or packets > end:
            return
        if self._seen[entry, end - packets : end].all():
            first = int(values[Field.BASE]) + end - packets & 0xFFFFFFFF
            self._pattern.learn(Whole(int(values[Field.TIMESTAMP]), first, self._patterns[entry, end - packets : end].copy()))

    def _is_foreign(self, values: NDArray[np.int64], missing: int | None) -> bool:
        """Whether a frame is of another raster or rate than this flow's, and not merely damaged.

        Of a larger raster, packets name what is not there. Of a smaller one, the sender says that it is whole, and it is not.
        Once a frame was foreign, broken ones are too, until one fits.
        """
        rate = self._is_off_rate(values, missing)
        marked = missing == 0 and values[Field.MARKED] == values[Field.HIGHEST] > 0
        if values[Field.OUTSIDE] > OUTSIDE_LIMIT:
            self._foreign = True
        elif values[Field.ROWS] == self._format.height:
            self._foreign = False
        elif marked and values[Field.ROWS] + 3 * values[Field.OUTSIDE] < self._format.height * 7 // 8:
            self._foreign = True
        return self._foreign or rate

    def _is_off_rate(self, values: NDArray[np.int64], missing: int | None) -> bool:
        """Whether frames follow each other off the grid; counts the periods of the grid that were left out.

        Timestamps that jitter stray from the grid as well, but not further and further.
        """
        before, self._left_timestamp = self._left_timestamp, int(values[Field.TIMESTAMP])
        if before == NO_VALUE:
            return False
        periods = Fraction(int(step(self._left_timestamp, before))) / self._period_ticks
        whole = round(periods)
        if whole >= 1 and abs(periods - whole) <= OFF_GRID:
            self._tally.absent += whole - 1
            self._strayed = Fraction(0)
        elif missing == 0:
            self._strayed += periods - 1
        return abs(self._strayed) >= 1

    def _is_stray(self, values: NDArray[np.int64]) -> bool:
        """Whether so little came that the timestamp is more likely damaged than the frame so broken."""
        return bool(values[Field.PACKETS] < STRANGERS and values[Field.ROWS] * 8 < self._format.height)

    def _conceal(self, filled: NDArray[np.int64], slot: int) -> int:
        """Take the rows that are not whole from the frame before, or at the start from their neighbours; how many."""
        row_octets = self._format.row_octets
        whole = (filled == (row_octets, mark(row_octets))).all(axis=1)
        missing = np.flatnonzero(~whole)
        frame = self._pool.frame(slot)
        if self._previous is None:
            present = np.flatnonzero(whole)
            frame[missing] = frame[present[np.minimum(np.searchsorted(present, missing), len(present) - 1)]]
        else:
            frame[missing] = self._pool.frame(self._previous)[missing]
        self._tally.incomplete += 1
        self._tally.concealed_rows += len(missing)
        return len(missing)

    def _grain(self, values: NDArray[np.int64], concealed: int, now: Tai) -> VideoGrain:
        slot = int(values[Field.SLOT])
        near = now.ticks(self._format.clock_hz) if self._near_ticks is None else self._near_ticks
        self._near_ticks = unwrap_rtp(int(values[Field.TIMESTAMP]), near)
        if self._previous is not None:
            self._pool.give_back(self._previous)
        self._previous = self._pool.share(slot)
        self._tally.frames += 1
        return VideoGrain(
            ticks=self._near_ticks,
            format=self._format,
            packed=self._pool.frame(slot),
            slot=slot,
            arrived=Tai(int(values[Field.LAST_NS])),
            concealed_rows=concealed,
        )

    def _restart(self, now: Tai) -> list[VideoGrain]:
        """Another sender, or the same one anew: what was under assembly leaves, and the next frame is a first one."""
        grains = [grain for entry in self._live() for grain in self._retire(entry, now)]
        self._tally.resyncs += self._end_sequence is not None
        self._entries[:, Field.STATE] = State.FREE
        self._stream[Stream.RETIRED] = NO_VALUE
        self._near_ticks = self._end_sequence = None
        self._pattern.forget()
        self._left_timestamp, self._strayed = NO_VALUE, Fraction(0)
        self._joining = True
        return grains


def frames_behind(rate: Fraction, differential_ns: int | None) -> int:
    """The frames that one leg of a flow may be behind the other; none where there is but one."""
    return 0 if differential_ns is None else -(-differential_ns // period_ns(rate))
