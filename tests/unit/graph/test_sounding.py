"""The voice's way out: what came, the latency later, and silence where nothing came."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from relip.clock.manual import ManualClock
from relip.essence.errors import ResourceError
from relip.essence.formats import AudioFormat
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S, tai_of_ticks
from relip.frames.sounds import SoundStore
from relip.graph.sounding import BATCH_NS, VoiceSender
from relip.ports import Burst
from relip.wire.rtp import HEADER_OCTETS
from relip.wire.st2110_30 import AudioPackets

pytestmark = pytest.mark.unit

START = 81_600_000_000_017
LATENCY_NS = 200_000_000
VISIT_NS = 8_000_000
BATCH = BATCH_NS // 1_000_000
MONO = AudioFormat()
FORMATS = [
    MONO,
    AudioFormat(channels=2, depth=16),
    AudioFormat(channels=8, packet_time=Fraction(1, 8000)),
]


class Kept:
    """A sink that keeps packets with the instant at which the first of their burst was due."""

    def __init__(self):
        self.rows, self.dues, self.broken = [], [], False

    def send(self, burst: Burst):
        if self.broken:
            raise ResourceError("no route")
        self.rows += [bytes(row) for row in burst.headers]
        self.dues += [burst.due] if len(burst.headers) else []
        return len(burst.headers)

    def close(self):
        self.rows = []


class House:
    """A voice that comes at its instants, and its way out; the voice's timestamps are `behind_ns` behind our clock."""

    def __init__(self, form=MONO, *, behind_ns=0, shift_samples=0):
        self.form, self.size = form, form.packet_samples
        self.behind_ns = behind_ns
        self.clock = ManualClock(tai_of_ticks(START, AUDIO_CLOCK_HZ).after(behind_ns))
        self.store = SoundStore(form, samples=AUDIO_CLOCK_HZ)
        self.sink, self.failures = Kept(), Counter()
        self.sender = VoiceSender(
            self.sink,
            self.store,
            AudioPackets(form, payload_type=97, ssrc=5),
            form,
            clock=self.clock,
            latency_ns=LATENCY_NS,
            offset=lambda: self.behind_ns,
            failures=self.failures,
            shift_samples=shift_samples,
        )
        rng = np.random.default_rng(3)
        self.octets = rng.integers(0, 256, (AUDIO_CLOCK_HZ, form.sample_octets), dtype=np.uint8)

    def come(self, first, packets, *, skip=()):
        """Packets first.. arrive now."""
        index = np.array([k for k in range(first, first + packets) if k not in skip])
        rows = np.zeros((len(index), 1500), np.uint8)
        for row, k in zip(rows, index, strict=True):
            payload = self.octets[k * self.size : (k + 1) * self.size].reshape(-1)
            row[HEADER_OCTETS : HEADER_OCTETS + len(payload)] = payload
        self.store.keep(
            rows,
            np.arange(len(index)),
            offset=np.full(len(index), HEADER_OCTETS),
            start=START + index * self.size,
            count=np.full(len(index), self.size),
        )

    def play(self, seconds, *, skip=(), first=0):
        """Packets come in visits of 8 ms, and the way out does what is due."""
        each = VISIT_NS * AUDIO_CLOCK_HZ // NS_PER_S // self.size
        for visit in range(int(seconds * NS_PER_S) // VISIT_NS):
            self.clock.advance(VISIT_NS)
            self.come(first + visit * each, each, skip=skip)
            self.work()
        return first + (visit + 1) * each

    def work(self):
        """What the thread would have done by now."""
        until = self.clock.now()
        while (due := self.due()) is not None and due <= until:
            self.sender.step()

    def due(self):
        """The instant that the thread waits for, but for what it gathers."""
        later_ns = self.behind_ns + LATENCY_NS
        self.sender._find(self.clock.now().after(-later_ns), self.store.end)
        return None if self.sender._idle else tai_of_ticks(self.sender._place, AUDIO_CLOCK_HZ).after(later_ns)

    def instant(self, packet):
        return tai_of_ticks(START + packet * self.size, AUDIO_CLOCK_HZ)

    def finish(self):
        """Nothing comes any more; all that is here leaves."""
        while self.sender.step():
            pass

    def payloads(self):
        return [row[HEADER_OCTETS:] for row in self.sink.rows]

    def timestamps(self):
        return [int.from_bytes(row[4:8], "big") for row in self.sink.rows]

    def sequences(self):
        return [int.from_bytes(row[2:4], "big") for row in self.sink.rows]


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("behind_ns", [0, 37 * NS_PER_S])
def test_what_came_leaves_octet_for_octet_under_its_own_timestamps(form, behind_ns):
    house = House(form, behind_ns=behind_ns)
    sent = house.play(0.6)
    house.finish()
    skipped = sent - len(house.sink.rows)
    assert skipped == 0, "the first packet is not yet due when it comes"
    assert b"".join(house.payloads()) == house.octets[: sent * house.size].tobytes()
    assert house.timestamps() == [(START + k * house.size) % 2**32 for k in range(sent)]
    assert house.sequences() == list(range(sent))
    assert house.sender.counters.silent == 0


def test_a_clock_that_is_set_back_does_not_hold_the_voice_for_as_long():
    house = House()
    house.play(1)
    sent = len(house.sink.rows)
    house.clock = house.sender._clock = ManualClock(house.clock.now().after(-3600 * NS_PER_S))
    assert not house.sender.step(), "until its timeline is found anew, nobody knows when it leaves"
    house.behind_ns = -3600 * NS_PER_S
    house.play(0.4, first=1000)
    assert len(house.sink.rows) > sent + 100


def test_no_packet_is_due_before_the_latency_after_its_own_instant():
    house = House(behind_ns=-5 * NS_PER_S)
    house.play(0.6)
    assert len(house.sink.dues) > 20
    for due, timestamp in zip(house.sink.dues, house.timestamps()[::BATCH], strict=True):
        number = START + (timestamp - START) % 2**32
        gathered_ns = 3_000_000  # four packets leave when the last of them is due
        assert due == tai_of_ticks(number, AUDIO_CLOCK_HZ).after(LATENCY_NS - 5 * NS_PER_S + gathered_ns)


def test_a_packet_that_never_came_is_silence_and_counted_and_its_neighbours_are_whole():
    house = House()
    sent = house.play(0.6, skip={100, 101, 250})
    house.finish()
    payloads = house.payloads()
    assert len(payloads) == sent
    for k, payload in enumerate(payloads):
        silent = k in {100, 101, 250}
        assert payload == (bytes(len(payload)) if silent else house.octets[k * 48 : k * 48 + 48].tobytes())
    assert house.sender.counters.silent == 3


def test_a_packet_that_comes_too_late_is_silence_but_one_that_is_only_reordered_is_not():
    house = House()
    house.play(0.16, skip={10, 30})
    house.come(30, 1)
    house.play(0.3, first=160)
    house.come(10, 1)
    house.finish()
    assert house.sender.counters.silent == 1
    assert house.payloads()[30] == house.octets[30 * 48 : 31 * 48].tobytes()


def test_a_voice_that_stops_stops_at_the_output_and_one_that_returns_is_where_its_timestamps_say():
    house = House()
    sent = house.play(0.4)
    for _ in range(150):  # 1.2 s without a packet
        house.clock.advance(VISIT_NS)
        house.work()
    assert len(house.sink.rows) == sent
    house.play(0.3, first=sent + 1200)  # the store's voice is a second long: what is played is its beginning again
    stamps = house.timestamps()
    assert stamps[sent - 1] == (START + (sent - 1) * 48) % 2**32
    assert house.sequences() == list(range(len(stamps)))
    gaps = [b - a for a, b in pairwise(stamps)]
    assert sum(gap != 48 for gap in gaps) == 1, "there is one leap, over the pause"
    assert house.sender.counters.silent == 0


def test_what_comes_after_its_instant_when_all_else_has_left_is_left_out_and_counted():
    house = House()
    sent = house.play(0.4)
    house.clock.advance(LATENCY_NS + 100_000_000)
    house.work()
    overdue = house.clock.now().since(house.instant(sent).after(LATENCY_NS)) // 1_000_000
    assert overdue >= 100
    house.come(sent, 320)
    house.work()
    house.finish()
    assert house.sender.counters.late == overdue
    assert house.sender.counters.packets == sent + 320 - overdue
    assert house.sender.counters.silent == 0


def test_timestamps_that_leap_are_followed_without_a_flood_of_silence():
    house = House()
    house.play(0.4)
    before = len(house.sink.rows)
    house.behind_ns -= 3600 * NS_PER_S  # the sender's clock was set an hour ahead
    index = np.arange(40)
    house.store.keep(
        np.ones((40, 1500), np.uint8),
        index,
        offset=np.full(40, HEADER_OCTETS),
        start=START + 400 * 48 + 3600 * AUDIO_CLOCK_HZ + index * 48,
        count=np.full(40, 48),
    )
    for _ in range(10):
        house.clock.advance(VISIT_NS)
        house.work()
    assert house.sender.counters.resyncs == 1
    assert len(house.sink.rows) - before <= 90


def test_restamped_it_leaves_at_the_same_instants_under_later_timestamps():
    house = House(shift_samples=9600)
    house.play(0.4)
    assert house.timestamps()[0] == (START + 9600) % 2**32


def test_a_network_that_refuses_costs_packets_and_not_the_thread():
    house = House()
    house.play(0.3)
    before = house.sender.counters.packets
    house.sink.broken = True
    house.play(0.1, first=300)
    house.sink.broken = False
    house.play(0.1, first=400)
    assert house.failures == {"voice out: no route": house.sender.counters.refused // BATCH}
    assert house.sender.counters.packets > before


def test_before_anything_has_come_nothing_is_sent_and_a_drain_ends_at_once():
    house = House()
    assert not house.sender.step()
    house.sender.drain()
    house.sender.run()
    assert house.sink.rows == []
    house.sender.close()


def test_a_drain_lets_what_is_in_the_house_leave():
    house = House()
    sent = house.play(0.4)
    house.sender.drain()
    house.sender.run()
    assert len(house.sink.rows) == sent
