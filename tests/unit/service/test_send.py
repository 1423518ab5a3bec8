"""What `relip send` lays ready before it sends."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.formats import VideoFormat
from relip.offline.movie import write_side_by_side
from relip.service.send import _file_reel

pytestmark = pytest.mark.unit

FORM = VideoFormat(64, 48, Fraction(25))


@pytest.mark.parametrize(("asked", "laid"), [(None, 10), (4, 4), (1000, 10)])
def test_no_more_of_a_file_is_laid_ready_than_will_be_sent(tmp_path, asked, laid):
    grey = np.full((72, 64), 128, np.uint8)
    write_side_by_side(tmp_path / "a.mp4", [grey] * 10, rate=FORM.rate, audio=np.zeros(19200, np.float32))
    reel = _file_reel(tmp_path / "a.mp4", FORM, asked, lambda _done, _of: None)
    assert len(reel) == laid
