"""Frames laid ready for the sender."""

import errno
import os
from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import ResourceError
from relip.essence.formats import VideoFormat
from relip.peers.reel import lay

pytestmark = pytest.mark.unit

FORM = VideoFormat(32, 4, Fraction(25))


def pictures(count):
    return [np.full((FORM.height, FORM.row_octets), k, np.uint8) for k in range(count)]


@pytest.mark.parametrize("memory_octets", [0, 1 << 20])
def test_a_reel_holds_what_was_laid_in_memory_or_in_a_file(memory_octets):
    reel = lay(pictures(5), format=FORM, most=3, memory_octets=memory_octets)
    assert len(reel) == 3
    assert [int(reel.frame(k)[0, 0]) for k in range(4)] == [0, 1, 2, 0]


def test_a_full_disk_is_told_before_the_first_frame_is_laid(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ResourceError, match="no room for 3 frames"):
        lay(pictures(3), format=FORM, most=3, memory_octets=0)
