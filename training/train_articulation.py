"""Trains the articulation nets from a seed: makes the speech, learns, prints figures on the way, writes ONNX and JSON.

    python training/train_articulation.py --grid FOLDER --minutes 120 --teacher-minutes 240 --seed 1

FOLDER holds the clips of GRID talker s1 with their alignments; without it the nets learn from synthetic speech alone. First a
teacher that hears half a second to each side, where it is given time; then the student with 120 ms of look-ahead; from that one
those with 40 and 200 ms. The number of steps follows from the minutes and the machine's speed and is written down with the
figures; `--steps` repeats a run exactly with `--makers 0`. Everything runs to its end on two CPU cores; a GPU shortens it.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from corpus import HELD_OUT_VOICES, Example, gather, loudness_of
from export import export
from figures import follow, measure, scale
from losses import loss
from net import STUDENTS, TEACHER, Net, bounded
from numpy.typing import NDArray
from people import People, Seen
from recordings import Sentence, read, split
from stream import Batches, Orders
from torch import Tensor

BATCH, COLUMNS = 16, 320
NATURAL = 6
"""Stretches of people in a batch, once they take part."""
ALONE = 0.4
"""The share of a run that hears synthetic speech alone."""
PEAK_RATE = 2.5e-3
WARM_STEPS = 100
PROBE_STEPS = 20
"""Steps that tell how fast this machine is."""
MEMORY = 0.998
"""What the averaged net, which is the one that is kept, remembers of itself at each step."""
SHOW_S = 90


@dataclass(frozen=True, slots=True)
class Trial:
    """What nets are judged by: synthetic speech of voices, and sentences of a talker, that training does not hear."""

    synthetic: Sequence[Example]
    natural: Sequence[Sentence]


@dataclass(frozen=True, slots=True)
class Course:
    """How one net learns: for so many minutes or steps, at first without people for a share `alone` of them."""

    minutes: float
    steps: int | None = None
    alone: float = 0.0
    peak: float = PEAK_RATE
    device: str = "cpu"


class Learner:
    """One net, its average, and the optimiser."""

    def __init__(self, net: Net, batches: Batches, course: Course, teacher: Net | None) -> None:
        self.net, self.average = net.to(course.device), copy.deepcopy(net).to(course.device)
        self._batches, self._course, self._teacher = batches, course, teacher
        self._optimiser = torch.optim.AdamW(net.parameters(), lr=course.peak, weight_decay=0.01)
        plans = [net.plan] if teacher is None else [net.plan, teacher.plan]
        self._past, self._future = max(p.past for p in plans), max(p.future for p in plans)

    def step(self, index: int, total: int) -> float:
        """One batch; returns the loss."""
        done = min(1.0, index / total)
        for group in self._optimiser.param_groups:
            group["lr"] = _rate(index, total) * self._course.peak
        natural = NATURAL if len(self._batches.natural) and done >= self._course.alone else 0
        drawn = self._batches.draw(BATCH, COLUMNS, self._past, self._future, natural)
        mel, targets = (torch.from_numpy(x).to(self._course.device) for x in drawn)
        self.net.train()
        self._optimiser.zero_grad()
        taught = None
        if self._teacher is not None:
            with torch.no_grad():
                taught = self._teacher(self._cut(mel, self._teacher))
        value = loss(self.net(self._cut(mel, self.net)), targets, taught)
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self._optimiser.step()
        _remember(self.average, self.net, min(MEMORY, (index + 1) / (index + 10)))
        return float(value.detach())

    def _cut(self, mel: Tensor, net: Net) -> Tensor:
        """The columns that this net needs for the same targets."""
        return mel[:, :, self._past - net.plan.past : mel.shape[2] - (self._future - net.plan.future)]


def train(learner: Learner, course: Course, show: Callable[[Net], str], halfway: Callable[[Net], None]) -> tuple[Net, int]:
    """The averaged net, and how many steps it took. `halfway` sees it just before people take part."""
    begun = shown = time.monotonic()
    step, total, alone = 0, course.steps or 4000, course.alone > 0
    while step < total:
        value = learner.step(step, total)
        step += 1
        now = time.monotonic()
        if not course.steps and (step == PROBE_STEPS or step % 250 == 0):
            total = max(PROBE_STEPS + 1, step + int((course.minutes * 60 - (now - begun)) * step / (now - begun)))
            if step == PROBE_STEPS:
                print(f"{(now - begun) / PROBE_STEPS:.2f} s a step: {total} steps", flush=True)
        if alone and step >= course.alone * total:
            alone = False
            halfway(learner.average)
        if now - shown > SHOW_S or step >= total:
            shown = now
            print(f"{step}/{total} {now - begun:5.0f} s loss {value:.3f} {show(learner.average)}", flush=True)
    return learner.average.cpu().eval(), step


def _rate(step: int, total: int) -> float:
    """Up over the first steps, then down along a cosine."""
    done = min(1.0, step / total)
    return min(1.0, (step + 1) / WARM_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


@torch.no_grad()
def _remember(average: Net, net: Net, memory: float) -> None:
    for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1.0 - memory)
        else:
            kept.copy_(new)


@torch.no_grad()
def predict(net: Net, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """(80, past + n + future) → (9, n), shapes in 0..1 and decisions as logits."""
    net.eval()
    device = next(net.parameters()).device
    return bounded(net(torch.from_numpy(mel[None]).to(device)))[0].cpu().numpy()


def judge(net: Net, trial: Trial) -> dict[str, object]:
    """All figures of a net."""

    def ask(mel: NDArray[np.float32]) -> NDArray[np.float32]:
        return predict(net, mel)

    figures: dict[str, object] = {"held_out": measure(ask, trial.synthetic, past=net.plan.past, future=net.plan.future)}
    for name, shift in (("talker", 1.0), ("talker_lower", 0.84), ("talker_higher", 1.2)):
        if trial.natural:
            figures[name] = follow(ask, trial.natural, shift, past=net.plan.past, future=net.plan.future)
    return figures


def _line(net: Net, trial: Trial) -> str:
    figures = judge(net, Trial(trial.synthetic[:40], trial.natural[::5]))
    return json.dumps(figures)


def _listen(asked: argparse.Namespace) -> tuple[Orders, Trial]:
    """Measure the talker, learn the talker's habits, and lay down what nets will be judged by."""
    habits, heard, held = None, [], []
    if asked.grid:
        learned, kept_out = split(asked.grid, asked.development)
        heard, held = list(read(learned, asked.keep)), list(read(kept_out, asked.keep))
        people = People(asked.seed)
        people.fit([Seen(s.phones, loudness_of(s.samples), s.mouth) for s in heard])
        habits = people.ask
        print(f"{len(heard)} sentences of the talker, {len(held)} held out", flush=True)
    trial = Trial(gather(asked.seed + 1000, minutes=10, held_out=True, habits=habits), held)
    return Orders(habits, heard, natural_share=0.25), trial


