"""Runs every engine once before the first grain, so that nothing is loaded or compiled on the programme's time."""

from __future__ import annotations

import numpy as np

from relip.articulation.net import BANDS, ArticulationNet
from relip.composite.patch import composite
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import Face, MouthShape
from relip.face.tracker import FaceTracker
from relip.mouth.own_pixels import OwnPixels
from relip.ports import Device, Model

CROP = 192
FRAMES = 6
SHARE = 3
"""The face that is drawn for this fills a third of the raster's height."""


def warm_up(
    *,
    tracker: FaceTracker,
    mesh: Model,
    articulation: ArticulationNet,
    renderer: OwnPixels,
    device: Device,
    format: VideoFormat,  # noqa: A002  the essence's own word
) -> None:
    """Track, listen, render and blend on grey pictures; every engine is as new afterwards."""
    grey = np.empty((format.height, format.row_octets), np.uint8)
    planes = Planes.of(format.width, format.height)
    planes.y[:] = np.random.default_rng(0).integers(480, 520, planes.y.shape)  # of black no mouth would be learned, nor drawn
    planes.cb[:], planes.cr[:] = 512, 512
    device.pack(planes, grey)
    tracker.see(grey, 0)
    first, count = articulation.columns(0, 1920)
    assert first <= 0
    articulation.articulate(np.zeros((BANDS, count), np.float32), 0, 1920)
    face = _average_face(mesh, format)
    for k in range(FRAMES):
        renderer.learn(grey, face, k * 3600)
    for opening in (0.0, 0.05):
        rendered = renderer.render(grey, face, MouthShape(open=opening, width=face.shape.width), 1.0)
        assert rendered is not None, "what draws is warm only when it has drawn"
        composite(device, grey, rendered)
    renderer.forget()
    tracker.reset()


def _average_face(mesh: Model, format: VideoFormat) -> Face:  # noqa: A002  the essence's own word
    """What the mesh net makes of a grey picture: a plain frontal face, laid into the middle of the raster."""
    points = mesh.infer([np.full((1, CROP, CROP, 3), 0.5, np.float32)])[0].reshape(-1, 3)
    scale = format.height / SHARE / CROP
    middle = np.array([format.width / 2, format.height / 2, 0.0])
    landmarks = ((points - points.mean(axis=0)) * scale + middle).astype(np.float32)
    iod = float(np.linalg.norm(landmarks[33] - landmarks[263]))
    return Face(landmarks=landmarks, score=1.0, iod=iod, yaw=0.0, pitch=0.0, roll=0.0, identity=0)
