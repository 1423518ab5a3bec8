"""From the demo's voice to a speaker's mouth, with the nets that ship: lips meet where the voice closes them, then rest.

The times of the phones lie beside the voice; they come from the synthesiser that spoke it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from relip.articulation.net import ArticulationNet
from relip.articulation.speaker import Speaker, SpeakerSettings
from relip.essence.grains import AudioBlock
from relip.essence.scene import Articulation, MouthShape
from relip.inference.onnx import OnnxModel
from relip.offline.container import read_voice
from relip.speech.listener import Listener
from relip.weights import shipped

pytestmark = pytest.mark.e2e

ASSETS = Path(str(resources.files("relip.peers"))) / "assets"
START = 1_763_700_000 * 48_000
FRAME = 1920
WINDOW = 40 * 48
"""Lips may meet 40 ms before the phone begins or after it ends."""


@pytest.fixture(scope="module", params=shipped.ARTICULATIONS)
def look_ahead_ms(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def net(look_ahead_ms: int) -> ArticulationNet:
    return ArticulationNet(OnnxModel(shipped.locate(shipped.ARTICULATIONS[look_ahead_ms])))


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return read_voice(ASSETS / "voice.flac")


@pytest.fixture(scope="module")
def said(net: ArticulationNet, voice: np.ndarray) -> list[Articulation]:
    return list(_articulations(net, voice))


@pytest.fixture(scope="module")
def aimed(net: ArticulationNet, said: list[Articulation]) -> list[MouthShape]:
    speaker = Speaker(SpeakerSettings(scale=net.scale))
    speaker.observe(MouthShape(open=0.001, width=0.56))
    return [speaker.aim(articulation) for articulation in said]


def _articulations(net: ArticulationNet, voice: np.ndarray) -> Iterator[Articulation]:
    listener = Listener(history_s=20.0)
    listener.hear(AudioBlock(START, voice))
    for start in range(START, START + len(voice) - FRAME, FRAME):
        yield net.articulate(listener.mel(*net.columns(start, start + FRAME)), start, start + FRAME)


def _phones(*names: str) -> list[tuple[int, int]]:
    rows = json.loads((ASSETS / "voice.json").read_text())["phones"]
    return [(start, end) for name, start, end in rows if name in names]


def _during(track: list[float], start: int, end: int) -> list[float]:
    """The values of the frames that overlap [start, end)."""
    return track[max(0, start // FRAME) : -(-end // FRAME)]


def test_a_net_looks_ahead_as_far_as_it_is_shipped_for(net: ArticulationNet, look_ahead_ms: int) -> None:
    assert net.look_ahead_ns == look_ahead_ms * 1_000_000


def test_the_lips_meet_in_nine_of_ten_bilabials(aimed: list[MouthShape]) -> None:
    openings = [shape.open for shape in aimed]
    phones = _phones("p", "b", "m")
    closed = [min(_during(openings, start - WINDOW, end + WINDOW)) < 0.02 for start, end in phones]
    assert len(phones) >= 15
    assert np.mean(closed) >= 0.9


def test_the_lips_are_parted_in_open_vowels(aimed: list[MouthShape]) -> None:
    openings = [shape.open for shape in aimed]
    peaks = [max(_during(openings, start, end)) for start, end in _phones("ae", "ay", "aw", "eh", "ao", "ah")]
    assert np.mean([peak > 0.02 for peak in peaks]) >= 0.85
    assert np.mean(peaks) > 0.05


def test_the_mouth_is_exactly_still_in_the_pause_and_at_the_end(aimed: list[MouthShape], voice: np.ndarray) -> None:
    spoken = json.loads((ASSETS / "voice.json").read_text())["phones"]
    quiet = max(range(1, len(spoken)), key=lambda i: spoken[i][1] - spoken[i - 1][2])
    pause = aimed[spoken[quiet - 1][2] // FRAME + 12 : spoken[quiet][1] // FRAME - 4]
    ending = aimed[spoken[-1][2] // FRAME + 12 : len(voice) // FRAME - 1]
    for still in (pause, ending):
        assert len(still) >= 2
        assert all(shape == still[0] for shape in still)
        assert still[0].open <= 0.02


def test_a_quieter_voice_moves_the_same_mouth(net: ArticulationNet, voice: np.ndarray, said: list[Articulation]) -> None:
    quiet = [a.open for a in _articulations(net, voice * np.float32(0.1))]
    loud = [a.open for a in said]
    assert np.corrcoef(quiet, loud)[0, 1] > 0.95


def test_live_packets_and_the_whole_file_give_the_same_mouth(
    net: ArticulationNet, voice: np.ndarray, said: list[Articulation]
) -> None:
    listener, live, newest = Listener(history_s=4.0), [], START
    for at in range(0, len(voice) // 48 * 48, 48):
        listener.hear(AudioBlock(START + at, voice[at : at + 48]))
        newest += 48
        start = START + len(live) * FRAME
        first, count = net.columns(start, start + FRAME)
        if (first + count) * 480 + 800 <= newest:
            live.append(net.articulate(listener.mel(first, count), start, start + FRAME))
    assert len(live) > 200
    assert live == said[: len(live)]


@pytest.mark.parametrize("kind", ["digital silence", "noise", "hum"])
def test_without_a_voice_the_mouth_rests(net: ArticulationNet, kind: str) -> None:
    random = np.random.default_rng(4)
    at = np.arange(3 * 48_000)
    sound = {
        "digital silence": np.zeros(at.size),
        "noise": random.standard_normal(at.size) * 0.003,
        "hum": 0.02 * sum(np.sin(2 * np.pi * 50 * k * at / 48_000) / k for k in range(1, 8)),
    }[kind]
    speaker = Speaker(SpeakerSettings(scale=net.scale))
    shapes = [speaker.aim(a) for a in _articulations(net, sound.astype(np.float32))]
    assert all(shape == shapes[0] for shape in shapes)
