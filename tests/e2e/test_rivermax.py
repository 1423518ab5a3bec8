"""Rivermax, against a stand-in of the vendor's library: the transport contract, the order of calls, and what can go wrong.

The stand-in (tests/fake_rivermax) has the vendor's entry points over structures of our own, so these tests hold for the shim's
logic, the binding and both adapters, and not for the vendor's ABI or any network card.
"""

import os
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flows
from relip.clock.rivermax import RivermaxClock
from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import AncFormat, video_format
from relip.essence.tai import Tai
from relip.graph.pacing import pacing_of_card
from relip.ports import PACKET_STRIDE, Burst, Chunk, Schedule
from relip.transport import rivermax
from relip.transport.rivermax import RivermaxSink, RivermaxSource
from relip.wire import sdp
from relip.wire.sdp_media import Sending
from relip.wire.st2110_20 import FrameHeaders
from rivermax_sdk import MISUSE, NO_DEVICE, STATUS
from transport_contract import SECOND_NS, PairContract, SourceContract, burst_of, payloads, receive_all

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("cards")]

LEG = Leg("239.255.21.10", 5004)
WHOLE = {"packet_octets": 2048, "ring_octets": 2048 * 1024}
"""Slots beyond any datagram of the contract, so that the cut happens at the chunk's stride."""
FRAME = video_format("720p25")


def anc_sdp(leg=LEG):
    flow = Flow(format=AncFormat(rate=Fraction(25)), payload_type=98, legs=(leg,))
    return sdp.format(flow, sending=Sending(ts_refclk="localmac=00-00-00-00-00-00"))


def video_sdp(leg=LEG):
    flow = Flow(format=FRAME, payload_type=96, legs=(leg,))
    return sdp.format(flow, sending=Sending(ts_refclk="localmac=00-00-00-00-00-00", tp=pacing_of_card(FRAME, 2880).tp))


@pytest.fixture(params=[20, 0], ids=["split", "whole"])
def pair(request):
    source = RivermaxSource(LEG, header_octets=request.param, **WHOLE)
    sink = RivermaxSink(anc_sdp(), sizes=None, largest=2000)
    yield sink, source
    sink.close()
    source.close()


@pytest.fixture
def filled(pair):
    sink, source = pair
    sink.send(burst_of(payloads()))
    return source


class TestRivermax(SourceContract, PairContract):
    """Both contracts, with header-data split and without."""


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=60),
    split=st.sampled_from([0, 1, 12, 20, 100]),
    stride=st.sampled_from([1, 16, 64, 1536, 2048]),
    capacity=st.integers(1, 70),
)
def test_any_packet_is_joined_as_it_was_whatever_was_split_off(lengths, split, stride, capacity):
    sent = [bytes((7 * k + i) % 256 for i in range(length)) for k, length in enumerate(lengths)]
    source = RivermaxSource(LEG, header_octets=split, **WHOLE)
    sink = RivermaxSink(anc_sdp(), sizes=None, largest=2000)
    sink.send(burst_of(sent, header_octets=1))
    chunk, came = Chunk.of(capacity, stride), []
    while source.receive(chunk, 0):
        rows = zip(chunk.octets[: chunk.count], chunk.lengths[: chunk.count], strict=True)
        came += [(int(length), row[: min(length, stride)].tobytes()) for row, length in rows]
    assert came == [(len(datagram), datagram[:stride]) for datagram in sent]
    sink.close()
    source.close()


def frame_burst(headers, frame=0):
    """The packets of a frame whose octets say where they lie, and of which frame."""
    headers.stamp(headers.packets * frame, 3600 * frame)
    octets = int(headers.lengths.sum())
    payload = (np.arange(octets) + frame).astype(np.uint8)
    return Burst(headers.headers, payload, headers.offsets.copy(), headers.lengths.copy())


def datagrams_of(burst):
    slices = zip(burst.headers, burst.offsets, burst.lengths, strict=True)
    return [header.tobytes() + burst.payload[first : first + length].tobytes() for header, first, length in slices]


@pytest.fixture
def headers():
    return FrameHeaders(FRAME, payload_type=96, ssrc=7)


