"""The page a person judges flows by: a verdict for each leg and the distributions behind it, as one PNG.

One of two files that import matplotlib; it draws what the studies found and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relip.essence.errors import ResourceError
from relip.probe.legs import NS_PER_US
from relip.probe.report import FlowReport, LegFigures, ProbeReport, Spread
from relip.probe.study import FlowStudy, LegStudy
from relip.wire.st2110_21 import SenderType

WIDTH, ROW, LOW_ROW, LINE = 15.0, 3.3, 2.2, 0.18
"""Inches: of the page, of a leg at least, of one of ancillary data, of a line of text."""
GOOD, BAD, PLAIN, BAND, GREY, GAPPED = "#1a7f37", "#b42318", "#1f6fd0", "#9ec5f4", "#666666", "#e08214"
LIMITS = {SenderType.N: "#1a7f37", SenderType.NL: "#7a5c00", SenderType.W: "#b42318"}
SHORT = {SenderType.N: "N", SenderType.NL: "NL", SenderType.W: "W"}
_SYMLOG = 20
_DECADE = 30
"""Times that spread less than this are drawn on a linear axis: a logarithmic one has no marks there."""
Axes = Any
"""matplotlib's own type, which is only there once it is loaded."""


def draw(report: ProbeReport, studies: Sequence[FlowStudy], path: Path) -> None:
    """Write the page. Raises ResourceError without matplotlib, or when the file cannot be written."""
    pyplot = _pyplot()
    rows = [(_lines(flow.report, number), leg) for flow in studies for number, leg in enumerate(flow.legs)]
    heights = [_height(lines, leg) for lines, leg in rows] or [ROW]
    title = [f"{report.source}, {report.seconds:.1f} s", report.clock, *(f"! {remark}" for remark in report.remarks)]
    figure = pyplot.figure(figsize=(WIDTH, LINE * (2 + len(title)) + sum(heights)), dpi=110, layout="constrained")
    figure.suptitle("\n".join(title), fontsize=9, x=0.01, ha="left")
    grid = figure.add_gridspec(len(heights), 4, width_ratios=(1.15, 1, 1, 1), height_ratios=heights)
    for row, (lines, leg) in enumerate(rows):
        axes = [figure.add_subplot(grid[row, column]) for column in range(4)]
        _verdict(axes[0], lines, heights[row])
        first, second = _panels(leg)
        first(axes[1], leg)
        second(axes[2], leg)
        _inter_packet(axes[3], leg)
    try:
        figure.savefig(path, format="png")
    except OSError as cause:
        raise ResourceError(f"{path}: cannot be written: {cause.strerror}") from cause
    finally:
        pyplot.close(figure)


def _height(lines: list[tuple[str, str]], leg: LegStudy) -> float:
    """Inches of a leg's row: room for its panels, and for its text."""
    text = LINE * (2 + sum(1.2 + words.count("\n") for words, _ in lines))
    return max(text, LOW_ROW if leg.figures.ancillary is not None else ROW)


def _panels(leg: LegStudy) -> tuple[Callable[[Axes, LegStudy], None], Callable[[Axes, LegStudy], None]]:
    """What is drawn of a kind beside the times between packets."""
    if leg.video is not None:
        return _cinst, _vrx
    if leg.audio is not None:
        return _delay_factor, _levels
    return (_contents, _nothing) if leg.figures.ancillary is not None else (_nothing, _nothing)


def _lines(flow: FlowReport, number: int) -> list[tuple[str, str]]:
    """Name, format and verdict of a leg, folded, each with its colour; what is bad is red."""
    leg = flow.legs[number]
    others = tuple(f"leg {other + 1}:" for other in range(len(flow.legs)) if other != number)
    lines = [
        (leg.destination if flow.name == leg.destination else f"{flow.name}, {leg.destination}", "black"),
        (flow.found, "black"),
        *((f"≠ {difference}", BAD) for difference in flow.differences),
        *_counted(leg),
        *_judged(leg),
        *_together(flow),
        *((f"! {remark}", BAD) for remark in flow.remarks if not remark.startswith(others)),
    ]
    return [(_folded(text), colour) for text, colour in lines]


