"""Trains the articulation net from a seed: makes the speech, learns, prints figures on the way, writes ONNX and JSON.

    python training/train_articulation.py --minutes 35 --seed 1

The number of steps follows from the minutes and the machine's speed and is written down with the figures; `--steps` repeats a
run exactly. One thread by default: on a busy machine two were slower.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from coarticulation import REST
from corpus import HELD_OUT_VOICES, Example, gather
from export import export
from figures import measure, scale
from losses import loss
from net import FUTURE_COLUMNS, PAST_COLUMNS, Net, bounded
from numpy.typing import NDArray
from torch import Tensor

from relip.speech.mel import FLOOR

BATCH, COLUMNS = 16, 320
PEAK_RATE = 2.5e-3
WARM_STEPS = 100
PROBE_STEPS = 20
"""Steps that tell how fast this machine is."""
MEMORY = 0.998
"""What the averaged net, which is the one that is kept, remembers of itself at each step."""


class Batches:
    """Random stretches of the examples, each with the window of columns that the net needs round it."""

    def __init__(self, examples: Sequence[Example], seed: int) -> None:
        self._examples = examples
        self._random = np.random.default_rng(seed)
        self._weights = np.array([e.mel.shape[1] for e in examples], np.float64)
        self._weights /= self._weights.sum()

    def draw(self) -> tuple[Tensor, Tensor]:
        """(BATCH, 80, past + COLUMNS + future) log-mel and (BATCH, 8, COLUMNS) targets."""
        pairs = [self._stretch(self._examples[i]) for i in self._random.choice(len(self._examples), BATCH, p=self._weights)]
        return torch.from_numpy(np.stack([p[0] for p in pairs])), torch.from_numpy(np.stack([p[1] for p in pairs]))

    def _stretch(self, example: Example) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        count = example.mel.shape[1]
        start = int(self._random.integers(-60, max(1, count - COLUMNS + 30)))
        mel = np.full((example.mel.shape[0], PAST_COLUMNS + COLUMNS + FUTURE_COLUMNS), FLOOR, np.float32)
        targets = np.repeat(REST[:, None], COLUMNS, axis=1)
        _overlay(mel, example.mel, start - PAST_COLUMNS)
        _overlay(targets, example.targets, start)
        return self._disturb(mel), targets

    def _disturb(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Another gain and another colour, and now and then a few bands gone."""
        bands = mel.shape[0]
        colour = np.interp(np.arange(bands), np.linspace(0, bands - 1, 6), self._random.normal(0, 0.9, 6))
        mel = mel + (self._random.normal(0, 1.0) + colour[:, None]).astype(np.float32)
        if self._random.random() < 0.3:
            low = int(self._random.integers(bands - 10))
            mel[low : low + int(self._random.integers(2, 10))] = FLOOR
        return np.maximum(mel, np.float32(FLOOR))


def train(net: Net, batches: Batches, held_out: Sequence[Example], *, minutes: float, steps: int | None) -> tuple[Net, int]:
    """The averaged net, and how many steps it took."""
    average = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    begun = shown = time.monotonic()
    step, total = 0, steps or PROBE_STEPS + 1
    while step < total:
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, total if step > PROBE_STEPS or steps else WARM_STEPS * 20)
        value = _learn(net, optimiser, batches.draw())
        _remember(average, net, min(MEMORY, (step + 1) / (step + 10)))
        step += 1
        now = time.monotonic()
        if step == PROBE_STEPS and not steps:
            total = max(PROBE_STEPS + 1, int(minutes * 60 / (now - begun) * PROBE_STEPS))
            print(f"{(now - begun) / PROBE_STEPS:.2f} s a step: {total} steps", flush=True)
        if not steps and now - begun > minutes * 60 * 1.15:
            total = min(total, step + (total - step) // 8)
        if now - shown > 90 or step == total:
            shown = now
            print(f"{step}/{total} {now - begun:5.0f} s loss {value:.3f} {_line(average, held_out)}", flush=True)
    return average, step


def _learn(net: Net, optimiser: torch.optim.Optimizer, batch: tuple[Tensor, Tensor]) -> float:
    mel, targets = batch
    net.train()
    optimiser.zero_grad()
    value = loss(net(mel), targets)
    value.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimiser.step()
    return float(value.detach())


def _rate(step: int, total: int) -> float:
    """Up over the first steps, then down along a cosine."""
    done = min(1.0, step / total)
    return PEAK_RATE * min(1.0, (step + 1) / WARM_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


@torch.no_grad()
def _remember(average: Net, net: Net, memory: float) -> None:
    for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1.0 - memory)
        else:
            kept.copy_(new)


@torch.no_grad()
def predict(net: Net, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """(80, past + n + future) → (8, n), shapes in 0..1 and decisions as logits."""
    net.eval()
    return bounded(net(torch.from_numpy(mel[None])))[0].numpy()


def _line(net: Net, held_out: Sequence[Example]) -> str:
    figures = measure(lambda mel: predict(net, mel), held_out[:60], past=PAST_COLUMNS, future=FUTURE_COLUMNS)
    shown = ("open_r_speech", "width_r_speech", "closure_precision", "closure_recall", "closure_events")
    return " ".join(f"{name} {figures[name]:.3f}" for name in shown)


def _overlay(out: NDArray[np.float32], source: NDArray[np.float16], start: int) -> None:
    """Columns `start`… of `source` into `out`, as far as there are any."""
    first, last = max(0, start), min(source.shape[1], start + out.shape[1])
    if last > first:
        out[:, first - start : last - start] = source[:, first:last]


def main() -> None:
    """Make, learn, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=35.0, help="wall time of the learning [min]")
    parser.add_argument("--steps", type=int, help="learn for so many steps instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speech-minutes", type=float, default=360.0, help="speech to make [min]")
    parser.add_argument("--speech-seconds", type=float, default=360.0, help="wall time for making it [s]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("src/relip/weights/nets/articulation.onnx"))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)
    print("making speech", flush=True)
    held_out = gather(asked.seed + 1000, minutes=10, held_out=True)
    heard = gather(asked.seed, minutes=asked.speech_minutes, held_out=False, seconds=asked.speech_seconds)
    net = Net()
    weights = sum(p.numel() for p in net.parameters())
    print(f"{weights} weights, {PAST_COLUMNS} columns back, {FUTURE_COLUMNS} ahead", flush=True)
    net, steps = train(net, Batches(heard, asked.seed), held_out, minutes=asked.minutes, steps=asked.steps)
    figures: dict[str, object] = {
        "seed": asked.seed,
        "steps": steps,
        "weights": weights,
        "speech_minutes": round(sum(e.mel.shape[1] for e in heard) / 6000, 1),
        "held_out_voices": " ".join(HELD_OUT_VOICES),
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        "held_out": measure(lambda mel: predict(net, mel), held_out, past=PAST_COLUMNS, future=FUTURE_COLUMNS),
        "scale": scale(lambda mel: predict(net, mel), held_out, past=PAST_COLUMNS, future=FUTURE_COLUMNS),
    }
    export(net, asked.out, figures=figures)
    asked.out.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
