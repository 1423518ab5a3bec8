"""What the engines say is made to last, and a machine that cannot keep up is left in peace."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn_face
from relip.essence.scene import Bypass, Sighting
from relip.face.gates import Gates
from relip.face.pose import Pose
from relip.graph.ladder import DWELL_TICKS, MOST_DWELL_TICKS, Ladder, Overload, Rung, Standing
from relip.graph.ramp import Outlook, Ramp, ramp_grains
from relip.graph.stages import outlook

pytestmark = pytest.mark.unit

FRAME = 3600
DWELL = DWELL_TICKS // FRAME
FACE = drawn_face.face(identity=1)
GOOD = Sighting(face=FACE, absent=None)
TURNED = Sighting(face=FACE, absent=Bypass.FACE_TURNED)
HALF = Sighting(face=FACE, absent=None, limit=Bypass.FACE_TURNED)
COVERED = Sighting(face=None, absent=Bypass.COVERED)


def stand(*sightings, apart=FRAME):
    ladder = Ladder()
    return [ladder.stand(sighting, k * apart) for k, sighting in enumerate(sightings)]


def rungs(*sightings):
    return [standing.rung for standing in stand(*sightings)]


def test_a_good_face_is_on_the_highest_rung_without_a_reason():
    assert stand(GOOD) == [Standing(Rung.FULL, None, identity=1)]


@pytest.mark.parametrize(
    ("sighting", "rung", "drawable"), [(TURNED, Rung.NONE, True), (HALF, Rung.LIPS, True), (COVERED, Rung.NONE, False)]
)
def test_a_rung_has_the_reason_that_was_seen(sighting, rung, drawable):
    (standing,) = stand(sighting)
    assert (standing.rung, standing.reason, standing.drawable) == (rung, sighting.absent or sighting.limit, drawable)


@pytest.mark.parametrize("sighting", [TURNED, HALF, COVERED])
def test_a_rung_is_left_for_a_while_when_its_reason_has_gone(sighting):
    seen = stand(GOOD, sighting, *[GOOD] * (DWELL + 2))
    low = seen[1].rung
    assert [standing.rung for standing in seen] == [Rung.FULL, *[low] * DWELL, *[Rung.FULL] * 3]
    assert {standing.reason for standing in seen[1 : DWELL + 1]} == {sighting.absent or sighting.limit}


def test_what_comes_back_soon_is_waited_out_for_twice_as_long_up_to_a_limit():
    ladder = Ladder()
    seen = [ladder.stand(GOOD, 0)]
    for k in range(1, 1200):
        seen.append(ladder.stand(COVERED if seen[-1].rung is Rung.FULL else GOOD, k * FRAME))
    full = [k for k, standing in enumerate(seen) if standing.rung is Rung.FULL]
    lengths = [b - a - 1 for a, b in itertools.pairwise(full)]
    assert lengths[:4] == [DWELL, 2 * DWELL, 4 * DWELL, 8 * DWELL]
    assert max(lengths) == MOST_DWELL_TICKS // FRAME


def test_what_comes_back_much_later_is_waited_out_as_the_first_time():
    again = [TURNED, *[GOOD] * 150]
    seen = rungs(*again, *again)
    assert seen.count(Rung.NONE) == 2 * DWELL


@pytest.mark.parametrize("what", [{"cut": True}, {"face": replace(FACE, identity=2)}], ids=["cut", "person"])
def test_another_shot_or_person_has_a_clean_record(what):
    after = replace(GOOD, **what)
    assert rungs(TURNED, after) == [Rung.NONE, Rung.FULL]


def test_a_cut_is_told():
    assert [standing.cut for standing in stand(GOOD, replace(COVERED, cut=True), GOOD)] == [False, True, False]


def test_a_late_sighting_says_nothing_of_the_picture():
    assert rungs(Sighting(face=None, absent=Bypass.DEADLINE), GOOD) == [Rung.NONE, Rung.FULL]


def test_a_grain_that_was_not_seen_at_all_has_failed():
    (standing,) = stand(None)
    assert (standing.rung, standing.reason, standing.drawable) == (Rung.NONE, Bypass.FAILED, False)


STATES = st.sampled_from([GOOD, HALF, TURNED, COVERED, Sighting(face=None, absent=Bypass.FACE_UNSURE)])
RUNS = st.lists(st.tuples(STATES, st.integers(1, 40)), max_size=12).map(lambda runs: [s for s, n in runs for _ in range(n)])


def strengths(sightings, ahead=3):
    """What the ramp makes of the ladder's standings at 25 fps, with some grains known beforehand."""
    ramp, standings = Ramp(Fraction(25)), stand(*sightings)
    told = []
    for k, here in enumerate(standings):
        if not here.drawable:
            ramp.drop()
        else:
            coming = [outlook(s, 1) for s in (*standings[k + 1 : k + 1 + ahead], *[None] * ahead)][:ahead]
            ramp.advance({0: Outlook.REFUSED, 1: Outlook.LIPS, 2: Outlook.FULL}[here.rung], coming)
        told.append(ramp.strength)
    return told


