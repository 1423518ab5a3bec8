"""Measures the mouths of people in video files with Relip's own face engine: the truth that a net is compared with."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat
from relip.essence.tai import VIDEO_CLOCK_HZ
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.offline.container import VideoReader
from relip.weights import cache

RATE = Fraction(25)
RASTER = (720, 576)
"""Small clips are enlarged to this: the face engine leaves faces of fewer than 25 pixels between the eyes alone."""


def openings(path: Path) -> NDArray[np.float32]:
    """(frames, 2): inner-lip gap and corner distance in units of IOD at 25 frames a second; NaN where there is no face."""
    device, raster = HostDevice(), VideoFormat(*RASTER, RATE)
    tracker = FaceTracker(
        detector=OnnxModel(cache.locate(cache.FACE_DETECTOR)),
        mesh=OnnxModel(cache.locate(cache.FACE_MESH)),
        device=device,
        format=raster,
    )
    rows: list[tuple[float, float]] = []
    with VideoReader(path, format=raster, pack=device.pack) as frames:
        for index, packed in enumerate(frames):
            face = tracker.see(packed, index * VIDEO_CLOCK_HZ // int(RATE)).face
            rows.append((face.shape.open, face.shape.width) if face else (np.nan, np.nan))
    return np.array(rows, np.float32)
