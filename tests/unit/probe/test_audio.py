"""What is said of sound: packet time, the delay factor worked out by hand, breaks, and the level of each channel."""

import numpy as np
import pytest

from packet_files import NS, SECONDS
from probed import LEG, capture_of, probe
from relip.essence.formats import AudioFormat
from relip.probe.study import Target
from relip.wire import rtp, st2110_30

pytestmark = pytest.mark.unit

MS = 1_000_000
FIRST = (SECONDS + 37) * 48_000
"""Samples since the epoch, TAI, of the instant at which captures here begin, in UTC."""


def packets(count, *, samples=48, channels=2, depth=24, level=(0.5, 0.25), late=None, payload_type=97):
    """Packets of square waves, sent when their last sample is over, some late by so many ns: stamps, UTC, and octets."""
    header = rtp.template(1, rtp.HEADER_OCTETS, payload_type=payload_type, ssrc=5)
    sent = []
    for i in range(count):
        fields = rtp.fixed_header(header)
        fields["sequence"] = (65_000 + i) & 0xFFFF
        fields["timestamp"] = (FIRST + i * samples) & 0xFFFFFFFF
        wave = np.where(np.arange(samples) % 2, 1.0, -1.0)[:, None] * np.resize(level, channels)
        octets = header.tobytes() + st2110_30.pack(wave.astype(np.float32), depth=depth).tobytes()
        ns = SECONDS * NS + (i + 1) * samples * NS // 48_000 + (late or {}).get(i, 0)
        sent.append((ns, octets))
    return sent


@pytest.fixture
def judged(tmp_path):
    def judge(sent, **kwargs):
        return probe(capture_of(tmp_path / "a.pcap", (LEG, sent)), **kwargs)

    return judge


def audio_of(study):
    return study.report.legs[0].audio


def test_packet_time_and_coding_are_told_from_the_packets(judged):
    study = judged(packets(300))
    assert (study.report.kind, study.report.found) == ("audio", "L24, 2 channels, 48 kHz, 1 ms")
    audio = audio_of(study)
    assert (audio.packet_time_us, audio.samples_per_packet, audio.discontinuities) == (1000, {"48": 300}, 0)
    assert audio.rtp_age_us.max == 1000
    assert study.report.remarks == []


@pytest.mark.parametrize(
    ("how", "found", "level"),
    [
        ({"samples": 6, "channels": 8}, "L24, 8 channels, 48 kHz, 0.125 ms", "B"),
        ({"samples": 6, "channels": 16}, "L24, 16 channels, 48 kHz, 0.125 ms", "C"),
        ({"samples": 192, "channels": 1}, "L24, 1 channel, 48 kHz, 4 ms", None),
        ({"depth": 16, "channels": 1}, "L16, 1 channel, 48 kHz, 1 ms", "A"),
    ],
)
def test_other_packet_times_and_codings(judged, how, found, level):
    study = judged(packets(300, **how))
    assert study.report.found == found
    assert audio_of(study).level == level


def test_what_was_said_settles_what_two_codings_have_in_common(judged):
    # Six octets a sample are two channels of L24 or three of L16.
    said = Target("said", (LEG,), AudioFormat(channels=3, depth=16), 97)
    study = judged(packets(300, depth=16, channels=3, level=(0.5, 0.25, 0.125)), target=said)
    assert study.report.found == "L16, 3 channels, 48 kHz, 1 ms"
    assert study.report.differences == []


def test_levels_are_those_of_each_channel(judged):
    quiet = audio_of(judged(packets(300, channels=3, level=(1.0, 0.5, 0.0)))).levels
    assert [level.peak_dbfs for level in quiet] == [0.0, -6.02, None]
    assert [level.rms_dbfs for level in quiet] == [0.0, -6.02, None]


def test_the_delay_factor_is_the_spread_of_delays_within_a_second(judged):
    # In the first second 0.4 ms, in the second 2.5 ms; the third is not whole.
    audio = audio_of(judged(packets(2600, late={100: 400_000, 1700: 2_500_000, 2500: 90 * MS})))
    factor = audio.delay_factor
    assert (factor.max_us, factor.mean_us) == (2500, 1450)
    assert (factor.narrow_us, factor.wide_us, factor.verdict) == (1000, 17_000, "wide")


@pytest.mark.parametrize(("late", "verdict"), [(MS, "narrow"), (MS + 1, "wide"), (17 * MS, "wide"), (17 * MS + 1, "beyond")])
def test_the_verdict_changes_at_one_packet_time_and_at_seventeen(judged, late, verdict):
    assert audio_of(judged(packets(300, late={100: late}))).delay_factor.verdict == verdict


def test_lost_packets_are_counted_across_the_wrap_and_are_no_break(judged):
    sent = packets(1000)
    del sent[535:538]  # 65535, 0 and 1
    study = judged(sent)
    assert study.report.legs[0].packets.lost == 3
    assert study.report.legs[0].packets.first_lost == [65_535, 0, 1]
    assert audio_of(study).discontinuities == 0


def test_a_timestamp_that_leaps_is_a_break(judged):
    sent = packets(400)
    sent[200:] = [(ns, octets[:4] + (int.from_bytes(octets[4:8]) + 7).to_bytes(4) + octets[8:]) for ns, octets in sent[200:]]
    assert audio_of(judged(sent)).discontinuities == 1


def test_a_header_extension_is_not_sound(judged):
    sent = [(ns, bytes([0x90]) + o[1:12] + bytes.fromhex("bede0001 00000000") + o[12:]) for ns, o in packets(300)]
    study = judged(sent)
    assert study.report.found == "L24, 2 channels, 48 kHz, 1 ms"
    assert audio_of(study).levels[0].peak_dbfs == -6.02


def test_what_was_said_and_is_not_so_is_named(judged):
    said = Target("said", (LEG,), AudioFormat(channels=4), 97)
    assert judged(packets(300, samples=6), target=said).report.differences == [
        "L24 of 4 channels is stated, packets look like L24 of 2",
        "ptime=1 is stated, packets hold 0.125 ms",
    ]


def test_video_where_sound_was_said_is_named(judged):
    said = Target("said", (LEG,), AudioFormat(), 98)
    assert judged(packets(300), target=Target("said", (LEG,), None, 97)).report.differences == []
    assert "payload type 98 is stated, 97 came" in judged(packets(300), target=said).report.differences
