"""`relip serve`: the product. Configuration in, service run, exit code out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from relip.config import load
from relip.service import logs

SWITCH_S = 0.001
"""A thread that waits for the interpreter gets it after this long: at the usual 5 ms, four busy threads delay a fifth by a
frame's slack."""


def run(config_path: Path, *, log_json: bool, bypass: bool) -> None:
    """Run the service a configuration describes until a signal. Raises FormatError, ResourceError."""
    log = logs.configure(as_json=log_json)
    os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "ERROR")
    sys.setswitchinterval(SWITCH_S)
    config = load(config_path)
    if bypass:
        config = config.model_copy(update={"lip_sync": config.lip_sync.model_copy(update={"bypass": True})})
    from relip.service.compose.service import service  # noqa: PLC0415  after the check: a wrong key should not wait for the nets
    from relip.service.lifecycle import Lifecycle  # noqa: PLC0415

    Lifecycle(service(config), log, config.report).run()
