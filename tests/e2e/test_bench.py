"""`relip bench`: the keys that other programs read, from a real run of a few frames. What it measures is not asserted."""

import json
import sys

import pytest

from relip.service import cli

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("face_models")]


def test_the_pipeline_tells_every_stage_and_that_it_dubbed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["relip", "bench", "pipeline", "--format", "720p25", "--frames", "5", "--json", "-"])
    cli.main()
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "720p25"
    assert told["channels"] == 1
    assert 0 < told["ms_per_frame"]["p50"] <= told["ms_per_frame"]["p99"]
    assert {"face", "occlusion", "align", "speech", "articulation", "mouth", "composite"} == set(told["stages"])
    assert all(stage["p50_ms"] <= stage["p99_ms"] for stage in told["stages"].values())
    assert told["altered"] > 5
