"""The Model port's contract, run against both adapters."""

import numpy as np
import onnxruntime
import pytest

from relip.essence.errors import ModelError, ResourceError
from relip.inference.null import NullModel
from relip.inference.onnx import OnnxModel
from relip.ports import Signature, TensorSpec

pytestmark = pytest.mark.unit

SIGNATURE = Signature(
    inputs=(TensorSpec("left", (1, 3), "float32"), TensorSpec("right", (-1, 3), "float32")),
    outputs=(TensorSpec("sum", (-1, 3), "float32"), TensorSpec("product", (-1, 3), "float32")),
)


@pytest.fixture
def file(tmp_path):
    onnx = pytest.importorskip("onnx", reason="writing a net needs the extra models")
    sides = [
        [onnx.helper.make_tensor_value_info(s.name, 1, [n if n > 0 else "n" for n in s.shape]) for s in specs]
        for specs in (SIGNATURE.inputs, SIGNATURE.outputs)
    ]
    nodes = [
        onnx.helper.make_node("Add", ["left", "right"], ["sum"]),
        onnx.helper.make_node("Mul", ["left", "right"], ["product"]),
    ]
    net = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "net", *sides), opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.helper.set_model_props(net, {"licence": "none"})
    path = tmp_path / "net.onnx"
    path.write_bytes(net.SerializeToString())
    return path


@pytest.fixture(params=["null", "onnx"])
def model(request):
    if request.param == "null":
        return NullModel(SIGNATURE, lambda left, right: (left + right, left * right))
    return OnnxModel(request.getfixturevalue("file"))


def row(*values):
    return np.array([values], np.float32)


def test_it_says_what_it_takes_and_gives(model):
    assert model.signature.inputs == SIGNATURE.inputs
    assert model.signature.outputs == SIGNATURE.outputs


def test_results_come_in_the_signatures_order(model):
    total, product = model.infer([row(1, 2, 3), row(4, 5, 6)])
    assert total.tolist() == [[5, 7, 9]]
    assert product.tolist() == [[4, 10, 18]]


def test_a_free_axis_takes_any_length(model):
    total, _ = model.infer([row(1, 2, 3), np.zeros((5, 3), np.float32)])
    assert total.shape == (5, 3)


def test_results_belong_to_the_caller(model):
    first, _ = model.infer([row(1, 2, 3), row(0, 0, 0)])
    model.infer([row(9, 9, 9), row(0, 0, 0)])
    assert first.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    "inputs",
    [[row(1, 2, 3)], [row(1, 2), row(1, 2, 3)], [row(1, 2, 3), np.zeros((1, 3))], [row(1, 2, 3), row(1, 2, 3), row(1, 2, 3)]],
    ids=["too few", "shape", "dtype", "too many"],
)
def test_inputs_that_do_not_fit_are_a_model_error(model, inputs):
    with pytest.raises(ModelError):
        model.infer(inputs)


def test_a_file_that_is_no_net_is_a_resource_error(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"nonsense")
    for path in (tmp_path / "x.onnx", tmp_path / "absent.onnx"):
        with pytest.raises(ResourceError, match=str(path)):
            OnnxModel(path)


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_the_library_lacks_is_told_with_the_package_that_has_it(file, provider):
    if onnxruntime.get_device() != "CPU":
        pytest.skip("this onnxruntime is the one for GPUs")
    with pytest.raises(ResourceError, match=f"models.provider={provider} .*onnxruntime-gpu"):
        OnnxModel(file, provider=provider)


def test_a_library_that_falls_back_to_the_cpu_in_silence_is_found_out(file, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    with (
        pytest.warns(UserWarning, match="not in available provider names"),  # the library's own word, which no log shows
        pytest.raises(ResourceError, match="fell back to CPUExecutionProvider"),
    ):
        OnnxModel(file, provider="cuda")


def test_threads_reach_the_library(file, monkeypatch):
    made = []
    options = onnxruntime.SessionOptions
    monkeypatch.setattr(onnxruntime, "SessionOptions", lambda: made.append(options()) or made[-1])
    OnnxModel(file, threads=3)
    assert made[0].intra_op_num_threads == 3
