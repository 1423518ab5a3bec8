"""What the fail-safe ladder notices and what it takes for something that it is not: false alarms, covered mouths, time.

    python benchmarks/bench_ladder.py CLIP presenter ... [--format 720x576] [--covered 8] [--seed 1] [--json PATH]

Every clip is looked at as it is (`presenter` is the demo's): each refusal and each limit is a false alarm then, if the
clips show people who face the camera. Into the first `--covered` clips a hand, a microphone, a sheet of paper and a cup are
drawn, each with a size, a way, a speed and a colour from the seed; the product's own nets look at the result. A mouth
counts as covered from a third of the lips on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon

from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes, VideoGrain
from relip.essence.scene import Face, Region, Sighting
from relip.essence.tai import Tai
from relip.face.tracker import FaceTracker
from relip.graph.ladder import Ladder, Rung, Standing
from relip.graph.stages import OcclusionStage
from relip.graph.take import Pulse, Take
from relip.inference.onnx import OnnxModel
from relip.mouth.landmarks import OUTER
from relip.mouth.occlusion import Occlusion
from relip.offline.container import VideoReader
from relip.peers.presenter import present
from relip.signals import occluders
from relip.weights import cache

DEVICE = HostDevice()
FRAME_TICKS = 3600
SHAPES = (occluders.hand, occluders.microphone, occluders.paper, occluders.cup)
PRESENTER = Path("presenter")
COVERED = 1 / 3
IN_TIME_FRAMES = 2
FIRST = 20
"""Frame in which a thing begins to come."""
STAYS = 15
FAR = 3.4
"""IOD from the mouth at which a thing begins its way."""

Frame = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Look:
    """What was made of one frame: the face, if one was tracked, the sighting, the standing, and time of the occlusion test."""

    face: Face | None
    sighting: Sighting
    standing: Standing
    spent_ms: float

    @property
    def refused(self) -> bool:
        """Whether there is a reason to leave the frame alone."""
        return self.sighting.absent is not None

    @property
    def limited(self) -> bool:
        """Whether there is one to draw at most the lips."""
        return self.refused or self.sighting.limit is not None


@dataclass(frozen=True, slots=True)
class Way:
    """How a thing comes and goes: `frames` on its way, from `direction` (radians), to `aside` (IOD) of the mouth."""

    shape: occluders.Shape
    frames: int
    direction: float
    aside: tuple[float, float]
    size: float
    turned: float
    tint: tuple[float, float, float]

    def place(self, index: int, face: Face) -> occluders.Place | None:
        """Where it is in a frame, None while it is not there."""
        times = (FIRST, FIRST + self.frames, FIRST + self.frames + STAYS, FIRST + 2 * self.frames + STAYS)
        left = float(np.interp(index, times, (1, 0, 0, 1)))
        if left == 1:
            return None
        way = FAR * left * np.array((np.cos(self.direction), np.sin(self.direction)))
        x, y = face.landmarks[[13, 14], :2].mean(axis=0) + (np.array(self.aside) + way) * face.iod
        return occluders.Place(float(x), float(y), self.size * face.iod, self.turned)


def ways(seed: int) -> Iterator[Way]:
    """Things without end, each kind in turn."""
    rng = np.random.default_rng(seed)
    while True:
        for shape in SHAPES:
            below = np.pi / 2 + rng.uniform(-0.7, 0.7)
            aside = rng.normal(0, 0.18, 2)
            yield Way(
                shape=shape,
                frames=int(rng.integers(4, 20)),
                direction=float(rng.uniform(0, 2 * np.pi) if shape is occluders.hand else below),
                aside=(float(aside[0]), float(aside[1] + (1.0 if shape is occluders.paper else 0.0))),
                size=float(rng.uniform(0.75, 1.25)),
                turned=float(rng.uniform(-40, 40)),
                tint=(float(rng.uniform(0.85, 1.1)), float(rng.normal(0, 4)), float(rng.normal(0, 4))),
            )


class Watcher:
    """Tracker, occlusion test and ladder of one flow, as the graph has them."""

    def __init__(self, nets: list[OnnxModel], form: VideoFormat) -> None:
        self._form = form
        self._tracker = FaceTracker(detector=nets[0], mesh=nets[1], device=DEVICE, format=form)
        self._occlusion = OcclusionStage(Occlusion())
        self._ladder = Ladder()

    def see(self, frame: Frame, index: int) -> Look:
        """Look at the next frame."""
        ticks = index * FRAME_TICKS
        grain = VideoGrain(ticks, self._form, frame, slot=0, arrived=Tai(0))
        take = Take(grain, Tai(0), Tai(0), sighting=self._tracker.see(frame, ticks))
        assert take.sighting is not None
        face, before = take.sighting.face, time.thread_time()
        self._occlusion.work(Pulse(arrived=take))
        spent_ms = (time.thread_time() - before) * 1e3
        return Look(face, take.sighting, self._ladder.stand(take.sighting, ticks), spent_ms)


def read(path: Path, form: VideoFormat) -> list[Frame]:
    """All frames of a clip, or three seconds of the demo's presenter."""
    if path == PRESENTER:
        reel = present(form, pack=DEVICE.pack, seconds=Fraction(3))
        return [reel.frame(k).copy() for k in range(75)]
    with VideoReader(path, format=form, pack=DEVICE.pack) as reader:
        return [frame.copy() for frame in reader]


