"""Builds the face nets into the model cache: fetch, convert, check, store. Idempotent; safe to run twice at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from relip.weights import cache, face_nets, wheel

Report = Callable[[str, int, int], None]
"""Called with what is being done, steps done and steps in all."""


def build(folder: Path | None = None, report: Report | None = None) -> Path:
    """Have every face net in `folder` (the user's cache by default); returns it.

    Does nothing when they are there and whole. Raises ResourceError when the originals cannot be had, the cache cannot
    be written or the extra `models` is not installed.
    """
    folder = folder or cache.directory()
    say = report or (lambda _text, _done, _total: None)
    steps = len(cache.NETS) + 2
    if cache.complete(folder):
        say(f"face nets are in {folder}", steps, steps)
        return folder
    say("fetching the mediapipe 0.10.21 wheel (36 MB)", 0, steps)
    originals = wheel.originals()
    say("converting the face detector", 1, steps)
    nets = {cache.FACE_DETECTOR: face_nets.face_detector(originals[wheel.FACE_DETECTOR])}
    say("converting the face mesh", 2, steps)
    nets[cache.FACE_MESH] = face_nets.face_mesh(originals[wheel.FACE_MESH])
    say(f"storing the face nets in {folder}", 3, steps)
    cache.store(folder, nets)
    say(f"face nets are in {folder}", steps, steps)
    return folder
