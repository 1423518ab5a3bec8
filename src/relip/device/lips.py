"""Lips laid over a face: each lip by its own lattice, and between them what the source shows or an unlit mouth.

One picture's lips are fitted to the contours of another. Upper and lower lip part at the inner contours, so each has
its own lattice; the space between hangs from the upper lip, as the upper teeth do, is cut off from below when the
source is open wider than the target, and continued into darkness when it is less. `ports.LipLayer` names the values.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.device.warp import LEGAL_MAX, LEGAL_MIN, expand_reference, sample, sample_reference
from relip.essence.grains import Planes
from relip.ports import LipLayer

BLACK = 64
"""Code of black in narrow range (BT.709-6 §4.6)."""
ACROSS, DOWN, STIR, AGAIN = 374761393, 668265263, 0x2C1B3C6D, 0x297A2D39
"""Odd numbers without pattern: a hash of a pixel's place."""
OCTETS_DEVIATION = (4 * (256**2 - 1) / 12) ** 0.5
"""Standard deviation of the sum of four even octets."""

_Floats = NDArray[np.float64]
_Fields = tuple[NDArray[np.float32], NDArray[np.float32], np.float32]
_Pictures = tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16], int]
_Two = tuple[np.float32, np.float32]
_Four = tuple[np.float32, ...]
_Five = tuple[np.float32, ...]
_Six = tuple[np.float32, ...]


