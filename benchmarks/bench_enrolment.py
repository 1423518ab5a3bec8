"""What an enrolment gains in a talker's first second, and how surely people are told apart.

    python benchmarks/bench_enrolment.py CLIP CLIP ... [--others PICTURE ...] [--test 3] [--format 1080p25] [--json PATH]

All clips must show one talker. The last `--test` are dubbed with their own measured shapes, once cold and once with an
enrolment from the other clips. A frame is never drawn from itself or the 8 before it: those are learned from later.
`--others` are pictures or clips of other people, for the margins of recognition.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench_mouth import DEVICE, FRAME_TICKS, Clip, Dub, likeness, outside_changed, read, see
from numpy.typing import NDArray
from skimage.filters import gaussian
from skimage.transform import resize

from relip.composite.patch import composite
from relip.essence.formats import VideoFormat, video_format
from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.face.features import Resemblance, compare
from relip.face.people import Person
from relip.mouth.keeping import Mouths, memory_of
from relip.mouth.memory import OwnPixelsSettings
from relip.mouth.own_pixels import OwnPixels
from relip.service.compose.presenters import enrolling

APART = 8
"""Frames between what is drawn and what it may be drawn from."""
VARIANTS = (
    "light 0.5", "gamma 1.5", "tint 60", "grey", "side 0.5", "noise 40", "blur 6", "mirror",
    "wide 1.1", "wide 1.2", "tall 1.1", "tall 1.2",
)  # fmt: skip
"""What is done to the talker's picture, and by how much: factors, 10-bit codes, pixels."""
FIRST = 25
"""Frames of the first second."""
COLD_FROM = APART + OwnPixelsSettings().warm_frames
"""The first frame that a cold start draws here; likeness is compared from it on."""


def enrol(clips: list[Clip], form: VideoFormat) -> tuple[Mouths, Person]:
    """What an enrolment file of these clips would hold."""
    learner = enrolling(form, None)
    for clip in clips:
        learner.begin_clip()
        for frame in clip.frames:
            learner.see(frame)
    made = learner.enrolment(name="bench", note="")
    return made.mouths, Person(list(made.features))


