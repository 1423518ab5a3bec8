"""Which leg of a flow has gone, which is back and which loses packets, for the log: at most a line a look for each.

A leg is gone when its socket fails, or when it is silent while the other leg brings packets.
"""

from __future__ import annotations

from collections.abc import Sequence

from relip.peers.report import LegReport, SentLegReport
from relip.service.logs import Log

SILENT = "silent while the other leg brings packets"


class LegLog:
    """Remembers what was told of each leg."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._told: dict[tuple[str, str], str] = {}
        self._seen: dict[tuple[str, str], LegReport] = {}

    def look(self, flow: str, legs: Sequence[LegReport]) -> None:
        """Tell what has changed of a flow that is received since the last look."""
        before = [self._seen.get((flow, leg.leg), LegReport(leg=leg.leg)) for leg in legs]
        grown = [leg.received - then.received for leg, then in zip(legs, before, strict=True)]
        for leg, then, packets in zip(legs, before, grown, strict=True):
            self._seen[flow, leg.leg] = leg
            gone = leg.fault or (SILENT if max(grown) > 0 and not packets else "")
            self._tell(flow, leg.leg, gone)
            if leg.lost > then.lost and not gone:  # of a leg that is gone everything is lost, and that was told
                self._log.warning("leg", flow=flow, leg=leg.leg, lost=leg.lost - then.lost)

    def look_out(self, flow: str, legs: Sequence[SentLegReport]) -> None:
        """The same of a flow that is sent."""
        for leg in legs:
            self._tell(flow, leg.leg, leg.fault or "")

    def _tell(self, flow: str, leg: str, gone: str) -> None:
        before = self._told.get((flow, leg), "")
        if gone == before:
            return
        self._told[flow, leg] = gone
        if gone:
            self._log.warning("leg", flow=flow, leg=leg, gone=gone)
        else:
            self._log.info("leg", flow=flow, leg=leg, back=True)
