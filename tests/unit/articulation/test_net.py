"""The articulation net's shell: which columns, what over a frame, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from relip.articulation.net import OUTPUTS, ArticulationNet
from relip.articulation.scale import Scale
from relip.essence.errors import ModelError
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.inference.null import NullModel
from relip.ports import Signature, TensorSpec

pytestmark = pytest.mark.unit

PAST, FUTURE = 5, 3
CARD = {
    "past_columns": str(PAST),
    "future_columns": str(FUTURE),
    "columns_per_second": "100",
    "outputs": " ".join(OUTPUTS),
    "logits": "closure speech",
    "scale": '{"open": [0.02, 0.3, 0.6], "width": [0.5, 0.1], "closure": 0.4, "labiodental": 0.6}',
}
START = 1_763_700_000 * AUDIO_CLOCK_HZ


def _signature(**metadata: str) -> Signature:
    mel = TensorSpec("mel", (1, 80, -1), "float32")
    mouth = TensorSpec("mouth", (1, len(OUTPUTS), -1), "float32")
    return Signature((mel,), (mouth,), metadata=CARD | metadata)


def _net(answer: Callable[[np.ndarray], np.ndarray]) -> ArticulationNet:
    return ArticulationNet(NullModel(_signature(), lambda mel: [answer(mel)]))


def _echo(mel: np.ndarray) -> np.ndarray:
    """Output row r is the middle of mel band r."""
    return mel[:, : len(OUTPUTS), PAST : mel.shape[2] - FUTURE].copy()


def _mel(net: ArticulationNet, start: int, end: int, **rows: list[float]) -> np.ndarray:
    _, count = net.columns(start, end)
    mel = np.zeros((80, count), np.float32)
    for name, values in rows.items():
        mel[OUTPUTS.index(name), PAST : count - FUTURE] = values
    return mel


def test_a_frame_at_25_needs_its_four_columns_and_the_context() -> None:
    net = _net(_echo)
    assert net.columns(START, START + 1920) == (START // 480 - PAST, PAST + 4 + FUTURE)
    assert net.look_ahead_ns == 30_000_000


def test_every_sample_of_a_frame_lies_in_a_column_at_awkward_rates() -> None:
    net = _net(_echo)
    for index in range(1000, 1100):
        start, end = index * AUDIO_CLOCK_HZ * 1001 // 60000, (index + 1) * AUDIO_CLOCK_HZ * 1001 // 60000
        first, count = net.columns(start, end)
        assert (first + PAST) * 480 <= start
        assert end <= (first + count - FUTURE) * 480


def test_shapes_are_the_mean_and_closures_the_maximum_over_the_frame() -> None:
    net = _net(_echo)
    mel = _mel(
        net,
        START,
        START + 1920,
        open=[0.1, 0.2, 0.3, 0.4],
        closure=[-9.0, 2.0, -9.0, -9.0],
        labiodental=[0, 0, 0, 0.8],
        doubt=[0.1, 0.3, 0.1, 0.3],
    )
    said = net.articulate(mel, START, START + 1920)
    assert said.open == pytest.approx(0.25)
    assert said.closure == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert said.labiodental == pytest.approx(0.8)
    assert said.doubt == pytest.approx(0.2)
    assert said.speech == pytest.approx(0.5)
    assert said.width == 0.0


def test_columns_that_lie_in_the_frame_in_part_count_in_part() -> None:
    net = _net(_echo)
    start, end = START + 240, START + 240 + 800
    mel = _mel(net, start, end, open=[0.9, 0.6, 0.0])
    assert net.articulate(mel, start, end).open == pytest.approx((0.9 * 240 + 0.6 * 480) / 800)


def test_an_event_at_the_frames_rim_belongs_to_the_next_frame() -> None:
    net = _net(_echo)
    start, end = START + 400, START + 400 + 1920
    mel = _mel(net, start, end, labiodental=[1.0, 0.1, 0.2, 0.1, 0.1])
    assert net.articulate(mel, start, end).labiodental == pytest.approx(0.2)


def test_the_order_of_the_outputs_is_the_nets_own() -> None:
    names = list(OUTPUTS)[::-1]
    model = NullModel(_signature(outputs=" ".join(names), logits=""), lambda mel: [_echo(mel)])
    net = ArticulationNet(model)
    _, count = net.columns(START, START + 1920)
    mel = np.zeros((80, count), np.float32)
    mel[names.index("tongue")] = 0.7
    assert net.articulate(mel, START, START + 1920).tongue == pytest.approx(0.7)


def test_a_huge_logit_is_a_certainty_and_no_overflow() -> None:
    net = _net(_echo)
    mel = _mel(net, START, START + 1920, closure=[1e30] * 4, speech=[-1e30] * 4)
    said = net.articulate(mel, START, START + 1920)
    assert said.closure == pytest.approx(1.0)
    assert said.speech == pytest.approx(0.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_a_model_error(value: float) -> None:
    net = _net(_echo)
    mel = _mel(net, START, START + 1920, teeth=[0.0, value, 0.0, 0.0])
    with pytest.raises(ModelError, match="not a number"):
        net.articulate(mel, START, START + 1920)


def test_an_answer_of_another_length_is_a_model_error() -> None:
    net = _net(lambda _: np.zeros((1, len(OUTPUTS), 2), np.float32))
    _, count = net.columns(START, START + 1920)
    with pytest.raises(ModelError, match="due"):
        net.articulate(np.zeros((80, count), np.float32), START, START + 1920)


def test_log_mel_of_another_length_is_refused() -> None:
    with pytest.raises(ModelError, match="asked for"):
        _net(_echo).articulate(np.zeros((80, 3), np.float32), START, START + 1920)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("past_columns", ""),
        ("past_columns", "-4"),
        ("future_columns", "100000"),
        ("future_columns", "twelve"),
        ("columns_per_second", "80"),
        ("outputs", "open width"),
        ("logits", "anger"),
        ("scale", "about 0.4"),
        ("scale", "[]"),
    ],
)
def test_a_net_that_does_not_describe_itself_is_refused_by_name(key: str, value: str) -> None:
    with pytest.raises(ModelError, match=key):
        ArticulationNet(NullModel(_signature(**{key: value}), lambda mel: [_echo(mel)]))


def test_a_net_that_does_not_say_its_scale_is_refused() -> None:
    signature = Signature(_signature().inputs, _signature().outputs, metadata={k: v for k, v in CARD.items() if k != "scale"})
    with pytest.raises(ModelError, match="scale"):
        ArticulationNet(NullModel(signature, lambda mel: [_echo(mel)]))


def test_the_scale_is_the_nets_own() -> None:
    assert _net(_echo).scale == Scale(open=(0.02, 0.3, 0.6), width=(0.5, 0.1), closure=0.4, labiodental=0.6)


@pytest.mark.parametrize("shape", [(1, 64, -1), (1, 80, 100), (80, -1)])
def test_a_net_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    signature = Signature((TensorSpec("mel", shape, "float32"),), _signature().outputs, metadata=CARD)
    with pytest.raises(ModelError, match="mel"):
        ArticulationNet(NullModel(signature, lambda mel: [_echo(mel)]))


def test_a_net_with_two_inputs_is_refused() -> None:
    mel = _signature().inputs[0]
    signature = Signature((mel, mel), _signature().outputs, metadata=CARD)
    with pytest.raises(ModelError, match="one input"):
        ArticulationNet(NullModel(signature, lambda mel: [_echo(mel)]))
