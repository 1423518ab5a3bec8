"""What leaves beside a grain: what came with it, bit for bit, and what is said of it."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import VideoFormat
from relip.essence.grains import AncGrain, AncPacket, VideoGrain
from relip.essence.scene import Bypass, Patch, Region, Verdict
from relip.essence.tai import Tai, grain_ticks
from relip.graph.ancillary import AncillarySender, Carried, disclosing
from relip.wire import disclosure, st2110_40

pytestmark = pytest.mark.unit

RATE = Fraction(60000, 1001)
FORMAT = VideoFormat(width=360, height=8, rate=RATE)
UNTOUCHED = Verdict(bypass=Bypass.NO_FACE)
INDEX = 100_000_000_000
CAPTION = st2110_40.pack_one(AncPacket(did=0x61, sdid=0x01, words=bytes(range(60)), line=9, horizontal_offset=0, stream=3))
TIMECODE = st2110_40.pack_one(AncPacket(did=0x60, sdid=0x60, words=bytes(16), line=10, c_channel=True))
BROKEN = bytes(octet ^ (0x01 if i == 12 else 0) for i, octet in enumerate(CAPTION))
"""A bit of a user data word, and so its parity and the checksum, is not what the standard asks."""


class Kept:
    """A sink that keeps what each packet says."""

    def __init__(self):
        self.packets = []

    def send(self, burst):
        self.packets += [bytes(row) for row in burst.headers]
        return len(burst.headers)

    def close(self):
        self.packets = []

    def frames(self):
        """Timestamp, and the ANC packets bit for bit, of each RTP packet."""
        return [(int.from_bytes(packet[4:8], "big"), st2110_40.parse(packet[12:]).octets) for packet in self.packets]

    def numbers(self):
        return [int.from_bytes(packet[12:14] + packet[2:4], "big") for packet in self.packets]


def ticks(k):
    return grain_ticks(INDEX + k, RATE, 90_000)


def grain(k, concealed=0):
    packed = np.zeros((FORMAT.height, FORMAT.row_octets), np.uint8)
    return VideoGrain(ticks(k), FORMAT, packed, slot=0, arrived=Tai(0), concealed_rows=concealed)


def came(k, *octets, off=0):
    return AncGrain(ticks(k) + off, (), tuple(octets))


def sender(sink, **more):
    return AncillarySender(sink, payload_type=100, ssrc=5, rate=RATE, **more)


def stamp(k, shift=0):
    return ticks(k + shift) % 2**32


def test_each_frame_says_whether_it_was_altered_and_where():
    sink = Kept()
    told = sender(sink, tell=disclosing())
    region = Region(x=10, y=2, width=20, height=3)
    told.send(grain(6), Verdict(patch=Patch(region, np.zeros((3, 50), np.uint8))))
    told.send(grain(7, concealed=2), UNTOUCHED)
    said = [disclosure.parse(st2110_40.parse(packet[12:]).packets[0]) for packet in sink.packets]
    assert said == [
        disclosure.Disclosure(altered=True, region=region),
        disclosure.Disclosure(altered=False, reason=Bypass.NO_FACE, concealed=True),
    ]


def test_what_came_leaves_with_its_own_frame_bit_for_bit_in_its_order_and_a_broken_one_stays_broken():
    sink, carried = Kept(), Carried(RATE, waiting=16)
    out = sender(sink, carried=carried)
    carried.put(came(1, CAPTION, BROKEN, TIMECODE))
    carried.put(came(2, TIMECODE))
    for k in (1, 2):
        out.send(grain(k), UNTOUCHED)
    assert sink.frames() == [(stamp(1), (CAPTION, BROKEN, TIMECODE)), (stamp(2), (TIMECODE,))]
    assert st2110_40.parse(sink.packets[0][12:]).bad_parity == 1
    assert carried.counters.passed == 4


def test_in_one_flow_both_lie_in_one_frame_and_the_last_word_is_ours():
    sink, carried = Kept(), Carried(RATE, waiting=16)
    earlier = st2110_40.pack_one(disclosure.pack(disclosure.Disclosure(altered=True)))
    out = sender(sink, carried=carried, tell=disclosing())
    carried.put(came(1, CAPTION, earlier, off=1))
    out.send(grain(1), UNTOUCHED)
    ((timestamp, octets),) = sink.frames()
    assert timestamp == stamp(1), "a sender that is a tick beside the grid must not make two frames of one"
    assert octets[:2] == (CAPTION, earlier)
    said = [disclosure.parse(packet) for packet in st2110_40.parse(sink.packets[0][12:]).packets]
    assert [each and each.altered for each in said] == [None, True, False]


def test_with_nothing_to_say_a_keep_alive_leaves():
    sink = Kept()
    out = sender(sink, carried=Carried(RATE, waiting=16))
    for k in range(3):
        out.send(grain(k), UNTOUCHED)
    assert sink.frames() == [(stamp(k), ()) for k in range(3)]
    assert all(packet[1] & 0x80 for packet in sink.packets), "the marker ends each frame"
    assert sink.numbers() == [0, 1, 2]


def test_what_comes_after_its_frame_has_left_goes_with_the_next_under_its_own_timestamp():
    sink, carried = Kept(), Carried(RATE, waiting=16)
    out = sender(sink, carried=carried)
    out.send(grain(1), UNTOUCHED)
    carried.put(came(1, CAPTION))
    out.send(grain(2), UNTOUCHED)
    assert sink.frames() == [(stamp(1), ()), (stamp(1), (CAPTION,)), (stamp(2), ())]
    assert (carried.counters.passed, carried.counters.late) == (1, 1)


def test_ancillary_data_of_a_frame_that_never_came_is_not_lost():
    sink, carried = Kept(), Carried(RATE, waiting=16)
    out = sender(sink, carried=carried)
    for k in range(3):
        carried.put(came(k, CAPTION))
    out.send(grain(0), UNTOUCHED)
    out.send(grain(2), UNTOUCHED)
    assert sink.frames() == [(stamp(k), (CAPTION,)) for k in range(3)]


def test_what_waits_for_a_frame_to_come_does_not_leave_before_it():
    carried = Carried(RATE, waiting=16)
    carried.put(came(5, CAPTION))
    assert carried.take(ticks(4)) == ([], ())
    assert carried.take(ticks(5)) == ([], (CAPTION,))


def test_restamped_it_leaves_under_the_timestamp_of_the_grain_it_leaves_with():
    sink, carried = Kept(), Carried(RATE, waiting=16)
    out = sender(sink, carried=carried, tell=disclosing(), shift=9)
    carried.put(came(3, CAPTION))
    carried.put(came(4, CAPTION))
    out.send(grain(4), UNTOUCHED)
    assert [timestamp for timestamp, _ in sink.frames()] == [stamp(3, 9), stamp(4, 9)]


def test_data_of_another_time_and_more_than_there_is_room_for_is_dropped_and_counted():
    carried = Carried(RATE, waiting=4)
    carried.put(came(-120, CAPTION, CAPTION))
    assert carried.take(ticks(0)) == ([], ())
    assert carried.counters.dropped == 2
    for k in range(6):
        carried.put(came(k, CAPTION))
    assert carried.counters.dropped == 4
    assert carried.counters.passed == 0


def test_picture_and_data_meet_whichever_wrap_of_the_clock_each_was_laid_in():
    carried = Carried(RATE, waiting=4)
    carried.put(replace(came(5, CAPTION), ticks=ticks(5) - 2**32))
    assert carried.take(ticks(5)) == ([], (CAPTION,))


def test_identifiers_of_the_disclosure_are_configuration():
    sink = Kept()
    sender(sink, tell=disclosing(did=0x51, sdid=0x07)).send(grain(1), UNTOUCHED)
    (packet,) = st2110_40.parse(sink.packets[0][12:]).packets
    assert (packet.did, packet.sdid) == (0x51, 0x07)
    assert disclosure.parse(packet) is None
    assert disclosure.parse(packet, did=0x51, sdid=0x07).reason == Bypass.NO_FACE


def test_more_than_a_packet_holds_is_cut_between_anc_packets():
    sink, carried = Kept(), Carried(RATE, waiting=4)
    large = st2110_40.pack_one(AncPacket(did=0x50, sdid=1, words=bytes(255)))
    carried.put(came(1, *[large] * 9))
    sender(sink, carried=carried).send(grain(1), UNTOUCHED)
    assert len(sink.packets) > 1
    assert [octets for _, frame in sink.frames() for octets in frame] == [large] * 9
    assert [packet[1] >> 7 for packet in sink.packets] == [0] * (len(sink.packets) - 1) + [1]
