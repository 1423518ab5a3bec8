"""Which queueing disciplines stand before an interface, by rtnetlink(7): only some of them pace what is sent.

A socket option that asks for pacing is taken by every kernel and heeded by few disciplines, so nothing is inferred from it.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from relip.essence.errors import ResourceError

# Constants of linux/netlink.h, linux/rtnetlink.h and linux/if_addr.h.
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_RTM_GETADDR, _RTM_GETQDISC = 22, 38
_IFA_LOCAL, _IFA_LABEL, _TCA_KIND = 2, 3, 1
_ROOT = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBi")
_DISCIPLINE = struct.Struct("=B3xiIII")
_ATTRIBUTE = struct.Struct("=HH")
_ROOM = 1 << 16


@dataclass(frozen=True, slots=True)
class Queueing:
    """The `name` of an interface, and the `kinds` of its root discipline, or where that is `mq`, of each queue's."""

    name: str
    kinds: tuple[str, ...]

    def __str__(self) -> str:
        """As in 'eth1 has fq'."""
        return f"{self.name} has {' and '.join(sorted(set(self.kinds))) or 'no queueing discipline'}"


def queueing(address: str) -> Queueing:
    """Of the interface that has an address. ResourceError when none has it, or the kernel does not tell."""
    index, name = _interface(address)
    told = []
    for message in _dump(_RTM_GETQDISC, _DISCIPLINE.pack(0, 0, 0, 0, 0)):
        _, of, handle, parent, _ = _DISCIPLINE.unpack_from(message)
        if of == index:
            told.append((handle, parent, _attributes(message[_DISCIPLINE.size :]).get(_TCA_KIND, b"").rstrip(b"\0").decode()))
    roots = [(handle, kind) for handle, parent, kind in told if parent == _ROOT]
    majors = {handle >> 16 for handle, kind in roots if kind == "mq"}
    children = [kind for _, parent, kind in told if parent != _ROOT and parent >> 16 in majors]
    return Queueing(name, tuple([kind for _, kind in roots if kind != "mq"] + children))


def _interface(address: str) -> tuple[int, str]:
    """Index and name of the interface with an IPv4 address."""
    wanted = socket.inet_aton(address)
    for message in _dump(_RTM_GETADDR, _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0)):
        attributes = _attributes(message[_ADDRESS.size :])
        if attributes.get(_IFA_LOCAL) == wanted:
            index = _ADDRESS.unpack_from(message)[4]
            return index, attributes.get(_IFA_LABEL, b"").rstrip(b"\0").decode() or socket.if_indextoname(index)
    raise ResourceError(f"no interface has the address {address}")


def _dump(kind: int, body: bytes) -> Iterator[bytes]:
    """The bodies of all messages that answer a request for everything of a kind."""
    request = _HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0) + body
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
            kernel.settimeout(2)
            kernel.send(request)
            while True:
                answer = kernel.recv(_ROOM)
                while answer:
                    length, what, *_ = _HEADER.unpack_from(answer)
                    if what in {_NLMSG_DONE, _NLMSG_ERROR}:
                        return
                    yield answer[_HEADER.size : length]
                    answer = answer[_aligned(length) :]
    except OSError as cause:
        raise ResourceError(f"the kernel does not tell of its interfaces: {cause}") from cause


def _attributes(octets: bytes) -> dict[int, bytes]:
    """The attributes of a message, by their number."""
    found = {}
    while len(octets) >= _ATTRIBUTE.size:
        length, number = _ATTRIBUTE.unpack_from(octets)
        if length < _ATTRIBUTE.size:
            break
        found[number] = octets[_ATTRIBUTE.size : length]
        octets = octets[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
