"""A leg of ST 2110-30: packet time, the spread of its delays (EBU Tech 3337) and what it sounds like, by channel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relip.essence.formats import AudioFormat
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S
from relip.ports import Chunk
from relip.probe import legs
from relip.probe.legs import NS_PER_US, Own
from relip.probe.report import AudioFigures, DelayFactor, Level
from relip.wire import st2110_30

WINDOW_NS = NS_PER_S
"""Over which a delay factor is measured (EBU Tech 3337 §4)."""
WIDE_PACKETS = 17
"""Packet times by which a sender's packets may be late (AES67 §7.5)."""


LEVELS = (("A", 48, 8), ("B", 6, 8), ("C", 6, 64))
"""Conformance levels at 48 kHz: samples a packet and most channels (ST 2110-30 §7.2)."""


@dataclass(slots=True)
class Listening:
    """What is kept of the sound: the greatest sample and the power of each channel, and how many samples there were."""

    format: AudioFormat
    peak: NDArray[np.float64] = field(init=False)
    power: NDArray[np.float64] = field(init=False)
    samples: int = 0

    def __post_init__(self) -> None:
        self.peak, self.power = np.zeros(self.format.channels), np.zeros(self.format.channels)

    def hear(self, chunk: Chunk, payload_type: int) -> NDArray[np.bool_]:
        """Listen to a chunk; which of its packets hold whole samples of every channel, (n,)."""
        octets, lengths = chunk.octets[: chunk.count], chunk.lengths[: chunk.count]
        spans = st2110_30.parse(octets, lengths, format=self.format, payload_type=payload_type)
        if len(spans.samples):
            samples = spans.samples.astype(np.float64)
            self.peak = np.maximum(self.peak, np.abs(samples).max(axis=0))
            self.power += (samples**2).sum(axis=0)
            self.samples += len(samples)
        return spans.valid

    def levels(self) -> list[Level]:
        """Peak and root mean square of each channel."""
        mean = np.sqrt(self.power / max(self.samples, 1))
        return [Level(peak_dbfs=_decibel(p), rms_dbfs=_decibel(r)) for p, r in zip(self.peak, mean, strict=True)]


@dataclass(slots=True)
class AudioStudy:
    """The figures of a leg, and the delay factor of each second, ns, (s,)."""

    figures: AudioFigures
    factors: NDArray[np.int64]


def study(of: Own, heard: Listening, *, tai_utc_ns: int) -> AudioStudy | None:
    """Judge a leg; None of fewer than two packets."""
    if len(of.packets) < 2:
        return None
    samples = of.packets["data"].astype(np.int64) // heard.format.sample_octets
    usual = int(np.bincount(samples).argmax())
    following = np.diff(of.number) == 1
    breaks = following & (np.diff(of.ticks) != samples[:-1])
    packet_ns = usual * NS_PER_S // AUDIO_CLOCK_HZ
    ages = legs.ages(of, of.ticks, of.arrivals, clock_hz=AUDIO_CLOCK_HZ, tai_utc_ns=tai_utc_ns)
    factors = _factors(of.arrivals, ages) if of.timed else np.zeros(0, np.int64)
    sizes, counts = np.unique(samples, return_counts=True)
    figures = AudioFigures(
        packet_time_us=round(usual * 1e6 / AUDIO_CLOCK_HZ, 3),
        level=next((name for name, size, most in LEVELS if usual == size and heard.format.channels <= most), None),
        samples_per_packet={str(size): count for size, count in zip(sizes.tolist(), counts.tolist(), strict=True)},
        discontinuities=int(breaks.sum()),
        delay_factor=_delay_factor(factors, packet_ns),
        rtp_age_us=legs.spread(ages, unit=NS_PER_US) if of.timed else None,
        levels=heard.levels(),
    )
    return AudioStudy(figures, factors)


def _factors(arrivals: NDArray[np.int64], ages: NDArray[np.int64]) -> NDArray[np.int64]:
    """Greatest less least delay of each whole second, or of the time there is when that is shorter."""
    window = (arrivals - arrivals[0]) // WINDOW_NS
    if window[-1] > 0:
        ages, window = ages[window < window[-1]], window[window < window[-1]]
    windows, first = np.unique(window, return_index=True)
    assert len(windows), "there is a first packet"
    spread: NDArray[np.int64] = np.maximum.reduceat(ages, first) - np.minimum.reduceat(ages, first)
    return spread


def _delay_factor(factors: NDArray[np.int64], packet_ns: int) -> DelayFactor | None:
    if not len(factors):
        return None
    worst, wide = int(factors.max()), WIDE_PACKETS * packet_ns
    return DelayFactor(
        max_us=worst / NS_PER_US,
        mean_us=round(float(factors.mean()) / NS_PER_US, 3),
        narrow_us=packet_ns / NS_PER_US,
        wide_us=wide / NS_PER_US,
        verdict="narrow" if worst <= packet_ns else "wide" if worst <= wide else "beyond",
    )


def _decibel(value: float) -> float | None:
    return round(20 * float(np.log10(value)), 2) if value > 0 else None
