"""A running service among random, damaged, replayed and forged packets: nothing of them is seen, and each is counted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_hostile.py"
REFUSED = ("malformed", "other_type", "stranger", "misplaced", "interlaced", "duplicate", "late")


def test_every_frame_leaves_as_it_came_and_every_packet_is_counted_by_its_cause():
    done = subprocess.run(
        [sys.executable, str(BENCH), "--seconds", "3", "--rate", "6000"],
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["alive"], said["exit"]) == (True, 0)
    received, flows = said["received"], said["service"]["flows"]
    video, voice, ancillary = flows["video"], flows["voice"], flows["ancillary"]
    assert received["frames"] > 50
    assert (received["wrong"], received["wrong_rows"]) == (0, 0)
    assert sum(said["hostile"].values()) > 5000
    good = said["good"]["packets"]
    assert video["packets"] == good["video"] + said["hostile"]["video"]
    assert voice["packets"] == good["audio"] + said["hostile"]["voice"]
    assert ancillary["packets"] == good["anc"] + said["hostile"]["ancillary"]
    assert all(video[cause] for cause in REFUSED)
    taken = video["packets"] - sum(video[cause] for cause in REFUSED)
    assert good["video"] - video["lost"] <= taken <= good["video"]