def first_second(mouth: OwnPixels, clip: Clip, form: VideoFormat) -> tuple[Dub, list[int]]:
    """The first second with its own shapes; and which of its frames were drawn."""
    frames, drawn, asked, had, spent, changed = [], [], [], [], [], 0
    for i, (frame, face) in enumerate(zip(clip.frames[:FIRST], clip.faces[:FIRST], strict=True)):
        start = time.thread_time()
        if i >= APART:
            mouth.learn(clip.frames[i - APART], clip.faces[i - APART], (i - APART) * FRAME_TICKS)
        out = frame.copy()
        rendered = mouth.render(frame, face, face.shape, 1.0) if mouth.warm else None
        if rendered is not None:
            patch = composite(DEVICE, frame, rendered)
            region = patch.region
            out[region.y : region.y + region.height, region.x // 2 * 5 : (region.x + region.width) // 2 * 5] = patch.packed
            changed += outside_changed(frame, out, region)
            drawn.append(i)
        spent.append((time.thread_time() - start) * 1e3)
        frames.append(out)
        asked.append(face.shape.open)
        had.append(mouth.cap)
    faces = [face for face in see(frames, form) if face is not None]
    assert len(faces) == len(frames), "the mesh lost the dubbed face"
    opened = np.array([face.shape.open for face in faces])
    return Dub(np.array(asked), np.array(had), opened, changed, frames, faces, np.array(spent)), drawn


def figures_of(clip: Clip, result: Dub, drawn: list[int]) -> dict[str, float]:
    """Likeness and opening over the frames that both starts draw."""
    both = slice(COLD_FROM, FIRST)
    same = likeness(
        Clip(clip.frames[both], clip.faces[both]),
        replace(result, frames=result.frames[both], faces=result.faces[both]),
    )
    error = np.abs(result.output - result.target)[both]
    open_wide = result.target[both] > 0.06
    return {
        **same,
        "first_drawn": drawn[0] if drawn else FIRST,
        "opening_error": float(error.mean()),
        "opening_error_wide": float(error[open_wide].mean()) if open_wide.any() else float("nan"),
        "least_cap": float(result.original.min()),
    }


def features_of(frames: list[NDArray[np.uint8]], form: VideoFormat) -> Iterator[NDArray[np.float32]]:
    """Means over the first few frames, as recognition has them."""
    found = [face.features for face in see(frames, form) if face is not None and face.features is not None]
    if found:
        yield np.mean(found[:4], axis=0, dtype=np.float32)


def changed(frame: NDArray[np.uint8], how: str) -> NDArray[np.uint8]:
    """A packed frame in another light, through another lens, or stretched; see VARIANTS."""
    width, height = frame.shape[1] // 5 * 2, frame.shape[0]
    planes = Planes.of(width, height)
    DEVICE.unpack(frame, Region(0, 0, width, height), planes)
    luma, blue, red = (plane.astype(np.float64) for plane in (planes.y - 64.0, planes.cb - 512.0, planes.cr - 512.0))
    kind, _, amount = how.partition(" ")
    if kind == "light":
        luma, blue, red = (plane * float(amount) for plane in (luma, blue, red))
    elif kind == "gamma":
        luma = 876 * (np.maximum(luma, 0) / 876) ** float(amount)
    elif kind == "tint":
        blue, red = blue + float(amount), red - float(amount)
    elif kind == "grey":
        blue, red = blue * 0, red * 0
    elif kind == "side":
        luma = luma * np.linspace(1 - float(amount), 1 + float(amount), width)
    elif kind == "noise":
        luma = luma + np.random.default_rng(1).normal(0, float(amount), luma.shape)
    elif kind == "blur":
        luma = gaussian(luma, float(amount), preserve_range=True)
    elif kind == "mirror":
        luma, blue, red = (plane[:, ::-1] for plane in (luma, blue, red))
    else:
        scale = (1.0, float(amount)) if kind == "wide" else (float(amount), 1.0)
        luma, blue, red = (_stretched(plane, scale) for plane in (luma, blue, red))
    samples = (luma + 64, blue + 512, red + 512)
    out = np.empty_like(frame)
    DEVICE.pack(Planes(*(np.clip(np.rint(plane), 4, 1019).astype(np.uint16) for plane in samples)), out)
    return out


def _stretched(plane: NDArray[np.float64], scale: tuple[float, float]) -> NDArray[np.float64]:
    """A plane stretched about its middle; what leaves it is cut off."""
    height, width = plane.shape
    large = resize(plane, (round(height * scale[0]), round(width * scale[1])), preserve_range=True)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.asarray(large[top : top + height, left : left + width])


def spread(rows: list[Resemblance]) -> dict[str, float]:
    """The least and the greatest of what recognition looks at."""
    return {
        "pairs": len(rows),
        "texture_min": min(row.texture for row in rows),
        "texture_max": max(row.texture for row in rows),
        "bones_min": min(row.bones for row in rows),
        "bones_max": max(row.bones for row in rows),
        "same": sum(row.same for row in rows),
    }


def measure(paths: list[Path], others: list[Path], form: VideoFormat, tests: int) -> dict[str, dict[str, float]]:
    """All figures."""
    clips = [read(path, form) for path in paths]
    mouths, person = enrol(clips[:-tests], form)
    rows: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    spent: list[float] = []
    for clip in clips[-tests:]:
        for start, row in rows.items():
            known = {0: memory_of(mouths, OwnPixelsSettings())} if start == "warm" else {}
            mouth = OwnPixels(device=DEVICE, format=form, enrolled=known)
            mouth.turn_to(0, iod=clip.faces[0].iod)
            result, drawn = first_second(mouth, clip, form)
            row.append(figures_of(clip, result, drawn))
            spent += list(result.cpu_ms) if start == "warm" else []
    figures = {start: {key: float(np.nanmean([row[key] for row in some])) for key in some[0]} for start, some in rows.items()}
    figures["warm"]["p50_ms"] = float(np.median(spent))
    own = [features for clip in clips for features in features_of(clip.frames[:8], form)]
    figures["the talker, clip to clip"] = spread([compare(a, b) for a, b in itertools.permutations(own, 2)])
    figures["the talker to the enrolment"] = spread([person.resembles(features) for features in own[-tests:]])
    for how in VARIANTS:
        some = [
            features for clip in clips[-tests:] for features in features_of([changed(f, how) for f in clip.frames[:4]], form)
        ]
        if some:
            figures[f"the talker, {how}"] = spread([person.resembles(features) for features in some])
    strangers = [features for path in others for features in features_of(read(path, form).frames[:1] * 4, form)]
    if strangers:
        figures["others to the enrolment"] = spread([person.resembles(features) for features in strangers])
    return figures


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--others", nargs="*", type=Path, default=[], help="pictures or clips of other people")
    parser.add_argument("--test", type=int, default=3, help="how many of the last clips are dubbed (default 3)")
    parser.add_argument("--format", default="1080p25", help="raster and rate the clips are brought to (default 1080p25)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    if len(arguments.clips) <= arguments.test or arguments.test < 1:
        parser.error("give at least one clip to test and one to enrol")
    figures = measure(arguments.clips, arguments.others, video_format(arguments.format), arguments.test)
    for name, row in figures.items():
        print(f"{name}: " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
