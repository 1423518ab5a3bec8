"""`relip bench`: the keys that other programs read, from a real run of a few frames. What it measures is not asserted."""

import json
import sys

import pytest

from relip.service import bench_wire, cli, gstreamer

pytestmark = pytest.mark.e2e


@pytest.mark.usefixtures("face_models")
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


def wire(monkeypatch, capsys, *arguments):
    """A run of a few frames; one mode of pacing stands for all."""
    monkeypatch.setattr(bench_wire, "MODES", ("hybrid",))
    asked = [
        "--format",
        "720p25",
        "--seconds",
        "0.4",
        "--runs",
        "1",
        "--try",
        "720p50",
        "--relay",
        "720p50",
        *arguments,
        "--json",
        "-",
    ]
    monkeypatch.setattr(sys, "argv", ["relip", "bench", "wire", *asked])
    cli.main()
    return json.loads(capsys.readouterr().out)


def test_the_wire_tells_costs_losses_and_pacing_also_without_a_peer(monkeypatch, capsys):
    monkeypatch.setattr(gstreamer.shutil, "which", lambda _: None)
    told = wire(monkeypatch, capsys, "--soak", "0.2")
    assert told["receive"]["ns_per_packet"] > 0
    assert told["receive"]["one_by_one"]["ns_per_packet"] > 0
    assert told["send"]["ns_per_packet"] > 0
    assert told["receive"]["ratio_gstreamer"] is None
    assert told["send"]["ratio_gstreamer"] is None
    assert told["gstreamer"]["missing"] == "gst-launch-1.0 is not installed (apt: gstreamer1.0-tools)"
    assert told["lost"] == 0
    assert 0 < told["cinst_max"] <= told["pacing"]["hybrid"]["cinst_limit"]
    assert told["formats"]["720p50"]["frames"] == told["formats"]["720p50"]["whole"] == 20
    assert told["ceiling"] is None
    assert (told["bypass"]["frames"], told["bypass"]["whole"], told["bypass"]["lost"]) == (20, 20, 0)
    assert (told["bypass"]["latency_frames"], told["bypass"]["added_ms"] > 0) == (1, True)
    assert (told["soak"]["frames"], told["soak"]["lost"]) == (12, 0)


def test_the_peer_is_measured_in_the_same_run(monkeypatch, capsys):
    if (reason := gstreamer.missing()) is not None:
        pytest.skip(reason)
    told = wire(monkeypatch, capsys)
    assert told["gstreamer"]["version"]
    assert len(told["gstreamer"]["receive_ms_per_frame"]) == len(told["gstreamer"]["send_ms_per_frame"]) == 1
    for end in ("receive", "send"):
        assert told[end]["ratio_gstreamer"] == pytest.approx(
            told["gstreamer"][f"{end}_ms_per_frame"][0] / told[end]["ms_per_frame"], rel=0.01
        )


def test_a_format_that_is_none_is_refused_before_anything_runs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["relip", "bench", "wire", "--try", "1080i50"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "1080i50" in capsys.readouterr().err
