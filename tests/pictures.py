"""Pictures for tests: R'G'B' to a packed frame and back, in plain numpy, and exact resampling. No code of Relip's."""

import numpy as np


def packed(rgb):
    """(h, w, 3) R'G'B' in 0..255 → (h, w/2*5) uint8: BT.709 narrow range, chroma averaged over pairs."""
    red, green, blue = np.moveaxis(np.asarray(rgb, np.float64) / 255, -1, 0)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [64 + 876 * luma, 512 + 896 * (blue - luma) / 1.8556, 512 + 896 * (red - luma) / 1.5748]
    y, cb, cr = (np.clip(np.rint(plane), 4, 1019).astype(np.uint16) for plane in planes)
    cb, cr = (((plane[:, ::2] + plane[:, 1::2] + 1) // 2) for plane in (cb, cr))
    first, second = y[:, ::2], y[:, 1::2]
    octets = [cb >> 2, (cb & 3) << 6 | first >> 4, (first & 15) << 4 | cr >> 6, (cr & 63) << 2 | second >> 8, second & 255]
    return np.stack(octets, axis=-1).astype(np.uint8).reshape(len(y), -1)


def resampled(rgb, affine, size):
    """(size, size, 3) uint8: bilinear at (column, row, 1) · affineᵀ, edges repeated; the same octets on every machine."""
    lattice = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="xy"), axis=-1).astype(np.float64)
    matrix = np.asarray(affine, np.float64)
    at = lattice @ matrix[:, :2].T + matrix[:, 2]
    limit = np.array([rgb.shape[1] - 1, rgb.shape[0] - 1])
    at = np.clip(at, 0, limit)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, limit)
    u, v = np.moveaxis((at - low)[..., None], -2, 0)
    rgb = rgb.astype(np.float64)
    upper = rgb[low[..., 1], low[..., 0]] * (1 - u) + rgb[low[..., 1], high[..., 0]] * u
    lower = rgb[high[..., 1], low[..., 0]] * (1 - u) + rgb[high[..., 1], high[..., 0]] * u
    return np.rint(upper * (1 - v) + lower * v).astype(np.uint8)


def turned(centre, scale, degrees, size):
    """The (2, 3) affine whose output's middle is `centre` of the picture, one output pixel `scale` of its pixels."""
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    linear = np.array([[cos, -sin], [sin, cos]])
    middle = np.full(2, (size - 1) / 2)
    return np.column_stack([linear, np.asarray(centre) - linear @ middle]).astype(np.float32)
