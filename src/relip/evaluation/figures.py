"""From what was seen and drawn to the parts of the report. Pure: no picture is read here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from relip.evaluation import measures, phonetics
from relip.evaluation import sync as scores
from relip.evaluation.measures import Track, Window, mean
from relip.evaluation.phonetics import Lips, Moment
from relip.evaluation.redraw import OTHER, Redrawn
from relip.evaluation.report import Closures, Fidelity, Figure, Follow, Jitter, Lag, Leak, Self, Sync
from relip.evaluation.sidecars import Transcript
from relip.evaluation.voiced import Voiced
from relip.ports import Model


def fidelity(drawn: Sequence[Redrawn], voiced: Sequence[Voiced]) -> Fidelity:
    """R1."""
    shapes = [(made.runs[OTHER], made.seen.opening) for made in drawn]
    return Fidelity(
        r=mean(measures.correlation(kept.output, kept.target) for kept, _ in shapes),
        mae=mean(measures.mean_error(kept.target, kept.output) for kept, _ in shapes),
        voice_r=mean(measures.correlation(made.judged.output, made.judged.target) for made in voiced),
        voice_mae=mean(measures.mean_error(made.judged.target, made.judged.output) for made in voiced),
        original_r=mean(measures.correlation(opening, kept.target) for kept, opening in shapes),
        original_mae=mean(measures.mean_error(kept.target, opening) for kept, opening in shapes),
        lost=sum(kept.lost for made in drawn for kept in made.runs.values()) + sum(made.judged.lost for made in voiced),
    )


def leak(drawn: Sequence[Redrawn], voiced: Sequence[Voiced]) -> Leak:
    """R2."""
    return Leak(
        leakage=mean(measures.leakage(made.runs[OTHER].output, made.seen.opening, made.runs[OTHER].target) for made in drawn),
        voice_leakage=mean(measures.leakage(made.judged.output, made.seen.opening, made.judged.target) for made in voiced),
    )


def likeness(drawn: Sequence[Redrawn]) -> Self:
    """R3: medians over a clip's frames, their mean over the clips."""

    def middle(field: str) -> Figure:
        return mean(float(np.median([getattr(row, field) for row in made.like])) for made in drawn if made.like)

    return Self(
        ssim=middle("ssim"),
        psnr_db=middle("psnr_db"),
        lmd=middle("lmd"),
        sharpness=middle("sharpness"),
        vmaf=mean(made.vmaf for made in drawn),
        frames=sum(len(made.like) for made in drawn),
    )


def jitter(drawn: Sequence[Redrawn], voiced: Sequence[Voiced]) -> Jitter:
    """R4."""
    kept = [made.runs[OTHER] for made in drawn]
    targets = [run.target for run in kept]
    return Jitter(
        jitter=measures.jitter([run.output for run in kept], targets),
        voice_jitter=measures.jitter([made.judged.output for made in voiced], [made.judged.target for made in voiced]),
        original=measures.jitter([made.seen.opening for made in drawn], targets),
    )


def counted(made: Voiced) -> measures.Mask:
    """The frames that A1 and A2 count: speech, dubbed at full strength, measured before and after."""
    if not made.seen.speech.size:
        return np.zeros(made.seen.frames, np.bool_)
    return made.seen.speech & np.isfinite(made.judged.output) & np.isfinite(made.seen.opening)


def follow(voiced: Sequence[Voiced]) -> Follow:
    """A1."""
    heard = [made for made in voiced if counted(made).any()]

    def over(track: str) -> Figure:
        return mean(r_of(made, track) for made in heard)

    found = np.concatenate([np.zeros(0), *(made.judged.output[counted(made)] for made in heard)])
    real = np.concatenate([np.zeros(0), *(made.seen.opening[counted(made)] for made in heard)])
    return Follow(
        r=over("output"),
        baseline_r=over("level"),
        net_r=over("net"),
        aimed_r=over("target"),
        width_r=mean(_width_r(made) for made in heard),
        pooled_r=measures.correlation(found, real),
        mae=measures.mean_error(found, real),
        frames=sum(int(counted(made).sum()) for made in heard),
    )


def r_of(made: Voiced, track: str) -> Figure:
    """Correlation with the measured opening of one of a clip's tracks: output, target, net or level."""
    frames = counted(made)
    return measures.correlation(_track(made, track)[frames], made.seen.opening[frames]) if frames.any() else None


def _track(made: Voiced, name: str) -> Track:
    judged, seen = made.judged, made.seen
    tracks = {"output": judged.output, "target": judged.target, "real": seen.opening, "net": made.net, "level": seen.level}
    return tracks[name]