@pytest.fixture
def video_sink(headers):
    sink = RivermaxSink(video_sdp(), sizes=headers.lengths + headers.headers.shape[1])
    yield sink
    sink.close()


@pytest.fixture
def video_source():
    source = RivermaxSource(LEG, ring_octets=1536 * 6000)
    yield source
    source.close()


@pytest.mark.parametrize("by_sequence", [False, True])
def test_frames_arrive_bit_for_bit_round_the_ring(headers, video_sink, by_sequence):
    source = RivermaxSource(LEG, ring_octets=1536 * 4000, by_sequence=by_sequence)
    for frame in range(8):
        burst = frame_burst(headers, frame)
        assert video_sink.send(burst) == headers.packets
        assert receive_all(source, headers.packets) == datagrams_of(burst)
    source.close()


def test_grains_cross_two_cards_and_come_out_as_they_went_in():
    raster = video_format("720p25")
    camera, receiver = flows.Sender(raster=raster), flows.Receiver(raster=raster)
    source = RivermaxSource(LEG, by_sequence=True)
    first = camera.burst()
    sink = RivermaxSink(video_sdp(), sizes=first.lengths + first.headers.shape[1])
    for burst in (first, *(camera.burst() for _ in range(5))):
        sink.send(burst)
        receiver.take(source)
    assert receiver.ticks == sorted(camera.sent)
    assert flows.same(receiver.frames, camera.sent, receiver.ticks)
    sink.close()
    source.close()


def test_a_frame_goes_out_in_whole_chunks_that_fill_it(headers):
    assert rivermax._packets_per_chunk(4320) == 60
    assert headers.packets % rivermax._packets_per_chunk(headers.packets) == 0
    assert rivermax._packets_per_chunk(7919) == 1


def test_a_burst_that_is_not_the_frame_agreed_on_is_refused(headers, video_sink, video_source):
    burst = frame_burst(headers)
    with pytest.raises(FormatError, match="not whole frames"):
        video_sink.send(Burst(burst.headers[:-1], burst.payload, burst.offsets[:-1], burst.lengths[:-1]))
    burst.lengths[5] -= 1
    with pytest.raises(FormatError, match="not whole frames"):
        video_sink.send(burst)
    assert video_source.receive(Chunk.of(8), 1) == 0


def test_the_source_goes_the_vendors_way(cards):
    RivermaxSource(LEG).close()
    assert cards.calls() == [
        "rmx_init",
        "rmx_input_determine_mem_layout",
        "rmx_input_create_stream",
        "rmx_input_set_completion_moderation",
        "rmx_input_attach_flow",
        "rmx_input_detach_flow",
        "rmx_input_destroy_stream",
        "rmx_cleanup",
    ]


def test_the_sink_goes_the_vendors_way_and_says_its_code_point(cards):
    RivermaxSink(anc_sdp(), sizes=None, dscp=46).close()
    assert cards.calls() == [
        "rmx_init",
        "rmx_output_media_create_stream",
        "rmx_output_media_cancel_unsent_chunks",
        "rmx_output_media_destroy_stream",
        "rmx_cleanup",
    ]
    assert cards.counter("dscp") == 46


def test_the_library_is_started_by_the_first_user_and_stopped_by_the_last(cards):
    users = [RivermaxSource(LEG), RivermaxSink(anc_sdp(), sizes=None), RivermaxSource(LEG)]
    for user in users:
        user.close()
    assert cards.calls().count("rmx_init") == cards.calls().count("rmx_cleanup") == 1
    assert cards.calls()[-1] == "rmx_cleanup"


def test_the_librarys_own_thread_keeps_to_the_processor_it_is_given(cards, monkeypatch):
    last = os.cpu_count() - 1
    monkeypatch.setenv("PYRIVERMAX_CPU", str(last))
    users = [RivermaxSource(LEG), RivermaxSource(LEG)]
    for user in users:
        user.close()
    assert cards.calls()[:2] == ["rmx_set_cpu_affinity", "rmx_init"]
    assert cards.calls().count("rmx_set_cpu_affinity") == 1
    assert cards.counter("processor") == last + 1
    cards.inject("rmx_set_cpu_affinity", MISUSE)
    with pytest.raises(ResourceError, match="rmx_set_cpu_affinity gave status 402"):
        RivermaxSource(LEG)


