"""The whole protocol over some clips and voices, in the order in which each part needs what was found before.

Clips are looked at; drawn again with given shapes; dubbed with their own sound, with another's, with silence; left alone;
and a presenter speaks the voices whose phones are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

import relip
from relip.essence.errors import FormatError, ResourceError
from relip.essence.grains import Planes
from relip.essence.scene import Face
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.evaluation import figures, measures, voiced
from relip.evaluation import sync as scores
from relip.evaluation.clips import Clip, folds
from relip.evaluation.judge import Judged
from relip.evaluation.lse import Lse
from relip.evaluation.measures import mean
from relip.evaluation.phonetics import Lips
from relip.evaluation.pixels import Stillness
from relip.evaluation.redraw import OTHER, Redrawn, redraw
from relip.evaluation.report import ClipRow, EvalReport, Still, Sync, Times, Untouched, VoiceRow, judged
from relip.evaluation.rig import Rig, Voice
from relip.evaluation.seen import Seen, frames_of, look, samples_of
from relip.evaluation.sidecars import Transcript
from relip.evaluation.talkers import one_person, told_apart
from relip.evaluation.voiced import Voiced, Watch
from relip.graph.take import Take
from relip.graph.tally import Tally
from relip.signals.bars import draw_bars

Tick = Callable[[], None]
Phase = Callable[[str, int | None], AbstractContextManager[Tick]]
"""Opens a step of so many frames for the reader's progress bar; its tick is called for each."""

STAGES = ("face", "articulation", "mouth", "composite")
"""What the project's time for a frame is counted over."""
RESTING = 0.012
"""IOD below which the original counts as at rest: what a still mouth is compared with."""
PAUSE_S = 1.0
"""Silence before each voice that a presenter speaks: the chain warms up in the first, the mouth rests between them."""
BYPASS_FRAMES, FACELESS_FRAMES = 50, 10
"""Frames that G2 is tried on with the switch thrown, and with nobody in the picture."""


@dataclass(frozen=True, slots=True)
class Said:
    """A voice and what is known of it. `samples`: 48 kHz."""

    name: str
    samples: Voice
    transcript: Transcript | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be evaluated.

    `voices`: those that a presenter speaks, with phones. `others`: what clips are dubbed with in the run with another voice;
    of none, each other's sounds. `most`: frames of each clip, None for all. `vmaf`: whether that is asked for too. `notes`
    go into the report.
    """

    clips: Sequence[Clip]
    voices: Sequence[Said] = ()
    others: Sequence[Said] = ()
    gallery: str = "others"
    most: int | None = None
    vmaf: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """Voices with known phones: whether the lips met at each bilabial, and at each phone clear of them; a row a voice."""

    met: tuple[bool, ...]
    apart: tuple[bool, ...]
    rows: tuple[VoiceRow, ...]


@dataclass(slots=True)
class Found:
    """What the runs have gathered. `failures`: of the chain's stages, by their words."""

    seen: list[Seen] = field(default_factory=list)
    drawn: list[Redrawn] = field(default_factory=list)
    own: list[Voiced] = field(default_factory=list)
    other: list[Voiced] = field(default_factory=list)
    silent: list[Voiced] = field(default_factory=list)
    spoken: list[Voiced] = field(default_factory=list)
    alone: Judged = field(default_factory=lambda: Judged(0))
    still: Still = field(default_factory=Still)
    tally: Tally | None = None
    lse: Lse | None = None
    notes: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def dub(self, rig: Rig, clips: Sequence[Seen], voice: Voice, tick: Tick, watch: Watch | None = None) -> list[Voiced]:
        """Dub clips through a fresh chain, and keep what its stages could not do; the first one's times are kept too."""
        chain = rig.chain(False)
        made = voiced.dub(rig, clips, voice, chain=chain, tick=tick, watch=watch)
        self.failures += chain.tally.failures
        self.tally = self.tally or chain.tally
        return made


