"""What a sender says of timestamps that it was given: TSMODE, TSDELAY and whose clock they are (ST 2110-10:2022 §8).

Three modes: SAMP, a timestamp is the instant at which the essence was sampled; PRES, timestamps are those of an input; NEW,
they were made by this sender, which is also meant when nothing is said. TSDELAY is how long after its timestamp a packet
is sent.
"""

from __future__ import annotations

from dataclasses import replace

from relip.wire.sdp_media import Sending

MAX_DELAY_US = 10_000_000
"""More is no delay that a live channel has."""


def declared_delay_us(source: Sending | None) -> int:
    """How long after its timestamps a sender says it sends; 0 where it says nothing, or what cannot be."""
    delay_us = 0 if source is None else source.tsdelay_us or 0
    return delay_us if delay_us <= MAX_DELAY_US else 0


def oddities(picture: Sending | None, voice: Sending | None, *, latency_us: int) -> list[str]:
    """What an engineer should know of the delays that two senders declare, a sentence each."""
    notes = [
        f"TSDELAY={said.tsdelay_us} of the {name} is passed over: no live channel has such a delay"
        for name, said in (("picture", picture), ("voice", voice))
        if said is not None and (said.tsdelay_us or 0) > MAX_DELAY_US
    ]
    later_us = declared_delay_us(voice) - declared_delay_us(picture)
    if later_us > latency_us // 2:
        notes.append(
            f"the voice comes {later_us // 1000} ms after its timestamps and the picture's latency is {latency_us // 1000} ms:"
            " it will be too late, unless latency.frames is raised or the picture comes later too"
        )
    return notes


def preserved(source: Sending | None, own: Sending, *, delay_us: int) -> Sending:
    """`own`, with the timestamps of a `source` passed on as they are; None when its sender says nothing.

    Sampling instants stay sampling instants, whoever passes them on; timestamps of any other making are preserved ones. What
    the source took before adds to `delay_us`, our own latency.
    """
    mode = "SAMP" if source is not None and source.tsmode == "SAMP" else "PRES"
    return replace(_of_its_clock(source, own), tsmode=mode, tsdelay_us=declared_delay_us(source) + delay_us)


def beside(source: Sending | None, other: Sending | None) -> Sending | None:
    """What a source says, with the delay of another one, beside which it leaves; None where both say nothing."""
    delay_us = declared_delay_us(other)
    if other is None or declared_delay_us(source) == delay_us:
        return source
    return replace(source or Sending(ts_refclk=None), tsdelay_us=delay_us)


def renewed(source: Sending | None, own: Sending) -> Sending:
    """`own`, with timestamps that are those of a `source` and a constant, made anew for the instant of sending.

    They count the source's clock still: a constant does not make another clock of it.
    """
    return replace(_of_its_clock(source, own), tsmode="NEW", tsdelay_us=None)


def _of_its_clock(source: Sending | None, own: Sending) -> Sending:
    """`own` with the source's reference and media clock; a source that does not name its reference leaves ours to stand."""
    if source is None:
        return own
    return replace(own, ts_refclk=source.ts_refclk or own.ts_refclk, media_clock_offset=source.media_clock_offset)
