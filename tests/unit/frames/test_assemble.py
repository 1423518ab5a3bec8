"""Frames from packets: over impaired links, across wraps and restarts, and out of what is no frame at all."""

import numpy as np
import pytest

from flows import FORMAT, FRAME_NS, FRAME_TICKS, SSRC, START_TICKS, TYPE, Receiver, Sender, part, run, same
from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.tai import tai_of_ticks
from relip.frames.assemble import LIVE_FRAMES, MERGE_WINDOW_NS, VideoAssembler
from relip.frames.entries import LATE_RUN
from relip.frames.pool import FramePool
from relip.ports import Chunk
from relip.transport.loopback import Link
from relip.wire import st2110_20

pytestmark = pytest.mark.unit

PACKETS = 40


def test_every_frame_arrives_as_it_was_sent():
    sender, receiver = run(Link())
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)
    counters = receiver.counters
    assert (counters.packets, counters.frames) == (50 * PACKETS, 50)
    assert (counters.lost, counters.duplicate, counters.late, counters.incomplete, counters.resyncs) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_reordering_and_repetition_change_nothing(seed):
    link = Link(seed, reorder=0.3, duplicate=0.1, jitter=70)
    sender, receiver = Sender(), Receiver(capacity=33)
    for _ in range(50):
        link.sink.send(sender.burst())
    receiver.take(link.source)
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.counters.duplicate == receiver.counters.packets - 50 * PACKETS > 0
    assert (receiver.counters.lost, receiver.counters.late) == (0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_loss_costs_its_rows_and_nothing_else(seed):
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    lossy = Link(seed, loss=0.02, reorder=0.1, duplicate=0.02, jitter=10)
    run(lossy, sender=sender, receiver=receiver)
    receiver.push(sender.burst())
    assert receiver.ticks == list(sender.sent)
    concealed = 0
    for grain, before in zip(receiver.grains[1:], receiver.grains, strict=False):
        whole = (receiver.frames[grain.ticks] == sender.sent[grain.ticks]).all(axis=1)
        held = (receiver.frames[grain.ticks] == receiver.frames[before.ticks]).all(axis=1)
        assert (whole | held).all()
        assert grain.concealed_rows == held.sum()
        concealed += int(held.sum())
    assert receiver.counters.lost == lossy.lost > 0
    assert receiver.counters.concealed_rows == concealed > 0


def test_one_lost_packet_costs_one_row():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    receiver.push(part(sender.burst(), [*range(7), *range(8, PACKETS)]))
    receiver.wait(FRAME_NS + MERGE_WINDOW_NS)
    first, second = (receiver.frames[t] for t in sender.sent)
    sent = sender.sent[START_TICKS + FRAME_TICKS]
    assert np.array_equal(second[3], first[3])
    assert np.array_equal(np.delete(second, 3, axis=0), np.delete(sent, 3, axis=0))
    assert receiver.grains[1].concealed_rows == 1


@pytest.mark.parametrize("capacity", [1, 7, 40, 41])
def test_a_chunk_may_end_anywhere(capacity):
    sender, receiver = run(Link(), frames=5, receiver=Receiver(capacity=capacity))
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)


def test_the_specification_copied_by_hand_gives_the_same_frame():
    sender, receiver, chunk = Sender(), Receiver(keep=True), Chunk.of(256)
    link = Link(5, reorder=0.5, duplicate=0.3)
    link.sink.send(sender.burst())
    frame = np.zeros((FORMAT.height, FORMAT.row_octets), np.uint8)
    while link.source.receive(chunk, 0) and not receiver.grains:
        receiver._note(receiver.assembler.push(chunk, receiver.now))
        spans = st2110_20.parse(chunk.octets[: chunk.count], chunk.lengths[: chunk.count], payload_type=TYPE)
        for i, packet in enumerate(spans.packet):
            data = chunk.octets[packet, spans.data[i] : spans.data[i] + spans.length_octets[i]]
            frame[spans.row[i], spans.offset_octets[i] : spans.offset_octets[i] + spans.length_octets[i]] = data
    assert np.array_equal(receiver.grains[0].packed, frame)


