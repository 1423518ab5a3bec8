"""From phone times to the mouth's movement: dominance-weighted blending (Cohen and Massaro 1993) with rules of our own.

Also: short vowels fall short of their target, loud ones open wider, lips that must meet do meet, silence is rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from phones import LABIODENTAL, Pose

COLUMN_S = 0.010
PARAMETERS = ("open", "width", "round", "closure", "labiodental", "teeth", "tongue", "speech")
REST = np.array([0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], np.float32)
UNDERSHOOT_S = 0.06
GATE_S = 0.035
"""How long lips take from the neighbour's opening to the closure, and back."""
PAUSE_S = 0.15
"""A gap between phones as long as this is silence; a shorter one is bridged."""
ONSET_S, READY_S, RELEASE_S = 0.26, 0.10, 0.16
"""How early the mouth leaves rest for the first phone of a phrase, how early it is ready for it, and how long it takes to come
to rest after the last."""
EARLY_S, LATE_S = 0.13, 0.04
"""Speech begins so long before its sound, since the mouth does, and ends so long after."""
LAG_S = 0.008
"""Lips are so much later than the phone times say."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A pose from `start` to `end`, in seconds of the recording."""

    pose: Pose
    start: float
    end: float


Habits = Callable[[list[Phone], NDArray[np.float32]], NDArray[np.float32]]
"""Phones and loudness → (2, columns) opening and width of somebody who was watched."""


def articulate(
    phones: list[Phone], columns: int, loudness: NDArray[np.float32], habits: Habits | None = None, *, share: float = 0.7
) -> NDArray[np.float32]:
    """The mouth over time.

    `loudness`: (columns,) decibels of the recording, at 100 Hz. `habits` has so large a `share` in opening and width, the rules
    the rest. Returns (8, columns) float32 in the order of PARAMETERS; column c is at c·10 ms.
    """
    out = np.repeat(REST[:, None], columns, axis=1)
    if not phones:
        return out
    times = np.arange(columns) * COLUMN_S
    watched = habits(phones, loudness) if habits else None
    for phrase in _phrases(phones):
        first = max(0, int((phrase[0].start - 0.3) / COLUMN_S))
        last = min(columns, int((phrase[-1].end + 0.3) / COLUMN_S))
        if last > first:
            piece = _blend(phrase, times[first:last], loudness[first:last], float(np.percentile(loudness, 90)))
            if watched is not None:
                piece[:2] += share * (watched[:, first:last] - piece[:2])
            _come_and_go(piece, phrase, times[first:last])
            _close(piece, phrase, times[first:last])
            out[:, first:last] = np.where(piece[7:8] >= out[7:8, first:last], piece, out[:, first:last])
    return out


def _phrases(phones: list[Phone]) -> list[list[Phone]]:
    phrases: list[list[Phone]] = [[phones[0]]]
    for phone in phones[1:]:
        if phone.start - phrases[-1][-1].end >= PAUSE_S:
            phrases.append([])
        phrases[-1].append(phone)
    return phrases


def _blend(phrase: list[Phone], times: NDArray[np.float64], loudness: NDArray[np.float32], loud: float) -> NDArray[np.float32]:
    times = times - LAG_S
    targets = np.array([_target(phone, loudness, times, loud) for phone in phrase])
    starts = np.array([p.start for p in phrase])[:, None]
    ends = np.array([p.end for p in phrase])[:, None]
    before, after = np.maximum(starts - times, 0.0), np.maximum(times - ends, 0.0)
    inside = np.minimum(times - starts, ends - times).clip(0.0)
    edge = 1.0 + 0.6 * np.minimum(inside / 0.03, 1.0)
    fall_jaw = np.exp(-((before / 0.065) + (after / 0.055))) * edge
    fall_lips = np.exp(-((before / 0.09) + (after / 0.06))) * edge
    hold_open = np.array([p.pose.hold_open for p in phrase])[:, None]
    hold_lips = np.array([p.pose.hold_lips for p in phrase])[:, None]
    jaw, lips = hold_open * fall_jaw, hold_lips * fall_lips
    out = np.zeros((len(PARAMETERS), times.size))
    out[0] = (jaw * targets[:, 0:1]).sum(0) / (jaw.sum(0) + 1e-6)
    for row, column in ((1, 1), (2, 2)):
        out[row] = (lips * targets[:, column : column + 1]).sum(0) / (lips.sum(0) + 1e-6)
    for row, column in ((5, 3), (6, 4)):
        out[row] = (fall_jaw * targets[:, column : column + 1]).sum(0) / (fall_jaw.sum(0) + 1e-6)
    return out


def _come_and_go(out: NDArray[np.float64], phrase: list[Phone], times: NDArray[np.float64]) -> None:
    """Out of rest before the first phone, back to it after the last."""
    start, end = phrase[0].start, phrase[-1].end
    active = _ramp(times, start - ONSET_S, start - READY_S) * _ramp(-times, -end - RELEASE_S, -end)
    out[[0, 2, 5, 6]] *= active
    out[1] = 0.5 + (out[1] - 0.5) * active
    out[7] = (times >= start - EARLY_S) & (times <= end + LATE_S)


def _target(phone: Phone, loudness: NDArray[np.float32], times: NDArray[np.float64], loud: float) -> list[float]:
    """Open, width, round, teeth and tongue of a phone as spoken: shortened by haste, scaled by voice."""
    pose, length = phone.pose, phone.end - phone.start
    opening = pose.open
    width, rounding = pose.width, pose.round
    if pose.vowel:
        within = (times >= phone.start) & (times <= phone.end)
        level = float(loudness[within].max()) if within.any() else loud
        reached = 1.0 - np.exp(-max(length, 0.02) / UNDERSHOOT_S)
        effort = float(np.clip(1.0 + (level - loud) / 28.0, 0.45, 1.15))
        opening = (0.25 + (opening - 0.25) * reached) * effort
        width = 0.5 + (width - 0.5) * (0.4 + 0.6 * reached)
        rounding = rounding * (0.4 + 0.6 * reached)
    return [opening, width, rounding, pose.teeth, pose.tongue]


def _close(out: NDArray[np.float64], phrase: list[Phone], times: NDArray[np.float64]) -> None:
    """Lips meet through a nasal and through a stop until it bursts; for f and v the lower lip goes up to the teeth."""
    for phone in phrase:
        if not (phone.pose.closure or phone.pose.labiodental):
            continue
        length = phone.end - phone.start
        end = phone.start + length * (0.72 if phone.pose.stop else 0.95)
        start = min(phone.start + 0.01, end - 0.03)
        gate = _ramp(times, start - GATE_S, start) * _ramp(-times, -end - GATE_S, -end)
        if phone.pose.closure:
            out[0] *= 1.0 - gate
            out[5] *= 1.0 - gate
            out[6] *= 1.0 - gate
            out[3] = np.maximum(out[3], (times >= start - 0.005) & (times <= end + 0.005))
        else:
            out[0] = out[0] * (1.0 - gate) + LABIODENTAL.open * gate
            out[4] = np.maximum(out[4], (times >= start - 0.005) & (times <= end + 0.005))


def _ramp(times: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """0 until `start`, 1 from `end` on, a half cosine between."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((times - start) / (end - start), 0.0, 1.0))
