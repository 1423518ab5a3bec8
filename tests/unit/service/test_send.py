"""What `relip send` lays ready before it sends."""

from fractions import Fraction

import numpy as np
import pytest

from relip.essence.errors import ResourceError
from relip.essence.formats import VideoFormat
from relip.offline.movie import write_side_by_side
from relip.peers.report import SenderReport
from relip.service.send import SendOptions, _file_reel, _tell

pytestmark = pytest.mark.unit

FORM = VideoFormat(64, 48, Fraction(25))


@pytest.mark.parametrize(("asked", "laid"), [(None, 10), (4, 4), (1000, 10)])
def test_no_more_of_a_file_is_laid_ready_than_will_be_sent(tmp_path, asked, laid):
    grey = np.full((72, 64), 128, np.uint8)
    write_side_by_side(tmp_path / "a.mp4", [grey] * 10, rate=FORM.rate, audio=np.zeros(19200, np.float32))
    reel = _file_reel(tmp_path / "a.mp4", FORM, asked, lambda _done, _of: None)
    assert len(reel) == laid


def told(frames, refused):
    options = SendOptions("720p25", None, None, "239.1.1.1:5004", None, None, "127.0.0.1", None, "auto", None, None)
    _tell(SenderReport(format="720p25", frames_sent=frames, packets_sent={}, packets_refused=refused), options)


def test_packets_that_the_network_refused_are_told(capsys):
    told(9, 0)
    assert "refused" not in capsys.readouterr().err
    told(9, 3)
    assert "sent 9 frames, 0 started late, the network refused 3 packets" in capsys.readouterr().err


def test_a_run_of_which_the_network_took_nothing_has_failed(capsys):
    with pytest.raises(ResourceError, match="not one whole frame was sent: the network refused 2880 packets"):
        told(0, 2880)
    assert "sent 0 frames" in capsys.readouterr().err


def test_a_run_that_was_stopped_before_its_first_frame_has_not_failed():
    told(0, 0)
