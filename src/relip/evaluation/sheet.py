"""The contact sheet: original and dubbed frames under each other, the region outlined, and the opening curves below.

What is shown is the run with another voice through the product's chain. Of two files that import matplotlib, one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ResourceError
from relip.essence.scene import Face, Region
from relip.evaluation import measures
from relip.evaluation.report import told
from relip.evaluation.rig import Rig
from relip.evaluation.voiced import Voiced
from relip.graph.take import Take

CLIPS, TILES = 4, 8
"""Clips shown, and frames of each."""
TILE = 240
"""Samples along a tile's side."""
REACH, ABOVE = 1.06, 0.10
"""Half a tile's side in IOD, and how far above the middle of the mouth its middle lies."""
SECONDS = 12
"""A longer clip shows its first so many seconds: a curve of a minute cannot be read."""
INCHES = 1.7
TARGET, OUTPUT, ORIGINAL, OUTLINE = "#222222", "#1f6fd0", "#e08214", "#30d040"


@dataclass(frozen=True, slots=True)
class Tile:
    """A frame before and after: (TILE, TILE, 3) R'G'B' in 0..1. `outline`: x, y, width, height in the tile.

    `worth`: why this frame of its part is shown, see `Strip`; −1 where it was not dubbed in full.
    """

    number: int
    worth: float
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    outline: tuple[float, float, float, float] | None
    reason: str | None


@dataclass(slots=True)
class Strip:
    """One clip: of its parts in turn the frame that the dub opened widest, and the one whose mouth it moved farthest."""

    made: Voiced
    parts: dict[int, Tile] = field(default_factory=dict)

    @property
    def tiles(self) -> list[Tile]:
        """The frames in order."""
        return [self.parts[part] for part in sorted(self.parts)]


class Sheet:
    """Looks on while clips are dubbed, and keeps a few frames of some of them."""

    def __init__(self, rig: Rig, seen: Sequence[str]) -> None:
        """`seen`: the names of the clips to show. Raises ResourceError without matplotlib."""
        _pyplot()
        self._rig = rig
        self._names = frozenset(seen)
        self._strips: dict[str, Strip] = {}

    def see(
        self, number: int, made: Voiced, take: Take, before: NDArray[np.uint8], after: NDArray[np.uint8], _: Face | None
    ) -> None:
        """As `voiced.Watch`."""
        face, name = made.seen.faces[number], made.seen.clip.name
        count = min(made.seen.frames, int(SECONDS * self._rig.format.rate))
        if face is None or name not in self._names or number >= count:
            return
        parts, part = self._strips.setdefault(name, Strip(made)).parts, number * TILES // count
        seen = float(made.judged.output[number])
        worth = -1.0 if np.isnan(seen) else abs(seen - face.shape.open) if part % 2 else seen
        if part not in parts or worth > parts[part].worth:
            parts[part] = self._tile(number, take, face, pictures=(before, after), worth=worth)

    def _tile(
        self, number: int, take: Take, face: Face, *, pictures: tuple[NDArray[np.uint8], NDArray[np.uint8]], worth: float
    ) -> Tile:
        assert take.verdict is not None, "a take leaves the chain with a verdict"
        patch, bypass = take.verdict.patch, take.verdict.bypass
        corner, scale = _place(face)
        affine = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]], np.float32)
        before, after = np.zeros((TILE, TILE, 3), np.float32), np.zeros((TILE, TILE, 3), np.float32)
        for frame, out in zip(pictures, (before, after), strict=True):
            self._rig.device.crop(frame, affine, out)
        return Tile(
            number=number,
            worth=worth,
            before=before.clip(0, 1),
            after=after.clip(0, 1),
            outline=None if patch is None else _in_tile(patch.region, corner, scale),
            reason=None if bypass is None else bypass.value,
        )

    def write(self, path: Path, title: str) -> None:
        """Draw the sheet. Raises ResourceError without matplotlib, or when the file cannot be written."""
        draw(list(self._strips.values()), path, title=title, rate=float(self._rig.format.rate))


