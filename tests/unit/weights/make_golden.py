"""Makes golden/faces.npz: what mediapipe itself says of the test portrait. Not a test; run by hand.

    python3.11 -m venv /tmp/golden && /tmp/golden/bin/pip install mediapipe==0.10.21 scikit-image
    /tmp/golden/bin/python tests/unit/weights/make_golden.py

mediapipe pins numpy below 2 and must not be installed beside Relip, hence the venv of its own. The nets see exactly the
octets the tests give ours (`pictures.resampled`): the region of interest is the whole picture.
"""

import sys
from pathlib import Path

import mediapipe as mp
import numpy as np
import skimage.data
from mediapipe.framework.formats import rect_pb2
from mediapipe.python import packet_creator, packet_getter
from mediapipe.python._framework_bindings import resource_util
from mediapipe.python._framework_bindings.calculator_graph import CalculatorGraph
from mediapipe.python._framework_bindings.image_frame import ImageFormat

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
from pictures import resampled, turned  # noqa: E402 - from the tests' own folder

MESH = """
input_stream: "image"
input_stream: "roi"
input_side_packet: "refine"
output_stream: "found"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "WITH_ATTENTION:refine"
  output_stream: "LANDMARKS:found"
}
"""
DETECTOR = """
input_stream: "image"
output_stream: "found"
node { calculator: "FaceDetectionShortRangeCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:found" }
"""
CROPS = [turned((224, 110), 0.75, 0, 192), turned((224, 110), 0.8, 20, 192), turned((228, 106), 0.95, -10, 192)]
VIEWS = [turned((255.5, 255.5), 4.0, 0, 128), turned((230, 200), 2.5, 15, 128)]
PORTRAITS = [turned((255.5, 255.5), 1.0, 0, 512), turned((240, 180), 0.7, 12, 512)]


def run(text, side, image, **packets):
    """One picture through a graph; the protos that come out of it."""
    out = []
    graph = CalculatorGraph(graph_config=text)
    graph.observe_output_stream("found", lambda _name, packet: out.append(packet))
    graph.start_run(input_side_packets=side)
    frame = packet_creator.create_image_frame(image, image_format=ImageFormat.SRGB)
    for name, packet in {"image": frame, **packets}.items():
        graph.add_packet_to_input_stream(name, packet.at(0))
    graph.wait_until_idle()
    graph.close()
    return out[0]


def mesh(image):
    """(478, 3) landmarks in pixels of a crop of 192."""
    roi = packet_creator.create_proto(rect_pb2.NormalizedRect(x_center=0.5, y_center=0.5, width=1, height=1))
    found = packet_getter.get_proto(run(MESH, {"refine": packet_creator.create_bool(True)}, image, roi=roi))
    return np.array([[p.x, p.y, p.z] for p in found.landmark]) * image.shape[0]


def detection(image):
    """Score, then left, top, width, height and six points, relative to the picture."""
    (found,) = packet_getter.get_proto_list(run(DETECTOR, {}, image))
    place = found.location_data
    box = place.relative_bounding_box
    return [
        found.score[0],
        box.xmin,
        box.ymin,
        box.width,
        box.height,
        *(v for p in place.relative_keypoints for v in (p.x, p.y)),
    ]


def whole(image):
    """(478, 3) landmarks in pixels by the published solution: detector, crop and mesh."""
    with mp.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True) as solution:
        (face,) = solution.process(image).multi_face_landmarks
    return np.array([[p.x, p.y, p.z] for p in face.landmark]) * image.shape[0]


def main():
    resource_util.set_resource_dir(str(Path(mp.__file__).parents[1]))
    portrait = skimage.data.astronaut()
    golden = {
        "crops": CROPS,
        "landmarks": [mesh(resampled(portrait, view, 192)) for view in CROPS],
        "views": VIEWS,
        "detections": [detection(resampled(portrait, view, 128)) for view in VIEWS],
        "portraits": PORTRAITS,
        "faces": [whole(resampled(portrait, view, 512)) for view in PORTRAITS],
    }
    (HERE / "golden").mkdir(exist_ok=True)
    np.savez_compressed(HERE / "golden" / "faces.npz", **{k: np.asarray(v, np.float32) for k, v in golden.items()})


if __name__ == "__main__":
    main()
