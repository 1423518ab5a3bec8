"""When the next packets of a burst may leave, and what the network makes of those that left: integers in, integers out.

Two rules decide. Packet i of n is due at `start + i·span/n`; and packets that left together hold back those after them until
the network model has drained them (ST 2110-21 §6.6.1), whatever happened before: a stall is caught up at the pace of the
drain and never in a burst. Nothing here reads a clock or waits; `datagrams` does, with the instants that it sees.

    Cinst never exceeds twice a group. A group leaves at some instant between the look at the clock before its send and the
    send's return; the next one is sent after that return, and so many drains after that look. A stall in the midst of a send
    can thus bring two groups together, and no third.
"""

from __future__ import annotations

from enum import IntEnum
from fractions import Fraction

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.ports import Measured, Schedule


class Plan(IntEnum):
    """A `Schedule` as a column of integers. `DRAIN`, `READ`: packets a nanosecond, as numerator and denominator."""

    SPAN = 0
    TOGETHER = 1
    HOLD = 2
    HOLD_OVER = 3
    SPIN = 4
    DRAIN = 5
    DRAIN_OVER = 6
    READ = 7
    READ_OVER = 8
    AHEAD = 9


class State(IntEnum):
    """What is remembered from burst to burst: when the next packet may leave, and the bucket of the network model."""

    FREE_NS = 0
    ORIGIN_NS = 1
    DRAINED = 2
    LEVEL = 3


NEVER_NS = 1 << 62
EMPTY = -1
"""The level before the first packet, which is the one that does not count."""


def plan_of(schedule: Schedule) -> NDArray[np.int64]:
    """The schedule as the loop reads it, (len(Plan),)."""
    drain, read = (1 / interval if interval else Fraction(0) for interval in (schedule.drain_ns, schedule.read_ns))
    values = {
        Plan.SPAN: schedule.span_ns,
        Plan.TOGETHER: schedule.together,
        Plan.HOLD: schedule.hold_ns.numerator,
        Plan.HOLD_OVER: schedule.hold_ns.denominator,
        Plan.SPIN: schedule.spin_ns,
        Plan.DRAIN: drain.numerator,
        Plan.DRAIN_OVER: drain.denominator,
        Plan.READ: read.numerator,
        Plan.READ_OVER: read.denominator,
        Plan.AHEAD: schedule.ahead_ns,
    }
    return np.array([values[field] for field in Plan], np.int64)


def fresh_state() -> NDArray[np.int64]:
    """A sink that has sent nothing, (len(State),)."""
    state = np.zeros(len(State), np.int64)
    state[State.LEVEL] = EMPTY
    return state


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def due(plan: NDArray[np.int64], state: NDArray[np.int64], start_ns: int, packet: int, packets: int) -> tuple[int, int]:
    """When packet `packet` of a burst that starts at `start_ns` may leave, and for how long before it the clock is looked at.

    What is behind its schedule is not slept for: a sleep takes longer than was asked, and it would never catch up.
    """
    scheduled, free = start_ns + plan[Plan.SPAN] * packet // packets, state[State.FREE_NS]
    return (free, NEVER_NS) if free > scheduled else (scheduled, plan[Plan.SPIN])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def hold(plan: NDArray[np.int64], state: NDArray[np.int64], before_ns: int, count: int) -> None:
    """`count` packets leave together, from the instant `before_ns` on: hold those after them back."""
    over = plan[Plan.HOLD_OVER]
    state[State.FREE_NS] = before_ns + (plan[Plan.HOLD] * count + over - 1) // over


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def measure(  # noqa: PLR0917  columns: see `datagrams`
    plan: NDArray[np.int64], state: NDArray[np.int64], measured: NDArray[np.int64], start_ns: int, at_ns: int, count: int
) -> None:
    """Add `count` packets that had left at `at_ns` to a burst's figures, by the arithmetic of `wire.st2110_21`."""
    if measured[Measured.PACKETS] == 0:
        measured[Measured.FIRST_NS] = at_ns - start_ns
        measured[Measured.VRX_LEAST] = np.iinfo(np.int64).max
        measured[Measured.VRX_MOST] = np.iinfo(np.int64).min
    level = max(0, state[State.LEVEL] + 1 - _drained(plan, state, at_ns)) + count - 1
    state[State.LEVEL] = level
    since = at_ns - start_ns - plan[Plan.AHEAD]
    waiting = measured[Measured.PACKETS] - (since * plan[Plan.READ] // plan[Plan.READ_OVER] + 1)
    measured[Measured.PACKETS] += count
    measured[Measured.LAST_NS] = at_ns - start_ns
    measured[Measured.CINST] = max(measured[Measured.CINST], level)
    measured[Measured.VRX_LEAST] = min(measured[Measured.VRX_LEAST], waiting + 1)
    measured[Measured.VRX_MOST] = max(measured[Measured.VRX_MOST], waiting + count)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _drained(plan: NDArray[np.int64], state: NDArray[np.int64], at_ns: int) -> int:
    """Instants of the drain since the last call. The origin moves on by whole cycles, so that no product overflows."""
    if state[State.LEVEL] < 0:
        state[State.ORIGIN_NS] = at_ns
        state[State.DRAINED] = 0
    cycles = (at_ns - state[State.ORIGIN_NS]) // plan[Plan.DRAIN_OVER]
    state[State.ORIGIN_NS] += cycles * plan[Plan.DRAIN_OVER]
    state[State.DRAINED] -= cycles * plan[Plan.DRAIN]
    drained = (at_ns - state[State.ORIGIN_NS]) * plan[Plan.DRAIN] // plan[Plan.DRAIN_OVER]
    instants: int = drained - state[State.DRAINED]
    state[State.DRAINED] = drained
    return instants
