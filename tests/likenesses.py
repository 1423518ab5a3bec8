"""Made faces that can be recognised: a head's landmarks, and a picture whose light and dark belong to that head."""

import numpy as np

import heads
from pictures import packed
from relip.device.host import HostDevice
from relip.face.features import Likener
from relip.face.pose import pose

DEVICE = HostDevice()
SIZE = 240, 320


def person(seed, *, middle=(160.0, 120.0), iod=70.0, roll=0.0, stretch=1.0):
    """(478, 3) landmarks: a skull of its own for each seed."""
    own = np.random.default_rng(seed).normal(0, 0.02, (478, 3))
    points = (heads.head(iod=1.0) + own) * (1, stretch, 1)
    angle = np.radians(roll)
    points[:, :2] = points[:, :2] @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (points * iod + (*middle, 0)).astype(np.float32)


def picture(seed, landmarks, *, light=1.0, from_the_side=0.0, height=SIZE[0], width=SIZE[1]):
    """A packed frame: spots that are fixed to the head, the same for a seed wherever the head is; `light` multiplies."""
    rng = np.random.default_rng(seed)
    spots = [
        (rng.uniform(-0.7, 0.7), rng.uniform(-0.5, 1.0), rng.uniform(0.1, 0.25), rng.uniform(-0.3, 0.3)) for _ in range(30)
    ]
    eyes = landmarks[[33, 263], :2].astype(np.float64)
    across = eyes[1] - eyes[0]
    y, x = np.mgrid[:height, :width]
    place = ((x + 1j * y) - complex(*eyes.mean(axis=0))) / complex(*across)
    luma = np.full((height, width), 0.5) + from_the_side * place.real
    for right, down, size, strength in spots:
        luma += strength * np.exp(-(np.abs(place - complex(right, down)) ** 2) / (2 * size**2))
    return packed(np.repeat(np.clip(luma * light, 0.02, 1)[..., None] * 255, 3, axis=2))


def features(seed, *, light=1.0, from_the_side=0.0, bones=None, **where):
    """The features of a person, in a picture made for it; `bones`: the skull of another seed."""
    landmarks = person(seed if bones is None else bones, **where)
    measured = pose(landmarks)
    frame = picture(seed, landmarks, light=light, from_the_side=from_the_side)
    return Likener(DEVICE).of(frame, landmarks, yaw=measured.yaw, pitch=measured.pitch)
