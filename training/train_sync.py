"""Trains the net behind `relip eval`'s own sync score: do a mouth's movement and a sound belong together.

    PYTHONPATH=src python training/train_sync.py FOLDER --held-out FOLDER [--keep FOLDER] [--steps 8000] [--seed 1]

FOLDER holds one talker's clips at 25 frames a second (GRID s1). Every second clip in order of their names is learned from,
less those that also lie in the folder of `--held-out` and one in fourteen of the rest, which nothing of Relip is trained on;
the net is judged by the latter. `--keep` has or gets the measured mouths. One thread; the loss is InfoNCE over
windows of the same and of other clips.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from relip.evaluation.speech import columns_of
from relip.evaluation.sync import COLUMNS_A_FRAME, FRAMES, SHIFTS, lips_of, sound_of, windows_of
from relip.offline.container import read_voice

EVERY = 14
"""One in so many of the clips is held out beside those that are named."""
SIZE = 48
"""Numbers of an embedding."""
CLIPS, WINDOWS = 16, 8
"""A batch: so many windows of so many clips."""
APART = 4
"""Frames between windows of one clip at least: nearer ones are nearly the same pair."""
TEMPERATURE = 0.07
OUT = Path("src/relip/weights/nets/sync.onnx")


@dataclass(frozen=True, slots=True)
class Example:
    """`lips`: (n, 2, 11). `sound`: (n, 80, 44). Window i of one goes with window i of the other."""

    lips: NDArray[np.float32]
    sound: NDArray[np.float32]


class Side(nn.Module):
    """Windows of `rows` tracks → embeddings of length 1. Two convolutions over time, then everything together."""

    def __init__(self, rows: int, columns: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(rows, 48, kernel, stride=stride)
        self.second = nn.Conv1d(48, 48, 3)
        left = (columns - kernel) // stride + 1 - 2
        self.last = nn.Linear(48 * left, SIZE)

    def forward(self, x: Tensor) -> Tensor:
        """(n, rows, columns) → (n, SIZE)."""
        x = torch.relu(self.second(torch.relu(self.first(x))))
        return functional.normalize(self.last(x.flatten(1)), dim=1)


class Net(nn.Module):
    """Both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.lips = Side(2, FRAMES, 3, 1)
        self.sound = Side(80, FRAMES * COLUMNS_A_FRAME, 5, 2)


def split(folder: Path, named: Path) -> tuple[list[Path], list[Path]]:
    """The clips to learn from, and those to judge by."""
    clips = sorted(folder.glob("*.mpg"))
    kept = {path.stem for path in named.glob("*.mpg")}
    others = [path for path in clips if path.stem not in kept]
    spare = set(others[::EVERY])
    return [path for path in clips[1::2] if path.stem not in kept and path not in spare], sorted(spare)


def read(path: Path, keep: Path | None) -> Example | None:
    """All windows of a clip; None where no mouth could be measured throughout."""
    mouth = _mouth(path, None if keep is None else keep / f"{path.stem}.npy")
    if not np.isfinite(mouth).all():
        return None
    columns = sound_of(columns_of(read_voice(path)))
    frames = min(len(mouth), columns.shape[1] // COLUMNS_A_FRAME)
    tracks = mouth[:frames].T.astype(np.float64)
    return Example(
        windows_of(lips_of(tracks[0], tracks[1]), FRAMES, 1),
        windows_of(columns[:, : frames * COLUMNS_A_FRAME], FRAMES * COLUMNS_A_FRAME, COLUMNS_A_FRAME),
    )


def _mouth(path: Path, saved: Path | None) -> NDArray[np.float32]:
    if saved is not None and saved.exists():
        return np.asarray(np.load(saved), np.float32)
    from mouths import openings  # noqa: PLC0415 -- needs the face engine, which an environment for training may lack

    mouth = openings(path)
    if saved is not None:
        saved.parent.mkdir(parents=True, exist_ok=True)
        np.save(saved, mouth)
    return mouth


def train(examples: Sequence[Example], *, steps: int, seed: int) -> Net:
    """Learn; the learning rate falls to nothing with the steps."""
    torch.manual_seed(seed)
    random, net = np.random.default_rng(seed), Net()
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.005, steps)
    begun = time.monotonic()
    for step in range(1, steps + 1):
        lips, sound = _batch(examples, random)
        likeness = net.lips(lips) @ net.sound(sound).T / TEMPERATURE
        right = torch.arange(len(likeness))
        loss = functional.cross_entropy(likeness, right) + functional.cross_entropy(likeness.T, right)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"{step}/{steps} {time.monotonic() - begun:5.0f} s loss {loss.item() / 2:.3f}", flush=True)
    return net.eval()


