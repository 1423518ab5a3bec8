"""Arrays that end where memory ends: compiled code that goes one octet too far kills the process instead of going unseen."""

from __future__ import annotations

import ctypes
import math
import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

_libc = ctypes.CDLL(None, use_errno=True)


def fenced(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Zeroed octets between two pages that nobody may touch; the last octet lies right before the second one.

    What lies between the first page and the array is slack, filled with 0xA5: `untouched` looks at it.
    """
    octets = math.prod(shape)
    pages = -(-octets // mmap.PAGESIZE)
    block = mmap.mmap(-1, (pages + 2) * mmap.PAGESIZE)
    whole = np.frombuffer(block, np.uint8)
    whole[mmap.PAGESIZE : -mmap.PAGESIZE] = 0xA5
    for at in (0, (pages + 1) * mmap.PAGESIZE):
        address = ctypes.c_void_p(whole.ctypes.data + at)
        if _libc.mprotect(address, ctypes.c_size_t(mmap.PAGESIZE), 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    end = (pages + 1) * mmap.PAGESIZE
    inside = whole[end - octets : end]
    inside[:] = 0
    return inside.reshape(shape)


def untouched(array: NDArray[np.uint8]) -> bool:
    """Whether nobody wrote into the slack before a fenced array."""
    whole: Any = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    slack = whole[mmap.PAGESIZE : array.ctypes.data - whole.ctypes.data]
    return bool((slack == 0xA5).all())
