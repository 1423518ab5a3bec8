"""A field confined to an outline: inside as it is, outside led on from the outline and let die away.

What lies behind a jaw must not follow it. So a node outside takes the displacement of the place where the ray from the
outline's centre leaves it, and the less of it the further out it lies. `ports.Outline` names the values.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.device.warp import expand_reference
from relip.ports import Lattice, Outline


def confine_reference(field: Lattice, outline: Outline, out: Lattice) -> None:
    """Write the confined field to each node of `out`, numpy alone; see `ports.Device.confine`."""
    rows, columns = out.dx.shape
    y, x = np.mgrid[0:rows, 0:columns] * float(out.step) - np.array(outline.centre)[::-1, None, None]
    cos, sin = outline.axis
    across, down = x * cos + y * sin, np.maximum(y * cos - x * sin, 1e-3)
    radius = np.hypot(across, down)
    steps = outline.inner.shape[0] - 1
    at = (across / (np.abs(across) + down) + 1) / 2 * steps
    inner, outer = (np.interp(at, np.arange(steps + 1), limit) for limit in (outline.inner, outline.outer))
    pull = np.minimum(inner / np.maximum(radius, 1e-3), 1)
    t = np.clip((outer - radius) / np.maximum(outer - inner, 1e-3), 0, 1)
    moves = expand_reference(field, outline.centre[0] + x * pull, outline.centre[1] + y * pull)
    for into, move in zip((out.dx, out.dy), moves, strict=True):
        into[:] = move * (t * t * (3 - 2 * t))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def confine_nodes(  # noqa: PLR0917 - a kernel takes arrays
    dx: NDArray[np.float32],
    dy: NDArray[np.float32],
    steps: tuple[int, int],
    frame: tuple[np.float32, np.float32, np.float32, np.float32],
    limits: tuple[NDArray[np.float32], NDArray[np.float32]],
    out_x: NDArray[np.float32],
    out_y: NDArray[np.float32],
) -> None:
    """The compiled twin of `confine_reference`; `steps`: of the field and of the outcome; `frame`: centre and axis."""
    centre_x, centre_y, cos, sin = frame
    inner, outer = limits
    tiny, zero, one, half = np.float32(1e-3), np.float32(0.0), np.float32(1.0), np.float32(0.5)
    last, per_step = inner.shape[0] - 1, one / np.float32(steps[0])
    rows, columns = dx.shape
    for row in range(out_x.shape[0]):
        for column in range(out_x.shape[1]):
            x, y = np.float32(column * steps[1]) - centre_x, np.float32(row * steps[1]) - centre_y
            across, down = x * cos + y * sin, max(y * cos - x * sin, tiny)
            radius = np.sqrt(across * across + down * down)
            at = (across / (abs(across) + down) + one) * half * np.float32(last)
            ray = min(np.int32(at), np.int32(last - 1))
            part = at - np.float32(ray)
            near = inner[ray] + (inner[ray + 1] - inner[ray]) * part
            far = outer[ray] + (outer[ray + 1] - outer[ray]) * part
            t = min(max((far - radius) / max(far - near, tiny), zero), one)
            if t <= zero:
                out_x[row, column] = out_y[row, column] = zero
                continue
            pull = min(near / max(radius, tiny), one)
            at_x = min(max((centre_x + x * pull) * per_step, zero), np.float32(columns - 1))
            at_y = min(max((centre_y + y * pull) * per_step, zero), np.float32(rows - 1))
            left, top = min(np.int32(at_x), np.int32(columns - 2)), min(np.int32(at_y), np.int32(rows - 2))
            right, low = at_x - np.float32(left), at_y - np.float32(top)
            share = t * t * (np.float32(3.0) - np.float32(2.0) * t)
            for nodes, into in ((dx, out_x), (dy, out_y)):
                upper = nodes[top, left] + (nodes[top, left + 1] - nodes[top, left]) * right
                lower = nodes[top + 1, left] + (nodes[top + 1, left + 1] - nodes[top + 1, left]) * right
                into[row, column] = (upper + (lower - upper) * low) * share


def confine(field: Lattice, outline: Outline, out: Lattice) -> None:
    """Write the confined field to each node of `out`; see `ports.Device.confine`."""
    frame = tuple(np.float32(number) for number in (*outline.centre, *outline.axis))
    confine_nodes(field.dx, field.dy, (field.step, out.step), frame, (outline.inner, outline.outer), out.dx, out.dy)
