"""What is damaged or forged in just one way is refused, and a sender that changes its ways is followed."""

import numpy as np
import pytest

from flows import FORMAT, FRAME_NS, FRAME_TICKS, SSRC, START_TICKS, Receiver, Sender, part, same
from relip.essence.formats import VideoFormat
from relip.ports import Burst
from relip.transport.loopback import Link

pytestmark = pytest.mark.unit

PACKETS = 40
KNOWN = 3
"""Whole frames after which the pattern is known, with one to spare."""


def settled(**options):
    """A sender and a receiver that knows its ways."""
    sender, receiver = Sender(), Receiver(**options)
    for _ in range(KNOWN):
        receiver.push(sender.burst())
        receiver.wait(FRAME_NS)
    return sender, receiver


def forged(burst, change, packets=(4, 5, 20, 39)):
    """Copies of some packets, changed in their headers, on samples that nobody sent."""
    packets = list(packets)
    headers = burst.headers[packets].copy()
    change(headers)
    noise = np.random.default_rng(9).integers(0, 256, burst.payload.size, dtype=np.uint8)
    return Burst(headers, noise, burst.offsets[packets], burst.lengths[packets])


def later(columns, by):
    """Add to a big-endian field."""
    octets = columns.shape[1]
    for row in columns:
        row[:] = np.frombuffer(((int.from_bytes(row.tobytes()) + by) % (1 << 8 * octets)).to_bytes(octets), np.uint8)


