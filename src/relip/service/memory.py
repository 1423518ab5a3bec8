"""What long-running commands do once everything is loaded, so that memory costs no time afterwards."""

from __future__ import annotations

import gc
import os
from pathlib import Path


def freeze() -> None:
    """Keep the collector away from what was loaded: a full collection over it would hold every thread for several frames."""
    gc.collect()
    gc.freeze()


def resident_octets() -> int:
    """What this process has in memory, by the kernel's account (proc(5), field 2 of statm)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
