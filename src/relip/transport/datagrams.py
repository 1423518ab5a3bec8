"""Batches of datagrams through libc, from numba with the GIL released: recvmmsg, and sendmmsg with segmentation (GSO).

The arrays hold C structures, made once by the socket that owns them. errno cannot be read here: −1 is "again", and
who calls asks a second time from Python, where the kernel's reason can be heard.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from relip.transport import pacing
from relip.transport.pacing import Plan

MSG_TRUNC = 0x20
MSG_DONTWAIT = 0x40
POLLIN = 1
_CLOCK_MONOTONIC = 1
_TIMER_ABSTIME = 1
_PR_SET_TIMERSLACK = 29

_NS_PER_US = 1_000
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000

BATCH = 256
"""Packets of one recvmmsg."""
GATHER_NS = _NS_PER_MS
"""Packets pile up this long before they are read: fewer, fuller batches. 10 ms would need a 4 MB buffer at 1080p60."""
POLL_NS = 20 * _NS_PER_MS
"""A blocked receive looks this often whether it was closed."""
STUCK_NS = 50 * _NS_PER_MS
"""A send that makes no progress for this long is given up and explained."""
SEGMENTS = 44
"""Most packets one segmented send carries; with 64 kB the other limit, this is a full one at 1452 octets."""
DATAGRAM_OCTETS = 65_507
"""Most UDP payload of one IPv4 datagram, and so of one segmented send."""
RETRY_US = 100
MESSAGES = 256
VECTORS = 2 * MESSAGES
FAILED = -1
CLOSED = -2

recvmmsg = types.ExternalFunction("recvmmsg", types.int32(types.int32, types.uintp, types.uint32, types.int32, types.uintp))
_sendmmsg = types.ExternalFunction("sendmmsg", types.int32(types.int32, types.uintp, types.uint32, types.int32))
_poll = types.ExternalFunction("poll", types.int32(types.uintp, types.uint64, types.int32))
_usleep = types.ExternalFunction("usleep", types.int32(types.uint32))
_clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.uintp))
_prctl = types.ExternalFunction("prctl", types.int32(types.int32, types.uint64, types.uint64, types.uint64, types.uint64))
_clock_nanosleep = types.ExternalFunction("clock_nanosleep", types.int32(types.int32, types.int32, types.uintp, types.uintp))


Rows = tuple[NDArray[np.uint8], NDArray[np.int32]]
"""A Chunk's octets and lengths."""
ReceiveWork = tuple[NDArray[np.int32], NDArray[np.uint32], NDArray[np.uint64], NDArray[np.int64]]
"""pollfd, mmsghdr as words of 32 bits, iovec as words of 64, timespec."""
Columns = tuple[int, int, int, NDArray[np.int64], NDArray[np.int64]]
"""A Burst: addresses of headers and payload (which may be read-only), octets of a header; offsets, lengths."""
Pace = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Columns of `pacing`: the plan, the state that goes on from burst to burst, and what is measured."""
SendWork = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]
"""mmsghdr and iovec as words of 64 bits, cmsghdr as words of 16, the packet after each message, timespec."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def now(times: NDArray[np.int64]) -> int:
    """Monotonic nanoseconds; `times` is room for one timespec."""
    _clock_gettime(_CLOCK_MONOTONIC, times.ctypes.data)
    ns: int = times[0] * _NS_PER_S + times[1]
    return ns


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sleep_until(due_ns: int, times: NDArray[np.int64]) -> None:
    times[0] = due_ns // _NS_PER_S
    times[1] = due_ns % _NS_PER_S
    _clock_nanosleep(_CLOCK_MONOTONIC, _TIMER_ABSTIME, times.ctypes.data, 0)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def wait_readable(poll: NDArray[np.int32], times: NDArray[np.int64], closed: NDArray[np.uint8], wait_ns: int) -> bool:
    """Sleep in the kernel until a packet is there, the time is up or the source was closed."""
    deadline = now(times) + wait_ns
    left = wait_ns
    while not closed[0]:
        slice_ms = (min(left, POLL_NS) + _NS_PER_MS - 1) // _NS_PER_MS
        if _poll(poll.ctypes.data, 1, max(slice_ms, 0)) > 0:
            return True
        left = deadline - now(times)
        if left <= 0:
            return False
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gather(gather_ns: int) -> None:
    """Let packets pile up."""
    if gather_ns > 0:
        _usleep(gather_ns // _NS_PER_US)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _drain(columns: Rows, work: ReceiveWork) -> int:
    """Read batches until one comes back short or the chunk is full; packets read."""
    octets, lengths = columns
    poll, messages, vectors, _ = work
    capacity, stride = octets.shape
    got = 0
    while got < capacity:
        room = min(capacity - got, BATCH)
        for i in range(room):
            vectors[i, 0] = octets.ctypes.data + (got + i) * stride
            vectors[i, 1] = stride
        count = recvmmsg(poll[0], messages.ctypes.data, room, MSG_DONTWAIT | MSG_TRUNC, 0)
        for i in range(count):
            lengths[got + i] = messages[i, 14]
        got += max(count, 0)
        if count < room:
            break
    return got


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _receive(columns: Rows, work: ReceiveWork, closed: NDArray[np.uint8], waits: tuple[int, int]) -> int:
    """Wait, gather, drain."""
    wait_ns, gather_ns = waits
    poll, _, _, times = work
    if not wait_readable(poll, times, closed, wait_ns):
        return CLOSED if closed[0] else 0
    gather(gather_ns)
    got = _drain(columns, work)
    return got if got > 0 else FAILED


class DatagramReader:
    """Reads a socket datagram by datagram, each straight into its row."""

    def __init__(self, fd: int) -> None:
        self._vectors = np.zeros((BATCH, 2), np.uint64)
        messages = np.zeros((BATCH, 16), np.uint32)
        words = messages.view(np.uint64)
        words[:, 2] = self._vectors.ctypes.data + np.arange(BATCH, dtype=np.uint64) * 16
        words[:, 3] = 1
        poll = np.array([fd, POLLIN], np.int32)
        self._work: ReceiveWork = (poll, messages, self._vectors, np.zeros(2, np.int64))

    def receive(self, columns: Rows, closed: NDArray[np.uint8], *, wait_ns: int, gather_ns: int) -> int:
        """Datagrams now in the chunk, 0 when none came in time, or `FAILED` or `CLOSED`: why there will be none."""
        return int(_receive(columns, self._work, closed, (wait_ns, gather_ns)))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _run_end(sizes: NDArray[np.int64], header_octets: int, first: int, last: int, segments: int) -> int:
    """The packet after those that one segmented send can carry: equal sizes, of which only the last may be shorter."""
    size = sizes[first]
    octets = header_octets + size
    end = first + 1
    while end < min(last, first + segments) and sizes[end] <= size and sizes[end - 1] == size:
        octets += header_octets + sizes[end]
        if octets > DATAGRAM_OCTETS:
            break
        end += 1
    return end


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _plan(columns: Columns, work: SendWork, first: int, last: int, segments: int) -> int:
    """Describe packets first..last as messages of header and payload slices, as many as fit; messages described."""
    headers, payload, header_octets, offsets, lengths = columns
    messages, vectors, controls, ends, _ = work
    message, vector, packet = 0, 0, first
    while packet < last and message < MESSAGES and vector + 2 * segments <= VECTORS:
        end = _run_end(lengths, header_octets, packet, last, segments)
        segmented = end - packet > 1
        controls[message, 8] = header_octets + lengths[packet]
        messages[message, 2] = vectors.ctypes.data + vector * 16
        messages[message, 3] = 2 * (end - packet)
        messages[message, 4] = controls.ctypes.data + message * 24 if segmented else 0
        messages[message, 5] = 24 if segmented else 0
        for i in range(packet, end):
            vectors[vector, 0] = headers + i * header_octets
            vectors[vector, 1] = header_octets
            vectors[vector + 1, 0] = payload + offsets[i]
            vectors[vector + 1, 1] = lengths[i]
            vector += 2
        ends[message] = end
        packet = end
        message += 1
    return message


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _push(link: tuple[int, int], columns: Columns, work: SendWork, first: int, last: int) -> int:
    """Send packets first..last; the packet after the last that the link took before it stuck."""
    fd, segments = link
    messages, _, _, ends, times = work
    sent = first
    refusals = 0
    since = 0
    while sent < last:
        planned = _plan(columns, work, sent, last, segments)
        count = _sendmmsg(fd, messages.ctypes.data, planned, MSG_DONTWAIT)
        if count > 0:
            sent = ends[count - 1]
            refusals = 0
            continue
        refusals += 1
        if refusals == 1:  # the first refusal may be the echo of an earlier packet (ICMP): try again at once
            since = now(times)
            continue
        if now(times) - since > STUCK_NS:
            break
        _usleep(RETRY_US)
    return sent


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def within(offsets: NDArray[np.int64], lengths: NDArray[np.int64], size: int) -> bool:
    """Whether every slice lies inside a payload of `size` octets."""
    inside = True
    for i in range(len(offsets)):
        inside &= offsets[i] >= 0 and lengths[i] >= 0 and offsets[i] + lengths[i] <= size
    return inside


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def send(link: tuple[int, int], columns: Columns, work: SendWork, first: int) -> int:
    """Send from packet `first` on, as fast as the link takes them; the packet after the last one taken."""
    sent: int = _push(link, columns, work, first, len(columns[4]))
    return sent


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def send_on_schedule(  # noqa: PLR0917  columns: see the module
    link: tuple[int, int], columns: Columns, work: SendWork, first: int, start_ns: int, pace: Pace
) -> int:
    """Send from packet `first` on, each group at its instant, and measure; the packet after the last one taken."""
    plan, state, measured = pace
    times = work[4]
    packets = len(columns[4])
    sent = first
    if plan[Plan.SPIN] > 0:
        _prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)  # the thread's sleeps: 50 µs late else, by the kernel's default
    while sent < packets:
        last = min(sent + plan[Plan.TOGETHER], packets)
        due_ns, spin_ns = pacing.due(plan, state, start_ns, sent, packets)
        _wait_until(due_ns, spin_ns, times)
        pacing.hold(plan, state, now(times), last - sent)
        taken = _push(link, columns, work, sent, last)
        if taken > sent:
            pacing.measure(plan, state, measured, start_ns, now(times), taken - sent)
        sent = taken
        if sent < last:
            break
    return sent


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _wait_until(due_ns: int, spin_ns: int, times: NDArray[np.int64]) -> None:
    """Sleep while `due_ns` is far, then look at the clock."""
    if due_ns - now(times) > spin_ns:
        _sleep_until(due_ns - spin_ns, times)
    while now(times) < due_ns:
        pass
