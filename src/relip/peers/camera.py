"""A camera shot of a still picture: a slow push, a slight sway, light grain. The one file that imports OpenCV.

The still is laid into the raster once, large; each frame is an affine view of it, a pure function of the frame's number,
and the shot's end meets its beginning. Nothing here knows what a packet is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.peers.portrait import Portrait

IOD_PART = 0.185
"""Distance of the outer eye corners over the raster's height: a medium close-up."""
EYES_AT = (0.4, 0.3)
"""Where the eyes stand in the raster, as parts of its width and height: on the left and the upper third."""
PUSH = 0.05
"""The camera comes this much closer until the middle of the shot, and goes back."""
SWAY = (0.0037, 0.0019)
"""Sway to each side, as parts of the raster's height: 4 and 2 pixels of 1080."""
MARGIN = 0.02
"""The still is this much of the height larger than the raster on each side, so that the sway never sees its end."""
GRAIN_CODES = 2.2
"""Standard deviation of the luma grain in 10-bit code values: about what a studio camera has at 0 dB."""
GRAIN_SHIFTS = 64
"""The grain pattern is this much larger than the raster and is moved about from frame to frame."""
BACKDROP = (14.0, 70.0)
"""Beyond the picture's edge the backdrop melts from sharp to blurred over this many source pixels (blur sigma, length)."""
SHARPEN = 0.45
"""Unsharp mask after enlargement."""
LUMA = (0.2126, 0.7152, 0.0722)
"""Luma weights of R', G', B' (BT.709-6 §3.2)."""


@dataclass(frozen=True, slots=True)
class Still:
    """A picture laid into a raster with a margin: float32 planes in 10-bit code values; chroma is half as wide."""

    y: NDArray[np.float32]
    cb: NDArray[np.float32]
    cr: NDArray[np.float32]
    margin: int


