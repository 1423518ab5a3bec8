"""What long-running commands do once everything is loaded, so that memory costs no time afterwards."""

from __future__ import annotations

import gc


def freeze() -> None:
    """Keep the collector away from what was loaded: a full collection over it would hold every thread for several frames."""
    gc.collect()
    gc.freeze()
