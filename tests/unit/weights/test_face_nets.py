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


EYE_CORNERS, IRISES = [33, 133, 263, 362], range(468, 478)
FINE_EYES = [7, *range(22, 32), 33, 35, 46, 52, 53, 55, 56, 63, 65, 66, 70, 105, 107, *range(110, 114), *range(117, 122), 124]
FINE_EYES += [128, 130, 133, 143, 144, 145, *range(153, 162), 163, 173, 189, 190, 193, *range(221, 227), *range(228, 234)]
FINE_EYES += [*range(243, 248), 249, *range(252, 262), 263, 265, 276, 282, 283, 285, 286, 293, 295, 296, 300, 334, 336]
FINE_EYES += [*range(339, 343), *range(346, 351), 353, 357, 359, 362, 372, 373, 374, *range(380, 389), 390, 398, 413, 414]
FINE_EYES += [417, *range(441, 447), *range(448, 454), *range(463, 468)]
"""Points that the original takes from its two eye nets, and this mesh from the coarse one."""
COARSE = np.setdiff1d(np.arange(478), [*FINE_EYES, *IRISES])


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
    apart = np.abs(landmarks[0] - GOLDEN["landmarks"][case])
    assert apart[COARSE].max() < 2e-3
    assert presence[0] > 0.99
    assert apart[EYE_CORNERS].max() < 3
    assert apart[FINE_EYES].mean() < 1.5
    assert apart[[468, 473], :2].max() < 3


def test_all_of_an_iris_lies_in_the_middle_of_its_lids(mesh_net, portrait):
    (landmarks,) = mesh_net.infer([batch(resampled(portrait, GOLDEN["crops"][0], mesh.SIZE))])[0]
    for iris, corners in ((range(468, 473), (33, 133)), (range(473, 478), (362, 263))):
        assert np.ptp(landmarks[iris], axis=0).max() == 0
        left, right = sorted(landmarks[corners, 0])
        assert left < landmarks[iris[0], 0] < right


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
    assert error[COARSE].mean() < 0.5
    assert error[LIPS].mean() < 0.4


def test_noise_is_not_a_face(mesh_net, detector_net):
    noise = np.random.default_rng(5).random((1, 192, 192, 3), dtype=np.float32)
    assert mesh_net.infer([noise])[1][0] < 0.1
    out = detector_net.infer([noise[:, :128, :128]])
    assert not detector.boxes_in(detector.letterbox(128, 128), *out, least_score=0.5)