class Shot:
    """A camera shot of a portrait that lasts `frames` frames and then begins again."""

    def __init__(self, portrait: Portrait, format: VideoFormat, *, frames: int, seed: int = 1) -> None:  # noqa: A002
        """Lay the portrait into the raster. Raises FormatError for a shot of no frame, ResourceError without OpenCV."""
        if frames < 1:
            raise FormatError(f"frames={frames}: a shot has at least one")
        self.frames = frames
        self._format = format
        self._seed = seed
        self._cv = _cv()
        self._still = _lay(portrait, format)
        self._grain = _grain_pattern(format, seed)

    def draw(self, index: int, out: Planes) -> None:
        """Frame `index` of the shot (any integer; it repeats) into planes of the whole raster."""
        index %= self.frames
        luma = _view(index / self.frames, self._format, self._still.margin)
        chroma = luma.copy()
        chroma[0, 1:] /= 2
        chroma[1, 0] *= 2
        picture = self._warp(self._still.y, luma, self._format.width)
        x, y = np.random.default_rng((self._seed, index)).integers(0, GRAIN_SHIFTS, 2)
        picture += self._grain[y : y + self._format.height, x : x + self._format.width]
        _store(picture, out.y)
        _store(self._warp(self._still.cb, chroma, self._format.width // 2), out.cb)
        _store(self._warp(self._still.cr, chroma, self._format.width // 2), out.cr)

    def _warp(self, plane: NDArray[np.float32], view: NDArray[np.float64], width: int) -> NDArray[np.float32]:
        """The part of a plane that `view` maps the output's pixels to."""
        cv = self._cv
        flags = cv.INTER_CUBIC | cv.WARP_INVERSE_MAP
        size = (width, self._format.height)
        warped: NDArray[np.float32] = cv.warpAffine(plane, view, size, flags=flags, borderMode=cv.BORDER_REPLICATE)
        return warped


def _cv() -> Any:  # noqa: ANN401 -- a module that type checkers are told to skip
    """OpenCV, imported when the first shot is set up, on one thread: the other cores belong to the service."""
    try:
        import cv2  # noqa: PLC0415 -- an extra, imported only where it is used
    except ImportError as cause:
        raise ResourceError("the camera move needs OpenCV: install relip[demo]") from cause
    cv2.setNumThreads(1)
    return cv2


def _view(phase: float, format: VideoFormat, margin: int) -> NDArray[np.float64]:  # noqa: A002  the essence's own word
    """Output pixel → still pixel (2, 3) at a phase 0..1 of the shot."""
    angle = 2 * math.pi * phase
    scale = 1 / (1 + PUSH * (1 - math.cos(angle)) / 2)
    centre = (EYES_AT[0] * format.width, EYES_AT[1] * format.height)
    x = margin + centre[0] * (1 - scale) + SWAY[0] * format.height * math.sin(angle)
    y = margin + centre[1] * (1 - scale) + SWAY[1] * format.height * math.sin(2 * angle + 1)
    return np.array([[scale, 0, x], [0, scale, y]])


def _lay(portrait: Portrait, format: VideoFormat) -> Still:  # noqa: A002  the essence's own word
    """Enlarge the portrait into the raster and its margin, in BT.709 narrow range."""
    cv = _cv()
    margin = math.ceil(MARGIN * format.height / 2) * 2
    width, height = format.width + 2 * margin, format.height + 2 * margin
    scale = IOD_PART * format.height / portrait.iod
    left = (EYES_AT[0] * format.width + margin) / scale - portrait.eyes[0]
    top = (EYES_AT[1] * format.height + margin) / scale - portrait.eyes[1]
    right = width / scale - left - portrait.picture.shape[1]
    bottom = height / scale - top - portrait.picture.shape[0]
    pads = [max(0, math.ceil(side)) + 4 for side in (top, bottom, left, right)]
    wide = _with_backdrop(portrait.picture, pads)
    place = np.array([[scale, 0, (left - pads[2]) * scale], [0, scale, (top - pads[0]) * scale]])
    rgb = cv.warpAffine(wide, place, (width, height), flags=cv.INTER_LANCZOS4, borderMode=cv.BORDER_REPLICATE)
    soft = cv.GaussianBlur(rgb, (0, 0), 0.6 * scale)
    return _to_ycbcr(np.clip(rgb + SHARPEN * (rgb - soft), 0.0, 1.0), margin)


def _with_backdrop(picture: NDArray[np.uint8], pads: list[int]) -> NDArray[np.float32]:
    """The picture in R'G'B' 0..1 with `pads` (top, bottom, left, right) pixels of itself around it, ever softer.

    The flag on the left goes on as its mirror image; the plain wall elsewhere by its edge.
    """
    cv = _cv()
    top, bottom, left, right = pads
    wide = cv.copyMakeBorder(picture.astype(np.float32) / 255, 0, 0, left, 0, cv.BORDER_REFLECT_101)
    wide = cv.copyMakeBorder(wide, top, bottom, 0, right, cv.BORDER_REPLICATE)
    sigma, length = BACKDROP
    height, width = wide.shape[:2]
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    beyond_y = np.maximum(top - rows, rows - (height - 1 - bottom))
    beyond_x = np.maximum(left - columns, columns - (width - 1 - right))
    beyond = np.maximum(beyond_y[:, None], beyond_x[None, :])
    for part in (0.25, 1.0):
        ramp = np.clip((beyond + sigma) / (length * part), 0.0, 1.0)[..., None]
        ramp = ramp * ramp * (3 - 2 * ramp)
        wide = wide + ramp * (cv.GaussianBlur(wide, (0, 0), sigma * part) - wide)
    mixed: NDArray[np.float32] = wide.astype(np.float32)
    return mixed


def _to_ycbcr(rgb: NDArray[np.float32], margin: int) -> Still:
    """Narrow-range BT.709 code values in ten bits; chroma co-sited with even luma, low-passed before it is thinned."""
    y = rgb @ np.array(LUMA, np.float32)
    blue, red = (512 + 896 * (rgb[..., part] - y) / (2 * (1 - LUMA[part])) for part in (2, 0))
    cb, cr = (np.ascontiguousarray(_cv().GaussianBlur(plane, (5, 1), 0.8)[:, ::2], np.float32) for plane in (blue, red))
    return Still((64 + 876 * y).astype(np.float32), cb, cr, margin)


def _grain_pattern(format: VideoFormat, seed: int) -> NDArray[np.float32]:  # noqa: A002  the essence's own word
    """Noise somewhat larger than the raster, grains about a pixel wide."""
    noise = np.random.default_rng(seed).standard_normal(
        (format.height + GRAIN_SHIFTS, format.width + GRAIN_SHIFTS), dtype=np.float32
    )
    soft: NDArray[np.float32] = _cv().GaussianBlur(noise, (0, 0), 0.6)
    return soft * np.float32(GRAIN_CODES / soft.std())


def _store(plane: NDArray[np.float32], out: NDArray[np.uint16]) -> None:
    """Round into legal code values: 0 to 3 and 1020 to 1023 are the interface's (BT.709-6 §4)."""
    np.rint(plane, out=plane)
    np.clip(plane, 4, 1019, out=plane)
    out[:] = plane
