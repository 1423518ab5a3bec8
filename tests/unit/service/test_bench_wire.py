"""What the figures of a wire run are made of."""

import pytest

from relip.service import bench_wire

pytestmark = pytest.mark.unit


def rung(*, whole=100, lost=0, late_starts=0, send=500, receive=1000):
    return {
        "frames": 100,
        "whole": whole,
        "lost": lost,
        "late_starts": late_starts,
        "send_ns_per_packet": send,
        "receive_ns_per_packet": receive,
    }


def test_a_cost_is_the_median_and_the_ratio_that_of_medians():
    told = bench_wire._cost([4.0, 1.0, 2.0], 4000, [10.0, 6.0, 7.0])
    assert told == {
        "ns_per_packet": 500,
        "ms_per_frame": 2.0,
        "ratio_gstreamer": 3.5,
        "runs_ns_per_packet": [1000, 250, 500],
    }


def test_without_a_peer_there_is_no_ratio():
    assert bench_wire._cost([4.0], 4000, [])["ratio_gstreamer"] is None


def test_the_ceiling_is_what_a_whole_cpu_would_do_and_the_fastest_that_was_carried():
    rungs = {"1080p60": rung(), "2160p25": rung(send=600), "2160p50": rung(lost=3, receive=2000)}
    told = bench_wire._ceiling(rungs)
    assert told == {"raster": "2160p", "carried": "2160p25", "send_fps": 115.7, "receive_fps": 57.9}


@pytest.mark.parametrize("broken", [{"whole": 99}, {"lost": 1}, {"late_starts": 1}])
def test_a_format_of_which_anything_was_refused_lost_or_late_was_not_carried(broken):
    assert bench_wire._ceiling({"2160p25": rung(**broken)})["carried"] is None


def test_a_raster_that_was_not_tried_has_no_ceiling():
    assert bench_wire._ceiling({"1080p60": rung()}) is None