def evaluate(rig: Rig, plan: Plan, phase: Phase, watch: Watch | None = None) -> EvalReport:
    """Run everything that the input allows. `watch` is told of the frames that are dubbed with another voice.

    A clip that cannot be read is noted and left out. Raises FormatError when no clip has a face to work on.
    """
    found = Found(lse=None if rig.lse is None else Lse(rig, rig.lse), notes=list(plan.notes))
    _look(rig, plan, found, phase)
    if not any(one.shapes for one in found.seen):
        raise FormatError("; ".join([f"no face to work on in any of {len(plan.clips)} clips", *found.notes]))
    _draw(rig, plan, found, phase)
    _voice(rig, plan, found, phase, watch)
    _leave_alone(rig, found, phase)
    return _report(rig, plan, found, _speak(rig, plan, found, phase))


def _look(rig: Rig, plan: Plan, found: Found, phase: Phase) -> None:
    seen = []
    with phase("looking at the clips", len(plan.clips)) as tick:
        for clip in plan.clips:
            try:
                seen.append(one_person(look(rig, clip, plan.most)))
            except (FormatError, ResourceError) as fault:
                found.notes.append(f"left out: {fault}")
            tick()
    found.seen += told_apart(seen)


def talkers(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Clips with a face, by talker."""
    groups: dict[str, list[Seen]] = {}
    for one in seen:
        if one.shapes:
            groups.setdefault(one.clip.talker, []).append(one)
    return list(groups.values())


def _draw(rig: Rig, plan: Plan, found: Found, phase: Phase) -> None:
    for talker in talkers(found.seen):
        turns = folds([one.frames for one in talker], plan.gallery)
        total = sum(span.last - span.first for turn in turns for span in (*turn.test, *turn.teach))
        with phase(f"drawing {talker[0].clip.talker} with given shapes", total) as tick:
            found.drawn += redraw(rig, talker, turns, tick=tick, vmaf=plan.vmaf)


def _voice(rig: Rig, plan: Plan, found: Found, phase: Phase, shown: Watch | None) -> None:
    """The runs by voice: own, another's, silence."""
    others = _other_voices(plan, found.seen)
    quiet = _Quiet(rig)
    for talker in talkers(found.seen):
        frames = sum(one.frames for one in talker)
        name = talker[0].clip.talker
        with_sound = [one for one in talker if one.voice is not None]
        if with_sound:
            with phase(f"dubbing {name} with the own sound", sum(one.frames for one in with_sound)) as tick:
                voice = np.concatenate([one.voice for one in with_sound if one.voice is not None])
                watch = None if found.lse is None else found.lse.see
                found.own += found.dub(rig, with_sound, voice, tick, watch)
        if others:
            with phase(f"dubbing {name} with another voice", frames) as tick:
                voice = np.concatenate([np.resize(others[one.clip.name], samples_of(rig, one.frames)) for one in talker])
                found.other += found.dub(rig, talker, voice, tick, shown)
        with phase(f"dubbing {name} with silence", frames) as tick:
            voice = np.zeros(samples_of(rig, frames), np.float32)
            found.silent += found.dub(rig, talker, voice, tick, quiet.see)
    found.still = quiet.figures(found.silent)


def _other_voices(plan: Plan, seen: Sequence[Seen]) -> dict[str, Voice]:
    """The voice that each clip is dubbed with, by its name: those of the plan in turn, else the sound of the next clip.

    A single clip gets its own sound, half its length later. Nothing when there is no sound at all.
    """
    given = [said.samples for said in plan.others]
    heard = given or [one.voice for one in seen if one.voice is not None]
    if not heard:
        return {}
    if len(heard) == 1 and not given:
        heard = [np.roll(heard[0], len(heard[0]) // 2)]
    places = {one.clip.name: index for index, one in enumerate(one for one in seen if given or one.voice is not None)}
    step = 0 if given else 1
    return {one.clip.name: heard[(places.get(one.clip.name, 0) + step) % len(heard)] for one in seen}


class _Quiet:
    """R5: looks on while clips are dubbed with silence, and at the originals where their own mouths rest."""

    def __init__(self, rig: Rig) -> None:
        self._dubbed, self._resting, self._original = (Stillness(rig.device) for _ in range(3))

    def see(
        self, number: int, made: Voiced, _: Take, before: NDArray[np.uint8], after: NDArray[np.uint8], face: Face | None
    ) -> None:
        """As `voiced.Watch`."""
        if number == 0:
            for looks in (self._dubbed, self._resting, self._original):
                looks.cut()
        own = made.seen.faces[number]
        resting = own is not None and own.shape.open < RESTING
        dubbed = face if made.full[number] else None
        self._dubbed.see(after, dubbed)
        self._resting.see(after, dubbed if resting else None)
        self._original.see(before, own if resting else None)

    def figures(self, silent: Sequence[Voiced]) -> Still:
        """What was gathered over all clips."""
        rests = [opening[opening < RESTING] for opening in (made.seen.opening for made in silent)]
        return Still(
            std=mean(measures.spread(made.judged.output) for made in silent),
            ratio=self._dubbed.ratio,
            resting_ratio=self._resting.ratio,
            original_std=mean(measures.spread(rest) for rest in rests),
            original_ratio=self._original.ratio,
            frames=sum(int(made.full.sum()) for made in silent),
        )


def _leave_alone(rig: Rig, found: Found, phase: Phase) -> None:
    """G2: the switch thrown, and a picture with nobody in it."""
    one = next(seen for seen in found.seen if seen.shapes)
    with phase("leaving frames alone", BYPASS_FRAMES + FACELESS_FRAMES) as tick:
        frames = (frame for _, frame in frames_of(rig, one.clip, min(one.frames, BYPASS_FRAMES)))
        for faceless, pictures in ((False, frames), (True, _bars(rig))):
            voiced.leave(rig, pictures, rig.chain(not faceless), kept=found.alone, tick=tick)


def _bars(rig: Rig) -> Iterator[NDArray[np.uint8]]:
    planes = Planes.of(rig.format.width, rig.format.height)
    draw_bars(planes)
    packed = np.zeros((rig.format.height, rig.format.row_octets), np.uint8)
    rig.device.pack(planes, packed)
    for _ in range(FACELESS_FRAMES):
        yield packed


def _speak(rig: Rig, plan: Plan, found: Found, phase: Phase) -> Spoken:
    """A3 by voices with known phones: the first talker's clips, as often as it takes, speak them one after another."""
    if not plan.voices:
        return Spoken((), (), ())
    pause = np.zeros(round(PAUSE_S * AUDIO_CLOCK_HZ), np.float32)
    voice = np.concatenate([part for said in plan.voices for part in (pause, said.samples)])
    frames = len(voice) * rig.format.rate // AUDIO_CLOCK_HZ + 1
    presenter = _lasting(talkers(found.seen)[0], int(frames))
    with phase("speaking voices with known phones", int(frames)) as tick:
        found.spoken += found.dub(rig, presenter, voice, tick)
    output = np.concatenate([made.judged.output for made in found.spoken])
    full = np.concatenate([made.full for made in found.spoken])
    rows, met, apart, start = [], [], [], 0.0
    for said in plan.voices:
        start += PAUSE_S
        told = [replace(m, start=m.start + start, end=m.end + start) for m in figures.moments(said.transcript)]
        start += len(said.samples) / AUDIO_CLOCK_HZ
        here = figures.shut(output, full, told, Lips.MEET, rig.format.rate)
        met += here
        apart += figures.shut(output, full, told, Lips.APART, rig.format.rate)
        seconds = len(said.samples) / AUDIO_CLOCK_HZ
        rows.append(VoiceRow(name=said.name, seconds=round(seconds, 2), closed=measures.share(here), bilabials=len(here)))
    return Spoken(tuple(met), tuple(apart), tuple(rows))


def _lasting(talker: Sequence[Seen], frames: int) -> list[Seen]:
    """A talker's clips, again and again, for so many frames."""
    out: list[Seen] = []
    for one in cycle(talker):
        left = frames - sum(seen.frames for seen in out)
        if left <= 0:
            break
        out.append(replace(one, faces=one.faces[:left]))
    return out


def _report(rig: Rig, plan: Plan, found: Found, spoken: Spoken) -> EvalReport:
    drawn, rate = found.drawn, rig.format.rate
    runs = [kept for made in drawn for kept in made.runs.values()]
    runs += [made.judged for made in (*found.own, *found.other, *found.silent, *found.spoken)]
    return judged(
        EvalReport(
            version=relip.__version__,
            format=str(rig.format),
            gallery=plan.gallery,
            G1=Untouched(changed=sum(kept.outside for kept in runs), frames=sum(kept.altered for kept in runs)),
            G2=Untouched(
                changed=sum(kept.untouched for kept in (found.alone, *runs)),
                frames=sum(kept.bypassed for kept in (found.alone, *runs)),
            ),
            R1=figures.fidelity(drawn, found.other),
            R2=figures.leak(drawn, found.other),
            R3=figures.likeness(drawn),
            R4=figures.jitter(drawn, found.other),
            R5=found.still,
            A1=figures.follow(found.own),
            A2=figures.lag(found.own, rate),
            A3=figures.closures(found.own, spoken.met, spoken.apart, rate),
            A4=Sync() if rig.sync is None else figures.sync(rig.sync, found.own, rate),
            LSE=Sync() if found.lse is None else figures.sync_of(found.lse.curves("dubbed"), found.lse.curves("original")),
            time=_times(found.tally),
            gates=[],
            clips=_clip_rows(rig, found),
            voices=list(spoken.rows),
            nets=rig.sha256,
            notes=found.notes + [f"{count} grains failed: {words}" for words, count in found.failures.items()],
        )
    )


def _times(tally: Tally | None) -> dict[str, Times]:
    """CPU time of the stages in the run with the clips' own sound; `total` sums the medians of those in STAGES."""
    if tally is None:
        return {}
    found = {stage: tally.quantiles_ms(stage) for stage in STAGES if stage in tally.stages}
    times = {stage: Times(p50_ms=round(p50, 3), p99_ms=round(p99, 3)) for stage, (p50, p99) in found.items()}
    if len(times) == len(STAGES):
        sums = [sum(row) for row in zip(*found.values(), strict=True)]
        times["total"] = Times(p50_ms=round(sums[0], 3), p99_ms=round(sums[1], 3))
    return times


def _clip_rows(rig: Rig, found: Found) -> list[ClipRow]:
    drawn = {id(made.seen): made for made in found.drawn}
    own = {id(made.seen): made for made in found.own}
    return [_clip_row(rig, one, drawn.get(id(one)), own.get(id(one))) for one in found.seen]


def _clip_row(rig: Rig, one: Seen, made: Redrawn | None, said: Voiced | None) -> ClipRow:
    curves = figures.curves_of(rig.sync, said, rig.format.rate) if rig.sync is not None and said is not None else None
    undrawn = made.runs[OTHER].bypassed if made else 0
    notes = [f"{undrawn} frames cannot be drawn: lips or chin leave the picture"] if undrawn else []
    return ClipRow(
        name=one.clip.name,
        talker=one.clip.talker,
        frames=one.frames,
        faces=sum(face is not None for face in one.faces),
        speech=int(one.speech.sum()),
        r1=measures.correlation(made.runs[OTHER].output, made.runs[OTHER].target) if made else None,
        ssim=float(np.median([row.ssim for row in made.like])) if made and made.like else None,
        a1=figures.r_of(said, "output") if said else None,
        baseline=figures.r_of(said, "level") if said else None,
        offset_ms=None if curves is None else scores.reading([curves[1]])[2],
        dubbed=int(said.full.sum()) if said else 0,
        bypassed=dict(said.reasons) if said else {},
        notes=[*one.notes, *notes],
    )
