"""A picture of a face turned by the depth that the mesh sees in it: made footage of heads that turn, where no clip has any."""

import numpy as np
import pytest

MESH = 468
"""Points of the face; those of the irises are not part of its surface."""
BEHIND = 0.9
"""How far behind the face the neck's axis is, in IOD."""


def turn(picture, landmarks, degrees):
    """(h, w, 3) uint8 with the face's surface turned to the viewer's right, over a flat patch where the face was."""
    cv2 = pytest.importorskip("cv2", reason="faces are turned with the extra demo")
    triangles = pytest.importorskip("scipy.spatial", reason="as above").Delaunay(landmarks[:MESH, :2]).simplices
    iod = float(np.linalg.norm(landmarks[33] - landmarks[263]))
    axis = landmarks[:MESH].mean(axis=0) + np.array((0, 0, BEHIND * iod))
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    after = (landmarks[:MESH] - axis) @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]) + axis
    out = picture.copy()
    middle, size = (axis[:2] - np.array((0, 0.1 * iod))).astype(int), (int(1.15 * iod), int(1.5 * iod))
    cv2.ellipse(out, middle.tolist(), size, 0, 0, 360, picture[10, 10].tolist(), -1)
    for corners in triangles[np.argsort(-after[triangles, 2].mean(axis=1))]:  # what is behind is drawn first
        source, target = (points[corners, :2].astype(np.float32) for points in (landmarks, after))
        if _area(source) * _area(target) <= 0:
            continue  # seen from behind
        low, high = np.floor(target.min(axis=0)).astype(int) - 1, np.ceil(target.max(axis=0)).astype(int) + 2
        low, high = np.maximum(low, 0), np.minimum(high, picture.shape[1::-1])
        if (high <= low).any():
            continue
        matrix = cv2.getAffineTransform(source, target - low.astype(np.float32))
        piece = cv2.warpAffine(picture, matrix, (high - low).tolist(), borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros(piece.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.rint((target - low) * 16).astype(np.int32), 255, shift=4)
        mask = cv2.dilate(mask, np.ones((2, 2), np.uint8)) > 0
        out[low[1] : high[1], low[0] : high[0]][mask] = piece[mask]
    return out


def _area(corners):
    (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[0]
    return ax * by - ay * bx
