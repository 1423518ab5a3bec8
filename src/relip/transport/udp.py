"""Kernel UDP sockets: batched, non-blocking, aggregated (GRO) receive; segmented (GSO) send on a schedule.

The hot loops call libc from numba with the GIL released; Python opens the sockets and explains what went wrong.
Nothing here knows what a packet means, and nothing here promises the timing of ST 2110-21 type N.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import socket
import struct
import sys
import termios
import threading
import time
from dataclasses import dataclass

import numpy as np

from relip.essence.errors import FormatError, ResourceError
from relip.essence.flow import Leg
from relip.essence.tai import NS_PER_S, Tai
from relip.ports import Burst, Chunk, Clock, Measured, Schedule
from relip.transport import datagrams, pacing, stamps
from relip.transport.aggregates import AggregateReader
from relip.transport.datagrams import DatagramReader
from relip.transport.stamps import StampedReader, StampedRows

RECEIVE_BUFFER_OCTETS = 32 << 20
"""Asked for each receiving socket: about a quarter second of 1080p25. The default of 212 kB loses more than half."""
LEAST_BUFFER_OCTETS = 8_000_000
"""Below this effective size (the kernel doubles what is asked) a receiver stalled for 14 ms at 1080p60 loses packets."""
SEND_BUFFER_OCTETS = 4 << 20
SILENT_NS = 100_000_000
"""When nothing comes, it is asked this often at most whether the interface is still a member of the group."""
PACED_BUFFER_OCTETS = 1 << 19
"""Where the kernel paces, the thread waits for it with so much in the queue: some 70 groups, and `fq` takes 100 of a flow."""
DSCP_AF41 = 34
TTL = 16
LOOKS, LOOK_NS = 4, 20_000
"""How often two clocks are read one after the other, until it took no longer than this."""
STAMPS_S, STAMP_READ_S = 5.0, 0.002
"""How long the kernel may take until it stamps packets, and how long one of them is left unread to see whether it does."""
REACH_NS = 1_000_000_000
"""A burst is sent when it is due: an instant further away than this was lost to a step of the clock."""

# Constants of linux/in.h, linux/udp.h and asm-generic/socket.h that the socket module does not name.
_IP_ADD_SOURCE_MEMBERSHIP = 39
_IP_MULTICAST_ALL = 49
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33
_SO_MAX_PACING_RATE = 47
_SO_MEMINFO = 55
_SK_MEMINFO_DROPS = 8
_UDP_SEGMENT = 103
_UDP_GRO = 104


@dataclass(frozen=True, slots=True)
class SocketReport:
    """What the kernel granted: buffer octets asked and effective (as read back), offload of sends and of receives.

    `segmented`: many packets leave in one send. `aggregated`: the kernel can hand over many packets in one message, as
    it does where the interface joins them (loopback does). `warning` is empty, or a sentence for the engineer on shift.
    """

    asked_octets: int
    effective_octets: int
    segmented: bool = False
    aggregated: bool = False
    warning: str = ""


class UdpSource:
    """PacketSource on one socket; multicast groups are joined on `leg.interface`, source-filtered when the leg says so.

    Nobody is told when a packet came: `StampedUdpSource` does that. One thread receives; any thread may close. Raises
    ResourceError when the socket cannot be had.
    """

    def __init__(self, leg: Leg, *, buffer_octets: int = RECEIVE_BUFFER_OCTETS) -> None:
        self._leg = leg
        self._socket = _receiving_socket(leg)
        self._asked_ns = time.monotonic_ns()
        effective = _grant_buffer(self._socket, buffer_octets, socket.SO_RCVBUF, _SO_RCVBUFFORCE)
        self._in_use = threading.Lock()
        self._closed = np.zeros(1, np.uint8)
        aggregated = self._read_with()
        warning = _buffer_warning(leg, effective)
        self.report = SocketReport(buffer_octets, effective, aggregated=aggregated, warning=warning)
        self._behind = True
        self.receive(Chunk.of(0), 0)  # loads the compiled loop now and not on the first packet's time
        self._behind = False

    @property
    def dropped(self) -> int:
        """Packets that reached the socket and found its buffer full, since it was opened; 0 once it is closed."""
        with self._in_use:
            if self._closed[0]:
                return 0
            told = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * (_SK_MEMINFO_DROPS + 1))
        return int(np.frombuffer(told, np.uint32)[_SK_MEMINFO_DROPS])

    def receive(self, chunk: Chunk, wait_ns: int) -> int:
        """See PacketSource. Once a packet came, up to 1 ms of packets is gathered, so that calls stay few."""
        assert chunk.octets.flags.c_contiguous
        chunk.count = 0
        with self._in_use:
            if self._closed[0]:
                raise ResourceError("the source is closed")
            gather_ns = 0 if self._behind else min(wait_ns, datagrams.GATHER_NS)
            count = self._read(chunk, wait_ns, gather_ns)
            if count == datagrams.FAILED:
                self._explain()
            if count == 0 and self._leg.is_multicast:
                self._stay_joined()
        if count == datagrams.CLOSED:
            raise ResourceError("the source was closed while receiving")
        chunk.count = max(0, count)
        self._behind = chunk.count == len(chunk.lengths)
        return chunk.count

    def _read_with(self) -> bool:
        """Choose the compiled loop; whether packets come joined."""
        fd = self._socket.fileno()
        aggregated = _accepts(self._socket, _UDP_GRO, 1)
        self._reader = AggregateReader(fd) if aggregated else DatagramReader(fd)
        return aggregated

    def _read(self, chunk: Chunk, wait_ns: int, gather_ns: int) -> int:
        if chunk.arrivals is not None:
            chunk.arrivals[:] = 0
        columns = (chunk.octets, chunk.lengths)
        return self._reader.receive(columns, self._closed, wait_ns=wait_ns, gather_ns=gather_ns)

    def _explain(self) -> None:
        """Ask again from Python, where errno can be read; a datagram with a bad checksum fails only once."""
        try:
            self._socket.recv(1, datagrams.MSG_DONTWAIT | socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as cause:
            raise ResourceError(f"receiving failed: {cause}") from cause

    def _stay_joined(self) -> None:
        """Join again where the interface has gone and come back: it knows nothing of the membership, and tells nobody.

        A member that joins once more is told so, and nothing happens on the network. ResourceError while there is no interface.
        """
        now_ns = time.monotonic_ns()
        if now_ns - self._asked_ns < SILENT_NS:
            return
        self._asked_ns = now_ns
        try:
            self._socket.setsockopt(socket.IPPROTO_IP, *_membership(self._leg))
        except OSError as cause:
            if cause.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL}:
                raise ResourceError(f"{self._leg} has left us: {cause}") from cause

    def close(self) -> None:
        """See PacketSource; a blocked `receive` ends within 20 ms."""
        self._closed[0] = 1
        with self._in_use:
            self._socket.close()


class SingleUdpSource(UdpSource):
    """A UdpSource that reads datagrams one by one, as they come from an interface that joins none: for measurements."""

    def _read_with(self) -> bool:
        self._reader = DatagramReader(self._socket.fileno())
        return False


class StampedUdpSource(UdpSource):
    """A UdpSource that fills `Chunk.arrivals` with the kernel's stamps, for measurements and for the skew of two legs.

    Packets are never joined (UDP_GRO is off), since an aggregate has one stamp for all its packets: about four times the CPU.
    """

    def _read_with(self) -> bool:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, stamps.SO_TIMESTAMPNS, 1)
        except OSError as cause:
            raise ResourceError(f"this kernel does not stamp packets: {cause}") from cause
        _await_stamps()
        self._stamped = StampedReader(self._socket.fileno())
        self._unasked = np.zeros(0, np.int64)
        return False

    def _read(self, chunk: Chunk, wait_ns: int, gather_ns: int) -> int:
        arrivals = chunk.arrivals
        if arrivals is None:
            if len(self._unasked) < len(chunk.lengths):
                self._unasked = np.zeros(len(chunk.lengths), np.int64)
            arrivals = self._unasked
        columns: StampedRows = (chunk.octets, chunk.lengths, arrivals)
        return self._stamped.receive(columns, self._closed, wait_ns=wait_ns, gather_ns=gather_ns)


class UdpSink:
    """PacketSink on one connected socket, sending from `leg.interface`; the frame is never copied in user space.

    `clock` tells the instants at which bursts are due; without one a schedule begins when `send` is called. `ttl` also bounds
    multicast; `dscp` is the 6-bit code point (AF41 for media). Raises ResourceError.
    """

    def __init__(
        self, leg: Leg, *, clock: Clock | None = None, ttl: int = TTL, dscp: int = DSCP_AF41, source_port: int = 0
    ) -> None:
        self._leg = leg
        self._clock = clock
        self._socket = _sending_socket(leg, ttl=ttl, dscp=dscp, source_port=source_port)
        effective = _grant_buffer(self._socket, SEND_BUFFER_OCTETS, socket.SO_SNDBUF, _SO_SNDBUFFORCE)
        segmented = _accepts(self._socket, _UDP_SEGMENT, 0)
        warning = "" if segmented else "this kernel has no UDP segmentation offload: sending costs about 3 times the CPU"
        self.report = SocketReport(SEND_BUFFER_OCTETS, effective, segmented=segmented, warning=warning)
        self._in_use = threading.Lock()
        self._open = True
        self._vectors = np.zeros((datagrams.VECTORS, 2), np.uint64)
        self._messages = np.zeros((datagrams.MESSAGES, 8), np.uint64)
        template = np.frombuffer(struct.pack("@QiiHxxxxxx", 18, socket.IPPROTO_UDP, _UDP_SEGMENT, 0), np.uint16)
        self._controls = np.tile(template, (datagrams.MESSAGES, 1))
        self._ends = np.zeros(datagrams.MESSAGES, np.int64)
        self._times = np.zeros(2, np.int64)
        self._schedule, self._plan = Schedule(), pacing.plan_of(Schedule())
        self._state = pacing.fresh_state()
        self._measured = np.zeros(len(Measured), np.int64)
        nothing = np.zeros(0, np.int64)
        for schedule in (None, Schedule()):  # loads the loops
            self.send(Burst(np.zeros((0, 12), np.uint8), np.zeros(0, np.uint8), nothing, nothing, schedule))

    def send(self, burst: Burst) -> int:
        """See PacketSink. Packets the link refuses for 50 ms are given up; ResourceError when it refuses for good."""
        _check(burst)
        packets = len(burst.headers)
        with self._in_use:
            if not self._open:
                raise ResourceError("the sink is closed")
            start_ns = 0 if burst.schedule is None else self._monotonic(burst.due)
            self._measured.fill(0)
            sent = self._send_from(burst, 0, start_ns)
            while sent < packets and self._step(burst, sent):
                sent = self._send_from(burst, sent + 1, start_ns)
            burst.measured[:] = self._measured
        return sent

    def _send_from(self, burst: Burst, first: int, start_ns: int) -> int:
        link = (self._socket.fileno(), datagrams.SEGMENTS if self.report.segmented else 1)
        work = (self._messages, self._vectors, self._controls, self._ends, self._times)
        columns = (
            burst.headers.ctypes.data,
            burst.payload.ctypes.data,
            burst.headers.shape[1],
            np.require(burst.offsets, np.int64, ["C", "W"]),
            np.require(burst.lengths, np.int64, ["C", "W"]),
        )
        if burst.schedule is None:
            return int(datagrams.send(link, columns, work, first))
        if burst.schedule is not self._schedule:
            self._take_up(burst.schedule)
        pace = (self._plan, self._state, self._measured)
        return int(datagrams.send_on_schedule(link, columns, work, first, start_ns, pace))

    def _take_up(self, schedule: Schedule) -> None:
        """Another schedule than that of the last burst."""
        if schedule.kernel_octets_s:
            rate = struct.pack("@Q", schedule.kernel_octets_s)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PACED_BUFFER_OCTETS)
        self._schedule, self._plan = schedule, pacing.plan_of(schedule)

    @property
    def queued_octets(self) -> int:
        """What the kernel was given and has not yet passed to the interface, in its own count of memory."""
        return int.from_bytes(fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4)), sys.byteorder)

    def _monotonic(self, due: Tai | None) -> int:
        """An instant on the clock that the loop sleeps by, which no step of TAI moves; now, when it is out of reach."""
        before = int(datagrams.now(self._times))
        if due is None or self._clock is None:
            return before
        for _ in range(LOOKS):
            tai = self._clock.now()
            after = int(datagrams.now(self._times))
            if after - before <= LOOK_NS:  # nobody took the processor between the two clocks
                break
            before = int(datagrams.now(self._times))
        ahead_ns = due.since(tai)
        return after + ahead_ns if abs(ahead_ns) < REACH_NS else after

    def _step(self, burst: Burst, index: int) -> bool:
        """Send one stuck packet by itself, where errno can be read; whether the rest is worth trying."""
        payload = burst.payload[burst.offsets[index] : burst.offsets[index] + burst.lengths[index]]
        try:
            self._socket.sendmsg([burst.headers[index].data, payload.data], [], datagrams.MSG_DONTWAIT)
        except (BlockingIOError, ConnectionRefusedError):
            return False
        except OSError as cause:
            raise ResourceError(f"sending to {self._leg.destination}:{self._leg.port} failed: {cause}") from cause
        if self.report.segmented:
            warning = "the interface refuses segmented sends: sending costs about 3 times the CPU"
            self.report = SocketReport(self.report.asked_octets, self.report.effective_octets, warning=warning)
        return True

    def close(self) -> None:
        """See PacketSink."""
        with self._in_use:
            self._open = False
            self._socket.close()


def _check(burst: Burst) -> None:
    """Refuse slices outside the payload: the kernel would read whatever lies there."""
    assert burst.headers.flags.c_contiguous
    assert burst.payload.flags.c_contiguous
    if not len(burst.headers) == len(burst.offsets) == len(burst.lengths):
        raise FormatError(f"{len(burst.headers)} headers, {len(burst.offsets)} offsets, {len(burst.lengths)} lengths")
    if not datagrams.within(burst.offsets, burst.lengths, burst.payload.size):
        raise FormatError(f"a packet's slice lies outside its payload of {burst.payload.size} octets")


def _receiving_socket(leg: Leg) -> socket.socket:
    """A bound and joined socket. Only a group may be shared: two receivers on one unicast port would starve each other."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if leg.is_multicast:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        made.bind((leg.destination, leg.port))
        if leg.is_multicast:
            made.setsockopt(socket.IPPROTO_IP, *_membership(leg))
    except OSError as cause:
        made.close()
        raise ResourceError(f"cannot receive {leg.destination}:{leg.port} on {leg.interface}: {cause}") from cause
    return made