@given(RUNS)
def test_no_sequence_of_sightings_makes_the_dub_jump_or_flap(sightings):
    shown = strengths([GOOD] * 20 + sightings + [GOOD] * 20)
    step = 1 / 4  # three grains are known: a way out of what cannot be drawn has four steps
    assert all(abs(b - a) <= step + 1e-9 for a, b in itertools.pairwise(shown))
    gone = [k for k in range(1, len(shown)) if shown[k] == 0 < shown[k - 1]]
    for begin in gone:
        back = next((k for k in range(begin, len(shown)) if shown[k] > 0), len(shown))
        assert back - begin >= DWELL - ramp_grains(Fraction(25)) or back == len(shown)


@given(st.lists(st.floats(37.5, 41.5), min_size=200, max_size=200))
def test_a_face_that_trembles_about_the_limit_changes_sides_once_in_eight_seconds(yaws):
    gates, sightings = Gates(), []
    for yaw in yaws:
        absent, limit = gates.judge(Pose(iod=100, yaw=yaw, pitch=0, roll=0), outline=0, room=1, misfit=0)
        sightings.append(Sighting(face=FACE, absent=absent, limit=limit))
    sides = [rung is Rung.NONE for rung in rungs(*sightings)]
    assert sum(a != b for a, b in itertools.pairwise(sides)) <= 1


def test_a_hand_that_grazes_the_chin_again_and_again_changes_the_rung_a_few_times_only():
    grazing = [Sighting(face=FACE, absent=None, limit=Bypass.COVERED if k % 12 < 2 else None) for k in range(750)]
    seen = rungs(*grazing)
    assert sum(a != b for a, b in itertools.pairwise(seen)) <= 5


def overload(*missed):
    """Whether each of 2000 grains is left in peace when the results of some are late; resting grains are never late."""
    machine, rests = Overload(), []
    for k in range(2000):
        rests.append(machine.rests(k * FRAME))
        if k in missed and not rests[-1]:
            machine.missed(k * FRAME)
    return rests


def test_a_stall_that_makes_several_results_late_is_an_accident():
    assert not any(overload(*range(10, 20), *range(40, 45), *range(70, 75)))


def test_three_stalls_in_two_seconds_are_accidents():
    assert not any(overload(10, 20, 30, 70, 80, 90))


def test_four_stalls_within_two_seconds_are_two_seconds_of_peace():
    rests = overload(10, 20, 21, 30, 40)
    assert rests.index(True) == 41
    assert sum(rests) == 49


def test_a_second_in_which_nothing_is_in_time_is_two_seconds_of_peace():
    rests = overload(*range(10, 36))
    assert rests.index(True) == 36
    assert sum(rests) == 49


def test_a_machine_that_stays_too_slow_is_asked_less_and_less_often():
    rests = overload(*range(2000))
    starts = [k for k in range(1, 2000) if rests[k] and not rests[k - 1]]
    tries = sum(not rest for rest in rests)
    assert len(starts) <= 6
    assert tries <= 26 * (len(starts) + 1)
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert gaps == sorted(gaps)
