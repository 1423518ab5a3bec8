"""The demo's report and the page that documents it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from relip.essence.errors import ResourceError
from relip.frames.assemble import VideoCounters
from relip.peers.report import (
    DemoReport,
    FlowCounters,
    ReceiverReport,
    SenderReport,
    ServiceFrames,
    ServiceReport,
    Spread,
    StageTimes,
    merge,
    save,
)

pytestmark = pytest.mark.unit

SENDER = SenderReport(format="1080p25", frames_sent=250, packets_sent={"video": 1, "audio": 2, "anc": 3})
SERVICE = ServiceReport(
    format="1080p25",
    frames=ServiceFrames(received=250, sent=248, altered=220, bypassed={"warming": 28}),
    flows={"video": FlowCounters(packets=9, lost=2, late=1), "audio": FlowCounters(packets=8, lost=1)},
    stages={"mouth": StageTimes(p50_ms=5.5, p99_ms=8.0)},
    latency_frames=5,
    cpu_s=4.96,
)
RECEIVER = ReceiverReport(
    format="1080p25",
    received=247,
    compared=247,
    outside_changed=0,
    latency_ms=Spread(min=199.0, median=200.0, max=201.0),
    latency_frames=Spread(min=5, median=5, max=5),
    skew_ms=0.0,
    flows={"dubbed": FlowCounters(packets=7, lost=4, late=2)},
)


def test_the_keys_that_other_programs_rely_on_are_there() -> None:
    read = json.loads(merge(SENDER, SERVICE, RECEIVER).model_dump_json())
    assert read["frames"] == {"sent": 250, "received": 247, "altered": 220, "bypassed": {"warming": 28}}
    assert (read["packets"]["lost"], read["packets"]["late"]) == (7, 3)
    assert (read["latency"]["frames"], read["latency"]["ms"]) == (5, 200.0)
    assert read["skew_ms"] == 0.0
    assert read["outside_changed"] == 0
    assert read["cpu_ms_per_frame"] == 20.0
    assert read["stages"]["mouth"] == {"p50_ms": 5.5, "p99_ms": 8.0}
    assert read["cut_short"] is False


def test_packets_stand_under_the_flow_and_the_end_that_counted_them() -> None:
    flows = merge(SENDER, SERVICE, RECEIVER).packets.flows
    assert {name: counters.lost for name, counters in flows.items()} == {
        "service.video": 2,
        "service.audio": 1,
        "receiver.dubbed": 4,
    }


def test_nothing_compared_is_not_nothing_changed() -> None:
    blind = ReceiverReport(format="1080p25", received=0)
    report = merge(SENDER, SERVICE, blind)
    assert report.outside_changed is None
    assert report.latency.frames is None
    assert report.skew_ms is None


@pytest.mark.parametrize("end", [0, 1, 2])
def test_one_end_cut_short_cuts_the_report_short(end: int) -> None:
    ends = [SENDER, SERVICE, RECEIVER]
    ends[end] = ends[end].model_copy(update={"cut_short": True})
    assert merge(*ends).cut_short


def test_a_service_without_a_grain_has_no_cost_a_frame() -> None:
    idle = SERVICE.model_copy(update={"frames": ServiceFrames(received=0, sent=0, altered=0)})
    assert merge(SENDER, idle, RECEIVER).cpu_ms_per_frame is None


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    report = merge(SENDER, SERVICE, RECEIVER)
    save(report, tmp_path / "demo.json")
    assert DemoReport.model_validate_json((tmp_path / "demo.json").read_text()) == report
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]


def test_a_report_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"demo\.json: cannot be written"):
        save(SENDER, tmp_path / "no" / "demo.json")


@pytest.mark.parametrize("name", ["file/demo.json", ".", "long" * 100])
def test_a_path_that_cannot_be_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ResourceError, match="cannot be written"):
        save(SENDER, Path(name))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_packets_of_another_payload_type_are_told() -> None:
    assert FlowCounters.of(VideoCounters(other_type=3)).other_type == 3


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="frames_sint"):
        SenderReport.model_validate({"format": "1080p25", "frames_sent": 1, "packets_sent": {}, "frames_sint": 1})
