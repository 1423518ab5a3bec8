"""What is said of a video flow: frames, packing, Cinst, VRX and the sender types it keeps, from captures made here."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from probed import FILE, LEG, PACKETS, RASTER, Video, capture_of, probe, spaced
from relip.essence.formats import RATES, VideoFormat
from relip.probe.study import Target
from relip.wire.sdp_media import Sending
from relip.wire.st2110_21 import Schedule

pytestmark = pytest.mark.unit

N, NL, W = "2110TPN", "2110TPNL", "2110TPW"


@pytest.fixture
def judged(tmp_path):
    def judge(video, **kwargs):
        return probe(capture_of(tmp_path / "v.pcap", (LEG, video.packets)), **kwargs)

    return judge


def leg_of(study):
    return study.report.legs[0]


@pytest.mark.parametrize(("schedule", "met"), [(Schedule.GAPPED, [N, W]), (Schedule.LINEAR, [NL, W])])
def test_an_ideal_sender_keeps_its_type_in_every_frame(judged, schedule, met):
    study = judged(Video().frames(8, schedule=schedule))
    video = leg_of(study).video
    assert study.report.found == "720x160p50, 4:2:2 10 bit"
    assert video.met == met
    assert video.cinst.max == 0
    assert video.frames.model_dump() == {
        "seen": 6, "complete": 6, "incomplete": 0, "absent": 0, "without_marker": 0, "stray_marker": 0,
    }  # fmt: skip
    assert (video.packets_per_frame, video.packing, video.data_octets, video.srd_per_packet) == (PACKETS, "2110GPM", 900, 1)
    assert video.reference == "tai"
    assert study.report.remarks == []


def test_the_instants_of_an_ideal_sender_are_those_of_the_standard(judged):
    video = leg_of(judged(Video().frames(8))).video
    assert video.first_packet_us.min == pytest.approx(746.667, abs=0.002)  # 28/750 of 20 ms
    assert video.rtp_age_us.max == pytest.approx(746.667, abs=0.002)
    assert (video.rtp_offset_ticks.min, video.rtp_offset_ticks.max) == (0, 0)
    assert (video.rtp_step_ticks.min, video.rtp_step_ticks.max) == (1800, 1800)


def test_a_frame_sent_in_a_burst_keeps_no_type(judged):
    video = Video()
    for number in range(8):
        begin = int(video.shape.due_ns(video.first + number))
        video.frame(number, arrivals=spaced(begin, PACKETS, 100))
    video = leg_of(judged(video)).video
    assert video.met == []
    assert video.cinst.max == PACKETS - 1
    assert sum(video.cinst.histogram.values()) == 8 * PACKETS
    assert [kept.frames for kept in video.types.values()] == [0, 0, 0]


def test_the_share_of_frames_is_told_by_type(judged):
    video = Video()
    for number in range(12):
        late = 3_010_000 if number == 5 else 0  # it meets the next one: 45 packets, which a tenth of the rate drains
        video.frame(number, arrivals=video.shape.reading(video.first + number, Schedule.LINEAR) + late)
    figures = leg_of(judged(video)).video
    assert figures.types[NL].model_dump() == {
        "c_max": 4, "vrx_full": 8, "allowed": True, "frames": 7, "share": 0.7,
    }  # fmt: skip
    assert figures.vrx_linear.min == -48  # 3 ms at 62.5 µs a packet
    assert figures.met == []


def test_a_lost_packet_is_named_and_its_frame_is_not_judged(judged):
    video = Video().frames(8)
    del video.packets[3 * PACKETS + 7]
    figures = leg_of(judged(video))
    assert figures.packets.lost == 1
    assert figures.packets.first_lost == [100 + 3 * PACKETS + 7]
    assert (figures.video.frames.complete, figures.video.frames.incomplete) == (5, 1)
    assert figures.video.met == [N, W]


def test_a_frame_that_never_came_is_absent(judged):
    video = Video().frames(8)
    del video.packets[3 * PACKETS : 4 * PACKETS]
    figures = leg_of(judged(video))
    assert figures.packets.lost == PACKETS
    assert figures.video.frames.absent == 1
    assert figures.packets.first_lost == list(range(100 + 3 * PACKETS, 100 + 3 * PACKETS + 10))


def test_a_gap_of_thousands_of_packets_is_a_loss_and_no_other_sender(judged):
    video = Video().frames(20)
    del video.packets[3 * PACKETS : 15 * PACKETS]
    figures = leg_of(judged(video))
    assert (figures.packets.lost, figures.packets.restarts) == (12 * PACKETS, 0)
    assert figures.video.frames.absent == 12


def test_an_extended_number_that_does_not_count_is_told_and_done_without(judged):
    video = Video(sequence=65_000).frames(8)
    video.packets = [(ns, octets[:12] + bytes(2) + octets[14:]) for ns, octets in video.packets]
    del video.packets[2000]
    study = judged(video)
    figures = leg_of(study)
    assert (figures.packets.lost, figures.packets.restarts) == (1, 0)
    assert figures.packets.first_lost == [(65_000 + 2000) & 0xFFFF]
    assert figures.video.frames.incomplete == 1
    assert "extended sequence number" in study.report.remarks[0]


def test_repeats_and_reordered_packets_are_counted_and_harm_no_frame(judged):
    video = Video().frames(8)
    at = 3 * PACKETS + 7
    (early, first), (late, second) = video.packets[at : at + 2]
    video.packets[at : at + 2] = [(early, second), (late, first)]
    video.packets.append((video.packets[500][0], video.packets[500][1]))
    figures = leg_of(judged(video))
    assert (figures.packets.duplicate, figures.packets.reordered, figures.packets.lost) == (1, 1, 0)
    assert figures.video.frames.complete == 6


def test_packets_read_late_are_judged_by_when_they_came(judged):
    # Of one that waited on the other processor, the stamp goes back: no packet of the network did.
    video = Video().frames(8)
    expected = leg_of(judged(video)).video.cinst.max
    at = 3 * PACKETS + 7
    video.packets[at : at + 20] = video.packets[at + 10 : at + 20] + video.packets[at : at + 10]
    figures = leg_of(judged(video))
    assert figures.video.cinst.max == expected
    assert figures.inter_packet_us.min >= 0


def test_a_sender_that_begins_anew_is_told(judged):
    video, other = Video().frames(8), Video(ssrc=7, sequence=90_000)
    other.frame(8)
    video.packets += other.packets
    study = judged(video)
    assert leg_of(study).packets.restarts == 1
    assert "the sender began anew 1 times" in study.report.remarks


def test_a_sender_that_begins_anew_with_the_numbers_it_had_is_judged_to_the_end(judged):
    video = Video(sequence=0).frames(20)
    video.sequence = 0
    for number in range(20, 40):
        video.frame(number)
    figures = leg_of(judged(video))
    assert (figures.packets.restarts, figures.packets.duplicate) == (1, 0)
    assert (figures.video.frames.complete, figures.video.frames.absent) == (38, 0)


def test_two_senders_to_one_address_are_told_and_the_main_one_is_judged(judged):
    video, other = Video().frames(8), Video(ssrc=7, sequence=90_000).frames(6)
    video.packets = sorted(video.packets + [(ns + 1000, octets) for ns, octets in other.packets])
    study = judged(video)
    figures = leg_of(study)
    assert (figures.packets.received, figures.packets.other_sender) == (8 * PACKETS, 6 * PACKETS)
    assert (figures.packets.lost, figures.packets.restarts) == (0, 0)
    assert figures.ssrc == "0x00002110"
    assert figures.video.met == [N, W]
    assert "two senders to one address" in study.report.remarks[0]


def test_timestamps_that_leap_are_no_row_of_absent_frames(judged):
    video = Video()
    for number in range(8):
        video.frame(number, ticks=(video.first + number) * 1800 + (90_000 * 3600 if number > 4 else 0))
    assert leg_of(judged(video)).video.frames.absent == 0


@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_told_from_the_timestamps(judged, rate):
    raster = VideoFormat(720, 20, RATES[rate])
    assert judged(Video(raster=raster).frames(9)).report.found == f"720x20p{rate}, 4:2:2 10 bit"


def test_markers_that_are_missing_or_astray_are_counted(judged):
    video = Video().frames(8)
    for packet, marker in ((3 * PACKETS - 1, False), (5 * PACKETS + 9, True)):
        ns, octets = video.packets[packet]
        video.packets[packet] = (ns, octets[:1] + bytes([96 | marker << 7]) + octets[2:])
    frames = leg_of(judged(video)).video.frames
    assert (frames.without_marker, frames.stray_marker) == (1, 1)


def test_block_packing_is_told_from_the_packets(judged):
    # 1260 octets in every packet but the last, across rows: here rows of 1260 octets, and a last row of 180
    video = Video(raster=VideoFormat(504, 20, Fraction(50)))
    for number in range(6):
        begin = video.frame(number)
        ns, octets = video.packets[-1]
        video.packets[-1] = (ns, octets[:14] + (180).to_bytes(2) + octets[16 : 20 + 180])
        assert len(video.packets) - begin == 20
    assert leg_of(judged(video)).video.packing == "2110BPM"


def test_kept_timestamps_are_seen_in_their_age_and_not_in_vrx(judged):
    video = Video()
    for number in range(8):
        video.frame(number, ticks=(video.first + number - 5) * 1800)
    figures = leg_of(judged(video)).video
    assert figures.met == [N, W]
    assert figures.rtp_offset_ticks.max == -5 * 1800
    assert figures.rtp_age_us.p50 == pytest.approx(100_746.667, abs=0.002)


@pytest.mark.parametrize("phase_ns", [3_000_000, 9_999_000, 12_345_678])
def test_a_sender_with_a_clock_of_its_own_is_judged_by_its_own_beat(judged, phase_ns):
    video = Video()
    for number in range(8):
        at = video.shape.reading(video.first + number, Schedule.GAPPED) + phase_ns
        video.frame(number, arrivals=at, ticks=1_000_000 + number * 1800)
    study = judged(video)
    figures = leg_of(study).video
    assert figures.reference == "flow"
    assert figures.met == [N, W]
    assert figures.first_packet_us is figures.rtp_offset_ticks is None
    assert "clock" in study.report.remarks[0]


@pytest.mark.parametrize(("seconds", "words"), [(37, "37 s ahead of TAI"), (-37, "37 s behind TAI")])
def test_utc_taken_for_tai_is_called_by_its_name(judged, seconds, words):
    video = Video()
    for number in range(8):
        video.frame(number, ticks=(video.first + number) * 1800 + seconds * 90_000)
    assert words in judged(video).report.remarks[0]


def test_stamps_too_coarse_for_the_packets_are_told(judged):
    how = replace(FILE, resolution_ns=1_000_000)
    remarks = judged(Video().frames(8), how=how).report.remarks
    assert remarks == ["stamps have steps of 1000000 ns and packets are 62500 ns apart: Cinst and VRX cannot be judged by them"]


def test_packets_that_share_a_stamp_are_told(judged):
    video = Video()
    for number in range(8):
        at = video.shape.reading(video.first + number, Schedule.GAPPED)
        video.frame(number, arrivals=np.repeat(at[::2], 2))
    study = judged(video)
    assert leg_of(study).stamps.shared == pytest.approx(0.5, abs=0.01)
    assert study.report.remarks[0].startswith("50% of the packets share a stamp")


def test_losses_of_the_machine_that_captured_are_not_blamed_on_the_network(judged):
    remarks = judged(Video().frames(8), how=replace(FILE, dropped=3, cut=2)).report.remarks
    assert remarks[0] == "3 packets were lost by the machine that took them: losses are not the network's"
    assert remarks[1].startswith("2 packets are fragments or were captured in part")


def test_packets_without_stamps_are_counted_and_not_timed(judged):
    video = Video().frames(8)
    video.packets = [(0, octets) for _, octets in video.packets]
    study = judged(video)
    figures = leg_of(study)
    assert figures.stamps.missing == 8 * PACKETS
    assert (figures.inter_packet_us, figures.video.cinst, figures.video.met) == (None, None, [])
    assert figures.video.frames.complete == 6
    assert "no stamp" in study.report.remarks[0]


def test_what_was_said_and_is_not_so_is_named(judged):
    said = Target(
        "said",
        (LEG,),
        VideoFormat(720, 576, Fraction(25)),
        payload_type=112,
        sending=Sending(tp=NL, pm="2110BPM"),
    )
    assert judged(Video().frames(8), target=said).report.differences == [
        "payload type 112 is stated, 96 came",
        "720x576 is stated, packets reach 720x160",
        "exactframerate=25 is stated, timestamps come to 50",
        "PM=2110BPM is stated, the packets are 2110GPM",
        "TP=2110TPNL is stated, 0.0% of the frames keep it",
    ]


def test_a_cmax_that_is_exceeded_is_named(judged):
    video = Video()
    for number in range(8):
        at = video.shape.reading(video.first + number, Schedule.LINEAR)
        video.frame(number, arrivals=np.repeat(at[::4], 4))
    said = Target("said", (LEG,), RASTER, 96, Sending(tp=W, cmax=2))
    assert judged(video, target=said).report.differences == ["CMAX=2 is stated, Cinst reached 3"]


def test_a_delay_that_is_stated_is_taken_off_before_a_clock_is_doubted(judged):
    video = Video()
    for number in range(8):
        video.frame(number, ticks=(video.first + number - 100) * 1800)  # two seconds
    said = Target("said", (LEG,), RASTER, 96, Sending(tp=N, tsmode="PRES", tsdelay_us=2_000_000))
    study = judged(video, target=said)
    assert leg_of(study).video.reference == "tai"
    assert (study.report.differences, study.report.remarks) == ([], [])


def test_a_delay_that_is_not_the_stated_one_is_named(judged):
    video = Video()
    for number in range(8):
        video.frame(number, ticks=(video.first + number - 5) * 1800)
    said = Target("said", (LEG,), RASTER, 96, Sending(tp=N, tsmode="PRES", tsdelay_us=20_000))
    assert judged(video, target=said).report.differences == [
        "TSDELAY=20000 is stated, frames leave 100000 µs after their timestamps"
    ]


def test_fields_are_called_fields(judged):
    video = Video().frames(8)
    video.packets = [(ns, octets[:16] + bytes([octets[16] | 0x80]) + octets[17:]) for ns, octets in video.packets]
    assert "interlaced" in judged(video).report.remarks[-1]


def test_what_was_said_and_is_so_is_no_difference(judged):
    said = Target("said", (LEG,), RASTER, 96, Sending(tp=N))
    report = judged(Video().frames(8), target=said).report
    assert report.stated == report.found
    assert report.differences == []


def test_the_stated_offset_moves_the_schedule(judged):
    video = Video()
    for number in range(8):
        begin = int((video.first + number) * video.shape.period_ns)
        video.frame(number, arrivals=spaced(begin, PACKETS, 62_500))
    said = Target("said", (LEG,), RASTER, 96, Sending(tp=NL, troff_us=0))
    assert leg_of(judged(video, target=said)).video.met == [NL, W]
    assert N not in leg_of(judged(video)).video.met


def test_fewer_than_three_frames_are_no_measurement(judged):
    study = judged(Video().frames(2))
    assert leg_of(study).video is None
    assert leg_of(study).packets.received == 2 * PACKETS
