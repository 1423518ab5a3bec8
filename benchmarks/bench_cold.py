"""How a mouth looks that was never seen open, beside the real one.

    python benchmarks/bench_cold.py CLIP CLIP ... [--format 720p25] [--paint] [--sheet PATH]

For each clip of one talker the renderer is taught the frames with closed lips alone, and then asked for the openings of all
others: likeness to the real frames (medians, then the mean over clips) and the opening that the mesh sees. `--paint` fills
the mouth with one dark colour, as a comparison. The sheet shows every eighth such frame above its rendering.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.io import imsave
from skimage.metrics import structural_similarity
from skimage.transform import resize

from relip.composite.patch import composite
from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat, video_format
from relip.essence.grains import Planes
from relip.essence.scene import Face, Region
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.mouth import own_pixels
from relip.offline.container import VideoReader
from relip.weights import cache

CLOSED, OPEN = 0.012, 0.03
"""IOD up to which a mouth is taught, and from which it is asked for."""
REACH = 0.45
"""Half width of the box that likeness is measured in, IOD."""
FRAME_TICKS = 3600
DEVICE = HostDevice()

Frame = NDArray[np.uint8]


def see(frames: list[Frame], form: VideoFormat) -> list[Face | None]:
    """The face in each frame."""
    detector, mesh = (OnnxModel(cache.locate(name)) for name in (cache.FACE_DETECTOR, cache.FACE_MESH))
    eyes = FaceTracker(detector=detector, mesh=mesh, device=DEVICE, format=form)
    return [eyes.see(frame, i * FRAME_TICKS).face for i, frame in enumerate(frames)]


def opened(path: Path, form: VideoFormat) -> list[tuple[Frame, Frame, Face]]:
    """Each frame with an open mouth, the same frame with the mouth drawn, and its face."""
    with VideoReader(path, format=form, pack=DEVICE.pack) as reader:
        frames = [frame.copy() for frame in reader]
    clip = [(frame, face) for frame, face in zip(frames, see(frames, form), strict=True) if face is not None]
    settings = own_pixels.OwnPixelsSettings(cold_open=1.0)
    mouth = own_pixels.OwnPixels(device=DEVICE, format=form, settings=settings)
    for i, (frame, face) in enumerate(clip):
        if face.shape.open <= CLOSED:
            mouth.learn(frame, face, i * FRAME_TICKS)
    drawn = []
    for frame, face in clip:
        if face.shape.open >= OPEN and (rendered := mouth.render(frame, face, face.shape, 1.0)) is not None:
            patch = composite(DEVICE, frame, rendered)
            out, region = frame.copy(), patch.region
            out[region.y : region.y + region.height, region.x // 2 * 5 : (region.x + region.width) // 2 * 5] = patch.packed
            drawn.append((frame, out, face))
    return drawn


def mouth_box(frame: Frame, face: Face) -> NDArray[np.float64]:
    """Luma round the mouth."""
    planes = Planes.of(frame.shape[1] // 5 * 2, frame.shape[0])
    DEVICE.unpack(frame, Region(0, 0, planes.y.shape[1], planes.y.shape[0]), planes)
    x, y = (int(part) for part in face.landmarks[[13, 14], :2].mean(axis=0))
    wide, high = int(REACH * face.iod), int(0.7 * REACH * face.iod)
    return planes.y[y - high : y + high, x - wide : x + wide].astype(np.float64)


def likeness(rows: list[tuple[Frame, Frame, Face]], form: VideoFormat) -> dict[str, float]:
    """SSIM, PSNR and landmark distance (medians), and the mean error of the opening seen."""
    figures = []
    for (before, after, face), seen in zip(rows, see([after for _, after, _ in rows], form), strict=True):
        assert seen is not None, "the mesh lost the dubbed face"
        a, b = mouth_box(before, face), mouth_box(after, face)
        ssim = structural_similarity(a, b, data_range=876, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        lips = [61, 291, 0, 17, 13, 14, 37, 267, 84, 314]
        apart = np.linalg.norm(face.landmarks[lips, :2] - seen.landmarks[lips, :2], axis=1).mean() / face.iod
        figures.append((ssim, 10 * np.log10(876**2 / ((a - b) ** 2).mean()), apart, abs(face.shape.open - seen.shape.open)))
    ssim, psnr, lmd, _ = np.median(figures, axis=0)
    return {"ssim": ssim, "psnr_db": psnr, "lmd": lmd, "opening_error": float(np.mean(figures, axis=0)[3])}


def paint(_opening: float, *, dark: NDArray[np.float64], **_: object) -> NDArray[np.float32]:
    """One dark colour, in the form of `mouth.interior.unseen`."""
    return np.tile(dark.astype(np.float32)[:, None, None], (1, 2, 2))


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--format", default="720p25", help="raster and rate the clips are brought to (default 720p25)")
    parser.add_argument("--paint", action="store_true", help="fill mouths with one dark colour instead")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet PNG here")
    arguments = parser.parse_args()
    form = video_format(arguments.format)
    if arguments.paint:
        own_pixels.unseen = paint  # type: ignore[assignment]
    clips = [rows for path in arguments.clips if (rows := opened(path, form))]
    if not clips:
        parser.error("no clip shows closed lips as well as open ones")
    figures = [likeness(rows, form) for rows in clips]
    print("  ".join(f"{key} {np.mean([row[key] for row in figures]):.4f}" for key in figures[0]))
    if arguments.sheet:
        shown = [row for rows in clips for row in rows[::8]][:16]
        pairs = [np.vstack([resize((mouth_box(frame, face) - 64) / 876, (140, 200)) for frame in row]) for *row, face in shown]
        imsave(arguments.sheet, (np.clip(np.hstack(pairs), 0, 1) * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
