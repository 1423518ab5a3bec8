"""What the own-pixels renderer reaches: fidelity, leakage, stillness outside, likeness to itself, time.

    python benchmarks/bench_mouth.py CLIP CLIP ... [--format 1080p25] [--test 2] [--json PATH] [--sheet PATH]

The last `--test` clips are dubbed with the mouth shapes of one another, once with a gallery of the other clips and once with
nothing but their own past; the mesh then looks at the result. The clips must show one talker. No voice is involved: targets
are what the mesh measured, so that the figures speak of pixels alone.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.io import imsave
from skimage.metrics import structural_similarity
from skimage.transform import resize

from relip.composite.patch import composite
from relip.device.host import HostDevice
from relip.device.warp import sample_reference
from relip.essence.formats import VideoFormat, video_format
from relip.essence.grains import Planes
from relip.essence.scene import Face, MouthShape, Region
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.mouth.own_pixels import OwnPixels
from relip.offline.container import VideoReader
from relip.weights import cache

DEVICE = HostDevice()
FRAME_TICKS = 3600
PAST_FRAMES = 25
"""The causal run starts after one second, as a viewer would meet it."""
RESTING = 0.012
"""IOD below which the original counts as at rest: what a still mouth is compared with."""
MOUTH_BOX = 0.45
"""Half width of the box that likeness is measured in, IOD."""

Frame = NDArray[np.uint8]


@dataclass(slots=True)
class Clip:
    """A clip as read and as seen."""

    frames: list[Frame]
    faces: list[Face]


@dataclass(slots=True)
class Dub:
    """A dubbed clip: what was asked, what the mesh sees, and what changed where it must not."""

    target: NDArray[np.float64]
    original: NDArray[np.float64]
    output: NDArray[np.float64]
    changed: int
    frames: list[Frame]
    faces: list[Face]
    cpu_ms: NDArray[np.float64]


def tracker(form: VideoFormat) -> FaceTracker:
    """A tracker with the product's own nets."""
    nets = [OnnxModel(cache.locate(name)) for name in ("face_detector.onnx", "face_mesh.onnx")]
    return FaceTracker(detector=nets[0], mesh=nets[1], device=DEVICE, format=form)


def see(frames: list[Frame], form: VideoFormat) -> list[Face | None]:
    """The face in each frame."""
    eyes = tracker(form)
    return [eyes.see(frame, i * FRAME_TICKS).face for i, frame in enumerate(frames)]


def read(path: Path, form: VideoFormat) -> Clip:
    """The frames of a file in which there is a face."""
    with VideoReader(path, format=form, pack=DEVICE.pack) as reader:
        frames = [frame.copy() for frame in reader]
    pairs = [(frame, face) for frame, face in zip(frames, see(frames, form), strict=True) if face is not None]
    return Clip([frame for frame, _ in pairs], [face for _, face in pairs])