def bpm_packets(frame, raster, *, ticks, sequence):
    """A frame in the block packing mode: 1260 octets a packet, across rows by continuation."""
    flat, packets, row_octets = frame.reshape(-1).tobytes(), [], raster.row_octets
    for number, at in enumerate(range(0, len(flat), 1260), start=sequence):
        block = flat[at : at + 1260]
        srd, place, left = [], at, len(block)
        while left:
            row, offset = divmod(place, row_octets)
            length = min(left, row_octets - offset)
            srd.append([length, row, offset // 5 * 2])
            place, left = place + length, left - length
        for header in srd[:-1]:
            header[2] |= 0x8000
        marker = 0x80 if at + 1260 >= len(flat) else 0
        fixed = bytes([0x80, TYPE | marker]) + (number & 0xFFFF).to_bytes(2) + (ticks & 0xFFFFFFFF).to_bytes(4)
        chain = b"".join(v.to_bytes(2) for header in srd for v in header)
        packets.append(fixed + SSRC.to_bytes(4) + (number >> 16).to_bytes(2) + chain + block)
    return packets


def push_datagrams(receiver, datagrams):
    chunk = Chunk.of(len(datagrams))
    for row, datagram in enumerate(datagrams):
        chunk.octets[row, : len(datagram)] = np.frombuffer(datagram, np.uint8)
        chunk.lengths[row] = len(datagram)
    chunk.count = len(datagrams)
    receiver._note(receiver.assembler.push(chunk, receiver.now))


@pytest.mark.parametrize(("width", "srd"), [(720, 2), (240, 3)])
def test_packets_that_straddle_rows_are_put_where_they_belong(width, srd):
    small = VideoFormat(width, 30, FORMAT.rate)
    receiver = Receiver(raster=small)
    frame = np.random.default_rng(1).integers(0, 256, (30, small.row_octets), dtype=np.uint8)
    packets = bpm_packets(frame, small, ticks=START_TICKS, sequence=0xFFFA)
    assert max(len(packet) for packet in packets) == 14 + 6 * srd + 1260
    push_datagrams(receiver, packets[::-1])
    assert np.array_equal(receiver.frames[START_TICKS], frame)


def test_a_lost_packet_that_straddles_rows_costs_those_rows():
    small = VideoFormat(240, 30, FORMAT.rate)
    receiver, random = Receiver(raster=small), np.random.default_rng(1)
    first, second = (random.integers(0, 256, (30, small.row_octets), dtype=np.uint8) for _ in range(2))
    packets = bpm_packets(first, small, ticks=START_TICKS, sequence=0)
    push_datagrams(receiver, packets)
    lossy = bpm_packets(second, small, ticks=START_TICKS + FRAME_TICKS, sequence=len(packets))
    push_datagrams(receiver, lossy[:1] + lossy[2:])  # octets 1260 to 2519: rows 2, 3 and 4
    receiver.wait(2 * FRAME_NS)
    expected = second.copy()
    expected[2:5] = first[2:5]
    assert np.array_equal(receiver.frames[START_TICKS + FRAME_TICKS], expected)


@pytest.mark.parametrize("before_wrap", [1, 20, PACKETS, PACKETS + 7])
def test_the_sequence_number_wraps_at_32_bits(before_wrap):
    sender = Sender(sequence=(1 << 32) - before_wrap)
    link = Link(3, reorder=0.2, jitter=20)
    _, receiver = run(link, frames=4, sender=sender)
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.counters.lost == 0


@pytest.mark.parametrize(("before_wrap", "extended"), [(1, 0), (350, 0x7FFF), (407, 0)])
def test_a_sender_whose_extended_number_stays_as_it_is_loses_no_frame_at_a_wrap(before_wrap, extended):
    # GStreamer's rtpvrawpay always writes 0 there. 400 packets a frame, over two wraps.
    raster = VideoFormat(72, 400, FORMAT.rate)
    sender, receiver = Sender(raster=raster, sequence=(1 << 16) - before_wrap), Receiver(raster=raster)
    for _ in range(170):
        burst = sender.burst()
        burst.headers[:, 12:14] = extended >> 8, extended & 0xFF
        receiver.push(burst)
    assert receiver.counters.frames == len(sender.sent)
    assert (receiver.counters.malformed, receiver.counters.incomplete, receiver.counters.resyncs) == (0, 0, 0)


def test_the_timestamp_wraps_and_ticks_go_on():
    start = (1 << 32) * 35_000 - 2 * FRAME_TICKS
    sender, receiver = run(Link(), frames=5, sender=Sender(ticks=start), receiver=Receiver(ticks=start))
    assert receiver.ticks == [start + i * FRAME_TICKS for i in range(5)]
    assert same(receiver.frames, sender.sent, sender.sent)


def test_a_sender_far_from_tai_keeps_a_steady_count():
    sender = Sender(ticks=START_TICKS + (1 << 31) - FRAME_TICKS)  # half a wrap from now: either side is as near
    _, receiver = run(Link(), frames=5, sender=sender)
    assert np.diff(receiver.ticks).tolist() == [FRAME_TICKS] * 4


def test_a_frame_that_was_joined_in_the_middle_is_dropped_without_a_word():
    sender, receiver = Sender(), Receiver()
    receiver.push(part(sender.burst(), slice(11, None)))
    receiver.push(sender.burst())
    receiver.wait(2 * FRAME_NS)
    assert receiver.ticks == [START_TICKS + FRAME_TICKS]
    counters = receiver.counters
    assert (counters.incomplete, counters.dropped, counters.lost) == (0, 0, 0)


def test_a_sender_that_leaves_in_mid_frame_leaves_a_concealed_frame_in_time():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    receiver.push(part(sender.burst(), slice(0, 20)))
    receiver.wait(FRAME_NS + MERGE_WINDOW_NS - 1)
    assert len(receiver.grains) == 1
    receiver.wait(1)
    first, second = (receiver.frames[t] for t in sender.sent)
    assert np.array_equal(second[:10], sender.sent[START_TICKS + FRAME_TICKS][:10])
    assert np.array_equal(second[10:], first[10:])
    assert receiver.grains[1].concealed_rows == 10
    assert receiver.grains[1].arrived == tai_of_ticks(START_TICKS, 90_000)


def test_a_restarted_sender_is_followed_from_its_first_packet():
    old, receiver = Sender(), Receiver()
    receiver.push(old.burst())
    receiver.push(part(old.burst(), slice(0, 10)))
    receiver.wait(5 * FRAME_NS)
    new = Sender(ssrc=7, sequence=12345, ticks=START_TICKS - 90_000 * 60, seed=9)
    run(Link(), frames=3, sender=new, receiver=receiver)
    assert receiver.ticks == [*old.sent, *new.sent]
    assert same(receiver.frames, new.sent, new.sent)
    assert (receiver.counters.resyncs, receiver.counters.stranger, receiver.counters.lost) == (1, 0, 0)


def test_a_restart_is_seen_even_when_each_packet_comes_alone():
    old, receiver = Sender(), Receiver(capacity=1)
    receiver.push(old.burst())
    receiver.wait(5 * FRAME_NS)
    new = Sender(ssrc=7, sequence=12345, ticks=START_TICKS + 50_000, seed=9)
    run(Link(), frames=3, sender=new, receiver=receiver)
    assert receiver.ticks == [*old.sent, *list(new.sent)[1:]]  # three packets of the first proved that it is one
    assert receiver.counters.resyncs == 1


def test_a_sender_that_paused_goes_on_without_losing_a_frame():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    sender.ticks += 60 * 90_000
    receiver.wait(60 * 10**9)
    run(Link(), frames=3, sender=sender, receiver=receiver)
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)


def test_strays_of_another_sender_disturb_nobody():
    sender, receiver = Sender(), Receiver()
    stray = Sender(ssrc=99, ticks=START_TICKS + 10**6, seed=5)
    for _ in range(10):
        ours, theirs = sender.burst(), stray.burst()
        receiver.push(part(ours, slice(0, 20)))
        receiver.push(part(theirs, slice(0, 3)))
        receiver.push(part(ours, slice(20, None)))
        receiver.wait(FRAME_NS)
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert (receiver.counters.stranger, receiver.counters.resyncs) == (30, 0)


def test_a_second_sender_on_the_group_does_not_take_over_from_a_living_one():
    sender, receiver = Sender(), Receiver()
    rival = Sender(ssrc=99, seed=5)
    for _ in range(10):
        receiver.push(sender.burst())
        receiver.push(rival.burst())
        receiver.wait(FRAME_NS)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert (receiver.counters.frames, receiver.counters.stranger) == (10, 10 * PACKETS)


def test_a_damaged_timestamp_costs_its_row_and_not_the_stream():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    damaged = sender.burst()
    damaged.headers[5, 4] ^= 0x40
    receiver.push(damaged)
    receiver.wait(FRAME_NS)
    run(Link(), frames=3, sender=sender, receiver=receiver)
    assert receiver.ticks == list(sender.sent)
    assert [grain.concealed_rows for grain in receiver.grains] == [0, 1, 0, 0, 0]
    assert receiver.counters.resyncs == 0


def test_a_sender_whose_time_went_back_a_little_is_followed_again():
    sender, receiver = Sender(), Receiver()
    for _ in range(5):
        receiver.push(sender.burst())
        receiver.wait(FRAME_NS)
    again = Sender(ticks=START_TICKS - 3 * FRAME_TICKS, sequence=sender.sequence, seed=3)
    for _ in range(6):
        receiver.push(again.burst())
        receiver.wait(FRAME_NS)
    assert receiver.counters.resyncs == 1
    assert receiver.counters.late == LATE_RUN - 1
    assert receiver.ticks[5:] == list(again.sent)[-(len(receiver.ticks) - 5) :]
    assert len(receiver.ticks) >= 5 + 4
    assert same(receiver.frames, again.sent, receiver.ticks[5:])


def test_packets_of_a_frame_that_has_left_are_repetitions_or_late():
    sender, receiver = Sender(), Receiver()
    first, second = sender.burst(), sender.burst()
    receiver.push(first)
    receiver.push(part(second, slice(0, 30)))
    receiver.wait(2 * FRAME_NS)
    receiver.push(part(second, slice(28, 33)))
    assert (receiver.counters.duplicate, receiver.counters.late) == (2, 3)
    receiver.push(part(second, slice(28, 33)))
    assert (receiver.counters.duplicate, receiver.counters.late) == (7, 3)
    assert receiver.counters.frames == 2


def test_a_complete_frame_waits_for_the_one_before_it():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    lacking, complete = sender.burst(), sender.burst()
    receiver.push(part(lacking, slice(0, 39)))
    receiver.push(complete)
    assert len(receiver.grains) == 1
    receiver.push(part(lacking, [39]))
    assert receiver.ticks == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)


