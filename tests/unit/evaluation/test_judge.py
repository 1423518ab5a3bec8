"""What leaves is compared with what came, whatever the engines did to the frame they carried."""

import numpy as np
import pytest

from drawn_face import small_format
from heads import Stage, head
from relip.device.host import HostDevice
from relip.essence.scene import Patch, Region
from relip.evaluation.judge import Judge, Judged
from relip.evaluation.rig import Rig
from relip.face.tracker import FaceTracker

pytestmark = pytest.mark.unit

FORMAT = small_format()
REGION = Region(100, 60, 40, 30)


def rig(stage):
    """A rig whose trackers see the heads of a stage."""

    def tracker():
        return FaceTracker(detector=stage.detector(), mesh=stage.mesh(), device=stage, format=FORMAT)

    return Rig(format=FORMAT, device=HostDevice(), tracker=tracker, renderer=lambda: None, chain=lambda _: None)


def frame():
    return np.full((FORMAT.height, FORMAT.row_octets), 0x80, np.uint8)


def patch(value=0x55):
    return Patch(REGION, np.full((REGION.height, REGION.width // 2 * 5), value, np.uint8))


def test_a_patch_changes_nothing_outside_its_region_and_the_frame_stays_as_it_is():
    kept, carried = Judged(1), frame()
    after = Judge(rig(Stage())).see(frame(), carried, patch(), kept)
    assert (kept.altered, kept.outside, kept.untouched, kept.bypassed) == (1, 0, 0, 0)
    assert np.array_equal(carried, frame())
    assert (after[60:90, 250:350] == 0x55).all()


def test_an_engine_that_wrote_into_its_frame_is_caught():
    kept, carried = Judged(2), frame()
    carried[0, 0] ^= 0x80
    carried[70, 260] ^= 0x80  # inside the region: the patch lies over it
    judge = Judge(rig(Stage()))
    judge.see(frame(), carried, patch(), kept)
    assert kept.outside == 1
    judge.see(frame(), carried, None, kept)
    assert (kept.untouched, kept.bypassed) == (2, 1)


def test_what_is_seen_enters_the_tracks_only_where_a_target_was_drawn():
    stage, kept = Stage(), Judged(4)
    stage.heads = [head((200, 120), 80, opening=0.1)]
    judge = Judge(rig(stage))
    for k, target in enumerate((None, 0.1, 0.1)):
        judge.measure(frame(), ticks=3600 * k, at=k, kept=kept, target=target)
    assert np.isnan(kept.output).tolist() == [True, False, False, True]
    assert kept.output[1] == pytest.approx(0.1, abs=0.01)
    assert kept.target[1:3].tolist() == [0.1, 0.1]


def test_a_drawn_face_that_is_not_found_again_is_counted_as_lost():
    kept = Judged(1)
    assert Judge(rig(Stage())).measure(frame(), ticks=0, at=0, kept=kept, target=0.1) is None
    assert (kept.lost, np.isnan(kept.output[0])) == (1, True)