def _batch(examples: Sequence[Example], random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Pairs of windows; the mouths at a slightly other size and with a tremble, the sounds at another level and slope."""
    lips, sound = [], []
    for index in random.choice(len(examples), CLIPS, replace=False):
        example = examples[index]
        count = min(len(example.lips), len(example.sound))
        at = random.permutation(np.arange(int(random.integers(APART)), count, APART))[:WINDOWS]
        size = random.uniform(0.7, 1.3, (2, 1))
        mouth = example.lips[at] * size + random.normal(0, 0.05, (len(at), 2, FRAMES))
        slope = np.linspace(-1, 1, 80)[:, None] * random.normal(0, 0.15) + random.normal(0, 0.1)
        lips.append(mouth.astype(np.float32))
        sound.append((example.sound[at] + slope + random.normal(0, 0.1, example.sound[at].shape)).astype(np.float32))
    return torch.from_numpy(np.concatenate(lips)), torch.from_numpy(np.concatenate(sound))


@torch.no_grad()
def judge(net: Net, examples: Sequence[Example]) -> dict[str, float]:
    """The mean curve over held-out clips, and how many of them have its least distance within a frame of nought."""
    curves = []
    for example in examples:
        seen, heard = net.lips(torch.from_numpy(example.lips)).numpy(), net.sound(torch.from_numpy(example.sound)).numpy()
        count = min(len(seen), len(heard))
        at = np.arange(15, count - 15)
        curves.append([np.linalg.norm(seen[at] - heard[at + shift], axis=1).mean() for shift in SHIFTS])
    found = np.array(curves)
    mean, places = found.mean(axis=0), np.abs(found.argmin(axis=1) - len(SHIFTS) // 2)
    return {
        "clips": len(found),
        "d": round(float(mean.min()), 4),
        "c": round(float(np.median(mean) - mean.min()), 4),
        "offset_frames": SHIFTS[int(mean.argmin())],
        "within_a_frame": round(float((places <= 1).mean()), 4),
    }


def export(net: Net, path: Path, figures: dict[str, object]) -> None:
    """Write the net as ONNX: `lips` (n, 2, 11) and `mel` (n, 80, 44) → two sets of embeddings (n, SIZE)."""
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def add(kind: str, *inputs: str, output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(value: Tensor, name: str) -> str:
        weights.append(numpy_helper.from_array(value.detach().numpy().copy(), name))
        return name

    for name, side in (("lips", net.lips), ("mel", net.sound)):
        x = name
        for part, layer in (("a", side.first), ("b", side.second)):
            assert layer.bias is not None
            inputs = (x, constant(layer.weight, f"{name}.{part}.w"), constant(layer.bias, f"{name}.{part}.b"))
            x = add("Conv", *inputs, output=f"{name}.{part}", kernel_shape=[layer.kernel_size[0]], strides=[layer.stride[0]])
            x = add("Relu", x, output=f"{name}.{part}.relu")
        x = add("Flatten", x, output=f"{name}.flat", axis=1)
        inputs = (x, constant(side.last.weight, f"{name}.last.w"), constant(side.last.bias, f"{name}.last.b"))
        x = add("Gemm", *inputs, output=f"{name}.c", transB=1)
        add("LpNormalization", x, output=f"{name}_embedding", axis=1, p=2)
    ends = {"lips": [2, FRAMES], "mel": [80, FRAMES * COLUMNS_A_FRAME]}
    graph = helper.make_graph(
        nodes,
        "sync",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape]) for name, shape in ends.items()],
        [helper.make_tensor_value_info(f"{name}_embedding", TensorProto.FLOAT, ["n", SIZE]) for name in ends],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="relip training/train_sync.py")
    model.ir_version = 8
    helper.set_model_props(model, {"figures": json.dumps(figures), "licence": "Apache-2.0"})
    onnx.checker.check_model(model)
    _compare(net, model.SerializeToString())
    onnx.save(model, path)
    path.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


@torch.no_grad()
def _compare(net: Net, octets: bytes) -> None:
    """What is written must say what was trained."""
    random = np.random.default_rng(1)
    lips = random.standard_normal((3, 2, FRAMES)).astype(np.float32)
    sound = random.standard_normal((3, 80, FRAMES * COLUMNS_A_FRAME)).astype(np.float32)
    found = onnxruntime.InferenceSession(octets).run(None, {"lips": lips, "mel": sound})
    for out, wanted in zip(found, (net.lips(torch.from_numpy(lips)), net.sound(torch.from_numpy(sound))), strict=True):
        assert np.abs(out - wanted.numpy()).max() < 1e-5, "the exported net differs"


def main() -> None:
    """Read, learn, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--held-out", type=Path, required=True, help="folder of the clips that are held out by name")
    parser.add_argument("--keep", type=Path, help="folder for the measured mouths")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    learned, spare = split(asked.folder, asked.held_out)
    examples, kept = ([e for e in (read(path, asked.keep) for path in paths) if e is not None] for paths in (learned, spare))
    print(f"{len(examples)} clips to learn from, {len(kept)} to judge by", flush=True)
    net = train(examples, steps=asked.steps, seed=asked.seed)
    figures: dict[str, object] = {
        "clips": len(examples),
        "steps": asked.steps,
        "seed": asked.seed,
        "held_out": judge(net, kept),
    }
    print(json.dumps(figures, indent=1))
    export(net, asked.out, figures)


if __name__ == "__main__":
    main()
