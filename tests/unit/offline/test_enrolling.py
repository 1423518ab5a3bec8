"""Learning a presenter from clips: what is taken, what is refused, and what is said of it. The nets see a stage."""

import numpy as np
import pytest

import drawn_face
import likenesses
from heads import Stage
from relip.articulation.speaker import Speaker, SpeakerSettings
from relip.device.host import HostDevice
from relip.essence.errors import FormatError
from relip.face.tracker import FaceTracker
from relip.mouth.own_pixels import OwnPixels
from relip.offline.enrolling import LEAST_MOUTHS, Enrolling

pytestmark = pytest.mark.unit

FORMAT = drawn_face.small_format()
SPEECH = np.concatenate([0.08 + 0.08 * np.sin(np.linspace(0, 14, 70)), np.linspace(0, 0.2, 30)])


class Seen(Stage):
    """A stage whose faces also have pixels, for whoever does not look through a net."""

    def crop(self, packed, affine, out):
        if out.shape[1] in (128, 192):
            super().crop(packed, affine, out)
        else:
            HostDevice().crop(packed, affine, out)


class Room:
    """A learner and who sits before it."""

    def __init__(self):
        self.stage = Seen()
        nets = {"detector": self.stage.detector(), "mesh": self.stage.mesh()}
        self.learner = Enrolling(
            tracker=FaceTracker(device=self.stage, format=FORMAT, **nets),
            renderer=OwnPixels(device=HostDevice(), format=FORMAT),
            speaker=Speaker(SpeakerSettings()),
            format=FORMAT,
        )

    def clip(self, openings, seed=1):
        """A clip of the person with that seed's looks."""
        self.learner.begin_clip()
        for opening in openings:
            points = drawn_face.landmarks(x=200.0, y=80.0, iod=90.0, opening=opening)
            self.stage.heads = [points]
            frame = likenesses.picture(seed, points, height=FORMAT.height, width=FORMAT.width)
            self.learner.see(frame)

    def empty(self, frames):
        self.learner.begin_clip()
        self.stage.heads = []
        for _ in range(frames):
            self.learner.see(np.zeros((FORMAT.height, FORMAT.row_octets), np.uint8))


@pytest.fixture
def room():
    return Room()


def test_somebody_who_speaks_is_enrolled(room):
    room.clip(SPEECH)
    room.clip(SPEECH[::-1])
    learned = room.learner.learned
    assert learned.frames == 200
    assert learned.used + sum(learned.refused.values()) == 200
    assert learned.used > 150
    assert learned.mouths >= LEAST_MOUTHS
    assert learned.widest == pytest.approx(0.2, abs=0.02)
    assert learned.iod == pytest.approx(90, rel=0.02)
    made = room.learner.enrolment(name="Anna", note="agreed")
    assert (made.name, made.note, made.raster) == ("Anna", "agreed", (FORMAT.width, FORMAT.height))
    assert len(made.mouths.y) == learned.mouths
    assert len(made.observations) > 150
    assert made.observations[:, 2].mean() > 0.3, "the mouth moves"


def test_an_empty_room_is_refused_with_the_reasons(room):
    room.empty(12)
    with pytest.raises(FormatError, match=r"no face that can be learned from in 12 frames \(no_face 12\)"):
        room.learner.enrolment(name="", note="")


def test_somebody_silent_is_refused(room):
    room.clip(np.full(60, 0.004))
    with pytest.raises(FormatError, match="nobody speaks"):
        room.learner.enrolment(name="", note="")


def test_a_word_is_too_little(room):
    room.clip(np.linspace(0.0, 0.12, 8).repeat(2))
    with pytest.raises(FormatError, match="mouths are too few"):
        room.learner.enrolment(name="", note="")


def test_another_person_in_a_later_clip_is_refused(room):
    room.clip(SPEECH)
    with pytest.raises(FormatError, match="two people"):
        room.clip(SPEECH, seed=2)
