"""The shim's functions, loaded once, and three things made of them: an input, an output, a clock.

Calls release Python's lock. Whoever holds one of the three is a user of the library, which is started by the first and stopped
by the last. An object is used by one thread at a time.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pyrivermax.building import ADVICE, SHIM
from pyrivermax.errors import RivermaxError, Unavailable

ABI = 3
"""Of shim.cpp, which says the same."""
CLOSED = -2
OTHER_LAYOUT = -3
PLACE = "PYRIVERMAX_SHIM"
PROCESSOR = "PYRIVERMAX_CPU"


class _Fault(ctypes.Structure):
    _fields_: ClassVar = [("status", ctypes.c_int32), ("step", ctypes.c_char * 60)]  # type: ignore[mutable-override]


class _InputSpec(ctypes.Structure):
    _fields_: ClassVar = [  # type: ignore[mutable-override]
        *((name, ctypes.c_char_p) for name in ("nic", "destination", "source")),
        *((name, ctypes.c_uint32) for name in ("port", "order", "capacity", "header_octets", "packet_octets")),
    ]


class _Rows(ctypes.Structure):
    _fields_: ClassVar = [  # type: ignore[mutable-override]
        *((name, ctypes.c_void_p) for name in ("octets", "lengths")),
        *((name, ctypes.c_int64) for name in ("capacity", "stride")),
        ("checksum_issues", ctypes.c_uint64),
    ]


class _OutputSpec(ctypes.Structure):
    _fields_: ClassVar = [  # type: ignore[mutable-override]
        ("sdp", ctypes.c_char_p),
        ("sizes", ctypes.c_void_p),
        *((name, ctypes.c_uint32) for name in ("media", "blocks", "frames_per_block", "packets_per_frame")),
        *((name, ctypes.c_uint32) for name in ("packets_per_chunk", "largest", "dscp")),
    ]


class _Packets(ctypes.Structure):
    _fields_: ClassVar = [  # type: ignore[mutable-override]
        *((name, ctypes.c_void_p) for name in ("headers", "payload", "offsets", "lengths")),
        *((name, ctypes.c_int64) for name in ("count", "header_octets")),
    ]


_P, _N, _S = ctypes.c_void_p, ctypes.c_int64, ctypes.c_char_p
_FUNCTIONS: dict[str, tuple[object, Sequence[object]]] = {
    "relip_rmx_version": (_S, ()),
    "relip_rmx_name": (_S, (ctypes.c_int32,)),
    "relip_rmx_enter": (_N, (ctypes.c_int32, _P)),
    "relip_rmx_leave": (_N, (_P,)),
    "relip_rmx_input_open": (_P, (_P, _P)),
    "relip_rmx_input_receive": (_N, (_P, _P, _N, _N, _P, _P)),
    "relip_rmx_input_close": (_N, (_P, _P)),
    "relip_rmx_output_open": (_P, (_P, _P)),
    "relip_rmx_output_send": (_N, (_P, _P, ctypes.c_uint64, _N, _P)),
    "relip_rmx_output_close": (_N, (_P, _P)),
    "relip_rmx_clock_use": (_N, (_S, _N, _P)),
    "relip_rmx_clock_now": (_N, (_P,)),
}


def path_of_shim() -> Path:
    """Where the shim is, or would be: `PYRIVERMAX_SHIM`, or beside this file."""
    return Path(os.environ.get(PLACE) or Path(__file__).with_name(SHIM)).absolute()


def processor() -> int:
    """The processor that the library's own thread is to keep to, by `PYRIVERMAX_CPU`; -1 for any. Raises Unavailable."""
    said = os.environ.get(PROCESSOR, "")
    if not said:
        return -1
    most = (os.cpu_count() or 1) - 1
    if not said.isdecimal() or int(said) > most:
        raise Unavailable(f"{PROCESSOR}={said}: this machine has processors 0 to {most}")
    return int(said)


def load() -> ctypes.CDLL:
    """The shim, loaded once a process. Raises Unavailable, saying what to do."""
    return _loaded(path_of_shim())


def version() -> str:
    """What the library says of its version. Raises Unavailable."""
    said = load().relip_rmx_version()
    return str(said.decode("ascii", "replace"))


@cache
def _loaded(path: Path) -> ctypes.CDLL:
    if not path.exists():
        raise Unavailable(f"the Rivermax shim is not built: there is no {path}. {ADVICE}")
    try:
        shim = ctypes.CDLL(str(path))
        shim.relip_rmx_abi.restype = ctypes.c_uint32
        spoken = shim.relip_rmx_abi()
    except (OSError, AttributeError) as cause:
        raise Unavailable(f"the Rivermax shim cannot be loaded: {cause}. {ADVICE}") from cause
    if spoken != ABI:
        raise Unavailable(f"{path} was built from another version of this package: run `python -m pyrivermax build` again")
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(shim, name)
        function.restype, function.argtypes = result, arguments
    return shim


class _User:
    """A user of the library, from `__init__` to `_leave`."""

    def __init__(self) -> None:
        self._shim = load()
        self._fault = _Fault()
        self._told = ctypes.byref(self._fault)
        self._checked(self._shim.relip_rmx_enter(processor(), self._told))

    def _leave(self) -> None:
        self._checked(self._shim.relip_rmx_leave(self._told))

    def _checked(self, result: int) -> int:
        if result == -1:
            raise self._error()
        return result

    def _error(self) -> RivermaxError:
        name = self._shim.relip_rmx_name(self._fault.status)
        return RivermaxError(self._fault.step.decode("ascii"), self._fault.status, name.decode("ascii"))