def cover_lips(frame: Frame, way: Way, place: occluders.Place, face: Face) -> tuple[Frame, float]:
    """A frame with a thing before it, and how much of the lips that covers, 0..1."""
    height, width = frame.shape[0], frame.shape[1] // 5 * 2
    planes = Planes.of(width, height)
    DEVICE.unpack(frame, Region(0, 0, width, height), planes)
    cheeks = face.landmarks[[50, 280, 205, 425], :2].astype(int)
    skin = [float(np.median(plane[cheeks[:, 1], cheeks[:, 0] // step])) for plane, step in _planes(planes)]
    colour = (skin[0] * way.tint[0], skin[1] + way.tint[1], skin[2] + way.tint[2])
    drawn = occluders.lay(way.shape, place, planes, colour)
    out = np.empty_like(frame)
    DEVICE.pack(planes, out)
    lips = face.landmarks[OUTER, :2]
    rows, columns = polygon(lips[:, 1], lips[:, 0], drawn.shape)
    return out, float(drawn[rows, columns].mean())


def _planes(planes: Planes) -> tuple[tuple[NDArray[np.uint16], int], ...]:
    return (planes.y, 1), (planes.cb, 2), (planes.cr, 2)


@dataclass(slots=True)
class Event:
    """One thing before one face: for each frame the share of the lips it covers and what was made of it."""

    kind: str
    shares: list[float]
    looks: list[Look]

    @property
    def delay(self) -> int | None:
        """Frames from the first covered one to the first refusal; negative when it was seen coming; None without either."""
        covered = [i for i, share in enumerate(self.shares) if share >= COVERED]
        refused = [i for i, look in enumerate(self.looks) if look.refused and i >= FIRST]
        return refused[0] - covered[0] if covered and refused else None

    @property
    def flickers(self) -> bool:
        """Whether the mouth is given up more than once."""
        low = [look.standing.rung is Rung.NONE for look in self.looks[FIRST:]]
        return sum(b and not a for a, b in pairwise(low)) > 1


def watch(path: Path, nets: list[OnnxModel], form: VideoFormat, things: list[Way]) -> tuple[list[Look], list[Event]]:
    """A clip as it is, and with each of some things before it."""
    frames, watcher = read(path, form), Watcher(nets, form)
    clean = [watcher.see(frame, i) for i, frame in enumerate(frames)]
    events = []
    for way in things:
        watcher, event = Watcher(nets, form), Event(way.shape.__name__, [], [])
        for i, frame in enumerate(frames):
            face, share = clean[i].face, 0.0
            place = way.place(i, face) if face else None
            if face is not None and place is not None:
                frame, share = cover_lips(frame, way, place, face)  # noqa: PLW2901  the same frame with something in it
            event.shares.append(share)
            event.looks.append(watcher.see(frame, i))
        events.append(event)
    return clean, events


def alarms(looks: list[Look]) -> dict[str, object]:
    """What was refused or limited in clips in which nothing is wrong."""
    refused = Counter(str(look.sighting.absent) for look in looks if look.refused)
    limited = Counter(str(look.sighting.limit) for look in looks if look.limited and not look.refused)
    share = 100 * sum(refused.values()) / len(looks)
    return {"frames": len(looks), "refused": dict(refused), "limited": dict(limited), "refused_percent": round(share, 3)}


def detection(events: list[Event]) -> dict[str, object]:
    """How much of what is covered was refused."""
    pairs = [(share, look) for event in events for share, look in zip(event.shares, event.looks, strict=True)]
    covered = [look for share, look in pairs if share >= COVERED]
    touched = [look for share, look in pairs if 0 < share < COVERED]
    delays = [event.delay for event in events if max(event.shares) >= COVERED]
    return {
        "events": len(delays),
        "covered_frames": len(covered),
        "refused_percent": round(100 * np.mean([look.refused for look in covered]), 2),
        "touched_limited_percent": round(100 * np.mean([look.limited for look in touched]), 2) if touched else None,
        "in_time": sum(delay is not None and delay <= IN_TIME_FRAMES for delay in delays),
        "flicker": sum(event.flickers for event in events),
        "median_delay_frames": float(np.median([delay for delay in delays if delay is not None])),
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--format", default="720x576", help="raster the clips are brought to, at 25 frames a second")
    parser.add_argument("--covered", type=int, default=8, help="clips into which things are drawn (default 8)")
    parser.add_argument("--seed", type=int, default=1, help="of sizes, ways, speeds and colours (default 1)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.format.split("x"))
    form = VideoFormat(width, height, Fraction(25))
    nets = [OnnxModel(cache.locate(name)) for name in (cache.FACE_DETECTOR, cache.FACE_MESH)]
    things, looks, events = ways(arguments.seed), [], []
    for i, path in enumerate(arguments.clips):
        chosen = [next(things) for _ in SHAPES] if i < arguments.covered else []
        clean, covered = watch(path, nets, form, chosen)
        looks += clean
        events += covered
    kinds = [shape.__name__ for shape in SHAPES] if events else []
    figures = {
        "false alarms": alarms(looks),
        **{kind: detection([event for event in events if event.kind == kind]) for kind in kinds},
        "occlusion test, ms of CPU": {"p50": round(float(np.median([look.spent_ms for look in looks])), 3)},
    }
    for name, row in figures.items():
        print(f"{name}: " + "  ".join(f"{key} {value}" for key, value in row.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
