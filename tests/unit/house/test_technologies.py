"""Each technology is imported in exactly one file, so that it can be exchanged in one file (ARCHITECTURE, invariants).

import-linter sees import statements; this also sees `import_module("name")`, by which optional extras are loaded late.
"""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SOURCES = Path(__file__).parents[3] / "src" / "relip"

# technology → the files that may import it, relative to src/relip. More than one file needs its reason beside it.
HOMES = {
    "holoscan": {"graph/holoscan.py"},
    "cuda": {"graph/holoscan.py"},
    # runs nets here; runs them in a Triton server that lacks ONNX Runtime, where it is copied to
    "onnxruntime": {"inference/onnx.py", "weights/triton_backend.py"},
    # speaks to a server; has the message that the configuration of a model is written through
    "tritonclient": {"inference/triton_client.py", "weights/triton_config.py"},
    "gevent": {"inference/triton_client.py"},
    "google": {"weights/triton_config.py"},
    "grpc": set(),
    "onnx": {"weights/onnx_graph.py"},
    "tflite": {"weights/tflite_graph.py"},
    "av": {"offline/pyav.py"},
    # the portrait that ships with it; the measure of likeness
    "skimage": {"peers/portrait.py", "evaluation/pixels.py"},
    # the contact sheet of a dub; the page of a probe
    "matplotlib": {"evaluation/sheet.py", "probe/page.py"},
    "imageio_ffmpeg": {"evaluation/vmaf.py"},
    "cv2": {"peers/camera.py"},
    "yaml": {"config/__init__.py"},
    # the configuration; the published shapes of the reports
    "pydantic": {"config/__init__.py", "config/flows.py", "peers/report.py", "evaluation/report.py", "probe/report.py"},
    "click": {"service/cli.py"},
    "rich": {"service/terminal.py"},
    "structlog": {"service/logs.py"},
    # packets; and the kernel asked over netlink, which is another protocol
    "socket": {"transport/udp.py", "transport/qdisc.py"},
    # packets by way of the card; the clock by which the card sends
    "pyrivermax": {"transport/rivermax.py", "clock/rivermax.py"},
    "scipy": set(),
    "torch": set(),
    "psutil": set(),
    "mediapipe": set(),
}


def imported(source):
    """Top-level names of everything a module imports, by statement or by import_module with a literal name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            assert isinstance(node.args[0], ast.Constant), f"import_module({ast.unparse(node.args[0])}): say a literal name"
            yield str(node.args[0].value).split(".")[0]


@pytest.fixture(scope="module")
def importers():
    found = {technology: set() for technology in HOMES}
    for path in SOURCES.rglob("*.py"):
        for name in imported(path.read_text("utf-8")):
            if name in found:
                found[name].add(path.relative_to(SOURCES).as_posix())
    return found


@pytest.mark.parametrize("technology", HOMES)
def test_a_technology_lives_in_its_home_and_nowhere_else(technology, importers):
    assert importers[technology] == HOMES[technology]


@pytest.mark.parametrize(
    "source",
    [
        "import av",
        "import av.audio as a",
        "from av import open",
        "def f():\n    import av",
        "import_module('av.video')",
        "importlib.import_module('av')",
    ],
)
def test_every_way_of_importing_is_seen(source):
    assert list(imported(source)) == ["av"]