def start() -> None:
    """Start the library and stop it again: whether licence, driver and card are there. Raises Unavailable, RivermaxError."""
    _User()._leave()  # noqa: SLF001  a user that wants nothing else


class Order(IntEnum):
    """Where in the ring a packet is put: as it comes, or by its RTP or extended (ST 2110-20) sequence number."""

    ARRIVAL = 0
    SEQUENCE = 1
    EXTENDED_SEQUENCE = 2


class Input(_User):
    """One flow from one network card. Raises Unavailable, RivermaxError."""

    def __init__(
        self,
        *,
        nic: str,
        destination: str,
        port: int,
        source: str | None,
        capacity: int,
        packet_octets: int,
        header_octets: int = 0,
        order: Order = Order.ARRIVAL,
    ) -> None:
        """Addresses are IPv4; `source` filters on the sender, where given.

        `capacity`: packets of the ring. `packet_octets`: room for each. `header_octets`: how many of its first octets go into a
        memory block of their own (header-data split); 0 keeps packets whole.
        """
        super().__init__()
        spec = _InputSpec(
            nic.encode(), destination.encode(), (source or "").encode(), port, order, capacity, header_octets, packet_octets
        )
        self._rows = _Rows()
        self._input = self._shim.relip_rmx_input_open(ctypes.byref(spec), self._told)
        if not self._input:
            fault = self._error()
            self._leave()
            raise fault

    def receive(
        self,
        octets: NDArray[np.uint8],
        lengths: NDArray[np.int32],
        *,
        wait_ns: int,
        gather_ns: int,
        closed: NDArray[np.uint8],
    ) -> int:
        """Fill rows (capacity, stride) from the first on; rows filled, or CLOSED once `closed[0]` is not 0.

        Waits at most `wait_ns` for the first packet and `gather_ns` for more.
        """
        self._rows.octets, self._rows.lengths = octets.ctypes.data, lengths.ctypes.data
        self._rows.capacity, self._rows.stride = octets.shape
        return self._checked(
            self._shim.relip_rmx_input_receive(
                self._input, ctypes.byref(self._rows), wait_ns, gather_ns, closed.ctypes.data, self._told
            )
        )

    @property
    def checksum_issues(self) -> int:
        """Chunks of which the card said that a checksum was wrong."""
        return int(self._rows.checksum_issues)

    def close(self) -> None:
        """Detach the flow and give the ring back; once."""
        try:
            self._checked(self._shim.relip_rmx_input_close(self._input, self._told))
        finally:
            self._leave()


class Output(_User):
    """One media flow to one network card, paced by the card as the SDP says. Raises Unavailable, RivermaxError."""

    def __init__(
        self,
        *,
        sdp: str,
        sizes: NDArray[np.uint16] | None,
        packets_per_frame: int,
        packets_per_chunk: int,
        largest: int,
        blocks: int,
        frames_per_block: int,
        dscp: int,
    ) -> None:
        """`sizes`: octets of each packet of a frame; None where packets come in any sizes up to `largest` (ST 2110-40).

        `packets_per_chunk` divides `packets_per_frame`. `blocks`, `frames_per_block`: of how many frames there is memory.
        """
        super().__init__()
        self._packets = _Packets()
        spec = _OutputSpec(
            sdp.encode(),
            None if sizes is None else sizes.ctypes.data,
            0,
            blocks,
            frames_per_block,
            packets_per_frame,
            packets_per_chunk,
            largest,
            dscp,
        )
        self._output = self._shim.relip_rmx_output_open(ctypes.byref(spec), self._told)
        if not self._output:
            fault = self._error()
            self._leave()
            raise fault

    def send(
        self,
        headers: NDArray[np.uint8],
        payload: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        *,
        tai_ns: int,
        patience_ns: int,
    ) -> int:
        """Copy and commit packets: header row i, then `payload[offsets[i]:offsets[i]+lengths[i]]`; how many were committed.

        `tai_ns`: when the first is to leave; 0 is now, and so is everything without a Clock, for the library then goes by
        the system's time. Fewer are committed when the card takes none for
        `patience_ns`. OTHER_LAYOUT when these are not whole frames of the sizes agreed on.
        """
        packets = self._packets
        packets.headers, packets.payload = headers.ctypes.data, payload.ctypes.data
        packets.offsets, packets.lengths = offsets.ctypes.data, lengths.ctypes.data
        packets.count, packets.header_octets = headers.shape
        return self._checked(
            self._shim.relip_rmx_output_send(self._output, ctypes.byref(packets), tai_ns, patience_ns, self._told)
        )

    def close(self) -> None:
        """Cancel what is not sent and give the memory back; once."""
        try:
            self._checked(self._shim.relip_rmx_output_close(self._output, self._told))
        finally:
            self._leave()


class Clock(_User):
    """The PTP clock of a card. Raises Unavailable, RivermaxError."""

    def __init__(self, *, nic: str, patience_ns: int) -> None:
        """`nic`: the card's IPv4 address. `patience_ns`: how long the clock may take to be steady."""
        super().__init__()
        try:
            self._checked(self._shim.relip_rmx_clock_use(nic.encode(), patience_ns, self._told))
        except RivermaxError:
            self._leave()
            raise

    def now_ns(self) -> int:
        """Nanoseconds of TAI since the epoch."""
        return self._checked(self._shim.relip_rmx_clock_now(self._told))

    def close(self) -> None:
        """Need the library no longer; once."""
        self._leave()
