"""Packets from sources to watches: from the network for a time, a thread for each leg, or from a file to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relip.essence.errors import RelipError
from relip.ports import Chunk, PacketSource
from relip.probe import packets
from relip.probe.study import Watch

WAIT_NS = 20_000_000
CHUNK_PACKETS = 4096
MOST_WAITING = 1 << 18
"""More packets than a socket holds: so many are thrown away at the start, even where they come as fast as they are read."""
_TELL_S = 0.1


def warm() -> None:
    """Load the compiled loops, so that it is not done on the first packets' time: before a source is opened."""
    packets.of_video(Chunk.stamped(1), 0)


class LiveSource(PacketSource, Protocol):
    """A source whose packets come by themselves, and that says how many it had no room for."""

    @property
    def dropped(self) -> int:
        """Packets lost in front of it since it was opened."""
        ...


@dataclass(slots=True)
class Feed:
    """A watch and where its packets come from. `dropped`: what the source lost while it was listened to."""

    watch: Watch
    source: LiveSource
    dropped: int = 0


def listen(feeds: Sequence[Feed], seconds: float, *, stop: threading.Event, tell: Callable[[float], None]) -> None:
    """Listen to all feeds at once for so long, or until `stop` is set; `tell` is given the seconds that passed, first of all 0.

    What waits in the sources already is thrown away: it came before somebody listened, and may have gaps. Raises
    ResourceError when a source is gone.
    """
    done = threading.Event()
    failed: list[RelipError] = []
    ready = threading.Semaphore(0)
    threads = [threading.Thread(target=_drain, args=(feed, ready, done, failed), daemon=True) for feed in feeds]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    begin = time.monotonic()
    tell(0.0)
    while (passed := time.monotonic() - begin) < seconds and not failed and not stop.wait(min(_TELL_S, seconds - passed)):
        tell(passed)
    done.set()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _drain(feed: Feed, ready: threading.Semaphore, done: threading.Event, failed: list[RelipError]) -> None:
    """One feed's thread. What came before the end is taken, though it be read after it."""
    chunk = Chunk.stamped(CHUNK_PACKETS)
    try:
        waited = 0
        while waited < MOST_WAITING and feed.source.receive(chunk, 0) == CHUNK_PACKETS:
            waited += CHUNK_PACKETS
        before = feed.source.dropped
        ready.release()
        while not done.is_set():
            if feed.source.receive(chunk, WAIT_NS):
                feed.watch.take(chunk)
        count = CHUNK_PACKETS
        while count == CHUNK_PACKETS:
            count = feed.source.receive(chunk, 0)
            feed.watch.take(chunk)
        feed.dropped = feed.source.dropped - before
    except RelipError as cause:
        failed.append(cause)
        ready.release()


def replay(watch: Watch, source: PacketSource, *, tell: Callable[[int], None]) -> None:
    """Take everything that a source of a file has; `tell` is given the packets taken."""
    chunk = Chunk.stamped(CHUNK_PACKETS)
    taken = 0
    while count := source.receive(chunk, 0):
        watch.take(chunk)
        taken += count
        tell(taken)
