"""The nets of one channel, whatever runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relip.articulation.net import ArticulationNet
from relip.ports import Model


def _nothing() -> None:
    """What nets in this process hold outside it."""


@dataclass(frozen=True, slots=True)
class Nets:
    """The nets, loaded; they remember nothing, so that several chains in turn may have them.

    `close` gives back what they hold outside the process; `notes` say where they run, if not here.
    """

    detector: Model
    mesh: Model
    articulation: ArticulationNet
    close: Callable[[], None] = _nothing
    notes: tuple[str, ...] = ()
