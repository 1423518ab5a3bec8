"""Inputs that are nearly right: what the driver and libFuzzer do to valid packets, files and texts.

A target that takes several packets has them as records, each after its length in two octets; any octets read as records, so
that nothing is too broken to be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytearray, Random], None]
INTERESTING = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\x7f",
    b"\x01",
    b"\x00\x00",
    b"\xff\xff",
    b"\x80\x00",
    b"\x7f\xff",
    b"\xff\xff\xff\xff",
)
MOST_OCTETS = 1 << 17


def joined(records: Sequence[bytes]) -> bytes:
    """Records as one input."""
    return b"".join(len(record).to_bytes(2) + record for record in records)


def records(data: bytes) -> list[bytes]:
    """The records of any input; the last one ends where the input does."""
    found, at = [], 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2])
        found.append(data[at + 2 : end])
        at = end
    return found


def mutated(data: bytes, random: Random) -> bytes:
    """The input with a few changes anywhere."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        random.choice(_CHANGES)(changed, random)
    return bytes(changed[:MOST_OCTETS])


def mutated_records(data: bytes, random: Random) -> bytes:
    """The input with a few changes inside its records, and of their order and number."""
    changed = records(data)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        if not changed:
            break
        i, j = random.randrange(len(changed)), random.randrange(len(changed))
        kind = random.randrange(8)
        if kind == 0:
            changed[i], changed[j] = changed[j], changed[i]
        elif kind == 1:
            changed.insert(j, changed[i])
        elif kind == 2:
            del changed[i]
        elif kind == 3:  # the head of one on the body of another
            at = random.randrange(21)
            changed[i] = changed[j][:at] + changed[i][at:]
        elif kind == 4:
            changed.insert(i, random.randbytes(random.choice((0, 1, 2, 12, 20, 60, 1460))))
        else:
            changed[i] = mutated(changed[i], random)
    return joined(changed)[:MOST_OCTETS]


def _flip(data: bytearray, random: Random) -> None:
    if data:
        data[_place(data, random)] ^= 1 << random.randrange(8)


def _overwrite(data: bytearray, random: Random) -> None:
    at, value = _place(data, random), random.choice(INTERESTING)
    data[at : at + len(value)] = value


def _step(data: bytearray, random: Random) -> None:
    if data:
        at = _place(data, random)
        data[at] = (data[at] + random.randrange(-4, 5)) & 0xFF


def _cut(data: bytearray, random: Random) -> None:
    del data[_place(data, random) :]


def _remove(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    del data[at : at + random.choice((1, 2, 4, 8, 64))]


def _repeat(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at:at] = data[at : at + random.choice((1, 4, 16, 256))]


def _insert(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 64)))


def _place(data: bytearray, random: Random) -> int:
    """Somewhere in the input; as often as not in its first octets, where the headers are."""
    return random.randrange(min(len(data), 24) if random.random() < 0.5 and data else max(len(data), 1))


_CHANGES: tuple[Mutation, ...] = (_flip, _flip, _overwrite, _step, _cut, _remove, _repeat, _insert)
