"""A user's SyncNet: its inputs as it expects them, tried with a net of the true shapes."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from drawn_face import face, picture, small_format
from relip.device.host import HostDevice
from relip.essence.errors import FormatError, ModelError
from relip.evaluation import lse
from relip.evaluation.clips import Clip
from relip.evaluation.judge import Judged
from relip.evaluation.lse import Lse, cepstra
from relip.evaluation.rig import Rig
from relip.evaluation.seen import Seen
from relip.evaluation.sync import reading
from relip.evaluation.voiced import Voiced
from relip.inference.null import NullModel
from relip.inference.onnx import OnnxModel
from relip.ports import Signature, TensorSpec

pytestmark = pytest.mark.unit

FORMAT = small_format()
FRAMES = 60


def syncnet(path):
    """An ONNX file of the true shapes: each side is reduced to its mean over everything, as an embedding of one number."""
    nodes, weights = [], []
    for name, axes in (("video", [1, 2, 3, 4]), ("audio", [1, 2, 3])):
        nodes.append(helper.make_node("ReduceMean", [name], [f"{name}_mean"], axes=axes, keepdims=0))
        weights.append(numpy_helper.from_array(np.array([-1, 1], np.int64), f"{name}_shape"))
        nodes.append(helper.make_node("Reshape", [f"{name}_mean", f"{name}_shape"], [f"{name}_embedding"]))
    shapes = {"video": ["n", 3, 5, 224, 224], "audio": ["n", 1, 13, 20]}
    graph = helper.make_graph(
        nodes,
        "syncnet",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(f"{name}_embedding", TensorProto.FLOAT, ["n", 1]) for name in shapes],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return OnnxModel(path)


def null(forward, *, video=(-1, 3, 5, 224, 224)):
    ends = (TensorSpec("v", (-1, 1), "float32"), TensorSpec("a", (-1, 1), "float32"))
    inputs = (TensorSpec("video", video, "float32"), TensorSpec("audio", (-1, 1, 13, 20), "float32"))
    return NullModel(Signature(inputs, ends), forward)


def run(model, *, full=None):
    """A clip of one face, dubbed throughout (or where `full` says), looked at by a SyncNet."""
    one_face = face(iod=60, y=80)
    voice = np.random.default_rng(1).standard_normal(FRAMES * 1920).astype(np.float32) * 0.1
    clip = Clip(Path("a.mpg"), "a.mpg", "1")
    seen = Seen(clip, (one_face,) * FRAMES, voice, None, np.zeros(FRAMES), np.zeros(FRAMES, np.bool_), ())
    made = Voiced(seen, Judged(FRAMES), np.zeros(FRAMES))
    rig = Rig(format=FORMAT, device=HostDevice(), tracker=lambda: None, renderer=lambda: None, chain=lambda _: None)
    looking, frame = Lse(rig, model), picture(one_face, FORMAT)
    for k in range(FRAMES):
        if full is None or full[k]:
            made.judged.target[k] = 0.1
        looking.see(k, made, None, frame, frame, one_face)
    return looking


def test_an_onnx_file_of_the_true_shapes_gives_a_curve_for_the_dub_and_for_the_original(tmp_path):
    model = syncnet(tmp_path / "syncnet.onnx")
    lse.check(model, 25)
    looking = run(model)
    (dubbed,), (original,) = looking.curves("dubbed"), looking.curves("original")
    assert dubbed.shape == (31,)
    assert np.allclose(dubbed, original)
    d, c, _ = reading([dubbed])
    assert d > 0
    assert c >= 0


def test_the_net_sees_five_faces_as_blue_green_red_up_to_255_and_twenty_columns():
    asked = []

    def forward(video, audio):
        asked.append((video, audio))
        return np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)

    run(null(forward))
    video, audio = asked[0]
    assert video.shape == (1, 3, 5, 224, 224)
    assert audio.shape == (1, 1, 13, 20)
    blue, _, red = (video[0, channel, 0, 112, 112] for channel in range(3))
    assert 255 >= red > blue > 20  # skin


def test_a_frame_that_was_not_dubbed_in_full_breaks_the_five():
    full = np.ones(FRAMES, np.bool_)
    full[20] = False
    looking = run(null(lambda v, _: (np.zeros((len(v), 1), np.float32),) * 2), full=full)
    seen = looking._clips[0].sides["dubbed"].seen
    assert sorted(seen)[:16] == list(range(16))
    assert not set(range(16, 21)) & set(seen)


def test_a_net_that_gives_no_number_is_refused():
    with pytest.raises(ModelError, match="not a number"):
        run(null(lambda _v, _a: (np.full((1, 1), np.nan, np.float32), np.zeros((1, 1), np.float32))))


def test_another_net_or_rate_is_refused_with_what_was_wanted():
    with pytest.raises(FormatError, match="--syncnet: inputs"):
        lse.check(null(lambda v, a: (v, a), video=(-1, 3, 5, 112, 112)), 25)
    with pytest.raises(FormatError, match="25 frames a second, not 50"):
        lse.check(null(lambda v, a: (v, a)), float(Fraction(50)))


def test_cepstra_of_one_second_are_a_column_every_ten_milliseconds():
    assert cepstra(np.zeros(48_000, np.float32)).shape == (13, 99)


def test_e_times_the_amplitude_adds_2_to_the_first_cepstrum_alone():
    sound = np.random.default_rng(2).standard_normal(48_000).astype(np.float32) * 0.05
    one, other = cepstra(sound), cepstra(sound * np.float32(np.e))
    assert np.allclose(other[0] - one[0], 2, atol=1e-3)
    assert np.allclose(other[1:], one[1:], atol=1e-2)


def test_cepstra_are_those_of_the_definition():
    """One column worked out term by term: pre-emphasis, 512-point power, 26 triangles, logarithm, DCT-II, lifter 22."""
    sound = np.sin(2 * np.pi * 440 * np.arange(4_800) / 48_000).astype(np.float32) * 0.3
    at = 16_000 * np.arange(0, 1600) / 16_000
    signal = 0.3 * 32768 * np.sin(2 * np.pi * 440 * at / 16_000)
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])[480:880]
    power = np.abs(np.fft.rfft(signal, 512)) ** 2 / 512
    edges = [int(513 * 700 * (10 ** (m / 2595) - 1) / 16_000) for m in np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28)]
    bands = []
    for left, middle, right in zip(edges, edges[1:], edges[2:], strict=False):
        total = sum(power[i] * (i - left) / (middle - left) for i in range(left, middle))
        bands.append(total + sum(power[i] * (right - i) / (right - middle) for i in range(middle, right)))
    logs = np.log(bands)
    expected = [np.log(power.sum())]
    for k in range(1, 13):
        value = np.sqrt(2 / 26) * sum(logs[j] * np.cos(np.pi * k * (j + 0.5) / 26) for j in range(26))
        expected.append(value * (1 + 11 * np.sin(np.pi * k / 22)))
    assert np.allclose(cepstra(sound)[:, 3], expected, rtol=0.02, atol=0.6)