def chosen(names: Sequence[str], most: int = CLIPS) -> list[str]:
    """Clips spread evenly over all."""
    step = max(1, -(-len(names) // most))
    return list(names[::step])


def _place(face: Face) -> tuple[tuple[float, float], float]:
    """The raster position of a tile's corner, and raster pixels a sample."""
    x, y = face.landmarks[[13, 14], :2].mean(axis=0)
    return (float(x - REACH * face.iod), float(y - (REACH + ABOVE) * face.iod)), 2 * REACH * face.iod / TILE


def _in_tile(region: Region, corner: tuple[float, float], scale: float) -> tuple[float, float, float, float]:
    return (region.x - corner[0]) / scale, (region.y - corner[1]) / scale, region.width / scale, region.height / scale


def draw(strips: Sequence[Strip], path: Path, *, title: str, rate: float) -> None:
    """Write the strips as a PNG. Raises ResourceError."""
    pyplot = _pyplot()
    height = INCHES * 3.1 * max(1, len(strips)) + 0.6
    figure = pyplot.figure(figsize=(INCHES * TILES + 0.5, height), dpi=110, layout="constrained")
    figure.suptitle(title, fontsize=11)
    grid = figure.add_gridspec(3 * max(1, len(strips)), TILES)
    for row, strip in enumerate(strips):
        _pictures(figure, grid, 3 * row, strip)
        _curves(figure.add_subplot(grid[3 * row + 2, :]), strip, rate, legend=row == 0)
    try:
        figure.savefig(path, format="png")
    except OSError as cause:
        raise ResourceError(f"{path}: cannot be written: {cause.strerror}") from cause
    finally:
        pyplot.close(figure)


def _pictures(figure: Any, grid: Any, row: int, strip: Strip) -> None:  # noqa: ANN401 -- matplotlib is imported lazily
    for column, tile in enumerate(strip.tiles):
        for line, picture in enumerate((tile.before, tile.after)):
            axes = figure.add_subplot(grid[row + line, column])
            axes.imshow(picture, extent=(0, TILE, TILE, 0))
            axes.set(xticks=[], yticks=[], xlim=(0, TILE), ylim=(TILE, 0))
            if column == 0:
                axes.set_ylabel(("original", "dubbed")[line], fontsize=9)
            if line == 1 and tile.outline is not None:
                x, y, width, height = tile.outline
                edge = {"fill": False, "edgecolor": OUTLINE, "linewidth": 0.8}
                axes.add_patch(_pyplot().Rectangle((x, y), width, height, **edge))
            if line == 1 and tile.reason is not None:
                axes.text(6, TILE - 8, tile.reason, color="white", backgroundcolor="black", fontsize=7)
            if line == 0:
                axes.set_title(f"frame {tile.number}", fontsize=7, pad=2)


def _curves(axes: Any, strip: Strip, rate: float, *, legend: bool) -> None:  # noqa: ANN401 -- as above
    judged, count = strip.made.judged, min(strip.made.seen.frames, int(SECONDS * rate))
    at = np.arange(count) / rate
    lines = (
        ("original mouth", strip.made.seen.opening, ORIGINAL, "-", 1.2),
        ("asked for by the voice", judged.target, TARGET, "--", 1.2),
        ("seen in the output", judged.output, OUTPUT, "-", 1.6),
    )
    for name, track, colour, style, width in lines:
        axes.plot(at, track[:count], style, color=colour, linewidth=width, label=name)
    for tile in strip.tiles:
        axes.axvline(tile.number / rate, color="#bbbbbb", linewidth=0.7, zorder=0)
    said = told(measures.correlation(judged.output, judged.target))
    axes.set_title(f"{strip.made.seen.clip.name}: seen against asked for, r {said}", fontsize=8, loc="left", pad=3)
    axes.set(xlim=(0, count / rate), ylim=(0, None))
    axes.set_ylabel("opening, IOD", fontsize=7)
    axes.set_xlabel("seconds", fontsize=7, labelpad=0)
    axes.tick_params(labelsize=7)
    if legend:
        axes.legend(loc="upper right", fontsize=7, ncols=3, frameon=False, bbox_to_anchor=(1, 1.22))


def _pyplot() -> Any:  # noqa: ANN401 -- a module that type checkers are told to skip
    try:
        import matplotlib as mpl  # noqa: PLC0415 -- an extra, imported only where it is used

        mpl.use("Agg")
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError as cause:
        raise ResourceError("a contact sheet is drawn with matplotlib: install relip[eval]") from cause
    return plt
