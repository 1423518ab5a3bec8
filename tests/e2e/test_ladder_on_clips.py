"""Every rung on made footage of real people: the product's nets look at what is drawn over clips and a portrait."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from skimage.data import astronaut
from skimage.draw import polygon
from skimage.transform import resize

from engines import tracker
from pictures import packed
from relip.config import LipSync, Models
from relip.device.host import HostDevice
from relip.essence.formats import VideoFormat
from relip.essence.grains import Planes
from relip.essence.scene import NOBODY, Bypass, Region
from relip.face.people import People
from relip.graph.stages import unhindered
from relip.mouth.landmarks import OUTER
from relip.mouth.occlusion import Cover, Occlusion
from relip.offline.container import VideoReader
from relip.offline.dubbing import dub
from relip.service.compose import engines
from relip.signals import occluders
from relip.signals.occluders import Place
from turned_face import turn

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DEVICE = HostDevice()
FORM = VideoFormat(720, 576, Fraction(25))
WHOLE = Region(0, 0, FORM.width, FORM.height)
CLIPS = ["bbas3a", "lwbf5a"]
COMES, STAYS = 20, 12
"""Frame in which a thing begins to come, and for how many it stays before the mouth."""


def read(media, name):
    with VideoReader(media / f"{name}.mpg", format=FORM, pack=DEVICE.pack) as reader:
        return [frame.copy() for frame in reader]


@pytest.fixture(scope="module")
def clips(media):
    """Packed frames of each clip."""
    return {name: read(media, name) for name in CLIPS}


@pytest.fixture(scope="module")
def somebody():
    """A picture of another person, the same size in the picture: (h, w, 3) uint8."""
    picture = np.full((FORM.height, FORM.width, 3), 90, np.uint8)
    picture[:, 72:648] = np.rint(resize(astronaut()[:300, 74:374], (576, 576)) * 255)
    return picture


@pytest.fixture(scope="module")
def portrait(somebody):
    """The same as a packed frame."""
    return packed(somebody)


def unpacked(frame):
    planes = Planes.of(FORM.width, FORM.height)
    DEVICE.unpack(frame, WHOLE, planes)
    return planes


def packed_of(planes):
    frame = np.empty((FORM.height, FORM.row_octets), np.uint8)
    DEVICE.pack(planes, frame)
    return frame


def changed(frame, change):
    """A frame after a change to its planes."""
    planes = unpacked(frame)
    change(planes)
    return packed_of(planes)


def mixed(one, other, share):
    """A dissolve: `share` of the other frame."""
    theirs = unpacked(other)

    def change(mine):
        for a, b in ((mine.y, theirs.y), (mine.cb, theirs.cb), (mine.cr, theirs.cr)):
            a[:] = np.rint(a + share * (b.astype(float) - a))

    return changed(one, change)


@pytest.fixture(scope="module")
def see(face_models):
    """What a fresh tracker makes of frames."""

    def look(frames):
        eyes = tracker(face_models, FORM)
        return [eyes.see(frame, 3600 * k) for k, frame in enumerate(frames)]

    return look


def persons(sightings):
    """The numbers of everybody who is seen, as the graph gives them."""
    people, clear = People(), [s.face for s in sightings if s.face and unhindered(s)]
    return {people.who(face, clear[k + 1 : k + 4]) for k, face in enumerate(clear)} - {NOBODY}


@dataclass
class Told:
    """What became of one frame."""

    strength: float
    reason: Bypass | None
    person: int


@pytest.fixture(scope="module")
def dubbed(face_models):
    """What the whole chain makes of frames and noise."""

    def play(frames):
        noise = np.random.default_rng(1).normal(0, 0.05, 1920 * len(frames)).astype(np.float32)
        chain = engines.chain_for_files(LipSync(), engines.load_nets(Models(cache=face_models), 120), FORM)
        told = [Told(take.strength, take.verdict.bypass, take.person) for take in dub(frames, noise, chain)]
        assert chain.tally.failures == {}
        return told

    return play


@pytest.mark.parametrize("name", CLIPS)
def test_somebody_who_faces_the_camera_and_speaks_is_never_refused(clips, see, name):
    occlusion = Occlusion()
    for frame, sighting in zip(clips[name], see(clips[name]), strict=True):
        assert (sighting.absent, sighting.limit, sighting.cut) == (None, None, False)
        assert occlusion.see(frame, sighting.face) is Cover.NOTHING


def held_before(frames, faces, shape, *, way, aside, size, turned):
    """Frames in which a thing comes along a `way` (IOD), stays and goes, and the share of the lips that it covers in each."""
    out, shares = [], []
    for k, (frame, face) in enumerate(zip(frames, faces, strict=True)):
        left = float(np.interp(k, (COMES, COMES + 10, COMES + 10 + STAYS, COMES + 20 + STAYS), (1, 0, 0, 1)))
        if left == 1:
            out.append(frame)
            shares.append(0.0)
            continue
        x, y = face.landmarks[[13, 14], :2].mean(axis=0) + (np.array(aside) + left * np.array(way)) * face.iod
        planes = unpacked(frame)
        cover = occluders.lay(shape, Place(x, y, size * face.iod, turned), planes, (600.0, 475.0, 580.0))
        out.append(packed_of(planes))
        lips = face.landmarks[OUTER, :2]
        rows, columns = polygon(lips[:, 1], lips[:, 0], cover.shape)
        shares.append(float(cover[rows, columns].mean()))
    return out, np.array(shares)


THINGS = {
    "a hand across": (occluders.hand, {"way": (3.4, 0.3), "aside": (0.0, 0.1), "size": 1.0, "turned": -15}),
    "two fingers' breadth of a hand": (occluders.hand, {"way": (0.5, 3.4), "aside": (0.25, 0.55), "size": 0.9, "turned": 10}),
    "a microphone from below": (occluders.microphone, {"way": (0.4, 3.2), "aside": (0.05, 0.05), "size": 1.0, "turned": 0}),
    "a sheet of paper": (occluders.paper, {"way": (0.0, 3.4), "aside": (0.0, 1.3), "size": 1.0, "turned": 5}),
    "a cup": (occluders.cup, {"way": (1.0, 3.2), "aside": (0.1, 0.1), "size": 0.9, "turned": 8}),
}


@pytest.mark.parametrize("thing", THINGS)
def test_a_covered_mouth_is_noticed_within_two_frames_and_until_it_is_free(clips, see, thing):
    frames = clips["bbas3a"]
    shape, how = THINGS[thing]
    seen, shares = held_before(frames, [s.face for s in see(frames)], shape, **how)
    occlusion = Occlusion()
    refused = np.array(
        [s.face is None or occlusion.see(frame, s.face) is Cover.LIPS for frame, s in zip(seen, see(seen), strict=True)]
    )
    covered = shares >= 1 / 3
    assert covered.sum() >= STAYS
    assert refused[covered].mean() >= 0.9
    assert refused[: COMES + 1].sum() == 0
    assert np.flatnonzero(refused)[0] - np.flatnonzero(covered)[0] <= 2
    assert not refused[-5:].any()


def test_through_the_graph_the_way_out_ends_before_the_hand_is_there(clips, see, dubbed):
    frames = clips["bbas3a"]
    shape, how = THINGS["a hand across"]
    seen, shares = held_before(frames, [s.face for s in see(frames)], shape, **how)
    told = dubbed(seen)
    strengths, reasons = [take.strength for take in told], [take.reason for take in told]
    covered = np.flatnonzero(shares >= 1 / 3)
    assert not any(strengths[k] for k in covered)
    assert max(abs(b - a) for a, b in pairwise(strengths)) <= 1 / 4 + 1e-9
    assert strengths[COMES - 2] == 1.0
    assert strengths[-1] > 0.5
    assert set(reasons) == {None, Bypass.WARMING, Bypass.COVERED}


def test_a_flash_changes_nothing(clips, see):
    def flash(planes):
        planes.y[:] = np.clip(planes.y * 1.3 + 300, 4, 1019)

    frames = [changed(frame, flash) if k in (30, 45, 46) else frame for k, frame in enumerate(clips["bbas3a"])]
    sightings = see(frames)
    assert persons(sightings) == {0}
    assert not any(s.cut for s in sightings)
    occlusion = Occlusion()
    said = {occlusion.see(frame, s.face) for frame, s in zip(frames, sightings, strict=True) if s.face}
    assert said == {Cover.NOTHING}


def test_who_is_hidden_for_a_second_is_recognised(clips, dubbed):
    """Something is let down before the face and drawn up again."""
    depths = np.interp(range(75), (25, 33, 50, 58), (0, 500, 500, 0)).astype(int)

    def wall(depth):
        def change(planes):
            planes.y[:depth, 200:520], planes.cb[:depth, 100:260], planes.cr[:depth, 100:260] = 300, 540, 480

        return change

    told = dubbed([changed(frame, wall(depth)) for frame, depth in zip(clips["bbas3a"], depths, strict=True)])
    assert {Bypass.COVERED, Bypass.FACE_LOST} <= {take.reason for take in told}
    assert {take.person for take in told} == {NOBODY, 0}
    assert told[-1].strength == 1.0


def test_who_is_dissolved_into_somebody_else_is_not_given_the_lips_of_the_first(clips, dubbed, portrait):
    frames = clips["bbas3a"]
    told = dubbed([*frames[:25], *[mixed(frames[24], portrait, t) for t in np.linspace(0, 1, 25)], *[portrait] * 75])
    assert told[24].strength == 1.0
    assert not any(take.strength for take in told[37:] if take.person == 0)
    assert told[-1].person == 1


def test_after_a_fade_to_black_and_up_again_it_is_the_same_person(clips, see):
    def dimmed(level):
        def change(planes):
            planes.y[:] = np.rint(64 + (planes.y - 64.0) * level)
            for plane in (planes.cb, planes.cr):
                plane[:] = np.rint(512 + (plane - 512.0) * level)

        return change

    levels = np.concatenate((np.ones(20), np.linspace(1, 0, 12), np.zeros(8), np.linspace(0, 1, 12), np.ones(23)))
    frames = [changed(frame, dimmed(level)) for frame, level in zip(clips["bbas3a"], levels, strict=True)]
    sightings = see(frames)
    assert not any(s.cut for s in sightings)
    assert any(s.face is None for s in sightings[28:44])
    assert persons(sightings) == {0}


def test_two_people_side_by_side_are_two_faces_and_one_of_them_alone_is_not(clips, see, portrait):
    def beside(one, other):
        """The middle halves of two frames next to each other."""
        octets = FORM.row_octets
        quarter = octets // 4
        return np.hstack((one[:, quarter : quarter + octets // 2], other[:, quarter : quarter + octets // 2]))

    frames = clips["bbas3a"]
    assert {s.absent for s in see([beside(frame, portrait) for frame in frames[:20]])} == {Bypass.TWO_FACES}
    assert {s.absent for s in see(frames[:20])} == {None}


def test_a_picture_that_stands_still_is_dubbed(clips, see):
    frame, occlusion = clips["bbas3a"][5], Occlusion()
    sightings = see([frame] * 40)
    assert {(s.absent, s.limit, s.cut) for s in sightings} == {(None, None, False)}
    assert {occlusion.see(frame, s.face) for s in sightings} == {Cover.NOTHING}


@pytest.mark.parametrize("side", [1, -1], ids=["right", "left"])
def test_a_head_that_turns_goes_down_rung_by_rung_and_up_again(see, somebody, portrait, side):
    (start,) = see([portrait])
    degrees = [*range(0, 64, 3), *range(60, -1, -3), *[0] * 5]
    sightings = see([packed(turn(somebody, start.face.landmarks, side * angle)) for angle in degrees])
    rungs = [0 if s.absent else 1 if s.limit else 2 for s in sightings]
    assert set(rungs[:4]) == {2}
    lowest = rungs.index(min(rungs))
    assert rungs[:lowest] == sorted(rungs[:lowest], reverse=True)
    assert 1 in rungs[:lowest]
    assert {s.absent for s in sightings} <= {None, Bypass.FACE_TURNED, Bypass.FACE_UNSURE, Bypass.FACE_LOST}
    assert min(rungs) == 0
    assert rungs[-1] == 2
    assert persons(sightings) == {0}


def test_a_face_that_leaves_through_the_lower_edge_is_out_of_frame_before_its_mouth_is(clips, see):
    frame = clips["bbas3a"][5]
    sunk = [np.vstack((frame[:1].repeat(down, 0), frame[: FORM.height - down])) for down in range(0, 220, 8)]
    said = [s.absent for s in see(sunk)]
    assert said[0] is None
    assert Bypass.OUT_OF_FRAME in said
    assert set(said[said.index(Bypass.OUT_OF_FRAME) :]) <= {Bypass.OUT_OF_FRAME, Bypass.FACE_UNSURE, Bypass.FACE_LOST}


def test_a_face_that_becomes_small_is_refused_as_small(clips, see):
    def zoomed(frame, scale):
        def change(planes):
            for plane in (planes.y, planes.cb, planes.cr):
                height, width = plane.shape
                small = resize(plane.astype(float), (round(height * scale), round(width * scale)), anti_aliasing=True)
                top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
                plane[:] = np.rint(
                    np.pad(small, ((top, height - small.shape[0] - top), (left, width - small.shape[1] - left)), "edge")
                )

        return changed(frame, change)

    frame = clips["bbas3a"][5]
    said = [s.absent for s in see([zoomed(frame, scale) for scale in np.geomspace(1, 0.14, 30)])]
    assert said[0] is None
    assert Bypass.FACE_SMALL in said
    assert None not in said[said.index(Bypass.FACE_SMALL) :]
