"""The report's keys, its gates, and the table."""

import json

import pytest

from relip.evaluation import report
from relip.evaluation.report import (
    GATES,
    Closures,
    EvalReport,
    Fidelity,
    Follow,
    Jitter,
    Lag,
    Leak,
    Self,
    Still,
    Sync,
    Times,
    Untouched,
    judged,
)

pytestmark = pytest.mark.unit

KEYS = {
    "G1": ["changed"], "G2": ["changed"], "R1": ["r", "mae"], "R2": ["leakage"], "R3": ["ssim", "psnr_db", "lmd", "sharpness"],
    "R4": ["jitter"], "R5": ["std", "ratio"], "A1": ["r", "baseline_r"], "A2": ["lag_ms"],
    "A3": ["synthetic", "natural", "false"],
}  # fmt: skip
GOOD = {
    "G1": Untouched(changed=0, frames=9),
    "G2": Untouched(changed=0, frames=9),
    "R1": Fidelity(r=0.97, mae=0.008),
    "R2": Leak(leakage=0.03),
    "R3": Self(ssim=0.96, psnr_db=33, lmd=0.006, sharpness=1.1),
    "R4": Jitter(jitter=1.15),
    "R5": Still(std=0.004, ratio=1.5),
    "A1": Follow(r=0.65, baseline_r=0.35),
    "A2": Lag(lag_ms=-20),
    "A3": Closures(synthetic=0.95, natural=0.85, false=0.15),
    "A4": Sync(d=1.0, c=0.5, offset_ms=-40.0, original_d=0.9),
    "LSE": Sync(),
    "time": {"face": Times(p50_ms=5, p99_ms=9), "total": Times(p50_ms=12, p99_ms=20)},
}
BAD = {
    "G1.changed": {"G1": Untouched(changed=1)},
    "G2.changed": {"G2": Untouched(changed=1)},
    "R1.r": {"R1": Fidelity(r=0.969, mae=0.0)},
    "R1.mae": {"R1": Fidelity(r=1.0, mae=0.0081)},
    "R2.leakage": {"R2": Leak(leakage=0.031)},
    "R3.ssim": {"R3": Self(ssim=0.959, psnr_db=40, lmd=0.0, sharpness=1.0)},
    "R3.psnr_db": {"R3": Self(ssim=1.0, psnr_db=32.9, lmd=0.0, sharpness=1.0)},
    "R3.lmd": {"R3": Self(ssim=1.0, psnr_db=40, lmd=0.0061, sharpness=1.0)},
    "R3.sharpness": {"R3": Self(ssim=1.0, psnr_db=40, lmd=0.0, sharpness=0.89)},
    "R4.jitter": {"R4": Jitter(jitter=1.16)},
    "R5.std": {"R5": Still(std=0.0041, ratio=1.0)},
    "R5.ratio": {"R5": Still(std=0.0, ratio=1.51)},
    "A1.r": {"A1": Follow(r=0.649, baseline_r=0.0)},
    "A1.r − baseline_r": {"A1": Follow(r=0.7, baseline_r=0.41)},
    "A2.lag_ms": {"A2": Lag(lag_ms=20.1)},
    "A3.synthetic": {"A3": Closures(synthetic=0.94, natural=1.0, false=0.0)},
    "A3.natural": {"A3": Closures(synthetic=1.0, natural=0.84, false=0.0)},
    "A3.false": {"A3": Closures(synthetic=1.0, natural=1.0, false=0.16)},
    "time.total": {"time": {"total": Times(p50_ms=12.1, p99_ms=13)}},
}
EMPTY = {
    "G1": Untouched(), "G2": Untouched(), "R1": Fidelity(), "R2": Leak(), "R3": Self(), "R4": Jitter(), "R5": Still(),
    "A1": Follow(), "A2": Lag(), "A3": Closures(), "A4": Sync(), "LSE": Sync(), "time": {},
}  # fmt: skip


def made(**parts):
    rest = {
        "version": "0",
        "format": "1080p25",
        "gallery": "others",
        "gates": [],
        "clips": [],
        "voices": [],
        "nets": {},
        "notes": [],
    }
    return judged(EvalReport(**GOOD | rest | parts))


def test_the_keys_that_other_programs_rely_on_are_there():
    read = json.loads(made().model_dump_json())
    for part, keys in KEYS.items():
        for key in keys:
            assert isinstance(read[part][key], int | float)


def test_what_could_not_be_measured_is_null():
    read = json.loads(made(**EMPTY).model_dump_json())
    assert all(read[part][key] is None for part, keys in KEYS.items() for key in keys)
    assert all(row["passed"] is None for row in read["gates"])


def test_at_their_limits_all_gates_are_met():
    assert [row.name for row in made().gates if not row.passed] == []


def test_every_gate_has_a_case_that_misses_it():
    assert list(BAD) == [gate.name for gate in GATES]


@pytest.mark.parametrize("name", BAD)
def test_just_beyond_its_limit_a_gate_is_missed_and_no_other(name):
    assert [row.name for row in made(**BAD[name]).gates if row.passed is False] == [name]


def test_the_table_has_a_row_a_gate_with_what_stands_beside_it():
    rows = {row[0]: row[1:] for row in report.rows(made(**BAD["A1.r"]))}
    assert rows["A1.r"] == ("0.649", "≥ 0.65", "MISSED", "energy 0, net alone –")
    assert rows["A4"] == ("D 1, C 0.5, -40 ms", "", "", "original 0.9, –, – ms")
    assert "LSE" not in rows
    assert rows["time.total"][3] == "face 5.0"


def test_a_row_that_was_not_measured_says_so():
    rows = {row[0]: row for row in report.rows(made(**EMPTY))}
    assert rows["A1.r"][1:4] == ("–", "≥ 0.65", "not measured")


def test_time_is_judged_at_1080p_alone():
    (row,) = (row for row in made(format="2160p50").gates if row.name == "time.total")
    assert (row.value, row.passed) == (None, None)