def _membership(leg: Leg) -> tuple[int, bytes]:
    group, interface = socket.inet_aton(leg.destination), socket.inet_aton(leg.interface)
    if leg.source is None:
        return socket.IP_ADD_MEMBERSHIP, group + interface
    return _IP_ADD_SOURCE_MEMBERSHIP, group + interface + socket.inet_aton(leg.source)


def _sending_socket(leg: Leg, *, ttl: int, dscp: int, source_port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(leg.interface))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        made.bind((leg.interface, source_port))
        made.connect((leg.destination, leg.port))
    except OSError as cause:
        made.close()
        raise ResourceError(f"cannot send to {leg.destination}:{leg.port} from {leg.interface}: {cause}") from cause
    return made


def _grant_buffer(of: socket.socket, octets: int, plain: int, force: int) -> int:
    """Ask for a buffer beyond the system's limit, else up to it; octets the kernel really gives."""
    of.setsockopt(socket.SOL_SOCKET, plain, octets)
    with contextlib.suppress(PermissionError):
        of.setsockopt(socket.SOL_SOCKET, force, octets)
    return int(of.getsockopt(socket.SOL_SOCKET, plain))


def _buffer_warning(leg: Leg, effective: int) -> str:
    if effective >= LEAST_BUFFER_OCTETS:
        return ""
    return (
        f"{leg.destination}:{leg.port}: a receive buffer of {effective} octets will lose video packets;"
        f" set the sysctl net.core.rmem_max to {RECEIVE_BUFFER_OCTETS} or grant CAP_NET_ADMIN"
    )


