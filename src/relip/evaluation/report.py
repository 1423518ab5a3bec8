"""What one run of `relip eval` measured, and the gates it is held against.

Every field says its unit; the reference page is written from these models. A figure that the input did not allow is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

Figure = float | None


class Part(BaseModel):
    """What all parts share: no unknown keys, no change after the fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Untouched(Part):
    """G1 and G2: samples that must not change."""

    changed: int | None = Field(None, description="10-bit samples that differ from the input: must be 0")
    frames: int = Field(0, description="frames looked at")


class Fidelity(Part):
    """R1: the opening seen in the output against the one asked for, mean of the clips."""

    r: Figure = Field(None, description="correlation, shapes measured in another clip")
    mae: Figure = Field(None, description="mean absolute error, IOD")
    voice_r: Figure = Field(None, description="correlation, another voice through the whole chain, own past only")
    voice_mae: Figure = Field(None, description="mean absolute error of that, IOD")
    original_r: Figure = Field(None, description="correlation of the untouched original with the same targets")
    original_mae: Figure = Field(None, description="mean absolute error of the untouched original, IOD")
    lost: int = Field(0, description="drawn frames in which the mesh found no face")


class Leak(Part):
    """R2: r(output, original) less r(target, original), mean of the clips."""

    leakage: Figure = Field(None, description="with shapes measured in another clip")
    voice_leakage: Figure = Field(None, description="with another voice through the whole chain")


class Self(Part):
    """R3: the clip drawn with its own shapes, in the mouth box; medians over the frames, mean of the clips."""

    ssim: Figure = Field(None, description="structural similarity of the luma")
    psnr_db: Figure = Field(None, description="peak signal to noise ratio of the luma, dB")
    lmd: Figure = Field(None, description="distance of ten mouth landmarks, IOD")
    sharpness: Figure = Field(None, description="spread of the Laplacian, output over original")
    vmaf: Figure = Field(None, description="VMAF of the face's surroundings (--vmaf), 0 to 100")
    frames: int = Field(0, description="frames compared")


class Jitter(Part):
    """R4: mean absolute second difference of the opening, output over target."""

    jitter: Figure = Field(None, description="with shapes measured in another clip")
    voice_jitter: Figure = Field(None, description="with another voice through the whole chain")
    original: Figure = Field(None, description="the untouched original over the same targets")


class Still(Part):
    """R5: the mouth under a silent dub through the whole chain."""

    std: Figure = Field(None, description="standard deviation of the opening, IOD")
    ratio: Figure = Field(None, description="change of the mouth box from frame to frame, over that of the cheek")
    resting_ratio: Figure = Field(None, description="the same where the talker's own mouth rests: as original_ratio is taken")
    original_std: Figure = Field(None, description="the opening of the talker's own mouth where it is at rest, IOD")
    original_ratio: Figure = Field(None, description="the same ratio for the talker's own rest")
    frames: int = Field(0, description="frames counted")


class Follow(Part):
    """A1: each clip dubbed with its own sound against the mouth that spoke it, speech frames at full strength, lag 0."""

    r: Figure = Field(None, description="correlation of the opening seen in the output, mean of the clips")
    baseline_r: Figure = Field(None, description="correlation of the logarithm of the sound's energy, same frames")
    net_r: Figure = Field(None, description="correlation of the net's opening, before calibration")
    aimed_r: Figure = Field(None, description="correlation of the opening asked for, after calibration")
    width_r: Figure = Field(None, description="correlation of the width seen in the output")
    pooled_r: Figure = Field(None, description="correlation over all speech frames of all clips together")
    mae: Figure = Field(None, description="mean absolute error of the opening seen, IOD")
    frames: int = Field(0, description="speech frames counted")


class Lag(Part):
    """A2: where the mean correlation over common lags is highest; positive is late."""

    lag_ms: Figure = Field(None, description="of the output, ms")
    net_lag_ms: Figure = Field(None, description="of the net, ms")
    r: Figure = Field(None, description="mean correlation of the output at the whole frame nearest to it")


class Closures(Part):
    """A3: lips under 0.02 IOD where a bilabial is spoken, and where none is; shares."""

    synthetic: Figure = Field(None, description="closed at p, b, m of voices with known phones, ±40 ms")
    synthetic_false: Figure = Field(None, description="closed at other phones of those voices, clear of bilabials and pauses")
    natural: Figure = Field(None, description="closed at bilabials of the clips' own words (−100 to +120 ms) or phones")
    false: Figure = Field(None, description="closed at the other onsets")
    false_within: Figure = Field(None, description="the same without onsets after 0.2 s of silence, where sentences begin")
    aimed_false: Figure = Field(None, description="false, of the opening that was asked for")
    real_natural: Figure = Field(None, description="the same for the untouched original: natural")
    real_false: Figure = Field(None, description="the same for the untouched original: false")
    real_false_within: Figure = Field(None, description="the same for the untouched original: false_within")
    synthetic_count: int = Field(0, description="bilabials in voices with known phones")
    natural_count: int = Field(0, description="bilabials in the clips")
    false_count: int = Field(0, description="other onsets in the clips")
    within_count: int = Field(0, description="those of them that begin no sentence")


