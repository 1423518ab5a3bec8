"""A model repository: what Triton reads of each net, and which nets have their first axis opened."""

import numpy as np
import onnx
import onnxruntime
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from relip.essence.errors import FormatError, ResourceError
from relip.inference.onnx import OnnxModel
from relip.weights import cache, repository, shipped
from relip.weights.onnx_graph import describe, opened
from relip.weights.triton_config import Hosting

pytestmark = pytest.mark.unit


def written(folder, name, hosting):
    one = repository.write(folder, {"net": shipped.locate(name)}, hosting)[0]
    config = text_format.Parse((folder / "net" / "config.pbtxt").read_text("utf-8"), model_config_pb2.ModelConfig())
    return one, config, (folder / "net" / "1" / "model.onnx").read_bytes()


def said(config, key):
    return config.parameters[key].string_value


@pytest.mark.parametrize("name", [*cache.NETS, *shipped.NETS])
def test_a_file_is_described_as_the_runtime_sees_it(name, request):
    path = cache.locate(name, request.getfixturevalue("face_models")) if name in cache.NETS else shipped.locate(name)
    assert describe(path.read_bytes()) == OnnxModel(path).signature


def test_a_net_of_one_entry_is_opened_and_says_that_it_was_one(tmp_path):
    one, config, octets = written(tmp_path, shipped.ARTICULATION, Hosting())
    assert one.joins
    assert config.backend == "onnxruntime"
    assert config.max_batch_size == 8
    assert list(config.input[0].dims) == [80, -1]
    assert list(config.output[0].dims) == [9, -1]
    assert config.HasField("dynamic_batching")
    assert said(config, "first_axis") == "1"
    assert said(config, "intra_op_thread_count") == "1"
    original = shipped.locate(shipped.ARTICULATION).read_bytes()
    assert octets != original
    assert said(config, "sha256") == describe(original).sha256
    assert said(config, "onnx.scale") == describe(original).metadata["scale"]


def test_an_opened_net_answers_each_entry_as_if_it_were_alone():
    original = shipped.locate(shipped.ARTICULATION).read_bytes()
    alone, joined = (onnxruntime.InferenceSession(octets) for octets in (original, opened(original)))
    mel = np.random.default_rng(0).random((3, 80, 230), np.float32)
    together = joined.run(None, {"mel": mel})[0]
    for k in range(3):
        np.testing.assert_allclose(together[k : k + 1], alone.run(None, {"mel": mel[k : k + 1]})[0], atol=2e-5)


@pytest.mark.parametrize("name", cache.NETS)
def test_a_net_that_reshapes_its_first_axis_is_left_as_it_is(face_models, tmp_path, name):
    path = cache.locate(name, face_models)
    one = repository.write(tmp_path, {"net": path}, Hosting())[0]
    assert not one.joins
    assert (tmp_path / "net" / "1" / "model.onnx").read_bytes() == path.read_bytes()
    assert "max_batch_size" not in (tmp_path / "net" / "config.pbtxt").read_text()


def test_an_operator_that_works_along_the_first_axis_is_not_opened():
    ends = [onnx.helper.make_tensor_value_info(name, 1, [1, 3]) for name in ("x", "y")]
    for axis, sure in ((0, False), (1, True)):
        node = onnx.helper.make_node("Concat", ["x"], ["y"], axis=axis)
        graph = onnx.helper.make_graph([node], "net", ends[:1], ends[1:])
        assert (opened(onnx.helper.make_model(graph).SerializeToString()) is not None) == sure


def test_joining_none_leaves_every_file_as_it_is(tmp_path):
    one, config, octets = written(tmp_path, shipped.ARTICULATION, Hosting(batch=1))
    assert not one.joins
    assert config.max_batch_size == 0
    assert list(config.input[0].dims) == [1, 80, -1]
    assert octets == shipped.locate(shipped.ARTICULATION).read_bytes()


def test_hosting_reaches_the_configuration(tmp_path):
    hosting = Hosting(backend="python", instances=3, gpu=True, threads=2, batch=4, delay_us=300)
    _, config, _ = written(tmp_path, shipped.SYNC, hosting)
    assert config.backend == "python"
    assert config.instance_group[0].count == 3
    assert config.instance_group[0].kind == model_config_pb2.ModelInstanceGroup.KIND_GPU
    assert said(config, "intra_op_thread_count") == "2"
    assert config.max_batch_size == 4
    assert config.dynamic_batching.max_queue_delay_microseconds == 300
    assert (tmp_path / "net" / "1" / "model.py").exists()


def test_a_model_is_replaced_whole_and_nothing_else_is_touched(tmp_path):
    (tmp_path / "theirs").mkdir()
    written(tmp_path, shipped.SYNC, Hosting(backend="python"))
    written(tmp_path, shipped.SYNC, Hosting())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "theirs"]
    assert sorted(path.name for path in (tmp_path / "net" / "1").iterdir()) == ["model.onnx"]


def test_a_file_that_is_no_net_is_told_by_its_name(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"nonsense")
    with pytest.raises(FormatError, match=r"x\.onnx: that is no ONNX file"):
        repository.write(tmp_path / "r", {"x": tmp_path / "x.onnx"}, Hosting())
    with pytest.raises(ResourceError, match=r"absent\.onnx: No such file"):
        repository.write(tmp_path / "r", {"x": tmp_path / "absent.onnx"}, Hosting())