def dub(mouth: OwnPixels, clip: Clip, shapes: list[MouthShape], form: VideoFormat, *, causal: bool) -> Dub:
    """Render a clip at the given shapes; `causal` learns from each frame before rendering it."""
    frames, asked, had, spent, changed = [], [], [], [], 0
    for i, (frame, face) in enumerate(zip(clip.frames, clip.faces, strict=True)):
        start = time.thread_time()
        if causal:
            mouth.learn(frame, face, i * FRAME_TICKS)
        if i < PAST_FRAMES and causal:
            continue
        shape = shapes[i % len(shapes)]
        rendered = mouth.render(frame, face, shape, 1.0)
        assert rendered is not None, "the mouth's region leaves the raster"
        patch = composite(DEVICE, frame, rendered)
        spent.append((time.thread_time() - start) * 1e3)
        out = frame.copy()
        region = patch.region
        out[region.y : region.y + region.height, region.x // 2 * 5 : (region.x + region.width) // 2 * 5] = patch.packed
        changed += outside_changed(frame, out, region)
        frames.append(out)
        asked.append(min(shape.open, mouth.cap))
        had.append(face.shape.open)
    faces = [face for face in see(frames, form) if face is not None]
    assert len(faces) == len(frames), "the mesh lost the dubbed face"
    output = np.array([face.shape.open for face in faces])
    return Dub(np.array(asked), np.array(had), output, changed, frames, faces, np.array(spent))


def outside_changed(before: Frame, after: Frame, region: Region) -> int:
    """Octets that differ outside a region."""
    differs = before != after
    differs[region.y : region.y + region.height, region.x // 2 * 5 : (region.x + region.width) // 2 * 5] = False
    return int(differs.sum())


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson's r."""
    return float(np.corrcoef(a, b)[0, 1])


def fidelity(dubs: list[Dub]) -> dict[str, float]:
    """R1, R2, R4 and closures over all dubbed frames."""
    target, original, output = (np.concatenate([getattr(d, name) for d in dubs]) for name in ("target", "original", "output"))
    closed = target < 0.01
    shake = [np.abs(np.diff(getattr(d, name), 2)).mean() for name in ("output", "target") for d in dubs]
    return {
        "r": correlation(target, output),
        "mae": float(np.abs(target - output).mean()),
        "leakage": correlation(output, original) - correlation(target, original),
        "closed": int(closed.sum()),
        "closed_kept": int((output[closed] < 0.02).sum()),
        "jitter": float(np.mean(shake[: len(dubs)]) / np.mean(shake[len(dubs) :])),
        "outside_changed": sum(d.changed for d in dubs),
    }


def luma(frame: Frame) -> NDArray[np.float64]:
    """The luma plane of a packed frame."""
    width, height = frame.shape[1] // 5 * 2, frame.shape[0]
    planes = Planes.of(width, height)
    DEVICE.unpack(frame, Region(0, 0, width, height), planes)
    return planes.y.astype(np.float64)


def likeness(clip: Clip, result: Dub) -> dict[str, float]:
    """R3: SSIM, PSNR, landmark distance and sharpness in the mouth box, medians over frames."""
    rows = []
    for before, after, face, seen in zip(clip.frames, result.frames, clip.faces, result.faces, strict=True):
        middle, reach = face.landmarks[[13, 14], :2].mean(axis=0), MOUTH_BOX * face.iod
        x, y = (slice(int(m - reach * k), int(m + reach * k)) for m, k in zip(middle, (1.0, 0.7), strict=True))
        a, b = luma(before)[y, x], luma(after)[y, x]
        ssim = structural_similarity(a, b, data_range=876, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        error = max(float(((a - b) ** 2).mean()), 1e-6)
        lips = [61, 291, 0, 17, 13, 14, 37, 267, 84, 314]
        lmd = np.linalg.norm(face.landmarks[lips, :2] - seen.landmarks[lips, :2], axis=1).mean() / face.iod
        rows.append((ssim, 10 * np.log10(876**2 / error), lmd, detail(b) / detail(a)))
    ssim, psnr, lmd, sharpness = np.median(rows, axis=0)
    return {"ssim": ssim, "psnr_db": psnr, "lmd": lmd, "sharpness": sharpness}


def stillness(frames: list[Frame], faces: list[Face]) -> dict[str, float]:
    """R5: the spread of the opening of a mouth at rest, and its change from frame to frame over the cheek's.

    Both boxes travel with the face, by parts of a pixel, so that a head that moves does not count.
    """
    changes: dict[str, list[float]] = {"mouth": [], "cheek": []}
    last: dict[str, NDArray[np.float64]] = {}
    for frame, face in zip(frames, faces, strict=True):
        planes = Planes.of(frame.shape[1] // 5 * 2, frame.shape[0])
        DEVICE.unpack(frame, Region(0, 0, frame.shape[1] // 5 * 2, frame.shape[0]), planes)
        eyes, grid = face.landmarks[[33, 263], :2].mean(axis=0), np.linspace(-0.12, 0.12, 41) * face.iod
        for name, (across, down) in {"mouth": (0.0, 0.62), "cheek": (0.42, 0.30)}.items():
            x, y = np.meshgrid(eyes[0] + across * face.iod + grid, eyes[1] + down * face.iod + grid)
            box = sample_reference(planes.y, x, y)
            if name in last:
                changes[name].append(float(np.abs(box - last[name]).mean()))
            last[name] = box
    return {
        "std": float(np.std([face.shape.open for face in faces])),
        "ratio": float(np.mean(changes["mouth"]) / np.mean(changes["cheek"])),
    }


def mean_of(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each figure; nothing where no clip gave one."""
    return {key: float(np.mean([row[key] for row in rows])) for key in (rows[0] if rows else ())}


def detail(image: NDArray[np.float64]) -> float:
    """Standard deviation of the Laplacian."""
    return float((4 * image[1:-1, 1:-1] - image[:-2, 1:-1] - image[2:, 1:-1] - image[1:-1, :-2] - image[1:-1, 2:]).std())


def measure(paths: list[Path], form: VideoFormat, tests: int) -> tuple[dict[str, dict[str, float]], list[tuple[Frame, Face]]]:
    """All figures, and some frames before and after for the eye."""
    clips = [read(path, form) for path in paths]
    gallery, dubbed = clips[:-tests], clips[-tests:]
    shapes = [[face.shape for face in clip.faces] for clip in dubbed]
    others = shapes[1:] + shapes[:1]

    def taught() -> OwnPixels:
        mouth = OwnPixels(device=DEVICE, format=form)
        for clip in gallery:
            for i, (frame, face) in enumerate(zip(clip.frames, clip.faces, strict=True)):
                mouth.learn(frame, face, i * FRAME_TICKS)
        return mouth

    full = [dub(taught(), clip, wanted, form, causal=False) for clip, wanted in zip(dubbed, others, strict=True)]
    causal = [
        dub(OwnPixels(device=DEVICE, format=form), clip, wanted, form, causal=True)
        for clip, wanted in zip(dubbed, others, strict=True)
    ]
    own = [dub(taught(), clip, wanted, form, causal=False) for clip, wanted in zip(dubbed, shapes, strict=True)]
    same = [likeness(clip, result) for clip, result in zip(dubbed, own, strict=True)]
    rest = [MouthShape(0.0, float(np.median([shape.width for shape in wanted]))) for wanted in shapes]
    held = [dub(taught(), clip, [shape], form, causal=False) for clip, shape in zip(dubbed, rest, strict=True)]
    still = [stillness(result.frames, result.faces) for result in held]
    closed = [[i for i, face in enumerate(clip.faces) if face.shape.open < RESTING] for clip in dubbed]
    natural = [
        stillness([clip.frames[i] for i in some], [clip.faces[i] for i in some])
        for clip, some in zip(dubbed, closed, strict=True)
        if len(some) > PAST_FRAMES
    ]
    spent = np.concatenate([result.cpu_ms for result in causal])
    figures = {
        "dub": fidelity(full),
        "dub, own past only": fidelity(causal),
        "self": mean_of(same),
        "still": mean_of(still),
        "the talker's own rest": mean_of(natural),
        "time": {"p50_ms": float(np.median(spent)), "p99_ms": float(np.percentile(spent, 99))},
    }
    pick = range(0, len(full[0].frames), 8)
    shown = [pair for i in pick for pair in ((dubbed[0].frames[i], full[0].faces[i]), (full[0].frames[i], full[0].faces[i]))]
    return figures, shown


def sheet(shown: list[tuple[Frame, Face]], path: Path) -> None:
    """Lower faces before (left) and after (right) of every eighth frame, as luma."""
    tiles = []
    for frame, face in shown:
        (x, y), reach = face.landmarks[[0, 17], :2].mean(axis=0), 0.7 * face.iod
        tile = luma(frame)[int(y - reach) : int(y + reach), int(x - reach) : int(x + reach)]
        tiles.append(resize(np.clip((tile - 64) / 876, 0, 1), (240, 240)))
    rows = [np.hstack(tiles[i : i + 6]) for i in range(0, len(tiles) - 5, 6)]
    imsave(path, (np.vstack(rows) * 255).astype(np.uint8))


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--format", default="1080p25", help="raster and rate the clips are brought to (default 1080p25)")
    parser.add_argument("--test", type=int, default=2, help="how many of the last clips are dubbed (default 2)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet PNG here")
    arguments = parser.parse_args()
    if len(arguments.clips) <= arguments.test or arguments.test < 2:
        parser.error("give at least two clips to test and one more for the gallery")
    figures, shown = measure(arguments.clips, video_format(arguments.format), arguments.test)
    for name, row in figures.items():
        print(f"{name}: " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    if arguments.sheet:
        sheet(shown, arguments.sheet)


if __name__ == "__main__":
    main()