def _write(net: Net, path: Path, trial: Trial, made: dict[str, object]) -> None:
    """The ONNX file with its figures beside it."""
    ranges = scale(lambda mel: predict(net, mel), trial.synthetic, trial.natural, past=net.plan.past, future=net.plan.future)
    figures = {**made, "weights": sum(p.numel() for p in net.parameters()), **judge(net, trial), "scale": ranges}
    export(net, path, scale=ranges, figures=figures)
    path.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n")
    print(path, json.dumps(figures, indent=2), flush=True)


def _name(look_ahead: int) -> str:
    return "articulation.onnx" if look_ahead == 120 else f"articulation-{look_ahead}.onnx"


def _lessons(asked: argparse.Namespace, batches: Batches, trial: Trial) -> None:
    """Teacher, the 120 ms student, and from it the others."""
    made: dict[str, object] = {
        "seed": asked.seed,
        "held_out_voices": " ".join(HELD_OUT_VOICES),
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
    }
    teacher: Net | None = None

    def show(net: Net) -> str:
        return _line(net, trial)

    if asked.teacher_minutes:
        course = Course(asked.teacher_minutes, alone=ALONE, peak=1.2e-3, device=asked.device)
        teacher, made["teacher_steps"] = train(Learner(Net(TEACHER), batches, course, None), course, show, lambda _: None)
        made["teacher"] = judge(teacher, trial)
        teacher.to(asked.device)
    apart: dict[str, object] = {}
    student = Net(STUDENTS[120])
    course = Course(asked.minutes, asked.steps, ALONE if asked.grid else 0.0, device=asked.device)
    if asked.start:
        student.load_state_dict(torch.load(asked.start, weights_only=True))
        course = replace(course, alone=0.0, peak=0.5 * PEAK_RATE)
    learner = Learner(student, batches, course, teacher)
    first, steps = train(learner, course, show, lambda net: apart.update(judge(net, trial)))
    told = {"steps": steps, "synthetic_alone": apart} | _hours(batches)
    _write(first, asked.out / _name(120), trial, made | told)
    torch.save(first.state_dict(), asked.keep / "articulation.pt")
    for look_ahead in (40, 200):
        course = Course(asked.variant_minutes, asked.variant_steps, peak=0.5 * PEAK_RATE, device=asked.device)
        net = Net(STUDENTS[look_ahead])
        net.load_state_dict(first.state_dict())
        net, steps = train(Learner(net, batches, course, teacher), course, show, lambda _: None)
        _write(net, asked.out / _name(look_ahead), trial, made | {"steps_from_120": steps} | _hours(batches))


def _hours(batches: Batches) -> dict[str, object]:
    return {
        "speech_hours": round(batches.synthetic.heard / 360_000, 1),
        "renditions_of_people_hours": round(batches.natural.heard / 360_000, 1),
    }


def main() -> None:
    """Make, learn, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=Path, help="folder with the clips and alignments of GRID talker s1")
    parser.add_argument("--development", type=Path, help="folder whose clips are held out as well")
    parser.add_argument("--keep", type=Path, default=Path("build/training"), help="folder for measured mouths and weights")
    parser.add_argument("--minutes", type=float, default=120.0, help="wall time for the 120 ms net [min]")
    parser.add_argument("--teacher-minutes", type=float, default=0.0, help="wall time for a teacher, 0 for none [min]")
    parser.add_argument("--variant-minutes", type=float, default=30.0, help="wall time for each of the other two [min]")
    parser.add_argument("--start", type=Path, help="weights of a 120 ms net to go on from: KEEP/articulation.pt of another run")
    parser.add_argument("--steps", type=int, help="learn for so many steps instead")
    parser.add_argument("--variant-steps", type=int, help="the same for the other two")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first-minutes", type=float, default=90.0, help="speech to make before learning begins [min]")
    parser.add_argument("--pool-hours", type=float, default=12.0, help="speech kept in memory: 60 MB an hour [h]")
    parser.add_argument("--makers", type=int, default=1, help="processes that make speech meanwhile")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--out", type=Path, default=Path("src/relip/weights/nets"))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)
    asked.keep.mkdir(parents=True, exist_ok=True)
    orders, trial = _listen(asked)
    batches = Batches(asked.seed, orders, hours=asked.pool_hours)
    batches.fill(asked.first_minutes)
    batches.employ(asked.makers)
    try:
        _lessons(asked, batches, trial)
    finally:
        batches.dismiss()


if __name__ == "__main__":
    main()
