"""From tracks to the parts of the report, for made clips whose figures are known."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from drawn_face import face
from relip.evaluation import figures, sync
from relip.evaluation.clips import Clip
from relip.evaluation.judge import Judged
from relip.evaluation.phonetics import Lips
from relip.evaluation.pixels import Likeness
from relip.evaluation.redraw import OTHER, OWN, Redrawn, reflected, shapes_for
from relip.evaluation.seen import Seen
from relip.evaluation.sidecars import Label, Transcript
from relip.evaluation.voiced import Voiced
from relip.inference.null import NullModel
from relip.ports import Signature, TensorSpec

pytestmark = pytest.mark.unit

RATE = Fraction(25)
FRAMES = 100


def mouth(seed=0, late=0):
    track = np.convolve(np.random.default_rng(seed).standard_normal(FRAMES + 40), np.hanning(7), "same")
    return 0.1 + 0.02 * track[20 - late : 20 - late + FRAMES]


def seen(opening, *, speech=None, level=None, transcript=None, name="a.mpg"):
    """A clip whose mouth was measured so."""
    faces = tuple(None if np.isnan(value) else face(opening=float(value)) for value in opening)
    count = len(faces)
    return Seen(
        Clip(Path(name), name, "1", transcript),
        faces,
        np.zeros(count * 1920, np.float32),
        np.zeros((80, count * 4), np.float32),
        np.zeros(count) if level is None else level,
        np.ones(count, np.bool_) if speech is None else speech,
        (),
    )


def voiced(one, *, output, target=None, net=None):
    """That clip dubbed: what was seen of it, asked for, and said by the net."""
    judged = Judged(one.frames)
    judged.output[:] = output
    judged.target[:] = output if target is None else target
    judged.width[:] = one.width
    made = Voiced(one, judged, np.full(one.frames, np.nan))
    made.net[:] = output if net is None else net
    return made


def test_a_dub_that_is_the_mouth_follows_it_and_the_baseline_stands_beside():
    opening = mouth()
    made = voiced(seen(opening, level=-opening), output=opening, net=2 * opening)
    found = figures.follow([made])
    assert (found.r, found.baseline_r, found.net_r) == pytest.approx((1, -1, 1), abs=1e-3)
    assert found.frames == FRAMES


def test_only_speech_counts():
    opening, speech = mouth(), np.arange(FRAMES) < 60
    output = np.where(speech, opening, mouth(seed=5))
    assert figures.follow([voiced(seen(opening, speech=speech), output=output)]).r == pytest.approx(1, abs=1e-3)
    assert figures.follow([voiced(seen(opening, speech=~speech), output=output)]).r < 0.9


def test_frames_that_were_not_dubbed_in_full_do_not_count():
    """They show the original mouth: what would follow it better?"""
    opening = mouth()
    dubbed = np.arange(FRAMES) >= 40
    output = np.where(dubbed, -opening, np.nan)
    found = figures.follow([voiced(seen(opening), output=output)])
    assert (found.r, found.frames) == (pytest.approx(-1, abs=1e-3), 60)


def test_without_speech_there_is_no_figure():
    one = seen(mouth(), speech=np.zeros(FRAMES, np.bool_))
    found = figures.follow([voiced(one, output=mouth())])
    assert (found.r, found.baseline_r, found.pooled_r, found.frames) == (None, None, None, 0)
    assert figures.lag([voiced(one, output=mouth())], RATE).lag_ms is None
    assert figures.follow([]).r is None


@pytest.mark.parametrize("late", [-2, 0, 1, 3])
def test_a_dub_that_comes_late_is_found_that_late(late):
    pairs = [voiced(seen(mouth(seed)), output=mouth(seed, late), net=mouth(seed, late - 1)) for seed in range(4)]
    found = figures.lag(pairs, RATE)
    assert found.lag_ms == pytest.approx(40 * late, abs=6)
    assert found.net_lag_ms == pytest.approx(40 * (late - 1), abs=6)
    assert found.r > 0.95


WORDS = Transcript(words=(Label("red", 0.4, 0.8), Label("blue", 1.6, 2.0), Label("seven", 2.8, 3.2)))


def test_closures_are_counted_at_onsets_in_the_output_and_in_the_original():
    opening, output = np.full(FRAMES, 0.1), np.full(FRAMES, 0.1)
    output[[40, 70]] = 0.01  # at blue, and wrongly at seven
    opening[40] = 0.01
    found = figures.closures([voiced(seen(opening, transcript=WORDS), output=output)], [True, False], [False], RATE)
    assert (found.natural, found.false) == (1.0, 0.5)
    assert (found.real_natural, found.real_false) == (1.0, 0.0)
    assert (found.synthetic, found.synthetic_false, found.synthetic_count) == (0.5, 0.0, 2)
    assert (found.natural_count, found.false_count) == (1, 2)


def test_onsets_within_sentences_are_counted_apart_from_those_that_begin_one():
    words = Transcript(words=(Label("red", 0.4, 0.8), Label("seven", 0.9, 1.4), Label("two", 2.0, 2.4)))
    opening, output, target = (np.full(FRAMES, 0.1) for _ in range(3))
    opening[10] = output[10] = 0.01  # at red, after silence
    output[50] = target[50] = 0.01  # at two, after 0.6 s of silence
    target[23] = 0.01  # at seven
    found = figures.closures([voiced(seen(opening, transcript=words), output=output, target=target)], [], [], RATE)
    assert (found.false, found.false_count) == (pytest.approx(2 / 3), 3)
    assert (found.false_within, found.real_false_within, found.within_count) == (0.0, 0.0, 1)
    assert (found.aimed_false, found.real_false) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_an_onset_that_was_not_dubbed_throughout_does_not_count():
    output = np.full(FRAMES, 0.01)
    output[41] = np.nan
    made = voiced(seen(np.full(FRAMES, 0.1), transcript=WORDS), output=output)
    found = figures.closures([made], [], [], RATE)
    assert (found.natural, found.natural_count, found.false_count) == (None, 0, 2)


def test_phones_are_asked_before_words():
    both = Transcript(words=WORDS.words, phones=(Label("ah", 0.0, 1.0), Label("m", 1.0, 1.1), Label("ah", 1.1, 2.0)))
    (moment,) = figures.moments(both)
    assert (moment.lips, moment.start, moment.end) == (Lips.MEET, pytest.approx(0.96), pytest.approx(1.14))
    assert figures.moments(None) == []


def test_a_window_covers_every_frame_it_touches():
    track = np.full(FRAMES, 0.1)
    track[28] = 0.01  # 1.12 to 1.16 s; the bilabial ends at 1.1, its window at 1.14
    told = figures.moments(Transcript(phones=(Label("m", 1.0, 1.1),)))
    full = np.ones(FRAMES, np.bool_)
    assert figures.shut(track, full, told, Lips.MEET, RATE) == [True]
    assert figures.shut(np.roll(track, 1), full, told, Lips.MEET, RATE) == [False]


def redrawn(opening, target, output):
    made = Redrawn(seen(opening), {run: Judged(len(opening)) for run in (OTHER, OWN)})
    made.runs[OTHER].target[:], made.runs[OTHER].output[:] = target, output
    return made


def test_fidelity_leakage_and_jitter_are_those_of_the_given_shapes():
    target = mouth(1)
    made = redrawn(mouth(), target, target + 0.004)
    found = figures.fidelity([made], [])
    assert (found.r, found.mae, found.voice_r) == (pytest.approx(1), pytest.approx(0.004), None)
    assert found.original_mae == pytest.approx(np.abs(mouth() - target).mean(), abs=1e-4)
    assert figures.leak([made], []).leakage == pytest.approx(0, abs=1e-9)
    assert figures.jitter([made], []).jitter == pytest.approx(1)


def test_likeness_is_the_mean_over_clips_of_the_median_over_frames():
    clips = [redrawn(mouth(), mouth(), mouth()) for _ in range(3)]
    clips[0].like += [Likeness(0.9, 30, 0.004, 1.0), Likeness(0.9, 30, 0.004, 1.0), Likeness(0.1, 0, 9, 9)]
    clips[1].like += [Likeness(0.8, 40, 0.002, 1.2)]
    found = figures.likeness(clips)
    assert (found.ssim, found.psnr_db, found.lmd, found.sharpness) == pytest.approx((0.85, 35, 0.003, 1.1))
    assert (found.frames, found.vmaf) == (4, None)


def test_shapes_of_another_clip_are_played_back_and_forth():
    assert [reflected(k, 3) for k in range(7)] == [0, 1, 2, 1, 0, 1, 2]
    assert [reflected(k, 1) for k in range(3)] == [0, 0, 0]
    talker = [seen(np.full(5, 0.05)), seen(np.array([0.1, 0.2]))]
    assert [round(shape.open, 2) for shape in shapes_for(talker, 0)] == [0.1, 0.2, 0.1, 0.2, 0.1]


def test_a_single_clip_gets_its_own_shapes_half_its_length_later():
    shapes = shapes_for([seen(np.array([0.0, 0.1, 0.2, 0.3]))], 0)
    assert [round(shape.open, 2) for shape in shapes] == [0.2, 0.3, 0.0, 0.1]


def test_through_a_gap_the_last_shape_is_held():
    shapes = seen(np.array([np.nan, 0.1, np.nan, 0.3])).shapes
    assert [round(shape.open, 2) for shape in shapes] == [0.1, 0.1, 0.1, 0.3]


def judge_of_movement():
    """A sync net that compares the opening with the sound's level in each frame."""

    def embed(lips, mel):
        level = mel.mean(axis=1).reshape(len(mel), sync.FRAMES, sync.COLUMNS_A_FRAME).mean(axis=2)
        return lips[:, 0], level

    ends = tuple(TensorSpec(name, (-1, sync.FRAMES), "float32") for name in ("lips_embedding", "mel_embedding"))
    return NullModel(Signature(sync.INPUTS, ends), embed)


def test_the_sync_score_of_the_dub_stands_beside_that_of_the_original():
    one = seen(mouth())
    low, middle, high = np.percentile(one.opening, (10, 50, 90))
    one.columns[:] = np.repeat((one.opening - middle) / (high - low) * sync.SPREAD, 4)
    found = figures.sync(judge_of_movement(), [voiced(one, output=mouth(late=3))], RATE)
    assert (found.original_offset_ms, found.offset_ms) == pytest.approx((0, 120))
    assert found.original_c > 0.3
    assert found.c > 0.3


def test_of_clips_without_speech_there_is_no_sync_score():
    one = seen(mouth(), speech=np.zeros(FRAMES, np.bool_))
    assert figures.sync(judge_of_movement(), [voiced(one, output=mouth())], RATE).d is None
    assert figures.sync(judge_of_movement(), [], RATE).original_d is None
