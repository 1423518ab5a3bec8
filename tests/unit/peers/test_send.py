"""What the sender puts on the wire, and when by the clock it was given."""

from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, AudioFormat, VideoFormat
from relip.essence.grains import AncPacket
from relip.essence.tai import Tai, grain_start, grain_ticks, wrap_rtp
from relip.graph.pacing import Mode, pacing_of
from relip.peers.reel import Reel
from relip.peers.send import AncillaryOut, Sender, VideoOut, VoiceOut, voice_at
from relip.ports import Burst, Schedule
from relip.transport.loopback import Link
from relip.wire import st2110_20, st2110_30, st2110_40

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(64, 48, Fraction(60000, 1001))
LEG = (Leg("239.1.1.1", 5004),)
VIDEO = Flow(FORMAT, 96, LEG)
SPREAD = pacing_of(FORMAT, 48, Mode.SPREAD)
AUDIO = Flow(AudioFormat(channels=2), 97, LEG)
ANC = Flow(AncFormat(FORMAT.rate), 100, LEG)
START = Tai(1_764_000_000_123_456_789)


class TimedSink:
    """A sink that keeps what it was given and when."""

    def __init__(self, clock: ManualClock, *, refuse: int = 0) -> None:
        self.packets: list[bytes] = []
        self.times: list[Tai] = []
        self.dues: list[tuple[Tai, Schedule]] = []
        self._clock = clock
        self._refuse = refuse

    def send(self, burst: Burst) -> int:
        if not len(burst.headers):
            return 0
        self.times.append(self._clock.now())
        self.dues.append((burst.due, burst.schedule))
        for header, offset, length in zip(burst.headers, burst.offsets, burst.lengths, strict=True):
            self.packets.append(header.tobytes() + burst.payload[offset : offset + length].tobytes())
        return len(burst.headers) - self._refuse

    def close(self) -> None:
        pass

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Octets and lengths of all packets."""
        octets = np.zeros((len(self.packets), 1536), np.uint8)
        for row, packet in zip(octets, self.packets, strict=True):
            row[: len(packet)] = np.frombuffer(packet, np.uint8)
        return octets, np.array([len(packet) for packet in self.packets], np.int32)


def reel(frames: int = 2) -> Reel:
    """Frames of noise."""
    shape = (frames, FORMAT.height, FORMAT.row_octets)
    return Reel(np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8))


def ramp(samples: int) -> np.ndarray:
    """A voice whose every sample tells its place, exact in 24 bits."""
    return ((np.arange(samples) + 1) / (1 << 20)).astype(np.float32)


def played(*, frames: int, **tracks) -> tuple:
    """Clock, video sink and report of a run."""
    clock = ManualClock(START)
    sink = TimedSink(clock)
    made = {name: make(clock) for name, make in tracks.items()}
    sender = Sender(VideoOut(reel(), VIDEO, sink, SPREAD), clock=clock, ssrc=7, **made)
    return sink, sender.run(frames=frames, stop=threading.Event())


def test_each_frame_leaves_at_its_instant_with_the_timestamp_of_that_instant() -> None:
    sink, report = played(frames=3)
    first = sink.times[0].grain_index(FORMAT.rate)
    assert sink.times == [grain_start(first + k, FORMAT.rate) for k in range(3)]
    assert 200_000_000 < sink.times[0].since(START) < 220_000_000
    spans = st2110_20.parse(*sink.columns(), payload_type=96)
    expected = [wrap_rtp(grain_ticks(first + k, FORMAT.rate, 90000)) for k in range(3)]
    assert sorted(set(spans.timestamp.tolist())) == expected
    assert report.first_ticks == grain_ticks(first, FORMAT.rate, 90000)
    assert (report.frames_sent, report.late_starts, report.cut_short) == (3, 0, False)


def test_the_frames_repeat_and_their_sequence_numbers_do_not() -> None:
    sink, report = played(frames=3)
    octets, lengths = sink.columns()
    spans = st2110_20.parse(octets, lengths, payload_type=96)
    assert (np.diff(spans.sequence) == 1).all()
    frames = np.zeros((3, FORMAT.height, FORMAT.row_octets), np.uint8)
    per = len(lengths) // 3
    for span in range(len(spans.packet)):
        packet, data = spans.packet[span], spans.data[span]
        row = frames[packet // per, spans.row[span], spans.offset_octets[span] :]
        row[: spans.length_octets[span]] = octets[packet, data : data + spans.length_octets[span]]
    np.testing.assert_array_equal(frames[[0, 1, 2]], reel().frames[[0, 1, 0]])
    assert report.packets_sent == {"video": 3 * per}


def test_a_frame_is_spread_over_most_of_its_period_from_its_instant_on() -> None:
    sink, _ = played(frames=2)
    first = sink.times[0].grain_index(FORMAT.rate)
    assert [due for due, _ in sink.dues] == [grain_start(first + k, FORMAT.rate) for k in range(2)]
    assert [schedule.span_ns for _, schedule in sink.dues] == [14_180_833] * 2


def test_a_paced_frame_takes_its_whole_period() -> None:
    clock = ManualClock(START)
    sink = TimedSink(clock)
    video = VideoOut(reel(), VIDEO, sink, pacing_of(FORMAT, 48, Mode.HYBRID))
    Sender(video, clock=clock).run(frames=1, stop=threading.Event())
    assert sink.dues[0][1] == pacing_of(FORMAT, 48, Mode.HYBRID).schedule
    assert sink.dues[0][1].span_ns == 16_683_333


def test_a_machine_that_is_late_is_counted_and_its_frames_are_due_as_ever() -> None:
    class SlowClock(ManualClock):
        def wait_until(self, due: Tai) -> None:
            super().wait_until(due.after(6_000_000))

    clock = SlowClock(START)
    sink = TimedSink(clock)
    report = Sender(VideoOut(reel(), VIDEO, sink, SPREAD), clock=clock).run(frames=2, stop=threading.Event())
    assert (report.late_starts, report.worst_start_ms) == (2, 6.0)
    assert {due.since(grain_start(due.grain_index(FORMAT.rate), FORMAT.rate)) for due, _ in sink.dues} == {0}


def test_the_voice_lies_on_the_timeline_of_the_frames() -> None:
    """The voice's first sample comes one lead after the sample of the first frame's instant, on every channel."""
    sinks = []

    def voice(clock: ManualClock) -> VoiceOut:
        sinks.append(TimedSink(clock))
        return VoiceOut(ramp(200), AUDIO, sinks[0], lead_s=Fraction(1, 100), loop=False)

    _, report = played(frames=6, voice=voice)
    octets, lengths = sinks[0].columns()
    spans = st2110_30.parse(octets, lengths, format=AUDIO.format, payload_type=97)
    assert spans.valid.all()
    first = report.first_ticks * 48000 // 90000
    assert spans.timestamp.tolist() == [wrap_rtp(first + 48 * n) for n in range(len(lengths))]
    assert len(lengths) * 48 >= 6 * 48000 * 1001 / 60000
    np.testing.assert_array_equal(spans.samples[480:680, 0], ramp(200))
    np.testing.assert_array_equal(spans.samples[:, 0], spans.samples[:, 1])
    assert not spans.samples[:480].any()
    assert not spans.samples[680:].any()
    assert report.packets_sent["audio"] == len(lengths)


def test_audio_leaves_within_five_milliseconds_of_being_heard() -> None:
    """The voice's clock is its own in this test, so that no other flow moves it on."""
    clock, own = ManualClock(START), ManualClock(START)
    sink = TimedSink(own)
    sender = Sender(VideoOut(reel(), VIDEO, TimedSink(clock), SPREAD), clock=clock, voice=VoiceOut(ramp(200), AUDIO, sink))
    sender._tracks[1].clock = own
    report = sender.run(frames=10, stop=threading.Event())
    first = report.first_ticks * 48000 // 90000
    assert len(sink.times) > 30
    for batch, at in enumerate(sink.times):
        oldest_ns = (first + batch * 192) * 1_000_000_000 // 48000
        assert 0 <= at.ns - oldest_ns <= 5_000_000


