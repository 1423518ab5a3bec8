"""The presenter is found, followed, lost and gated as the docstrings promise. The nets see a stage, not pixels."""

from fractions import Fraction

import numpy as np
import pytest

from heads import Stage, head
from pictures import packed
from relip.essence.errors import FormatError, ModelError
from relip.essence.formats import VideoFormat
from relip.essence.scene import Bypass
from relip.face.tracker import FaceTracker

pytestmark = pytest.mark.unit

FORMAT = VideoFormat(1280, 720, Fraction(25))
PLAIN = packed(np.full((720, 1280, 3), 90.0))
SHOTS = [
    packed(np.random.default_rng(i).integers(0, 255, (6, 8, 1)).repeat(3, 2).repeat(120, 0).repeat(160, 1)) for i in range(2)
]


class Programme:
    """A tracker, the stage before it, and the frames so far."""

    def __init__(self):
        self.stage = Stage()
        self.tracker = FaceTracker(detector=self.stage.detector(), mesh=self.stage.mesh(), device=self.stage, format=FORMAT)
        self.ticks = 9_000_000_000

    def frame(self, *heads, presence=1.0, shot=PLAIN, after=3600):
        """The sighting of the next frame, in which there are these heads."""
        self.ticks += after
        self.stage.heads, self.stage.presence = list(heads), presence
        return self.tracker.see(shot, self.ticks)


@pytest.fixture
def programme():
    return Programme()


def test_a_face_is_seen_where_it_is_on_the_first_frame(programme):
    points = head((600, 300), 90, opening=0.1, roll=4)
    sighting = programme.frame(points)
    assert sighting.absent is None
    assert np.abs(sighting.face.landmarks - points).max() < 0.1
    assert sighting.face.iod == pytest.approx(90, rel=1e-3)
    assert sighting.face.shape.open == pytest.approx(0.1, abs=1e-3)
    assert sighting.face.roll == pytest.approx(4, abs=0.1)


def test_nobody_is_no_face(programme):
    sighting = programme.frame()
    assert (sighting.face, sighting.absent, sighting.cut) == (None, Bypass.NO_FACE, False)


def test_what_only_the_detector_takes_for_a_face_is_none(programme):
    assert programme.frame(head((600, 300)), presence=0.05).absent is Bypass.NO_FACE
    assert programme.frame(head((600, 300)), presence=0.4).absent is Bypass.FACE_UNSURE


def test_a_face_is_followed_without_the_detector(programme):
    for i in range(10):
        sighting = programme.frame(head((600 + 20 * i, 300)))
    assert programme.stage.detections == 1
    assert sighting.face.landmarks[33, 0] == pytest.approx(head((780, 300))[33, 0], abs=10)
    assert sighting.face.identity == 1


def test_the_detector_looks_again_every_two_seconds(programme):
    for _ in range(126):
        programme.frame(head((600, 300)))
    assert programme.stage.detections == 3


def test_a_track_survives_two_missed_frames_and_keeps_its_identity(programme):
    programme.frame(head((600, 300)))
    missed = [programme.frame(head((600, 300)), presence=0.1).absent for _ in range(2)]
    assert missed == [Bypass.FACE_UNSURE] * 2
    assert programme.frame(head((600, 300))).face.identity == 1


def test_a_track_is_lost_with_the_third_and_the_next_face_is_somebody_else(programme):
    programme.frame(head((600, 300)))
    missed = [programme.frame(presence=0.0).absent for _ in range(4)]
    assert missed == [Bypass.FACE_UNSURE, Bypass.FACE_UNSURE, Bypass.NO_FACE, Bypass.NO_FACE]
    assert programme.frame(head((600, 300))).face.identity == 2


def test_a_weak_score_keeps_a_track_but_begins_none(programme):
    assert programme.frame(head((600, 300)), presence=0.4).face is None
    programme.frame(head((600, 300)))
    assert programme.frame(head((600, 300)), presence=0.4).face is not None


