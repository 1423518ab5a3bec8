"""A1 to A4, R5 and G2: clips dubbed by a voice through the product's whole chain, as one programme.

A talker's clips follow each other without a pause, so that gallery and calibration know what was seen before and nothing of
what comes, as in a live channel; a cut between two clips is the chain's to notice.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.essence.scene import Face
from relip.evaluation.judge import Judge, Judged
from relip.evaluation.measures import Track
from relip.evaluation.pixels import changed
from relip.evaluation.rig import Rig, Voice
from relip.evaluation.seen import Seen, frames_of, ticks_of
from relip.graph.chain import Chain
from relip.graph.take import Take
from relip.offline import dubbing as offline

FULL = 1.0
"""Strength from which a frame counts as dubbed: one that is faded in still shows the original mouth."""


@dataclass(slots=True)
class Voiced:
    """One clip dubbed. Tracks are NaN where the dub was not at full strength. `net`: the net's opening, in its own scale.

    `reasons`: why frames were left alone. `faces`: what was found in what left, one a frame that was looked at.
    """

    seen: Seen
    judged: Judged
    net: Track
    reasons: Counter[str] = field(default_factory=Counter)
    faces: list[Face | None] = field(default_factory=list)

    @property
    def full(self) -> NDArray[np.bool_]:
        """Which frames were dubbed at full strength."""
        return np.isfinite(self.judged.target)


Watch = Callable[[int, Voiced, Take, NDArray[np.uint8], NDArray[np.uint8], Face | None], None]
"""Told of each frame: its number in the clip, what is known of the clip, the take, before, after, and the face found again."""


def dub(
    rig: Rig,
    clips: Sequence[Seen],
    voice: Voice,
    *,
    chain: Chain,
    tick: Callable[[], None],
    watch: Watch | None = None,
) -> list[Voiced]:
    """Dub clips one after another by one voice that begins with the first, through a fresh chain."""
    made = [Voiced(seen, Judged(seen.frames), np.full(seen.frames, np.nan)) for seen in clips]
    places = [(voiced, number) for voiced in made for number in range(voiced.seen.frames)]
    pristine: deque[NDArray[np.uint8]] = deque()
    takes = offline.dub(_fed(rig, clips, pristine), voice, chain)
    judge = Judge(rig)
    for position, ((voiced, number), take) in enumerate(zip(places, takes, strict=True)):
        before = pristine.popleft()
        face = _judge(judge, voiced, number, take, before=before, ticks=ticks_of(rig, position), watch=watch)
        voiced.faces.append(face)
        tick()
    return made


def _judge(
    judge: Judge, voiced: Voiced, number: int, take: Take, *, before: NDArray[np.uint8], ticks: int, watch: Watch | None
) -> Face | None:
    assert take.verdict is not None, "a take leaves the chain with a verdict"
    full = take.verdict.patch is not None and take.strength >= FULL
    after = judge.see(before, take.grain.packed, take.verdict.patch, voiced.judged)
    if take.verdict.bypass is not None:
        voiced.reasons[take.verdict.bypass.value] += 1
    if full and take.articulation is not None:
        voiced.net[number] = take.articulation.open
    target = take.target.open if full and take.target is not None else None
    face = judge.measure(after, ticks=ticks, at=number, kept=voiced.judged, target=target)
    if watch is not None:
        watch(number, voiced, take, before, after, face)
    return face


def _fed(rig: Rig, clips: Sequence[Seen], pristine: deque[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """The frames for the chain, which copies them; other copies are kept to compare with."""
    for seen in clips:
        for _, frame in frames_of(rig, seen.clip, seen.frames):
            pristine.append(frame.copy())
            yield frame


def leave(rig: Rig, frames: Iterable[NDArray[np.uint8]], chain: Chain, *, kept: Judged, tick: Callable[[], None]) -> None:
    """Send frames through a chain that must leave them alone; what it changes all the same is counted in `kept`."""
    pristine: deque[NDArray[np.uint8]] = deque()

    def fed() -> Iterator[NDArray[np.uint8]]:
        for frame in frames:
            pristine.append(frame.copy())
            yield frame

    judge = Judge(rig)
    for take in offline.dub(fed(), np.zeros(0, np.float32), chain):
        assert take.verdict is not None, "a take leaves the chain with a verdict"
        before = pristine.popleft()
        after = judge.see(before, take.grain.packed, take.verdict.patch, kept)
        if take.verdict.patch is not None:
            kept.untouched += changed(before, after, None)
        tick()