def test_a_voice_that_loops_begins_again_after_its_lead() -> None:
    voice = VoiceOut(ramp(10), AUDIO, TimedSink(ManualClock(START)), lead_s=Fraction(1, 12000), loop=True)
    quiet = np.zeros(4, np.float32)
    np.testing.assert_array_equal(voice_at(voice, -4, 30), np.concatenate([quiet, ramp(10), quiet, ramp(10), quiet[:2]]))
    np.testing.assert_array_equal(voice_at(voice, 12, 4), [0, 0, ramp(1)[0], ramp(2)[1]])


def test_every_frame_has_its_ancillary_packet_or_a_keep_alive() -> None:
    sinks = []

    def ancillary(clock: ManualClock) -> AncillaryOut:
        sinks.append(TimedSink(clock))
        return AncillaryOut(ANC, sinks[0], lambda ticks: (AncPacket(0x45, 1, b"hi"),) if ticks % 2 else ())

    _, report = played(frames=4, ancillary=ancillary)
    assert len(sinks[0].packets) == 4
    for number, packet in enumerate(sinks[0].packets):
        ticks = grain_ticks(round(report.first_ticks * FORMAT.rate / 90000) + number, FORMAT.rate, 90000)
        assert int.from_bytes(packet[4:8]) == wrap_rtp(ticks)
        assert packet[1] == 0x80 | 100
        carried = st2110_40.parse(packet[12:]).packets
        assert [p.words for p in carried] == ([b"hi"] if ticks % 2 else [])


