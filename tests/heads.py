"""A head for tests: 478 landmarks of the right kind in the right order, without a net, and the nets that 'see' it."""

import numpy as np

from relip.inference.null import NullModel
from relip.ports import Signature, TensorSpec

UPPER_LIP, LOWER_LIP = 13, 14


def head(middle=(0.0, 0.0), iod=100.0, *, opening=0.0, yaw=0.0, pitch=0.0, roll=0.0):
    """(478, 3) float32: a bent oval with eyes, forehead, nose and lips where the mesh has them; angles in degrees."""
    points = np.random.default_rng(1).uniform(-1, 1, (478, 3)) * (0.75, 0.95, 0)
    points[:, 2] = 0.4 * points[:, 0] ** 2
    places = {33: (-0.5, -0.2), 263: (0.5, -0.2), 10: (0, -0.9), 2: (0, 0.15), 61: (-0.3, 0.4), 291: (0.3, 0.4), 152: (0, 0.95)}
    for index, (x, y) in places.items():
        points[index] = (x, y, 0)
    points[[1, 234, 454]] = (0, 0.1, -0.4), (-0.75, 0.1, 0.5375), (0.75, 0.1, 0.5375)
    points[UPPER_LIP], points[LOWER_LIP] = (0, 0.4 - opening / 2, 0), (0, 0.4 + opening / 2, 0)
    a, b, c = np.radians([yaw, pitch, roll])
    # x right, y down, z to the back. Turned to the viewer's right, the nose (towards −z) moves to +x.
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turned = points @ (about_z @ about_y @ about_x).T * iod
    return (turned + np.array([*middle, 0])).astype(np.float32)


class Stage:
    """What there is to see: heads and how present they are. Its nets look through the crop they were given last.

    A device that remembers the affine stands in for pixels: the nets' answers are the heads seen through it.
    """

    def __init__(self):
        self.heads = []
        self.presence = 1.0
        self.affine = None
        self.poison = None
        self.detections = 0

    def crop(self, _packed, affine, out):
        self.affine = affine.astype(np.float64)
        out[:] = 0

    def _seen(self, points):
        linear, shift = self.affine[:, :2], self.affine[:, 2]
        planar = (points[:, :2] - shift) @ np.linalg.inv(linear).T
        return np.column_stack([planar, points[:, 2] / np.hypot(*linear[:, 0])]).astype(np.float32)

    def _detect(self, _image):
        self.detections += 1
        boxes, scores = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -50, np.float32)
        for i, points in enumerate(self.heads):
            seen = self._seen(points)[:, :2]
            low, high = seen.min(axis=0), seen.max(axis=0)
            anchor = np.array([4 + 8 * i, 4])  # the i-th cell of the first row
            boxes[0, 2 * i, :8] = [*((low + high) / 2 - anchor), *(high - low), *(seen[33] - anchor), *(seen[263] - anchor)]
            scores[0, 2 * i] = 4
        if self.poison == "detector":
            boxes[0, 0, 0] = np.nan
        return boxes, scores

    def _mesh(self, _image):
        middle = self.affine[:, :2] @ (96, 96) + self.affine[:, 2]
        near = min(self.heads, key=lambda points: np.linalg.norm(points[:, :2].mean(axis=0) - middle), default=None)
        reach = 192 * np.hypot(*self.affine[:, 0]) / 2
        there = near is not None and np.linalg.norm(near[:, :2].mean(axis=0) - middle) < reach
        landmarks = self._seen(near)[None] if there else np.zeros((1, 478, 3), np.float32)
        presence = np.array([self.presence if there else 0.0], np.float32)
        if self.poison == "mesh":
            landmarks[0, 5, 1] = np.inf
        if self.poison == "presence":
            presence[0] = np.nan
        return landmarks, presence

    def detector(self):
        outputs = (TensorSpec("boxes", (1, 896, 16), "float32"), TensorSpec("scores", (1, 896, 1), "float32"))
        return NullModel(Signature((TensorSpec("image", (1, 128, 128, 3), "float32"),), outputs), self._detect)

    def mesh(self):
        outputs = (TensorSpec("landmarks", (1, 478, 3), "float32"), TensorSpec("presence", (1,), "float32"))
        return NullModel(Signature((TensorSpec("image", (1, 192, 192, 3), "float32"),), outputs), self._mesh)
