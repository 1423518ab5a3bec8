"""Packets from sources to watches: from the network for a time, a thread for each leg, or from a file to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relip.essence.errors import RelipError, ResourceError
from relip.ports import Chunk, PacketSource
from relip.probe.study import Watch

WAIT_NS = 20_000_000
CHUNK_PACKETS = 4096
_TELL_S = 0.1


@dataclass(frozen=True, slots=True)
class Feed:
    """A watch and where its packets come from."""

    watch: Watch
    source: PacketSource


def listen(feeds: Sequence[Feed], seconds: float, *, stop: threading.Event, tell: Callable[[float], None]) -> None:
    """Listen to all feeds at once for so long, or until `stop` is set; `tell` is given the seconds that passed.

    Raises ResourceError when a source is gone.
    """
    done = threading.Event()
    failed: list[RelipError] = []
    threads = [threading.Thread(target=_drain, args=(feed, done, failed), daemon=True) for feed in feeds]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds and not failed and not stop.wait(min(_TELL_S, seconds - passed)):
        tell(passed)
    done.set()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _drain(feed: Feed, done: threading.Event, failed: list[RelipError]) -> None:
    chunk = Chunk.stamped(CHUNK_PACKETS)
    try:
        while not done.is_set():
            if feed.source.receive(chunk, WAIT_NS):
                feed.watch.take(chunk)
    except ResourceError as cause:
        failed.append(cause)


def replay(feeds: Sequence[Feed], *, tell: Callable[[int], None]) -> None:
    """Take everything that the sources of a file have; `tell` is given the packets taken."""
    chunk = Chunk.stamped(CHUNK_PACKETS)
    taken = 0
    for feed in feeds:
        while count := feed.source.receive(chunk, 0):
            feed.watch.take(chunk)
            taken += count
            tell(taken)