def _rise(value: _Floats, low: _Floats | float, high: _Floats | float) -> _Floats:
    """The smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / np.maximum(np.asarray(high) - low, 1e-6), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float64)


def _alpha(layer: LipLayer, u: _Floats, depth: _Floats) -> _Floats:
    """How much of the layer shows, by the distance inside the outer edge and from the corners."""
    out, inside = layer.feather
    return _rise(depth, -out, inside) * _rise(np.minimum(u, layer.length - u), -out, inside) * layer.weight


def _mouth_coordinates(layer: LipLayer, x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
    """(u, v) of target pixels."""
    (cos, sin), (x0, y0) = layer.axis, layer.origin
    return (x - x0) * cos + (y - y0) * sin, (y - y0) * cos - (x - x0) * sin


def lay_reference(layer: LipLayer, out: Planes) -> None:
    """Lay the lips over `out` in place, numpy alone; see `ports.Device.lay`."""
    left, top, width, height = layer.box
    for index, (plane, into) in enumerate(((layer.source.y, out.y), (layer.source.cb, out.cb), (layer.source.cr, out.cr))):
        pitch = 1 if index == 0 else 2
        y, x = np.mgrid[top : top + height, left : left + width : pitch].astype(np.float64)
        view = into[top : top + height, left // pitch : (left + width) // pitch]
        value, alpha = _layer_samples(layer, plane, index, x, y)
        if index == 0:
            value += layer.grain * grain_reference(x - left, y - top, layer.seed)
        mixed = np.clip(np.floor(view + (value - view) * alpha + 0.5), LEGAL_MIN, LEGAL_MAX)
        view[:] = np.where(alpha > 0, mixed, view)


def grain_reference(x: _Floats, y: _Floats, seed: int) -> _Floats:
    """Noise of deviation 1, the same for the same pixel of the box and seed: the four octets of a hash, added up."""
    mask = np.uint64(0xFFFFFFFF)
    mixed = (x.astype(np.uint64) * np.uint64(ACROSS) + y.astype(np.uint64) * np.uint64(DOWN) + np.uint64(seed)) & mask
    mixed = ((mixed ^ (mixed >> np.uint64(15))) * np.uint64(STIR)) & mask
    mixed = ((mixed ^ (mixed >> np.uint64(13))) * np.uint64(AGAIN)) & mask
    mixed ^= mixed >> np.uint64(16)
    octets = sum(((mixed >> np.uint64(shift)) & np.uint64(255)).astype(np.float64) for shift in (0, 8, 16, 24))
    return np.asarray((octets - 510) / OCTETS_DEVIATION)


def _inside_reference(texture: NDArray[np.float32], u: _Floats, s: _Floats) -> _Floats:
    """A texture (rows, columns) at parts 0..1 across and down, bilinear."""
    rows, columns = texture.shape
    at_x, at_y = np.clip(u, 0, 1) * (columns - 1), np.clip(s, 0, 1) * (rows - 1)
    left, top = np.minimum(at_x.astype(int), columns - 2), np.minimum(at_y.astype(int), rows - 2)
    right, low = at_x - left, at_y - top
    upper = texture[top, left] * (1 - right) + texture[top, left + 1] * right
    lower = texture[top + 1, left] * (1 - right) + texture[top + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low, np.float64)


def _layer_samples(layer: LipLayer, plane: NDArray[np.uint16], index: int, x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
    """The layer's own samples of one plane and its alpha, at target pixels."""
    pitch = 1 if index == 0 else 2
    left, top = layer.box[0], layer.box[1]
    u, v = _mouth_coordinates(layer, x, y)
    nodes = layer.contours.shape[1]
    at = np.clip(u / layer.length, 0, 1) * (nodes - 1)
    curves = (np.interp(at, np.arange(nodes), row) for row in layer.contours)
    outer_up, inner_up, inner_low, outer_low, gap, hang = curves

    def seen(lattice_dx: _Floats, lattice_dy: _Floats, px: _Floats, py: _Floats) -> _Floats:
        return sample_reference(plane, (px - left + lattice_dx) / pitch, py - top + lattice_dy)

    upper = seen(*expand_reference(layer.upper, x - left, y - top), x, y)
    lower = seen(*expand_reference(layer.lower, x - left, y - top), x, y)
    depth = np.maximum(v - inner_up, 0)
    edge_x, edge_y = x + depth * layer.axis[1], y - depth * layer.axis[0]
    move_x, move_y = expand_reference(layer.upper, edge_x - left, edge_y - top)
    opening = np.maximum(inner_low - inner_up, 1e-3)
    ratio = np.clip((gap - hang) / opening, 1 / layer.stretch, layer.stretch)
    deep = depth * ratio + np.maximum(hang, layer.inset) * np.minimum(depth / layer.soft, 1)
    raised, parting = gap - np.maximum(opening - depth, 0) * ratio, gap * layer.valley
    jaw = (layer.valley < 1) & (deep + raised > 2 * parting)
    beyond = np.clip((opening * ratio + hang - gap) / (2 * layer.soft), 0, 1)
    below, above = (_rise(way, -2 * layer.soft, layer.soft) for way in (deep - parting, parting - raised))
    unlit = np.where(jaw, above, below) * beyond
    deep = np.where(jaw, raised, deep)
    inside = seen(move_x + layer.down[0] * deep, move_y + layer.down[1] * deep, edge_x, edge_y)

    offset = layer.offset[index]
    if index == 0:
        upper, lower, inside = (BLACK + (value - BLACK) * layer.gain for value in (upper, lower, inside))
    near = np.minimum(depth, np.maximum(inner_low - v, 0)) / (3 * layer.soft)
    unlit = np.maximum(unlit, layer.shade * np.exp(-near))
    unseen = _inside_reference(layer.unseen[index], u / layer.length, depth / opening)
    inside = (inside + offset) * (1 - unlit) + unseen * unlit
    past_upper = _rise(v, inner_up - layer.soft, inner_up + layer.soft)
    past_lower = _rise(v, inner_low - layer.soft, inner_low + layer.soft)
    middle = (inner_up + inner_low) / 2
    meeting = _rise(v, middle - layer.soft, middle + layer.soft)
    lips = upper * (1 - meeting) + lower * meeting + offset
    apart = np.clip((opening - layer.soft) / layer.soft, 0, 1)
    open_here = past_upper * (1 - past_lower) * apart
    value = lips * (1 - open_here) + inside * open_here
    if index == 0:
        crease = np.exp(-(((v - middle) / layer.soft) ** 2)) * layer.seam * (1 - apart)
        value -= (value - BLACK) * crease
    return value, _alpha(layer, u, np.minimum(v - outer_up, outer_low - v))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _step(value: np.float32, low: np.float32, high: np.float32) -> np.float32:
    """The compiled twin of `_rise`."""
    t = min(max((value - low) / max(high - low, np.float32(1e-6)), np.float32(0.0)), np.float32(1.0))
    return np.float32(t * t * (np.float32(3.0) - np.float32(2.0) * t))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _move(nodes: NDArray[np.float32], step: np.float32, x: np.float32, y: np.float32) -> np.float32:
    """One displacement between four nodes; the compiled twin of `expand_reference`."""
    rows, columns = nodes.shape
    zero = np.float32(0.0)
    column = min(max(x / step, zero), np.float32(columns - 1))
    row = min(max(y / step, zero), np.float32(rows - 1))
    left, top = min(np.int32(column), np.int32(columns - 2)), min(np.int32(row), np.int32(rows - 2))
    across, down = column - np.float32(left), row - np.float32(top)
    upper = nodes[top, left] + (nodes[top, left + 1] - nodes[top, left]) * across
    lower = nodes[top + 1, left] + (nodes[top + 1, left + 1] - nodes[top + 1, left]) * across
    return np.float32(upper + (lower - upper) * down)


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _moved(fields: _Fields, x: np.float32, y: np.float32) -> _Two:
    """Where one lip's lattice leads from a pixel of the box."""
    dx, dy, step = fields
    return x + _move(dx, step, x, y), y + _move(dy, step, x, y)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _curves_at(contours: NDArray[np.float32], part: np.float32) -> _Six:
    """The six contours at a part 0..1 of the mouth line."""
    last = contours.shape[1] - 1
    at = min(max(part, np.float32(0.0)), np.float32(1.0)) * np.float32(last)
    node = min(np.int32(at), np.int32(last - 1))
    rest = at - np.float32(node)
    whole = np.float32(1.0) - rest
    near, far = contours[:, node], contours[:, node + 1]
    return (
        near[0] * whole + far[0] * rest,
        near[1] * whole + far[1] * rest,
        near[2] * whole + far[2] * rest,
        near[3] * whole + far[3] * rest,
        near[4] * whole + far[4] * rest,
        near[5] * whole + far[5] * rest,
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _deep(depth: np.float32, curves: _Six, inner: _Five, soft: np.float32, shade: np.float32) -> _Two:
    """How far below the source's upper edge a pixel of the opening lies, and how much of the dark is in it."""
    zero, one = np.float32(0.0), np.float32(1.0)
    _, inner_up, inner_low, _, gap, hang = curves
    opening = max(inner_low - inner_up, np.float32(1e-3))
    ratio = min(max((gap - hang) / opening, one / inner[3]), inner[3])
    deep = depth * ratio + max(hang, inner[2]) * min(depth / soft, one)
    raised, parting = gap - max(opening - depth, zero) * ratio, gap * inner[4]
    if inner[4] < one and deep + raised > parting + parting:
        deep, unlit = raised, _step(parting - raised, -soft - soft, soft)
    else:
        unlit = _step(deep - parting, -soft - soft, soft)
    unlit *= min(max((opening * ratio + hang - gap) / (soft + soft), zero), one)
    near = max(min(depth, inner_low - inner_up - depth), zero) / (soft * np.float32(3.0))
    return deep, max(unlit, shade * np.exp(-near))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _parts(v: np.float32, curves: _Six, soft: np.float32) -> _Four:
    """Where the lips would meet; whether they are apart; the lower lip's share of a pixel at v; and the opening's."""
    zero, one = np.float32(0.0), np.float32(1.0)
    middle = (curves[1] + curves[2]) * np.float32(0.5)
    apart = min(max((curves[2] - curves[1] - soft) / soft, zero), one)
    open_here = _step(v, curves[1] - soft, curves[1] + soft) * (one - _step(v, curves[2] - soft, curves[2] + soft))
    return middle, apart, _step(v, middle - soft, middle + soft), open_here * apart


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _grain(x: int, y: int, seed: np.uint64) -> np.float32:
    """The compiled twin of `grain_reference`."""
    mask, octet = np.uint64(0xFFFFFFFF), np.uint64(255)
    mixed = (np.uint64(x) * np.uint64(ACROSS) + np.uint64(y) * np.uint64(DOWN) + seed) & mask
    mixed = ((mixed ^ (mixed >> np.uint64(15))) * np.uint64(STIR)) & mask
    mixed = ((mixed ^ (mixed >> np.uint64(13))) * np.uint64(AGAIN)) & mask
    mixed ^= mixed >> np.uint64(16)
    total = (mixed & octet) + (mixed >> np.uint64(8) & octet) + (mixed >> np.uint64(16) & octet) + (mixed >> np.uint64(24))
    return np.float32((np.float32(total) - np.float32(510.0)) * np.float32(1 / OCTETS_DEVIATION))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _inside(texture: NDArray[np.float32], u: np.float32, s: np.float32) -> np.float32:
    """The compiled twin of `_inside_reference`."""
    zero, one = np.float32(0.0), np.float32(1.0)
    rows, columns = texture.shape
    at_x, at_y = min(max(u, zero), one) * np.float32(columns - 1), min(max(s, zero), one) * np.float32(rows - 1)
    left, top = min(np.int32(at_x), np.int32(columns - 2)), min(np.int32(at_y), np.int32(rows - 2))
    right, low = at_x - np.float32(left), at_y - np.float32(top)
    upper = texture[top, left] + (texture[top, left + 1] - texture[top, left]) * right
    lower = texture[top + 1, left] + (texture[top + 1, left + 1] - texture[top + 1, left]) * right
    return np.float32(upper + (lower - upper) * low)


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _both(pictures: _Pictures, x: np.float32, y: np.float32) -> _Two:
    """What both pictures show at a luma position; the second is looked at only if it is another one."""
    first, second, flat_first, flat_second, pitch = pictures
    along = x / np.float32(pitch)
    value = sample(first, flat_first, along, y)
    return value, sample(second, flat_second, along, y) if pitch > 1 else value


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _lips(  # noqa: PLR0917 - a kernel takes arrays
    pictures: _Pictures, upper: _Fields, lower: _Fields, x: np.float32, y: np.float32, meeting: np.float32
) -> _Two:
    """What the lips show at a pixel of the box, the lower one with a share of `meeting`."""
    first, second = np.float32(0.0), np.float32(0.0)
    if meeting < np.float32(1.0):
        sx, sy = _moved(upper, x, y)
        first, second = _both(pictures, sx, sy)
    if meeting > np.float32(0.0):
        sx, sy = _moved(lower, x, y)
        low_first, low_second = _both(pictures, sx, sy)
        first, second = first + (low_first - first) * meeting, second + (low_second - second) * meeting
    return first, second


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _crease(v: np.float32, middle: np.float32, apart: np.float32, soft: np.float32, seam: np.float32) -> np.float32:
    """The share of the luma that the seam of closed lips takes at v."""
    if seam <= np.float32(0.0) or apart >= np.float32(1.0):
        return np.float32(0.0)
    fold = (v - middle) / soft
    return np.float32(np.exp(-fold * fold) * seam * (np.float32(1.0) - apart))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mixed(under: np.uint16, value: np.float32, alpha: np.float32) -> np.uint16:
    """A code with a share of another laid over it, rounded and legal."""
    below = np.float32(under)
    mixed = np.floor(below + (value - below) * alpha + np.float32(0.5))
    return np.uint16(min(max(mixed, np.float32(LEGAL_MIN)), np.float32(LEGAL_MAX)))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def lay_planes(  # noqa: PLR0917 - a kernel takes arrays
    pictures: _Pictures,
    fields: tuple[_Fields, _Fields],
    contours: NDArray[np.float32],
    box: tuple[int, int, int, int],
    numbers: tuple[_Five, _Five, _Six],
    tones: tuple[_Two, _Two],
    unseen: NDArray[np.float32],
    grain: tuple[np.float32, np.uint64],
    outs: tuple[NDArray[np.uint16], NDArray[np.uint16]],
) -> None:
    """The compiled twin of `lay_reference` for both planes of chroma, or for luma, which is its own second.

    `pictures`: both planes, both as one row, and their pitch. `fields`: dx, dy and step of the upper and the lower lattice.
    `numbers`: origin, axis, length; down, inset, stretch, valley; feather out and in, soft, seam, shade, weight. `tones`: gain
    about black (1 for chroma) and offset of each plane.
    """
    left, top, width, height = box
    (x0, y0, cos, sin, length), inner, (feather_out, feather_in, soft, seam, shade, weight) = numbers
    (gain, offset), (gain_second, offset_second) = tones
    upper, lower = fields
    zero, one, black, pitch = np.float32(0.0), np.float32(1.0), np.float32(BLACK), pictures[4]
    out, out_second = outs
    for row in range(height):
        y = np.float32(row)
        for column in range(width // pitch):
            x = np.float32(column * pitch)
            ex, ey = x + np.float32(left) - x0, y + np.float32(top) - y0
            u, v = ex * cos + ey * sin, ey * cos - ex * sin
            alpha = weight * _step(min(u, length - u), -feather_out, feather_in)
            if alpha <= zero:
                continue
            curves = _curves_at(contours, u / length)
            alpha *= _step(min(v - curves[0], curves[3] - v), -feather_out, feather_in)
            if alpha <= zero:
                continue
            middle, apart, meeting, open_here = _parts(v, curves, soft)
            value, second = _lips(pictures, upper, lower, x, y, meeting) if open_here < one else (black, black)
            value, second = black + (value - black) * gain + offset, black + (second - black) * gain_second + offset_second
            if open_here > zero:
                depth = max(v - curves[1], zero)
                deep, unlit = _deep(depth, curves, inner, soft, shade)
                sx, sy = _moved(upper, x + depth * sin, y - depth * cos)
                shown, other = _both(pictures, sx + inner[0] * deep, sy + inner[1] * deep)
                shown, other = black + (shown - black) * gain + offset, black + (other - black) * gain_second + offset_second
                across, down = u / length, depth / max(curves[2] - curves[1], np.float32(1e-3))
                shown += (_inside(unseen[0], across, down) - shown) * unlit
                other += (_inside(unseen[1], across, down) - other) * unlit
                value, second = value + (shown - value) * open_here, second + (other - second) * open_here
            value -= (value - black) * _crease(v, middle, apart, soft, seam)
            if grain[0] > zero:
                value += grain[0] * _grain(column, row, grain[1])
            at_y, at_x = top + row, left // pitch + column
            out[at_y, at_x] = _mixed(out[at_y, at_x], value, alpha)
            if pitch > 1:
                out_second[at_y, at_x] = _mixed(out_second[at_y, at_x], second, alpha)


def lay(layer: LipLayer, out: Planes) -> None:
    """Lay the lips over `out` in place; see `ports.Device.lay`."""
    source, (left, top, width, height) = layer.source, layer.box
    inside = left >= 0 and top >= 0 and left + width <= out.y.shape[1] and top + height <= out.y.shape[0]
    assert inside, f"lips at {layer.box} leave planes of {out.y.shape[::-1]}, and compiled code would not notice"
    light, blue, red = (_float32(gain, offset) for gain, offset in zip((layer.gain, 1.0, 1.0), layer.offset, strict=True))
    fields = tuple((lattice.dx, lattice.dy, np.float32(lattice.step)) for lattice in (layer.upper, layer.lower))
    for pitch, planes, outs, tones, unseen, grain, seam in (
        (1, (source.y, source.y), (out.y, out.y), (light, light), layer.unseen[[0, 0]], layer.grain, layer.seam),
        (2, (source.cb, source.cr), (out.cb, out.cr), (blue, red), layer.unseen[1:], 0.0, 0.0),
    ):
        numbers = (
            _float32(*layer.origin, *layer.axis, layer.length),
            _float32(*layer.down, layer.inset, layer.stretch, layer.valley),
            _float32(*layer.feather, layer.soft, seam, layer.shade, layer.weight),
        )
        pictures = (*planes, *(plane.ravel() for plane in planes), pitch)
        noise = (np.float32(grain), np.uint64(layer.seed))
        lay_planes(pictures, fields, layer.contours, layer.box, numbers, tones, unseen, noise, outs)


def _float32(*numbers: float) -> tuple[np.float32, ...]:
    """The kernel's own precision: a float64 argument would turn all of it into float64."""
    return tuple(np.float32(number) for number in numbers)