def test_a_face_that_jumps_is_found_again_by_the_detector(programme):
    programme.frame(head((400, 300)))
    programme.frame(head((700, 300)), presence=0.1)
    sightings = [programme.frame(head((900, 300))) for _ in range(4)]
    assert sightings[-1].face.landmarks[33, 0] == pytest.approx(head((900, 300))[33, 0], abs=2)


def test_a_cut_is_immediate_and_changes_the_identity(programme):
    before = programme.frame(head((600, 300)), shot=SHOTS[0])
    sighting = programme.frame(head((300, 400), 60), shot=SHOTS[1])
    assert (before.cut, sighting.cut) == (False, True)
    assert sighting.face.identity == before.face.identity + 1
    assert sighting.face.iod == pytest.approx(60, rel=1e-3)


def test_of_two_faces_the_largest_is_the_presenter(programme):
    sighting = programme.frame(head((300, 300), 50), head((900, 300), 80))
    assert sighting.face.iod == pytest.approx(80, rel=1e-2)


def test_another_face_takes_over_only_when_clearly_larger_at_two_checks(programme):
    own, rival = head((300, 300), 60), head((900, 300), 100)
    programme.frame(own)
    sizes = [programme.frame(own, rival).face.iod for _ in range(110)]
    assert sizes[60] == pytest.approx(60, rel=1e-2)
    assert sizes[-1] == pytest.approx(100, rel=1e-2)
    assert programme.frame(own, rival).face.identity == 2


def test_a_face_hardly_larger_never_takes_over(programme):
    own, rival = head((300, 300), 60), head((900, 300), 66)
    programme.frame(own)
    for _ in range(160):
        sighting = programme.frame(own, rival)
    assert sighting.face.identity == 1


def test_a_small_face_is_refused_until_it_is_clearly_large_enough(programme):
    said = [programme.frame(head((600, 300), iod)).absent for iod in (30, *[24] * 12, *[26] * 12, *[28] * 12)]
    assert [said[i] for i in (0, 12, 24, 36)] == [None, Bypass.FACE_SMALL, Bypass.FACE_SMALL, None]


def test_a_turned_face_is_refused_until_it_is_clearly_turned_back(programme):
    said = [programme.frame(head((600, 300), yaw=yaw)).absent for yaw in (0, *[-42] * 25, *[-38.5] * 25, *[-35] * 25)]
    assert [said[i] for i in (0, 25, 50, 75)] == [None, Bypass.FACE_TURNED, Bypass.FACE_TURNED, None]


@pytest.mark.parametrize("poison", ["detector", "mesh", "presence"])
def test_what_is_not_a_number_is_a_model_error_and_the_next_frame_starts_anew(programme, poison):
    programme.stage.poison = poison
    with pytest.raises(ModelError):
        programme.frame(head((600, 300)))
    programme.stage.poison = None
    assert programme.frame(head((600, 300))).face is not None


@pytest.mark.parametrize("after", [0, -90000, 90000], ids=["repeated", "backwards", "gap"])
def test_a_jump_in_time_starts_anew(programme, after):
    programme.frame(head((600, 300)), shot=SHOTS[0])
    sighting = programme.frame(head((600, 300)), shot=SHOTS[1], after=after)
    assert sighting.cut is False
    assert sighting.face.identity == 2


def test_reset_forgets_the_face_but_not_how_many_there_were(programme):
    programme.frame(head((600, 300)))
    programme.tracker.reset()
    assert programme.frame(head((600, 300))).face.identity == 2


def test_a_net_with_other_outputs_is_refused(programme):
    stage = programme.stage
    with pytest.raises(FormatError, match="landmarks"):
        FaceTracker(detector=stage.detector(), mesh=stage.detector(), device=stage, format=FORMAT)


@pytest.mark.parametrize("speed", [-0.1, 1.1, float("nan")])
def test_a_head_speed_outside_its_scale_is_refused(speed):
    stage = Stage()
    with pytest.raises(FormatError, match="head_speed"):
        FaceTracker(detector=stage.detector(), mesh=stage.mesh(), device=stage, format=FORMAT, head_speed=speed)
