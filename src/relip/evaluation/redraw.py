"""R1 to R4: clips drawn again with mouth shapes that were measured, so that the figures speak of pixels alone.

Two runs at once over each clip: with another clip's shapes, and with its own. The gallery was taught by the talker's other
clips (see `clips.folds`); nothing that is drawn has taught it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.composite.patch import composite
from relip.essence.scene import Face, MouthShape
from relip.evaluation.clips import Fold, Span
from relip.evaluation.judge import Judge, Judged
from relip.evaluation.pixels import Likeness, likeness
from relip.evaluation.rig import Rig
from relip.evaluation.seen import Seen, picked, ticks_of
from relip.evaluation.vmaf import Film, box_of
from relip.mouth.own_pixels import OwnPixels

PAST_S = 1
"""A gallery that knows only the past begins to draw after so long, as a viewer would meet it."""
OTHER, OWN = "other", "own"


@dataclass(slots=True)
class Redrawn:
    """One clip under both runs. `like`: R3, a row a frame of the run with its own shapes; `vmaf` of that, where asked for."""

    seen: Seen
    runs: dict[str, Judged]
    like: list[Likeness] = field(default_factory=list)
    film: Film | None = None
    vmaf: float | None = None


def reflected(index: int, count: int) -> int:
    """Where a track of `count` values is when it is played back and forth, so that it can last as long as wanted."""
    at = index % max(1, 2 * count - 2)
    return at if at < count else 2 * count - 2 - at


def shapes_for(talker: Sequence[Seen], index: int) -> list[MouthShape]:
    """Another clip's shapes, as many as this clip has frames; of a single clip its own, half its length later."""
    count = talker[index].frames
    others = [(index + k) % len(talker) for k in range(1, len(talker))]
    donor = next((talker[k].shapes for k in others if talker[k].shapes), None)
    if donor is None:
        own = talker[index].shapes
        return own[count // 2 :] + own[: count // 2]
    return [donor[reflected(k, len(donor))] for k in range(count)]


def redraw(
    rig: Rig, talker: Sequence[Seen], folds: Sequence[Fold], *, tick: Callable[[], None], vmaf: bool = False
) -> list[Redrawn]:
    """Every clip of one talker in which there is a face, drawn again; `tick` is told of every frame read."""
    made: dict[int, Redrawn] = {}
    with ExitStack() as films:
        _redraw(rig, talker, folds, made=made, tick=tick, films=films if vmaf else None)
        for result in made.values():
            if result.film is not None:
                result.vmaf = result.film.score(float(rig.format.rate))
                result.film = None
    return list(made.values())


def _redraw(
    rig: Rig,
    talker: Sequence[Seen],
    folds: Sequence[Fold],
    *,
    made: dict[int, Redrawn],
    tick: Callable[[], None],
    films: ExitStack | None,
) -> None:
    for fold in folds:
        mouths = None
        if fold.teach:
            mouths = {run: rig.renderer() for run in (OTHER, OWN)}
            _teach(rig, talker, fold.teach, mouths, tick)
        for index in sorted({span.clip for span in fold.test}):
            seen = talker[index]
            if not seen.shapes:
                continue
            if index not in made:
                film = None if films is None else films.enter_context(Film(rig.device, box_of(seen.faces, rig.format)))
                made[index] = Redrawn(seen, {run: Judged(seen.frames) for run in (OTHER, OWN)}, film=film)
            result = made[index]
            drawing = _Drawing(rig, result, mouths, {OTHER: shapes_for(talker, index), OWN: seen.shapes})
            for number, frame, face in picked(rig, seen, [span for span in fold.test if span.clip == index]):
                drawing.draw(number, frame, face)
                tick()


def _teach(
    rig: Rig, talker: Sequence[Seen], spans: Sequence[Span], mouths: dict[str, OwnPixels], tick: Callable[[], None]
) -> None:
    shown = 0
    for index in sorted({span.clip for span in spans}):
        for _, frame, face in picked(rig, talker[index], [span for span in spans if span.clip == index]):
            if face is not None:
                for mouth in mouths.values():
                    mouth.learn(frame, face, ticks_of(rig, shown))
            shown += 1
            tick()


class _Drawing:
    """Draws the frames of one clip in order under both runs."""

    def __init__(
        self, rig: Rig, result: Redrawn, mouths: dict[str, OwnPixels] | None, shapes: dict[str, list[MouthShape]]
    ) -> None:
        self._rig = rig
        self._result = result
        self._shapes = shapes
        self._causal = mouths is None
        self._mouths = mouths or {run: rig.renderer() for run in result.runs}
        self._judges = {run: Judge(rig) for run in result.runs}
        self._past = 0

    def draw(self, number: int, frame: NDArray[np.uint8], face: Face | None) -> None:
        """Draw one frame under each run, and look at it."""
        if face is None:
            return
        if self._causal:
            for mouth in self._mouths.values():
                mouth.learn(frame, face, ticks_of(self._rig, number))
            self._past += 1
            if self._past <= PAST_S * self._rig.format.rate:
                return
        for run in self._result.runs:
            self._draw(run, number, frame, face)

    def _draw(self, run: str, number: int, frame: NDArray[np.uint8], face: Face) -> None:
        target, kept, judge = self._shapes[run][number], self._result.runs[run], self._judges[run]
        before = frame.copy()
        rendered = self._mouths[run].render(frame, face, target, 1.0)
        patch = None if rendered is None else composite(self._rig.device, frame, rendered)
        after = judge.see(before, frame, patch, kept)
        if patch is None:
            return
        again = judge.measure(after, ticks=ticks_of(self._rig, number), at=number, kept=kept, target=target.open)
        if run == OWN and again is not None:
            row = likeness(self._rig.device, before, after, face=face, seen=again)
            if row is not None:
                self._result.like.append(row)
            if self._result.film is not None:
                self._result.film.add(before, after)
