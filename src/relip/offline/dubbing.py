"""A recorded picture and a voice through the chain of a live channel, in order: no network, no thread, no clock.

Whatever could make a file's mouth differ from the live one is kept out: the same stages behind the same guards, as many coming
grains, and the voice in the samples that ST 2110-30 would have carried. Memory holds the frames of the look-ahead and no more.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError
from relip.essence.grains import AudioBlock, VideoGrain
from relip.essence.scene import Bypass, Verdict
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S, VIDEO_CLOCK_HZ, Tai, convert_ticks, shift_grains, tai_of_ticks
from relip.frames.pool import FramePool
from relip.graph.chain import Chain
from relip.graph.guard import Guard
from relip.graph.take import Pulse, Take
from relip.graph.transmit import apply
from relip.wire import st2110_30

FIRST_TICKS = 3_603_600 * VIDEO_CLOCK_HZ // 1000
"""Where a file's first grain is laid: an hour after the epoch, on the grid of every rate and of the voice's log-mel columns."""
VOICE_DEPTH = 24
NEVER = Tai(1 << 62)
"""When a grain of a file is due: no stage finds it late."""


def dub(
    frames: Iterable[NDArray[np.uint8]],
    voice: NDArray[np.float32],
    chain: Chain,
    *,
    first_ticks: int = FIRST_TICKS,
    stopwatch: Callable[[], int] = time.thread_time_ns,
) -> Iterator[Take]:
    """Every frame as a finished take, in order: with a verdict, and with all that the stages found out on the way.

    `frames`: packed, (height, row_octets) uint8 of the chain's format; each is copied before the next is asked for.
    `voice`: mono at 48 kHz, its first sample heard with the first frame; after its last one it counts as gone, as live.
    `chain`: a fresh one, see `service.compose.engines`; its tally counts, and takes nanoseconds from `stopwatch`.

    A take's `grain.packed` still holds the original, and `lay` turns it into what leaves. It is lent until the next take is
    asked for. Raises FormatError for a frame of another shape.
    """
    pool = FramePool(chain.delay.ahead + 1, chain.format)
    guards = chain.guards(stopwatch=stopwatch)
    speaking = _Speaking(voice, chain, first_ticks)
    waiting: deque[Take] = deque()

    def finish() -> Take:
        take = waiting[0]
        speaking.until_release(take.grain.ticks)
        _through(guards, Pulse(ready=[take]))
        take.verdict = take.verdict or Verdict(bypass=Bypass.FAILED)
        chain.tally.count(take.verdict)
        return take

    for count, packed in enumerate(frames):
        waiting.append(_arrive(packed, shift_grains(first_ticks, count, rate=chain.format.rate, clock_hz=VIDEO_CLOCK_HZ), pool))
        chain.tally.received += 1
        _through(guards, Pulse(arrived=waiting[-1]))
        if len(waiting) > chain.delay.ahead:
            yield finish()
            pool.give_back(waiting.popleft().grain.slot)
    while waiting:
        yield finish()
        pool.give_back(waiting.popleft().grain.slot)


def lay(take: Take) -> NDArray[np.uint8]:
    """Write a take's patch, if it has one, into its picture: what leaves, (height, row_octets)."""
    assert take.verdict is not None, "a finished take has a verdict"
    if take.verdict.patch is not None:
        apply(take.verdict.patch, take.grain)
    return take.grain.packed


class _Speaking:
    """Lets the chain hear as much of the voice as it would have by a grain's release."""

    def __init__(self, voice: NDArray[np.float32], chain: Chain, first_ticks: int) -> None:
        self._voice = voice
        self._chain = chain
        self._first_sample = convert_ticks(first_ticks, VIDEO_CLOCK_HZ, AUDIO_CLOCK_HZ)
        self._lead = chain.delay.release_ns * AUDIO_CLOCK_HZ // NS_PER_S
        self._said = 0

    def until_release(self, ticks: int) -> None:
        """Put into the inbox what comes up to the release of the grain at `ticks`, coded as L24 would have it."""
        end = convert_ticks(ticks, VIDEO_CLOCK_HZ, AUDIO_CLOCK_HZ) + self._lead - self._first_sample
        samples = self._voice[self._said : end]
        if len(samples):
            coded = st2110_30.pack(samples[:, None], depth=VOICE_DEPTH)
            heard = st2110_30.unpack(coded, depth=VOICE_DEPTH)[:, 0]
            self._chain.inbox.put(AudioBlock(self._first_sample + self._said, heard))
            self._said += len(samples)


def _arrive(packed: NDArray[np.uint8], ticks: int, pool: FramePool) -> Take:
    form = pool.format
    if packed.shape != (form.height, form.row_octets):
        raise FormatError(f"a packed frame of {packed.shape} is not one of {form}: {(form.height, form.row_octets)}")
    slot = pool.lease()
    assert slot is not None, "one frame is finished for each that arrives"
    pool.frame(slot)[:] = packed
    at = tai_of_ticks(ticks, VIDEO_CLOCK_HZ)
    return Take(grain=VideoGrain(ticks, form, pool.frame(slot), slot=slot, arrived=at), local=at, due=NEVER)


def _through(guards: list[Guard], pulse: Pulse) -> None:
    for guard in guards:
        guard.work(pulse)