def _await_stamps() -> None:
    """Return when the kernel stamps packets as they come.

    It begins a moment after the first socket has asked (net_enable_timestamp only schedules it), and until then gives a packet
    the instant at which it is read. Raises ResourceError when it never begins.
    """
    until = time.monotonic() + STAMPS_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, stamps.SO_TIMESTAMPNS, 1)
        trial.settimeout(STAMPS_S)
        try:
            trial.bind(("127.0.0.1", 0))
            while time.monotonic() < until:
                if _unread_ns(trial) >= STAMP_READ_S * NS_PER_S / 2:
                    return
        except OSError:  # no loopback interface here to try it on
            time.sleep(STAMPS_S / 50)
            return
    raise ResourceError("this kernel does not stamp packets when they come")


def _unread_ns(trial: socket.socket) -> int:
    """How long before its reading a packet was stamped that was left unread for `STAMP_READ_S`."""
    trial.sendto(b"", trial.getsockname())
    time.sleep(STAMP_READ_S)
    _, control, _, _ = trial.recvmsg(1, socket.CMSG_SPACE(16))
    seconds, ns = struct.unpack("@qq", control[0][2])
    return time.time_ns() - int(seconds) * NS_PER_S - int(ns)


def _accepts(of: socket.socket, option: int, value: int) -> bool:
    """Set an option of UDP that older kernels lack; whether it was taken."""
    try:
        of.setsockopt(socket.IPPROTO_UDP, option, value)
    except OSError:
        return False
    return True