def test_too_many_unfinished_frames_push_the_oldest_out():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    for _ in range(LIVE_FRAMES + 1):
        receiver.push(part(sender.burst(), slice(0, 39)))
    assert receiver.ticks == [START_TICKS, START_TICKS + FRAME_TICKS]
    assert receiver.grains[1].concealed_rows == 1


def test_without_a_buffer_frames_are_counted_and_the_stream_goes_on_when_one_returns():
    sender, receiver = Sender(), Receiver(slots=3, keep=True)
    for _ in range(6):
        receiver.push(sender.burst())
        receiver.wait(FRAME_NS)
    assert receiver.ticks == list(sender.sent)[:3]
    assert receiver.counters.no_buffer == 3
    receiver.pool.give_back(receiver.grains[0].slot)
    receiver.push(sender.burst())
    assert receiver.ticks[3:] == list(sender.sent)[6:]
    assert same(receiver.frames, sender.sent, receiver.ticks)
    assert receiver.counters.lost == 0


def test_with_the_pool_empty_an_unfinished_frame_gives_its_buffer_to_the_newer():
    sender, receiver = Sender(), Receiver(slots=2, keep=True)
    receiver.push(sender.burst())
    receiver.push(part(sender.burst(), slice(0, 39)))
    receiver.push(sender.burst())
    assert receiver.ticks == [START_TICKS, START_TICKS + 2 * FRAME_TICKS]
    assert same(receiver.frames, sender.sent, receiver.ticks)
    assert receiver.counters.no_buffer == 1