@pytest.mark.parametrize("said", ["4096", "-1", "all", "0-1"])
def test_a_processor_that_is_none_of_ours_is_refused(cards, monkeypatch, said):
    monkeypatch.setenv("PYRIVERMAX_CPU", said)
    with pytest.raises(ResourceError, match=f"PYRIVERMAX_CPU={said}: this machine has processors 0 to "):
        RivermaxSource(LEG)
    assert cards.calls() == []


def test_a_source_that_filters_hears_one_sender_only():
    here = RivermaxSource(Leg(LEG.destination, LEG.port, source="127.0.0.1"))
    elsewhere = RivermaxSource(Leg(LEG.destination, LEG.port, source="127.0.0.2"))
    sink = RivermaxSink(anc_sdp(), sizes=None)
    sink.send(burst_of([bytes(20)]))
    assert here.receive(Chunk.of(8), SECOND_NS) == 1
    assert elsewhere.receive(Chunk.of(8), 1) == 0
    for end in (here, elsewhere, sink):
        end.close()


def test_a_ring_that_runs_over_loses_packets_and_harms_none_of_the_others(cards):
    source = RivermaxSource(LEG, ring_octets=1536 * 100)
    sink = RivermaxSink(anc_sdp(), sizes=None)
    sent = payloads()
    sink.send(burst_of(sent))
    assert receive_all(source, 100) == sent[:100]
    assert cards.counter("overrun") == len(sent) - 100
    sink.send(burst_of(sent[:50]))
    assert receive_all(source, 50) == sent[:50]
    sink.close()
    source.close()


def test_a_slot_that_no_packet_came_for_is_passed_over(headers):
    source = RivermaxSource(LEG, by_sequence=True)
    sink = RivermaxSink(anc_sdp(), sizes=None)
    whole = datagrams_of(frame_burst(headers))
    kept = whole[:10] + whole[13:20]
    sink.send(burst_of(kept))
    assert receive_all(source, len(kept)) == kept
    sink.close()
    source.close()


def test_what_has_come_is_not_kept_back_for_what_may_come(pair):
    sink, source = pair
    sink.send(burst_of(payloads()[:3]))
    assert source.receive(Chunk.of(8), 600 * SECOND_NS) == 3


def test_closing_ends_a_receive_that_is_looking_at_the_ring(cards):
    source, ended = RivermaxSource(LEG), []

    def wait():
        with pytest.raises(ResourceError, match="closed while receiving"):
            source.receive(Chunk.of(8), 600 * SECOND_NS)
        ended.append(True)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while cards.counter("looks") < 2:
        assert waiting.is_alive()
    source.close()
    waiting.join(timeout=30)
    assert ended


def test_a_signal_ends_a_receive_call_and_loses_nothing(filled, cards):
    cards.inject("rmx_input_get_next_chunk", STATUS["signal"], 1)
    assert filled.receive(Chunk.of(8), 60 * SECOND_NS) == 0
    assert receive_all(filled, len(payloads())) == payloads()


def test_a_wrong_checksum_is_counted_and_stops_nothing(filled, cards):
    cards.inject("checksum", STATUS["checksum"], 1)
    assert receive_all(filled, len(payloads())) == payloads()
    filled.close()
    assert filled.checksum_issues == 1


