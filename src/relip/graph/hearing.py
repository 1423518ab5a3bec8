"""The way in of the voice: where its timestamps lie on our timeline, told as it comes, and then to whoever hears it.

Picture and voice meet by their timestamps. For senders that share no epoch they meet by arrival, if the engineer says so.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from relip.essence.grains import AudioBlock
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S, RTP_WRAP, VIDEO_CLOCK_HZ, Tai, tai_of_ticks
from relip.graph.timeline import Timeline
from relip.ports import Clock

TURN_NS = Fraction(RTP_WRAP * NS_PER_S, 8 * VIDEO_CLOCK_HZ)
"""1 h 39 min: the largest time that goes a whole number of times into the turns of both clocks, 8 and 15 times."""
ALIKE_NS = 250_000_000
"""Offsets that are a multiple of it to within this are of one clock: two clocks are by chance in one case of ten thousand."""
LATE_NS = 160_000_000
"""A locked voice is here within this: what four frames at 25 fps are for a picture."""
APART_NS = NS_PER_S
"""Timestamps of picture and voice that lie further apart than the same instants will not meet: no look-ahead is so long."""


def voice_timeline(packet_time: Fraction, *, delay_ns: int = 0, apart_ns: int = 0) -> Timeline:
    """The timeline of a voice: its grains are packets, of which a visit to the socket brings many.

    `apart_ns`: by how much the slower of two legs may follow.
    """
    rate = 1 / packet_time
    return Timeline(rate, late_periods=int(Fraction(LATE_NS + apart_ns, NS_PER_S) * rate), delay_ns=delay_ns)


class Hearing:
    """Belongs to the reception of the voice, whose newest packet of each visit has waited for nobody."""

    def __init__(self, timeline: Timeline, *, packet_samples: int, clock: Clock, put: Callable[[AudioBlock], object]) -> None:
        self._timeline = timeline
        self._packet_samples = packet_samples
        self._clock = clock
        self._put = put

    def hear(self, block: AudioBlock) -> None:
        """Take note of when the block's last packet came, and hand the block on."""
        newest = tai_of_ticks(block.end_sample - self._packet_samples, AUDIO_CLOCK_HZ)
        self._timeline.place(newest, self._clock.now())
        self._put(block)

    def arrival_shift(self, origin: Tai, local: Tai) -> int:
        """Samples from a grain's timestamp to the sound that was made at the same instant, whatever its timestamp says."""
        if not self._timeline.known:
            return 0
        return (local.since(origin) - self._timeline.offset_ns) * AUDIO_CLOCK_HZ // NS_PER_S


def turns_apart(picture: Timeline, voice: Timeline) -> int | None:
    """By how many turns the timestamps of a picture and a voice that share a clock were laid apart; None when they share none.

    32 bits at 90 kHz and at 48 kHz wrap at different times. Where a sender's clock is hours from TAI, each of its flows may be
    laid in another turn; how far apart is then a multiple of an eighth of the shorter turn, which chance does not make.
    """
    if not (picture.known and voice.known):
        return None
    apart_ns = (picture.offset_ns - picture.delay_ns) - (voice.offset_ns - voice.delay_ns)
    turns = round(apart_ns / TURN_NS)
    left_ns = abs(apart_ns - turns * TURN_NS)
    return turns if left_ns < (ALIKE_NS if turns else APART_NS) else None


def timestamp_shift(picture: Timeline, voice: Timeline) -> int:
    """Samples from a grain's timestamp to that of the sound made at the same instant, by a clock that the two share."""
    return round((turns_apart(picture, voice) or 0) * TURN_NS * AUDIO_CLOCK_HZ / NS_PER_S)


def together(picture: Timeline | None, voice: Timeline) -> int | None:
    """What is added to the voice's timestamps for it to leave beside its picture; None while no voice is known.

    A voice that shares the picture's clock follows that, to the nanosecond; another one, or one that is laid by arrival (no
    picture), its own.
    """
    if not voice.known:
        return None
    turns = None if picture is None else turns_apart(picture, voice)
    if picture is None or turns is None:
        return voice.offset_ns
    return picture.offset_ns - round(turns * TURN_NS)


def apart(picture: Timeline, voice: Timeline) -> str | None:
    """One sentence when picture and voice will not meet by their timestamps."""
    if not (picture.known and voice.known) or turns_apart(picture, voice) is not None:
        return None
    seconds = abs(picture.offset_ns - voice.offset_ns) // NS_PER_S
    return (
        f"timestamps of picture and voice are {seconds} s apart: they do not meet; voice.align: arrival would lay them together"
    )
