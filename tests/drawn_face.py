"""A face drawn with arithmetic: landmarks where the mesh would put them, and a packed picture to go with them.

Lips are dark red lenses on even skin, teeth a white lens between them; enough to see what a renderer does with them.
"""

from fractions import Fraction

import numpy as np

from relip.device import pgroup
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import Face
from relip.mouth.landmarks import (
    INNER_LOWER,
    INNER_UPPER,
    NOSE,
    OUTER_LOWER,
    OUTER_UPPER,
    OVAL,
    RIGID,
    ROWS,
)

EARS = ((234, 454, -0.74, 0.10), (93, 323, -0.73, 0.25), (132, 361, -0.72, 0.42))
"""The jaw's way up to the ears: right point, left point, x, y in IOD."""
SKIN, LIP, TEETH = (600, 480, 570), (380, 500, 640), (900, 512, 512)


def landmarks(*, x, y, iod, opening, width=0.58):
    """(478, 3) points of an upright face whose eyes' middle lies at (x, y), the mouth a lens of the given shape."""
    points = np.zeros((478, 3), np.float32)
    points[:, 1] = -0.3
    for right, left, px, py, *_ in ROWS:
        points[right, :2], points[left, :2] = (px, py), (-px, py)
    for right, left, px, py in EARS:
        points[right, :2], points[left, :2] = (px, py), (-px, py)
    points[NOSE, :2] = (0.0, 0.34), (-0.1, 0.32), (0.1, 0.32)
    points[[33, 133, 362, 263], :2] = (-0.5, 0), (-0.2, 0), (0.2, 0), (0.5, 0)
    bow = np.sin(np.linspace(0, np.pi, 11))
    across = np.linspace(-width / 2, width / 2, 11)
    for contour, height in (
        (OUTER_UPPER, -0.08 - 0.24 * opening),
        (INNER_UPPER, -0.24 * opening),
        (INNER_LOWER, 0.76 * opening),
        (OUTER_LOWER, 0.10 + 0.76 * opening),
    ):
        points[contour, 0], points[contour, 1] = across, 0.62 + height * bow
    points[[78, 308], 0] *= 0.92
    points[:, :2] = points[:, :2] * iod + (x, y)
    return points


def face(*, x=200.0, y=60.0, iod=100.0, opening=0.0, width=0.58, identity=0):
    """A face as the tracker would report it."""
    return Face(landmarks(x=x, y=y, iod=iod, opening=opening, width=width), 0.99, iod, 0.0, 0.0, 0.0, identity)


def picture(seen, format_, *, noise=6, seed=1, between=TEETH):
    """The packed frame that shows a face: (height, row_octets); the luma's noise is even, from 0 to `noise` codes."""
    planes = Planes.of(format_.width, format_.height)
    planes.y[:], planes.cb[:], planes.cr[:] = SKIN
    planes.y[:] += np.random.default_rng(seed).integers(0, noise, planes.y.shape, dtype=np.uint16)
    places = seen.landmarks
    _fill(planes, places, OUTER_UPPER, OUTER_LOWER, LIP)
    if seen.shape.open > 0.005:
        _fill(planes, places, INNER_UPPER, INNER_LOWER, between)
    packed = np.empty((format_.height, format_.row_octets), np.uint8)
    pgroup.pack(planes.y, planes.cb, planes.cr, packed)
    return packed


def before_stripes(packed, seen, format_):
    """The same picture with nothing left of it outside the jaw but bright and dark stripes, upright and level."""
    planes = Planes.of(format_.width, format_.height)
    pgroup.unpack(packed, planes.y, planes.cb, planes.cr)
    outside = ~inside_jaw(seen.landmarks, format_)
    rows, columns = np.mgrid[0 : format_.height, 0 : format_.width]
    planes.y[outside] = np.where((rows // 4 + columns // 4) % 2, 820, 180)[outside]
    planes.cb[outside[:, ::2]], planes.cr[outside[:, ::2]] = 620, 420
    striped = np.empty_like(packed)
    pgroup.pack(planes.y, planes.cb, planes.cr, striped)
    return striped


def inside_jaw(places, format_, grow=0.0):
    """Which pixels lie within the jaw's outline, or no more than `grow` pixels beyond it: (height, width) bool."""
    jaw = places[OVAL, :2] - places[RIGID, :2].mean(axis=0)
    rows, columns = np.mgrid[0 : format_.height, 0 : format_.width]
    x, y = columns - places[RIGID, 0].mean(), rows - places[RIGID, 1].mean()
    angles = np.arctan2(jaw[:, 0], jaw[:, 1])
    order = np.argsort(angles)
    reach = np.interp(np.arctan2(x, y), angles[order], np.hypot(*jaw[order].T))
    return np.hypot(x, y) <= reach + grow


def _fill(planes, places, upper, lower, colour):
    """Paint between two contours."""
    columns = np.arange(planes.y.shape[1])
    rows = np.arange(planes.y.shape[0])[:, None]
    high = np.interp(columns, places[upper, 0], places[upper, 1], left=1e6, right=1e6)
    low = np.interp(columns, places[lower, 0], places[lower, 1], left=-1e6, right=-1e6)
    inside = (rows >= high) & (rows <= low)
    planes.y[inside] = colour[0]
    planes.cb[inside[:, ::2]], planes.cr[inside[:, ::2]] = colour[1:]


def small_format():
    """A raster in which the face of these tests fits."""
    return VideoFormat(width=400, height=260, rate=Fraction(25))
