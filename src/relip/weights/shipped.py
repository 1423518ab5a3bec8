"""The nets that ship with Relip, beside their model cards in `nets/`: trained by `training/`, read as they are."""

from __future__ import annotations

from pathlib import Path

from relip.essence.errors import ResourceError

ARTICULATION = "articulation.onnx"
ARTICULATIONS = {40: "articulation-40.onnx", 120: ARTICULATION, 200: "articulation-200.onnx"}
"""The articulation nets by how far they look ahead, in milliseconds."""
SYNC = "sync.onnx"
"""Judges `relip eval`'s dubs; the service does not need it."""
NETS = (*ARTICULATIONS.values(), SYNC)


def locate(name: str) -> Path:
    """Path of a net that ships with Relip. Raises ResourceError when the installation is not whole."""
    path = Path(__file__).parent / "nets" / name
    if not path.is_file():
        raise ResourceError(f"{name} is missing from this installation of Relip")
    return path