def test_a_stream_that_fails_says_at_which_step(filled, cards):
    cards.inject("rmx_input_get_next_chunk", STATUS["completion"])
    with pytest.raises(ResourceError, match=r"rmx_input_get_next_chunk gave status 304 \(RMX_HW_COMPLETION_ISSUE\)"):
        filled.receive(Chunk.of(8), 0)


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [
        ("rmx_init", STATUS["licence"], r"rmx_init gave status 309 \(RMX_LICENSE_ISSUE\): is there a valid licence"),
        ("rmx_input_determine_mem_layout", MISUSE, "rmx_input_determine_mem_layout gave status 402"),
        ("rmx_input_create_stream", NO_DEVICE, "status 401: does the interface's address belong to a card"),
        ("rmx_input_attach_flow", STATUS["busy"], r"rmx_input_attach_flow gave status 306 \(RMX_BUSY\)"),
    ],
)
def test_a_source_that_cannot_be_had_says_why_and_leaves_nothing_behind(cards, step, status, said):
    cards.inject(step, status)
    with pytest.raises(ResourceError, match=f"cannot receive 239.255.21.10:5004 on 127.0.0.1 by Rivermax: .*{said}"):
        RivermaxSource(LEG)
    cards.reset()
    RivermaxSource(LEG).close()
    assert cards.calls()[0] == "rmx_init"
    assert cards.calls()[-1] == "rmx_cleanup"


def test_an_interface_that_is_no_card_is_refused():
    with pytest.raises(ResourceError, match=r"on 10.0.0.1 by Rivermax: rmx_input_create_stream"):
        RivermaxSource(Leg(LEG.destination, LEG.port, interface="10.0.0.1"))
    with pytest.raises(ResourceError, match="cannot send by Rivermax: rmx_output_media_create_stream gave status 401"):
        RivermaxSink(anc_sdp(Leg(LEG.destination, LEG.port, interface="10.0.0.1")), sizes=None)


@pytest.mark.parametrize("text", ["v=0\r\n", anc_sdp().replace("s=relip", "s= "), anc_sdp().replace("source-filter", "source")])
def test_a_transport_file_the_card_does_not_understand_is_refused(text):
    with pytest.raises(ResourceError, match="does the SDP describe the packets"):
        RivermaxSink(text, sizes=None)


ACQUIRE, COMMIT = "rmx_output_media_get_next_chunk", "rmx_output_media_commit_chunk"
FULL = {ACQUIRE: STATUS["no free chunk"], COMMIT: STATUS["queue full"]}


@pytest.mark.parametrize("busy", [*FULL.items(), (ACQUIRE, STATUS["signal"]), (COMMIT, STATUS["signal"])])
def test_a_card_that_is_busy_for_a_moment_is_waited_for(cards, headers, video_sink, video_source, busy):
    cards.inject(*busy, 20)
    burst = frame_burst(headers)
    assert video_sink.send(burst) == headers.packets
    assert receive_all(video_source, headers.packets) == datagrams_of(burst)


@pytest.mark.parametrize("at", [(step, chunk) for step in FULL for chunk in (0, 1, 3)])
def test_the_frame_after_one_that_was_given_up_is_whole(cards, headers, video_sink, video_source, at):
    step, chunk = at
    cards.inject(f"{step} after", chunk, 1)
    cards.inject(step, FULL[step])
    per_chunk = rivermax._packets_per_chunk(headers.packets)
    first = frame_burst(headers, 1)
    expected = datagrams_of(first)
    assert video_sink.send(first) == chunk * per_chunk
    assert video_sink.send(first) == 0  # still stuck
    cards.inject(step, 0, 0)
    received = receive_all(video_source, chunk * per_chunk)
    assert received == expected[: chunk * per_chunk]
    second = frame_burst(headers, 2)
    assert video_sink.send(second) == headers.packets
    owed = headers.packets // per_chunk - chunk - (step == COMMIT)
    assert cards.calls().count("rmx_output_media_skip_chunks") == (owed > 0 and not (step == ACQUIRE and chunk == 0))
    held = per_chunk if step == COMMIT else 0  # what was filled and not committed still leaves, in its place
    rest = receive_all(video_source, held + headers.packets)
    assert rest[:held] == expected[chunk * per_chunk : chunk * per_chunk + held]
    assert rest[held:] == datagrams_of(second)


def test_a_packet_larger_than_was_said_is_refused_and_the_next_leaves(pair):
    sink, source = pair
    with pytest.raises(FormatError, match="or too large"):
        sink.send(burst_of([bytes(2001)]))
    assert sink.send(burst_of([bytes(2000)])) == 1
    assert receive_all(source, 1) == [bytes(PACKET_STRIDE)]  # cut by the chunk


