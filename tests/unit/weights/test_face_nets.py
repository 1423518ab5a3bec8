"""The converted nets say what the originals say: see make_golden.py for where the numbers come from."""

from pathlib import Path

import numpy as np
import pytest

from pictures import packed, resampled
from relip.device.crop import crop
from relip.face import detector, mesh
from relip.inference.onnx import OnnxModel
from relip.weights import cache

pytestmark = pytest.mark.unit

GOLDEN = np.load(Path(__file__).parent / "golden" / "faces.npz")
LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409]
LIPS += [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415]


@pytest.fixture(scope="module")
def portrait():
    return pytest.importorskip("skimage.data", reason="the portrait comes with the extra demo").astronaut()


@pytest.fixture(scope="module")
def mesh_net(face_models):
    return OnnxModel(cache.locate(cache.FACE_MESH, face_models))


@pytest.fixture(scope="module")
def detector_net(face_models):
    return OnnxModel(cache.locate(cache.FACE_DETECTOR, face_models))


def batch(rgb):
    return np.asarray(rgb, np.float32)[None] / 255


@pytest.mark.parametrize("case", range(len(GOLDEN["crops"])))
def test_the_mesh_gives_the_originals_points(mesh_net, portrait, case):
    landmarks, presence = mesh_net.infer([batch(resampled(portrait, GOLDEN["crops"][case], mesh.SIZE))])
    assert np.abs(landmarks[0] - GOLDEN["landmarks"][case]).max() < 2e-3
    assert presence[0] > 0.99


@pytest.mark.parametrize("case", range(len(GOLDEN["views"])))
def test_the_detector_gives_the_originals_boxes(detector_net, portrait, case):
    out = detector_net.infer([batch(resampled(portrait, GOLDEN["views"][case], detector.SIZE))])
    unit = np.array([[1 / detector.SIZE, 0, 0], [0, 1 / detector.SIZE, 0]], np.float32)
    (box,) = detector.boxes_in(unit, *out, least_score=0.5)
    found = [box.score, box.x, box.y, box.width, box.height, *box.eyes.reshape(-1)]
    assert np.abs(np.array(found) - GOLDEN["detections"][case][:9]).max() < 1e-4


@pytest.mark.parametrize("case", range(len(GOLDEN["portraits"])))
def test_from_a_packed_frame_the_face_is_where_the_original_finds_it(detector_net, mesh_net, portrait, case):
    frame = packed(resampled(portrait, GOLDEN["portraits"][case], 512))
    view, picture = detector.letterbox(512, 512), np.zeros((1, detector.SIZE, detector.SIZE, 3), np.float32)
    crop(frame, view, picture[0])
    (box,) = detector.boxes_in(view, *detector_net.infer([picture]), least_score=0.5)
    around, image = mesh.crop_of_box(box), np.zeros((1, mesh.SIZE, mesh.SIZE, 3), np.float32)
    crop(frame, around, image[0])
    landmarks = mesh.to_raster(mesh_net.infer([image])[0], around)
    error = np.linalg.norm((landmarks - GOLDEN["faces"][case])[:, :2], axis=1)
    assert error.mean() < 0.5
    assert error[LIPS].mean() < 0.4


def test_noise_is_not_a_face(mesh_net, detector_net):
    noise = np.random.default_rng(5).random((1, 192, 192, 3), dtype=np.float32)
    assert mesh_net.infer([noise])[1][0] < 0.1
    out = detector_net.infer([noise[:, :128, :128]])
    assert not detector.boxes_in(detector.letterbox(128, 128), *out, least_score=0.5)