def _verdict(axes: Axes, lines: list[tuple[str, str]], height: float) -> None:
    """The lines under each other, in axes of `height` inches; the first is the title."""
    axes.set_axis_off()
    at = 1.0
    for number, (text, colour) in enumerate(lines):
        weight = "bold" if number == 0 else "normal"
        drawn = axes.text(0, at, text, color=colour, fontsize=7.5, fontweight=weight, va="top", transform=axes.transAxes)
        drawn.set_in_layout(False)  # the row is as high as it needs
        at -= LINE / height * (1.2 + text.count("\n"))


def _folded(text: str, width: int = 76) -> str:
    """Broken at spaces."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("   " + word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\n".join(lines)


def _counted(leg: LegFigures) -> list[tuple[str, str]]:
    packets = leg.packets
    bad = packets.lost or packets.malformed or packets.restarts
    came = f"{packets.received} packets, {leg.megabits_per_s:.1f} Mb/s"
    rest = f"lost {packets.lost}, again {packets.duplicate}, reordered {packets.reordered}, malformed {packets.malformed}"
    return [(f"{came}; {rest}", BAD if bad else GOOD)]


def _judged(leg: LegFigures) -> list[tuple[str, str]]:
    """The lines of a kind."""
    if leg.video is not None:
        video = leg.video
        frames = video.frames
        whole = GOOD if not frames.incomplete and not frames.absent else BAD
        lines = [
            (f"frames {frames.complete} complete, {frames.incomplete} incomplete, {frames.absent} absent", whole),
            (f"{video.packets_per_frame} packets a frame, {video.packing}, {video.data_octets} octets", "black"),
        ]
        for kind in SenderType:
            limits = video.types[kind]
            share = "not timed" if limits.share is None else f"{limits.share:.1%} of frames"
            note = "" if limits.allowed else ", not allowed at this rate"
            colour = GOOD if kind.value in video.met else GREY if video.met else BAD
            lines.append((f"{kind.value}: {share} (Cinst ≤ {limits.c_max}, VRX 0…{limits.vrx_full}){note}", colour))
        lines += _spread("first packet after the period began", video.first_packet_us, "µs")
        return [*lines, *_spread("RTP offset", video.rtp_offset_ticks, "ticks"), *_spread("RTP age", video.rtp_age_us, "µs")]
    if leg.audio is not None:
        factor = leg.audio.delay_factor
        level = f"level {leg.audio.level}" if leg.audio.level else "no level of ST 2110-30"
        lines = [(f"packet time {leg.audio.packet_time_us / 1000:g} ms, {level}; breaks {leg.audio.discontinuities}", "black")]
        if factor is not None:
            colour = BAD if factor.verdict == "beyond" else GOOD
            lines.append(
                (f"TS-DF {factor.max_us:.0f} µs: {factor.verdict} (≤ {factor.narrow_us:.0f}, {factor.wide_us:.0f})", colour)
            )
        return [*lines, *_spread("RTP age", leg.audio.rtp_age_us, "µs")]
    if leg.ancillary is not None:
        anc = leg.ancillary
        bad = anc.bad_parity + anc.bad_checksum + anc.truncated
        text = (
            f"{anc.frames} frames, {anc.keep_alives} keep-alive packets; parity {anc.bad_parity}, checksum {anc.bad_checksum},"
        )
        return [(f"{text} truncated {anc.truncated}", BAD if bad else GOOD), *_spread("RTP age", anc.rtp_age_us, "µs")]
    return []


def _together(flow: FlowReport) -> list[tuple[str, str]]:
    """How two legs complete each other."""
    both = flow.redundancy
    if both is None:
        return []
    skew = "not timed" if both.skew_us is None else f"{both.skew_us.min:.0f} … {both.skew_us.max:.0f} µs"
    alone = " and ".join(str(count) for count in both.only)
    return [
        (f"both legs: lost {both.lost}, on one alone {alone}; skew {skew}, class {both.path_class}", BAD if both.lost else GOOD)
    ]


def _spread(name: str, of: Spread | None, unit: str) -> list[tuple[str, str]]:
    return [] if of is None else [(f"{name} {of.min:.0f} … {of.p50:.0f} … {of.max:.0f} {unit}", "black")]


def _cinst(axes: Axes, leg: LegStudy) -> None:
    assert leg.video is not None, "drawn of video alone"
    axes.set_title("Cinst, packets found in the network's bucket", fontsize=8, loc="left")
    if not len(leg.video.fill):
        _say(axes, "no stamps")
        return
    top = max(int(leg.video.fill.max()), *(limits.c_max for limits in leg.video.figures.types.values()))
    edges = np.arange(top + 2) - 0.5
    if top > 64:
        edges = np.concatenate((edges[:_SYMLOG], np.geomspace(_SYMLOG - 0.5, top + 1, 36)))
    axes.hist(leg.video.fill, bins=edges, color=PLAIN)
    limits: dict[int, list[SenderType]] = {}
    for kind in SenderType:
        limits.setdefault(leg.video.figures.types[kind].c_max, []).append(kind)
    for limit, kinds in limits.items():
        colour, name = LIMITS[kinds[0]], ", ".join(SHORT[kind] for kind in kinds)
        axes.axvline(limit + 0.5, color=colour, linewidth=1)
        axes.text(limit + 0.6, 0.98, name, color=colour, fontsize=7, va="top", transform=axes.get_xaxis_transform())
    axes.set_yscale("log")
    axes.set_ylim(0.5, None)
    if top > 64:
        axes.set_xscale("symlog", linthresh=_SYMLOG)
    axes.set_xlim(-0.5, 1.08 * top + 1)  # room for the name of the last limit
    axes.set_xlabel("packets", fontsize=7)
    axes.tick_params(labelsize=7)


def _vrx(axes: Axes, leg: LegStudy) -> None:
    assert leg.video is not None, "drawn of video alone"
    reference = leg.video.figures.reference
    axes.set_title(f"VRX of each frame against {'TAI' if reference == 'tai' else 'its own beat'}", fontsize=8, loc="left")
    verdicts = leg.video.verdicts
    if not verdicts:
        _say(axes, "no complete frame with stamps")
        return
    frames = np.arange(len(verdicts))
    for name, colour, pairs in (
        ("gapped (N)", GAPPED, [v.gapped for v in verdicts]),
        ("linear (NL, W)", PLAIN, [v.linear for v in verdicts]),
    ):
        low, high = np.array(pairs).T
        axes.fill_between(frames, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(frames, high, color=colour, linewidth=1.2, label=name)
        axes.plot(frames, low, color=colour, linewidth=1.2)
    for kind in (SenderType.N, SenderType.W):
        limit = leg.video.figures.types[kind].vrx_full
        axes.axhline(limit, color=LIMITS[kind], linewidth=1)
        _label(axes, limit, SHORT[kind], LIMITS[kind])
    axes.axhline(0, color="black", linewidth=1)
    axes.set_yscale("symlog", linthresh=_SYMLOG)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -_SYMLOG / 2), high * 1.6)
    axes.set_xlabel("frame; greatest and least fill, below 0 is late", fontsize=7)
    axes.legend(fontsize=6, loc="lower right")
    axes.tick_params(labelsize=7)


def _inter_packet(axes: Axes, leg: LegStudy) -> None:
    axes.set_title("from packet to packet, µs", fontsize=8, loc="left")
    gaps = np.diff(leg.arrivals) / NS_PER_US if leg.own.timed else np.zeros(0)
    positive = gaps[gaps > 0]
    if not len(positive):
        _say(axes, "no stamps" if not len(gaps) else "all at once")
        return
    least, most = max(positive.min(), 0.05), positive.max() * 1.01 + 0.1
    if most / least > _DECADE:
        axes.hist(positive, bins=np.geomspace(least, most, 60), color=PLAIN)
        axes.set_xscale("log")
    else:
        axes.hist(positive, bins=np.linspace(least, most, 60), color=PLAIN)
    axes.set_yscale("log")
    axes.set_ylim(0.5, None)
    at_once = (gaps <= 0).mean()
    if at_once > 0:
        axes.text(0.98, 0.96, f"{at_once:.0%} at once", fontsize=7, ha="right", va="top", transform=axes.transAxes)
    axes.tick_params(labelsize=7)


def _delay_factor(axes: Axes, leg: LegStudy) -> None:
    assert leg.audio is not None, "drawn of audio alone"
    axes.set_title("TS-DF of each second, µs", fontsize=8, loc="left")
    factor = leg.audio.figures.delay_factor
    if factor is None:
        _say(axes, "no stamps")
        return
    axes.bar(np.arange(len(leg.audio.factors)), leg.audio.factors / NS_PER_US, color=PLAIN)
    for limit, colour, name in ((factor.narrow_us, GOOD, "1 packet time"), (factor.wide_us, BAD, "17: AES67")):
        axes.axhline(limit, color=colour, linewidth=1)
        _label(axes, limit, name, colour)
    axes.set_yscale("log")
    axes.set_ylim(max(1.0, leg.audio.factors.min() / NS_PER_US / 2), None)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("second", fontsize=7)
    axes.tick_params(labelsize=7)


def _levels(axes: Axes, leg: LegStudy) -> None:
    assert leg.audio is not None, "drawn of audio alone"
    axes.set_title("level of each channel, dBFS", fontsize=8, loc="left")
    floor = -100.0
    levels = leg.audio.figures.levels
    at = np.arange(1, len(levels) + 1)
    for name, width, colour, values in (
        ("peak", 0.8, BAND, [level.peak_dbfs for level in levels]),
        ("RMS", 0.5, PLAIN, [level.rms_dbfs for level in levels]),
    ):
        axes.bar(at, [max(0.0, (floor if v is None else v) - floor) for v in values], width, floor, color=colour, label=name)
    axes.set_ylim(floor, 0)
    axes.set_xlim(0, len(levels) + 1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=6, loc="lower right")
    axes.tick_params(labelsize=7)


def _contents(axes: Axes, leg: LegStudy) -> None:
    anc = leg.figures.ancillary
    assert anc is not None, "drawn of ancillary data alone"
    axes.set_axis_off()
    axes.set_title("contents: DID/SDID, frames", fontsize=8, loc="left")
    lines = [f"{each.did}/{each.sdid} {each.frames:>6}  {each.name}" for each in anc.contents] or ["only keep-alive packets"]
    if anc.disclosed is not None:
        lines += [
            "",
            f"disclosed: {anc.disclosed.altered} altered",
            *(f"  {n} {r}" for r, n in anc.disclosed.untouched.items()),
        ]
    axes.text(0, 0.95, "\n".join(lines[:16]), fontsize=7, va="top", family="monospace", transform=axes.transAxes)


def _nothing(axes: Axes, _: LegStudy) -> None:
    axes.set_axis_off()


def _label(axes: Axes, at: float, name: str, colour: str) -> None:
    """The name of a limit, on its line at the left edge."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
    axes.text(0.01, at, name, color=colour, fontsize=7, va="center", bbox=box, transform=axes.get_yaxis_transform())


def _say(axes: Axes, text: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, text, ha="center", fontsize=8, transform=axes.transAxes)


def _pyplot() -> Any:  # noqa: ANN401 -- a module that type checkers are told to skip
    try:
        import matplotlib as mpl  # noqa: PLC0415 -- an extra, imported only where it is used

        mpl.use("Agg")
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError as cause:
        raise ResourceError("the page is drawn with matplotlib: install relip[probe]") from cause
    return plt


def ready() -> None:
    """Refuse before anything is measured what could not be drawn. Raises ResourceError without matplotlib."""
    _pyplot()