class Sync(Part):
    """A curve of distances over shifts of sound against picture, as LSE-D and LSE-C are read from."""

    d: Figure = Field(None, description="least mean distance: smaller is better")
    c: Figure = Field(None, description="median less least mean distance: larger is better")
    offset_ms: Figure = Field(None, description="shift of the least distance, ms; positive: the picture is late")
    original_d: Figure = Field(None, description="the untouched original: d")
    original_c: Figure = Field(None, description="the untouched original: c")
    original_offset_ms: Figure = Field(None, description="the untouched original: offset, ms")


class Times(Part):
    """CPU time of one stage on one frame at the evaluated raster, one thread."""

    p50_ms: float = Field(description="median, ms")
    p99_ms: float = Field(description="99th percentile, ms")


class ClipRow(Part):
    """One clip."""

    name: str = Field(description="path below the folder")
    talker: str = Field(description="whose clip it was taken to be")
    frames: int = Field(description="frames at the evaluated rate")
    faces: int = Field(description="frames with a face to work on")
    speech: int = Field(description="frames of speech")
    r1: Figure = Field(None, description="R1.r")
    ssim: Figure = Field(None, description="R3.ssim")
    a1: Figure = Field(None, description="A1.r")
    baseline: Figure = Field(None, description="A1.baseline_r")
    offset_ms: Figure = Field(
        None, description="where the untouched picture fits its own sound best by A4's net, ms; positive: late"
    )
    dubbed: int = Field(0, description="frames dubbed at full strength with the own sound")
    bypassed: dict[str, int] = Field(default_factory=dict, description="frames left alone in that run, by reason")
    notes: list[str] = Field(default_factory=list, description="what a reader should know of it")


class VoiceRow(Part):
    """One voice with known phones, spoken by the presenter."""

    name: str = Field(description="file, or synthesiser and voice")
    seconds: float = Field(description="its length")
    closed: Figure = Field(None, description="A3.synthetic of this voice")
    bilabials: int = Field(0, description="bilabials counted")


class GateRow(Part):
    """One gate."""

    name: str = Field(description="the figure's key")
    value: Figure = Field(description="the figure")
    gate: str = Field(description="what it must be")
    passed: bool | None = Field(description="whether it is; null when it could not be measured")


class EvalReport(Part):
    """`relip eval --json`: one run."""

    version: str = Field(description="of Relip")
    format: str = Field(description="raster and rate, as in 1080p25")
    gallery: str = Field(description="others, own or causal: what the renderer knew for R1 to R4")
    G1: Untouched = Field(description="outside the region of altered frames")
    G2: Untouched = Field(description="frames that were left alone: bypass, no face, and every other reason")
    R1: Fidelity = Field(description="target fidelity")
    R2: Leak = Field(description="leakage of the original mouth")
    R3: Self = Field(description="self re-enactment")
    R4: Jitter = Field(description="jitter")
    R5: Still = Field(description="stillness")
    A1: Follow = Field(description="articulation")
    A2: Lag = Field(description="lag")
    A3: Closures = Field(description="bilabial closures")
    A4: Sync = Field(description="own synchronisation score")
    LSE: Sync = Field(description="LSE-D and LSE-C by a user's SyncNet (--syncnet)")
    time: dict[str, Times] = Field(description="CPU time by stage, and `total` of their medians")
    gates: list[GateRow] = Field(description="every gate, in order")
    clips: list[ClipRow] = Field(description="every clip")
    voices: list[VoiceRow] = Field(description="every voice with known phones")
    nets: dict[str, str] = Field(description="SHA-256 of the nets that were used")
    notes: list[str] = Field(description="what was left out, and why")


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure and its limits, both inclusive. `says`: the same in words. `beside`: what the original or a baseline has."""

    name: str
    value: Callable[[EvalReport], Figure]
    says: str
    low: float = float("-inf")
    high: float = float("inf")
    beside: Callable[[EvalReport], str] | None = None

    def judge(self, report: EvalReport) -> GateRow:
        """The gate's row in a report."""
        value = self.value(report)
        return GateRow(
            name=self.name, value=value, gate=self.says, passed=None if value is None else self.low <= value <= self.high
        )


def told(value: Figure, form: str = ".3g") -> str:
    """A figure as a reader wants it; a dash where there is none."""
    return "–" if value is None else format(value, form)


def _gain(report: EvalReport) -> Figure:
    a1 = report.A1
    return None if a1.r is None or a1.baseline_r is None else a1.r - a1.baseline_r