def test_the_flows_have_synchronization_sources_of_their_own() -> None:
    sinks = []

    def ancillary(clock: ManualClock) -> AncillaryOut:
        sinks.append(TimedSink(clock))
        return AncillaryOut(ANC, sinks[0])

    video, _ = played(frames=1, ancillary=ancillary)
    assert int.from_bytes(video.packets[0][8:12]) == 7
    assert int.from_bytes(sinks[0].packets[0][8:12]) == 9


def test_packets_the_network_refuses_are_counted_and_their_frame_is_not_sent() -> None:
    clock = ManualClock(START)
    report = Sender(VideoOut(reel(), VIDEO, TimedSink(clock, refuse=1), SPREAD), clock=clock).run(
        frames=2, stop=threading.Event()
    )
    assert (report.frames_sent, report.packets_refused) == (0, 2)
    assert report.cut_short


def test_a_sink_that_is_gone_ends_the_run_with_its_own_error() -> None:
    clock = ManualClock(START)
    stop = threading.Event()
    gone = Link().sink
    voice = VoiceOut(ramp(10), AUDIO, gone)
    sender = Sender(VideoOut(reel(), VIDEO, TimedSink(clock), SPREAD), clock=clock, voice=voice)
    gone.close()
    with pytest.raises(ResourceError, match="sink is closed"):
        sender.run(frames=None, stop=stop)
    assert stop.is_set()


def test_a_stop_cuts_the_run_short() -> None:
    clock = ManualClock(START)
    stop = threading.Event()
    stop.set()
    report = Sender(VideoOut(reel(), VIDEO, TimedSink(clock), SPREAD), clock=clock).run(frames=5, stop=stop)
    assert (report.frames_sent, report.cut_short, report.first_ticks) == (0, True, None)


def test_what_cannot_be_played_is_refused() -> None:
    clock = ManualClock(START)
    sink = TimedSink(clock)
    with pytest.raises(FormatError, match=r"are not 64x48p59\.94"):
        Sender(VideoOut(Reel(np.zeros((1, 48, 100), np.uint8)), VIDEO, sink, SPREAD), clock=clock)
    with pytest.raises(FormatError, match="no sample"):
        Sender(VideoOut(reel(), VIDEO, sink, SPREAD), clock=clock, voice=VoiceOut(ramp(0), AUDIO, sink))
    with pytest.raises(FormatError, match="frames=0"):
        Sender(VideoOut(reel(), VIDEO, sink, SPREAD), clock=clock).run(frames=0, stop=threading.Event())
