"""Looks at what leaves with the same eyes that looked at the camera's picture, and keeps what it saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import VideoGrain
from relip.essence.scene import Face, Patch
from relip.essence.tai import Tai
from relip.evaluation.measures import Track
from relip.evaluation.pixels import changed
from relip.evaluation.rig import Rig
from relip.graph.transmit import apply


class Judged:
    """One clip of so many frames as it left: tracks in IOD, NaN where nothing was drawn in full or no face was found again.

    `altered`: frames with a patch. `outside`: samples of those that changed outside its region; `untouched`: samples that
    changed in frames without a patch. `lost`: drawn frames in which the mesh found no face.
    """

    def __init__(self, frames: int) -> None:
        self.target: Track = np.full(frames, np.nan)
        self.output: Track = np.full(frames, np.nan)
        self.width: Track = np.full(frames, np.nan)
        self.altered = self.outside = self.untouched = self.lost = self.bypassed = 0


class Judge:
    """Judges the frames of one programme in order, with a tracker of its own."""

    def __init__(self, rig: Rig) -> None:
        self._tracker = rig.tracker()
        self._rig = rig

    def see(
        self, before: NDArray[np.uint8], carried: NDArray[np.uint8], patch: Patch | None, kept: Judged
    ) -> NDArray[np.uint8]:
        """Lay the patch over the frame that the engines carried, count what it changed, and return what leaves.

        `before`: the frame as the camera gave it; `carried`: the same array as it came out of the engines, which must not
        have written into it.
        """
        after = laid(self._rig, carried, patch)
        if patch is None:
            kept.bypassed += 1
            kept.untouched += changed(before, after, None)
        else:
            kept.altered += 1
            kept.outside += changed(before, after, patch.region)
        return after

    def measure(self, after: NDArray[np.uint8], *, ticks: int, at: int, kept: Judged, target: float | None) -> Face | None:
        """Find the face in what leaves. With a target (a frame drawn in full) what is found enters the tracks at `at`."""
        face = self._tracker.see(after, ticks).face
        if target is not None:
            kept.target[at] = target
            if face is None:
                kept.lost += 1
            else:
                kept.output[at], kept.width[at] = face.shape.open, face.shape.width
        return face


def laid(rig: Rig, packed: NDArray[np.uint8], patch: Patch | None) -> NDArray[np.uint8]:
    """The frame with its patch, written by what writes it in the product; the frame itself stays as it is."""
    if patch is None:
        return packed
    grain = VideoGrain(ticks=0, format=rig.format, packed=packed.copy(), slot=0, arrived=Tai(0))
    apply(patch, grain)
    return grain.packed
