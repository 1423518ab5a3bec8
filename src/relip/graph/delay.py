"""The one latency of a service: how long a grain waits for the voice, and when it must leave.

Pure arithmetic. 25 fps gives 5 frames, 50 fps gives 9 (docs/decisions: constant latency).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from relip.essence.errors import FormatError
from relip.essence.tai import NS_PER_S

RENDER_NS = 28_000_000
"""Time between the last sample the voice net needs and the instant the grain leaves: what the graph has for its work."""
ARRIVAL_NS = 6_000_000
"""How long after its instant a sample is taken to be here: senders may batch a few packets of 1 ms, and a
scheduler needs a breath."""
PACKETS_NS = 2_000_000
"""Of that, what passes until the first copy of a packet is here; the second may follow by as much as the legs are apart."""


@dataclass(frozen=True, slots=True)
class Apart:
    """By how much the second leg of each flow may follow the first (ST 2022-7), nanoseconds; 0 where there is but one."""

    picture_ns: int = 0
    voice_ns: int = 0


@dataclass(frozen=True, slots=True)
class Delay:
    """`frames`: constant latency from the origin timestamp. `release_ns`: when, after it, the voice is all here."""

    frames: int
    latency_ns: int
    release_ns: int

    @property
    def ahead(self) -> int:
        """Grains after this one that are complete at its release, when senders are in time: fixed, so that ramps are too."""
        return max(0, (self.release_ns - ARRIVAL_NS) * self.frames // self.latency_ns - 1)


def delay_without_voice(rate: Fraction, frames: int, *, apart: Apart | None = None) -> Delay:
    """The latency of a service that waits for nothing but the frame itself, one of which is the least there can be.

    FormatError when what the first leg loses could not be waited for.
    """
    least = 1 + -(-(apart or Apart()).picture_ns * rate // NS_PER_S)
    if frames < least:
        raise FormatError(
            f"latency.frames={frames}: the second leg of the picture may follow later, so at least {least} frames"
        )
    return Delay(frames=frames, latency_ns=int(frames * Fraction(NS_PER_S) / rate), release_ns=0)


def delay_for(rate: Fraction, voice_ns: int, frames: int | None = None, *, apart: Apart | None = None) -> Delay:
    """Plan the latency for a rate.

    `voice_ns`: from the origin timestamp to the last audio sample the articulation of that grain needs.
    `frames`: the operator's own choice; FormatError when the voice could not be here in time.
    `apart`: what a loss on the first leg may be waited for.
    """
    apart = apart or Apart()
    period = Fraction(NS_PER_S) / rate
    need_ns = voice_ns + max(0, apart.voice_ns + PACKETS_NS - ARRIVAL_NS)
    if apart.picture_ns:
        need_ns = max(need_ns, int(period) + apart.picture_ns)
    release_ns = need_ns + ARRIVAL_NS
    least = -(-(need_ns + RENDER_NS) // period)
    if frames is None:
        frames = int(least)
    if frames < least:
        raise FormatError(f"latency.frames={frames}: the voice net needs {release_ns / 1e6:.0f} ms, so at least {least} frames")
    return Delay(frames=frames, latency_ns=int(frames * period), release_ns=release_ns)