def test_a_card_that_refuses_for_good_is_an_error_that_names_the_step(cards, headers, video_sink):
    cards.inject(COMMIT, STATUS["completion"])
    with pytest.raises(ResourceError, match=r"rmx_output_media_commit_chunk gave status 304 \(RMX_HW_COMPLETION_ISSUE\)"):
        video_sink.send(frame_burst(headers))


def test_a_stream_still_sending_is_waited_for_when_it_is_closed(cards):
    sink = RivermaxSink(anc_sdp(), sizes=None)
    cards.inject("rmx_output_media_destroy_stream", STATUS["busy"], 3)
    sink.close()
    assert cards.calls().count("rmx_output_media_destroy_stream") == 4
    assert cards.calls()[-1] == "rmx_cleanup"


@pytest.mark.parametrize("sizes", [[], [0, 1200], [1220, 1473]])
def test_impossible_packets_are_refused_before_any_card_is_asked(cards, sizes):
    with pytest.raises(FormatError, match="of 1 to 1472"):
        RivermaxSink(anc_sdp(), sizes=np.array(sizes, np.int64))
    assert cards.calls() == []


def test_two_threads_may_open_and_close_beside_each_other(cards):
    def open_and_close():
        for _ in range(20):
            RivermaxSource(LEG, ring_octets=1536 * 8).close()

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert cards.calls().count("rmx_input_create_stream") == cards.calls().count("rmx_input_destroy_stream") == 80
    assert cards.calls()[-1] == "rmx_cleanup"


@pytest.mark.parametrize("case", [(10**7, True, True), (10**7, False, False), (-1, True, False)])
def test_a_frame_leaves_at_its_instant_where_the_card_keeps_it(cards, headers, video_sink, case):
    after_ns, clocked, timed = case
    cards.set_time(1_800_000_000_000_000_000)
    clock = RivermaxClock("127.0.0.1") if clocked else None
    burst = frame_burst(headers)
    burst.due = Tai(1_800_000_000_000_000_000 + after_ns)
    video_sink.send(burst)
    video_sink.send(burst)
    assert cards.counter("committed for") == (burst.due.ns if timed else 0)
    assert cards.counter("frames with a time") == (2 if timed else 0)
    if clock is not None:
        clock.close()


def test_a_clock_that_is_given_back_no_longer_times_frames(cards, headers):
    cards.set_time(1_800_000_000_000_000_000)
    RivermaxClock("127.0.0.1").close()
    sink = RivermaxSink(video_sdp(), sizes=headers.lengths + headers.headers.shape[1])
    burst = frame_burst(headers)
    burst.due = Tai(1_800_000_000_000_000_000 + 10**9)
    sink.send(burst)
    assert cards.counter("frames with a time") == 0
    sink.close()


def test_a_narrow_frame_leaves_two_packets_before_its_first_is_read(cards, headers, video_sink):
    clock = RivermaxClock("127.0.0.1")
    burst = frame_burst(headers)
    burst.due = Tai(1_800_000_000_000_000_000)
    burst.schedule = pacing_of_card(FRAME, headers.packets).schedule
    cards.set_time(burst.due.ns)
    video_sink.send(burst)
    # 28 of 750 rows before the first one (ST 2110-21 §6.3.2), less two of 2880 packets in 1080/1125 of 40 ms
    offset_ns, reading_ns = Fraction(40_000_000 * 28, 750), Fraction(40_000_000 * 1080, 1125 * 2880)
    assert abs(cards.counter("committed for") - burst.due.ns - (offset_ns - 2 * reading_ns)) < 1
    burst.schedule = Schedule()
    video_sink.send(burst)
    assert cards.counter("frames with a time") == 1  # an instant that is past is now
    clock.close()


def test_when_packets_came_is_not_known_and_so_it_is_not_said(filled):
    chunk = Chunk.stamped(8)
    chunk.arrivals.fill(5)
    assert filled.receive(chunk, SECOND_NS) == 8
    assert not chunk.arrivals.any()
