"""The product's engines for `relip eval`: those of a channel, as the defaults of the configuration have them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from relip.config import LipSync, Models
from relip.essence.formats import VideoFormat
from relip.evaluation.rig import Rig
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.mouth.own_pixels import OwnPixels
from relip.service.compose.ends import host_device
from relip.service.compose.engines import chain_for_files, load_nets
from relip.weights import cache, shipped


def rig(format: VideoFormat, *, articulation: Path | None = None, syncnet: Path | None = None) -> Rig:  # noqa: A002
    """Load the nets. `articulation`: another net than the one that ships; `syncnet`: a user's. Raises ResourceError."""
    nets, device = load_nets(Models(articulation=articulation), LipSync().look_ahead_ms), host_device()
    used = {
        cache.FACE_DETECTOR: cache.locate(cache.FACE_DETECTOR),
        cache.FACE_MESH: cache.locate(cache.FACE_MESH),
        shipped.ARTICULATION: articulation or shipped.locate(shipped.ARTICULATION),
        shipped.SYNC: shipped.locate(shipped.SYNC),
    }
    return Rig(
        format=format,
        device=device,
        tracker=lambda: FaceTracker(detector=nets.detector, mesh=nets.mesh, device=device, format=format),
        renderer=lambda: OwnPixels(device=device, format=format),
        chain=lambda bypass: chain_for_files(LipSync(bypass=bypass), nets, format),
        sync=OnnxModel(used[shipped.SYNC]),
        lse=None if syncnet is None else OnnxModel(syncnet),
        sha256={name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in used.items()},
    )