def _width_r(made: Voiced) -> Figure:
    frames = counted(made)
    return measures.correlation(made.judged.width[frames], made.seen.width[frames])


def lag(voiced: Sequence[Voiced], rate: Fraction) -> Lag:
    """A2."""
    frame_ms = float(1000 / rate)
    shifts = measures.lags(frame_ms)

    def curves(track: str) -> list[list[Figure]]:
        return [
            [measures.shifted(_track(made, track), made.seen.opening, counted(made), shift) for shift in shifts]
            for made in voiced
            if counted(made).any()
        ]

    found = curves("output")
    best = measures.best_lag_ms(found, frame_ms)
    at = None if best is None else round(best / frame_ms) + len(shifts) // 2
    whole = [curve for curve in found if None not in curve]
    return Lag(
        lag_ms=best,
        net_lag_ms=measures.best_lag_ms(curves("net"), frame_ms),
        r=None if at is None else mean(curve[at] for curve in whole),
    )


def moments(transcript: Transcript | None) -> list[Moment]:
    """Where a transcript tells whether lips meet: by its phones where it has them, else by its words."""
    if transcript is None:
        return []
    if transcript.phones is not None:
        return list(phonetics.moments_of_phones(transcript.phones))
    return list(phonetics.moments_of_words(transcript.words or ()))


def shut(track: Track, dubbed: measures.Mask, told: Iterable[Moment], lips: Lips, rate: Fraction) -> list[bool]:
    """For each moment that asks this of the lips and was dubbed throughout, whether they met in the track."""
    windows = [
        Window(max(0, int(np.floor(moment.start * rate))), min(len(track), int(np.ceil(moment.end * rate))))
        for moment in told
        if moment.lips is lips
    ]
    whole = [window for window in windows if window.first < window.last and dubbed[window.first : window.last].all()]
    return measures.closed(track, whole)


def closures(voiced: Sequence[Voiced], synthetic: Sequence[bool], elsewhere: Sequence[bool], rate: Fraction) -> Closures:
    """A3; `synthetic` and `elsewhere` are the moments of the voices with known phones, as `shut` has them."""

    def met(lips: Lips, track: str, *, begun: bool = False) -> list[bool]:
        found = []
        for made in voiced:
            told = [moment for moment in moments(made.seen.clip.transcript) if not (begun and moment.first)]
            found += shut(_track(made, track), made.full, told, lips, rate)
        return found

    bilabial, other, within = met(Lips.MEET, "output"), met(Lips.APART, "output"), met(Lips.APART, "output", begun=True)
    return Closures(
        synthetic=measures.share(synthetic),
        synthetic_false=measures.share(elsewhere),
        natural=measures.share(bilabial),
        false=measures.share(other),
        false_within=measures.share(within),
        aimed_false=measures.share(met(Lips.APART, "target")),
        real_natural=measures.share(met(Lips.MEET, "real")),
        real_false=measures.share(met(Lips.APART, "real")),
        real_false_within=measures.share(met(Lips.APART, "real", begun=True)),
        synthetic_count=len(synthetic),
        natural_count=len(bilabial),
        false_count=len(other),
        within_count=len(within),
    )


def sync(model: Model, voiced: Sequence[Voiced], rate: Fraction) -> Sync:
    """A4."""
    curves = [curves_of(model, made, rate) for made in voiced]
    return sync_of(*([pair[side] for pair in curves if pair is not None] for side in range(2)))


def curves_of(model: Model, made: Voiced, rate: Fraction) -> tuple[Track, Track] | None:
    """The curves of a clip's dub and of its original: over speech that was dubbed in full and measured before and after."""
    assert made.seen.columns is not None, "who is dubbed with the own sound has one"
    sound = scores.sound_of(made.seen.columns)
    both = np.isfinite(made.judged.output) & np.isfinite(made.seen.opening)
    spoken = scores.at_net_rate(made.seen.speech.astype(np.float64), rate) > 0.5

    def curve(opening: Track, width: Track) -> Track | None:
        tracks = (scores.at_net_rate(np.where(both, track, np.nan), rate) for track in (opening, width))
        return scores.curve(model, scores.lips_of(*tracks), sound, spoken)

    dubbed, original = curve(made.judged.output, made.judged.width), curve(made.seen.opening, made.seen.width)
    return None if dubbed is None or original is None else (dubbed, original)


def sync_of(dubbed: Sequence[Track], original: Sequence[Track]) -> Sync:
    """D, C and offset of the mean of some curves, and of the original's."""
    d, c, offset = scores.reading(dubbed)
    original_d, original_c, original_offset = scores.reading(original)
    return Sync(d=d, c=c, offset_ms=offset, original_d=original_d, original_c=original_c, original_offset_ms=original_offset)