def test_no_slot_is_ever_forgotten():
    sender, receiver = Sender(), Receiver(slots=6)
    run(Link(2, loss=0.2, reorder=0.3, duplicate=0.1, jitter=60), frames=200, sender=sender, receiver=receiver)
    assert receiver.pool.free == 5  # the last grain's slot is kept, to conceal from
    assert receiver.counters.incomplete > 0


def test_a_row_outside_the_raster_is_masked_and_the_rest_of_the_frame_kept():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    damaged = sender.burst()
    damaged.headers[4, 16] |= 0x7F
    receiver.push(damaged)
    receiver.wait(2 * FRAME_NS)
    assert receiver.counters.outside == 1
    assert receiver.grains[1].concealed_rows == 1


def test_the_same_samples_under_new_numbers_do_not_stand_in_for_missing_ones():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    twice = sender.burst()
    twice.headers[7, 14:20] = twice.headers[6, 14:20]
    receiver.push(twice)
    receiver.wait(2 * FRAME_NS)
    assert receiver.grains[1].concealed_rows == 1


def test_no_repetition_under_new_numbers_hides_a_hole_however_it_lies():
    wide = VideoFormat(1920, 4, FORMAT.rate)
    sender, receiver = Sender(raster=wide), Receiver(raster=wide)
    receiver.push(sender.burst())
    holed = sender.burst()
    holed.headers[5:7, 14:20] = holed.headers[[4, 7], 14:20]  # as far before the middle of row 1 as behind it
    receiver.push(holed)
    receiver.wait(2 * FRAME_NS)
    assert receiver.grains[1].concealed_rows == 1


