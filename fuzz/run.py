"""Throws mutated and random inputs at the parsers of everything that comes from outside.

    python fuzz/run.py                          every target, 10 seconds each
    python fuzz/run.py video sdp --seconds 600  some of them, longer
    python fuzz/run.py sdp --guided             by libFuzzer, which looks for new paths (fuzz/requirements.txt)
    python fuzz/run.py video --replay FILE      an input that was found

A target is a module of `fuzz/targets`; the first line of its docstring is what must hold whatever the input is. The same seed
gives the same inputs. What breaks a target is written to `fuzz/found`, and the process ends with 1 (or dies where memory was
left). Compiled code runs with its bounds checked, from a cache of its own.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType

HERE = Path(__file__).parent
FOUND = HERE / "found"
os.environ.setdefault("NUMBA_BOUNDSCHECK", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(HERE / ".numba"))
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from mutation import MOST_OCTETS, mutated, mutated_records  # noqa: E402  the folder of this file is no package

RANDOM_SHARE = 0.05
"""Of inputs that are mere noise."""


def targets() -> list[str]:
    """The names of all targets."""
    return sorted(path.stem for path in (HERE / "targets").glob("*.py"))


def load(name: str) -> ModuleType:
    """The module of a target."""
    return importlib.import_module(f"targets.{name}")


def mutation_of(target: ModuleType) -> Callable[[bytes, Random], bytes]:
    """How inputs of a target are changed."""
    return mutated_records if getattr(target, "FRAMED", False) else mutated


def fuzz(name: str, *, seed: int, seconds: float | None, runs: int | None) -> int:
    """Try a target for so long or so often; how many inputs it took. An input that breaks it is kept, and its error raised."""
    target, random = load(name), Random(f"{name} {seed}")
    change, seeds = mutation_of(target), target.seeds()
    for data in seeds:
        attempt(name, target.check, data)
    until = None if seconds is None else time.monotonic() + seconds
    tried = len(seeds)
    while tried != runs and (until is None or time.monotonic() < until):
        noise = random.random() < RANDOM_SHARE
        data = random.randbytes(random.randrange(300)) if noise else change(random.choice(seeds), random)
        attempt(name, target.check, data)
        tried += 1
    return tried


def attempt(name: str, check: Callable[[bytes], None], data: bytes) -> None:
    """One input. It lies in `found` while it is tried, where memory errors would end the process, only with RELIP_FUZZ_KEEP."""
    if os.environ.get("RELIP_FUZZ_KEEP"):
        keep(name, data, "last")
    try:
        check(data)
    except BaseException:
        print(f"{name}: broken by {keep(name, data)}", file=sys.stderr)
        raise


def keep(name: str, data: bytes, label: str | None = None) -> Path:
    """Write an input where `--replay` finds it."""
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{name}-{label or format(hash_of(data), '08x')}"
    path.write_bytes(data)
    return path


def hash_of(data: bytes) -> int:
    """A number for the name of a file."""
    import zlib  # noqa: PLC0415

    return zlib.crc32(data)


def compiled() -> list[str]:
    """The modules whose paths libFuzzer does not see: compiled code cannot be instrumented."""
    package = Path(importlib.import_module("relip").__file__ or "").parent
    holders = (path for path in sorted(package.rglob("*.py")) if "from numba import njit" in path.read_text("utf-8"))
    return [".".join(("relip", *path.relative_to(package).with_suffix("").parts)) for path in holders]


def guided(name: str, *, seed: int, seconds: float) -> None:
    """Hand a target to libFuzzer; it ends the process."""
    try:
        import atheris  # noqa: PLC0415  its own requirements: most who work on this never need it
    except ModuleNotFoundError:
        sys.exit("guided fuzzing needs atheris: pip install --require-hashes -r fuzz/requirements.txt")
    for module in compiled():
        importlib.import_module(module)
    with atheris.instrument_imports(include=["relip"]):
        target = load(name)
    corpus = FOUND / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(target.seeds()):
        (corpus / f"seed-{i}").write_bytes(data)
    change = mutation_of(target)
    options = [
        f"-max_total_time={seconds:.0f}",
        f"-seed={seed}",
        f"-max_len={MOST_OCTETS}",
        f"-artifact_prefix={FOUND}/{name}-",
    ]
    atheris.Setup(
        [name, *options, str(corpus)],
        target.check,
        custom_mutator=lambda data, size, number: change(data, Random(number))[:size],
    )
    atheris.Fuzz()


def main() -> None:
    """Read the command line and go."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(targets())}; by default all")
    options.add_argument("--seconds", type=float, default=10.0, help="for each target (default 10)")
    options.add_argument("--runs", type=int, help="so many inputs for each target instead: the same ones every time")
    options.add_argument("--seed", type=int, default=2110, help="of the mutations (default 2110)")
    options.add_argument("--guided", action="store_true", help="by libFuzzer, one target")
    options.add_argument("--replay", type=Path, metavar="FILE", help="try one input again")
    asked = options.parse_args()
    unknown = set(asked.targets) - set(targets())
    if unknown:
        options.error(f"no target {', '.join(sorted(unknown))}: there are {', '.join(targets())}")
    faulthandler.enable()
    names = asked.targets or targets()
    if asked.replay or asked.guided:
        if len(names) != 1:
            options.error("name one target")
        if asked.guided:
            guided(names[0], seed=asked.seed, seconds=asked.seconds)
        load(names[0]).check(asked.replay.read_bytes())
        return
    for name in names:
        begin = time.monotonic()
        tried = fuzz(name, seed=asked.seed, seconds=None if asked.runs else asked.seconds, runs=asked.runs)
        print(f"{name:12} {tried:8} inputs, {tried / (time.monotonic() - begin):6.0f} a second", flush=True)


if __name__ == "__main__":
    main()