GATES: tuple[Gate, ...] = (
    Gate("G1.changed", lambda e: e.G1.changed, "= 0", 0, 0, lambda e: f"{e.G1.frames} frames altered"),
    Gate("G2.changed", lambda e: e.G2.changed, "= 0", 0, 0, lambda e: f"{e.G2.frames} frames left alone"),
    Gate(
        "R1.r",
        lambda e: e.R1.r,
        "≥ 0.97",
        low=0.97,
        beside=lambda e: f"original {told(e.R1.original_r)}, by voice {told(e.R1.voice_r)}",
    ),
    Gate(
        "R1.mae",
        lambda e: e.R1.mae,
        "≤ 0.008 IOD",
        high=0.008,
        beside=lambda e: f"original {told(e.R1.original_mae)}, by voice {told(e.R1.voice_mae)}",
    ),
    Gate("R2.leakage", lambda e: e.R2.leakage, "≤ 0.03", high=0.03, beside=lambda e: f"by voice {told(e.R2.voice_leakage)}"),
    Gate("R3.ssim", lambda e: e.R3.ssim, "≥ 0.96", low=0.96, beside=lambda e: f"{e.R3.frames} frames, VMAF {told(e.R3.vmaf)}"),
    Gate("R3.psnr_db", lambda e: e.R3.psnr_db, "≥ 33 dB", low=33),
    Gate("R3.lmd", lambda e: e.R3.lmd, "≤ 0.006 IOD", high=0.006),
    Gate("R3.sharpness", lambda e: e.R3.sharpness, "0.9 to 1.1", 0.9, 1.1, lambda _: "original 1"),
    Gate(
        "R4.jitter",
        lambda e: e.R4.jitter,
        "≤ 1.15",
        high=1.15,
        beside=lambda e: f"original {told(e.R4.original)}, by voice {told(e.R4.voice_jitter)}",
    ),
    Gate(
        "R5.std", lambda e: e.R5.std, "≤ 0.004 IOD", high=0.004, beside=lambda e: f"original at rest {told(e.R5.original_std)}"
    ),
    Gate(
        "R5.ratio",
        lambda e: e.R5.ratio,
        "≤ 1.5",
        high=1.5,
        beside=lambda e: f"original at rest {told(e.R5.original_ratio)}, dub there {told(e.R5.resting_ratio)}",
    ),
    Gate(
        "A1.r",
        lambda e: e.A1.r,
        "≥ 0.65",
        low=0.65,
        beside=lambda e: f"energy {told(e.A1.baseline_r)}, net alone {told(e.A1.net_r)}",
    ),
    Gate("A1.r − baseline_r", _gain, "≥ 0.3", low=0.3, beside=lambda e: f"{e.A1.frames} speech frames"),
    Gate("A2.lag_ms", lambda e: e.A2.lag_ms, "−20 to 20 ms", -20, 20, lambda e: f"net {told(e.A2.net_lag_ms)}"),
    Gate(
        "A3.synthetic",
        lambda e: e.A3.synthetic,
        "≥ 0.95",
        low=0.95,
        beside=lambda e: f"of {e.A3.synthetic_count}; elsewhere {told(e.A3.synthetic_false)}",
    ),
    Gate(
        "A3.natural",
        lambda e: e.A3.natural,
        "≥ 0.85",
        low=0.85,
        beside=lambda e: f"original {told(e.A3.real_natural)}, of {e.A3.natural_count}",
    ),
    Gate(
        "A3.false",
        lambda e: e.A3.false,
        "≤ 0.15",
        high=0.15,
        beside=lambda e: (
            f"original {told(e.A3.real_false)}, aimed {told(e.A3.aimed_false)}, of {e.A3.false_count}; within sentences "
            f"{told(e.A3.false_within)}, original {told(e.A3.real_false_within)}, of {e.A3.within_count}"
        ),
    ),
    Gate(
        "time.total",
        lambda e: e.time["total"].p50_ms if "total" in e.time and e.format.startswith("1080p") else None,
        "≤ 12 ms",
        high=12,
        beside=lambda e: ", ".join(f"{k} {v.p50_ms:.1f}" for k, v in e.time.items() if k != "total"),
    ),
)
"""What the project holds itself to, on people whom training never saw."""


def rows(report: EvalReport) -> Iterator[tuple[str, str, str, str, str]]:
    """The table that a person reads: metric, value, gate, verdict, what stands beside it."""
    for gate, row in zip(GATES, report.gates, strict=True):
        verdict = {True: "met", False: "MISSED", None: "not measured"}[row.passed]
        yield row.name, told(row.value, ".4g"), row.gate, verdict, gate.beside(report) if gate.beside else ""
    for name, sync in (("A4", report.A4), ("LSE", report.LSE)):
        if sync.d is not None:
            values = f"D {told(sync.d)}, C {told(sync.c)}, {told(sync.offset_ms, '.0f')} ms"
            original = f"original {told(sync.original_d)}, {told(sync.original_c)}, {told(sync.original_offset_ms, '.0f')} ms"
            yield name, values, "", "", original


def judged(report: EvalReport) -> EvalReport:
    """The report with its gates."""
    return report.model_copy(update={"gates": [gate.judge(report) for gate in GATES]})