def test_a_row_that_is_whole_is_not_written_again():
    sender, receiver = Sender(), Receiver()
    receiver.push(sender.burst())
    burst = sender.burst()
    forged = part(burst, [0, 1, 2, 3, 2, 3])
    forged.headers[4:, 2:4] += 10  # new numbers
    forged.offsets[4:] += 9000  # and other samples, for row 1
    receiver.push(forged)
    receiver.push(part(burst, slice(4, PACKETS)))
    receiver.wait(2 * FRAME_NS)
    assert same(receiver.frames, sender.sent, sender.sent)
    assert receiver.grains[1].concealed_rows == 0


def test_an_interlaced_stream_is_counted_and_not_assembled():
    sender, receiver = Sender(), Receiver()
    field = sender.burst()
    field.headers[:, 16] |= 0x80
    receiver.push(field)
    receiver.wait(2 * FRAME_NS)
    assert receiver.grains == []
    assert receiver.counters.interlaced == PACKETS


def test_another_payload_type_is_not_ours():
    sender, receiver = Sender(), Receiver()
    other = sender.burst()
    other.headers[:, 1] ^= 1
    receiver.push(other)
    assert receiver.counters.other_type == PACKETS
    assert receiver.counters.malformed == 0


def test_a_stream_that_is_never_whole_is_shown_from_its_second_frame_on():
    sender, receiver = Sender(), Receiver()
    for _ in range(4):
        receiver.push(part(sender.burst(), [0, 1, *range(3, PACKETS)]))
        receiver.wait(2 * FRAME_NS)
    assert receiver.ticks == list(sender.sent)[1:]
    shown, sent = receiver.frames[receiver.ticks[0]], sender.sent[receiver.ticks[0]]
    assert np.array_equal(shown[1], sent[2])
    assert np.array_equal(np.delete(shown, 1, axis=0), np.delete(sent, 1, axis=0))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_counted_and_the_next_frames_are_whole(seed):
    random = np.random.default_rng(seed)
    receiver, chunk = Receiver(), Chunk.of(256)
    for _ in range(40):
        chunk.octets[:] = random.integers(0, 256, chunk.octets.shape, dtype=np.uint8)
        chunk.octets[:, 0] = random.choice([0x80, 0x90, 0xB2], 256)
        chunk.octets[:, 1] = TYPE
        chunk.lengths[:] = random.integers(0, 2000, 256)
        chunk.count = 256
        receiver._note(receiver.assembler.push(chunk, receiver.now))
        receiver.wait(int(random.integers(0, 10**8)))
    assert receiver.counters.packets == 40 * 256
    receiver.wait(10 * FRAME_NS)
    sender, _ = run(Link(), frames=5, receiver=receiver)
    assert receiver.ticks[-5:] == list(sender.sent)
    assert same(receiver.frames, sender.sent, sender.sent)


@pytest.mark.parametrize("seed", range(3))
def test_real_packets_with_changed_bits_never_raise(seed):
    random = np.random.default_rng(seed)
    sender, receiver = Sender(), Receiver()
    for _ in range(60):
        burst = sender.burst()
        hit = random.integers(0, PACKETS, 6)
        burst.headers[hit, random.integers(0, 20, 6)] = random.integers(0, 256, 6)
        receiver.push(burst)
        receiver.wait(FRAME_NS)
    clean = Sender(ticks=sender.ticks, sequence=sender.sequence, seed=seed + 100)
    run(Link(), frames=5, sender=clean, receiver=receiver)
    assert same(receiver.frames, clean.sent, clean.sent)
    assert receiver.counters.frames > 30


def test_a_pool_for_another_raster_is_refused():
    pool = FramePool(2, VideoFormat(720, 22, FORMAT.rate))
    with pytest.raises(FormatError, match="does not fit"):
        VideoAssembler(FORMAT, payload_type=TYPE, pool=pool)