CHANGES = {
    "row": lambda h: later(h[:, 16:18], 1),
    "offset": lambda h: later(h[:, 18:20], 2),
    "length": lambda h: later(h[:, 14:16], -5),
    "number of this frame": lambda h: later(h[:, 2:4], 1),
    "number of the next frame": lambda h: later(h[:, 2:4], PACKETS),
    "high half of the number": lambda h: later(h[:, 12:14], 1),
    "timestamp of the next frame": lambda h: later(h[:, 4:8], FRAME_TICKS),
    "timestamp of the frame after that": lambda h: later(h[:, 4:8], 2 * FRAME_TICKS),
    "timestamp between two frames": lambda h: later(h[:, 4:8], FRAME_TICKS * 3 // 4),
}


@pytest.mark.parametrize("early", [True, False], ids=["before the true one", "after it"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_packet_that_is_wrong_in_one_field_leaves_no_trace(change, early):
    sender, receiver = settled()
    for _ in range(3):
        burst = sender.burst()
        forgery = forged(burst, CHANGES[change])
        first = 30 if not early else 3
        receiver.push(part(burst, slice(first)))
        receiver.push(forgery)
        receiver.push(part(burst, slice(first, PACKETS)))
        receiver.wait(FRAME_NS)
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)
    counters = receiver.counters
    assert counters.misplaced + counters.late == 3 * 4
    assert (counters.incomplete, counters.lost, counters.malformed) == (0, 0, 0)


def test_a_flood_of_timestamps_opens_no_frames_that_push_out_the_true_one():
    sender, receiver = settled()
    burst = sender.burst()
    receiver.push(part(burst, slice(20)))
    for by in range(100, 80_000, 100):
        receiver.push(forged(burst, lambda h, by=by: later(h[:, 4:8], by), [7]))
    receiver.push(part(burst, slice(20, PACKETS)))
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.counters.no_buffer == 0


def changed(sender, how):
    """The same sender, after it has changed its ways."""
    if how == "skips frames":
        sender.ticks += 3 * FRAME_TICKS
    elif how == "counts anew":
        sender.sequence += 1_000_000
    elif how == "is a tick off":
        sender.ticks += 1
    elif how == "was away for a while":
        sender.ticks += 20 * FRAME_TICKS
    return sender


@pytest.mark.parametrize("how", ["skips frames", "counts anew", "is a tick off", "was away for a while"])
def test_a_sender_that_changes_its_ways_loses_not_one_row(how):
    sender, receiver = settled()
    changed(sender, how)
    for _ in range(4):
        receiver.push(sender.burst())
        receiver.wait(FRAME_NS)
    receiver.wait(10 * FRAME_NS)
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.counters.incomplete == 0


def halves(burst):
    """The same frame in twice as many packets."""
    headers = np.repeat(burst.headers, 2, axis=0)
    first = int.from_bytes(burst.headers[0, [12, 13, 2, 3]].tobytes())
    for i, header in enumerate(headers):
        header[[12, 13, 2, 3]] = np.frombuffer((first + i).to_bytes(4), np.uint8)
        header[14:16] = np.frombuffer((450).to_bytes(2), np.uint8)
        header[1] &= 0x7F if i + 1 < len(headers) else 0xFF
        header[18:20] = np.frombuffer((int.from_bytes(header[18:20].tobytes()) + i % 2 * 180).to_bytes(2), np.uint8)
    offsets = np.repeat(burst.offsets, 2) + np.tile([0, 450], len(burst.offsets))
    return Burst(headers, burst.payload, offsets, np.full(len(headers), 450))


def test_a_sender_that_packs_its_frames_anew_is_followed_from_the_first_one():
    sender, receiver = settled()
    for _ in range(4):
        burst = sender.burst()
        receiver.push(halves(burst))
        sender.sequence += PACKETS
        receiver.wait(FRAME_NS)
    receiver.wait(10 * FRAME_NS)
    assert same(receiver.frames, sender.sent, sender.sent)


def test_a_change_is_seen_even_when_each_packet_comes_alone_and_costs_no_more_than_its_first_rows():
    sender, receiver = settled()
    sender.sequence += 1_000_000
    burst = sender.burst()
    for i in range(PACKETS):
        receiver.push(part(burst, [i]))
    receiver.wait(3 * FRAME_NS)
    assert receiver.grains[-1].concealed_rows == 2  # three packets, of two rows
    assert receiver.counters.misplaced == 3


@pytest.mark.parametrize("seed", range(3))
def test_reordering_and_repetition_are_no_contradiction(seed):
    link = Link(seed, reorder=0.3, duplicate=0.1, jitter=70)
    sender, receiver = Sender(), Receiver(capacity=33)
    for _ in range(50):
        link.sink.send(sender.burst())
    receiver.take(link.source)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.counters.misplaced == 0


def test_numbers_and_timestamps_may_wrap():
    start = (1 << 32) * 35_600 - 3 * FRAME_TICKS
    sender, receiver = Sender(sequence=(1 << 32) - 5 * PACKETS - 7, ticks=start), Receiver(ticks=start)
    for _ in range(10):
        receiver.push(sender.burst())
        receiver.wait(FRAME_NS)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.counters.misplaced == 0


def test_a_sender_whose_frames_are_not_alike_is_never_judged_by_a_pattern():
    sender, receiver = Sender(), Receiver()
    for n in range(6):
        burst = sender.burst()
        receiver.push(burst if n % 2 else part(burst, [1, 0, *range(2, PACKETS)]))
        receiver.wait(FRAME_NS)
    assert same(receiver.frames, sender.sent, sender.sent)


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_forgeries_changes_nothing(seed):
    random = np.random.default_rng(seed)
    sender, receiver = settled(slots=12)
    for _ in range(30):
        burst = sender.burst()
        for at in range(0, PACKETS, 4):
            receiver.push(part(burst, slice(at, at + 4)))
            name = random.choice(list(CHANGES))
            receiver.push(forged(burst, CHANGES[name], random.integers(0, PACKETS, 6)))
        receiver.wait(FRAME_NS)
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)


def test_another_sender_has_other_ways():
    _, receiver = settled()
    other = Sender(ssrc=SSRC + 1, raster=VideoFormat(720, 20, FORMAT.rate), sequence=77, ticks=START_TICKS + 50 * FRAME_TICKS)
    receiver.wait(20 * FRAME_NS)
    for _ in range(4):
        receiver.push(other.burst())
        receiver.wait(FRAME_NS)
    assert same(receiver.frames, other.sent, other.sent)
    assert receiver.counters.misplaced == 0
