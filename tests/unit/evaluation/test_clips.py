"""Which clips there are, who talks in them, and which teach which."""

import pytest

from relip.essence.errors import FormatError, ResourceError
from relip.evaluation.clips import GUARD_FRAMES, find, folds, voices

pytestmark = pytest.mark.unit


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_each_subfolder_is_a_talker_and_other_files_are_passed_over(tmp_path):
    touch(tmp_path, "anna/2.mp4", "anna/1.MOV", "bob/1.mkv", "README.md", "anna/1.json.bak")
    assert [(clip.talker, clip.name) for clip in find(tmp_path)] == [
        ("anna", "anna/1.MOV"),
        ("anna", "anna/2.mp4"),
        ("bob", "bob/1.mkv"),
    ]


def test_a_pattern_names_talkers(tmp_path):
    touch(tmp_path, "s1_a.mpg", "s2_a.mpg", "s1_b.mpg")
    assert [clip.talker for clip in find(tmp_path, pattern=r"(s\d+)_")] == ["s1", "s1", "s2"]
    assert [clip.talker for clip in find(tmp_path, pattern=r"s\d")] == ["s1", "s1", "s2"]


def test_with_a_limit_talkers_take_turns(tmp_path):
    touch(tmp_path, *(f"{talker}/{k}.mp4" for talker in "abc" for k in range(3)))
    assert [clip.name for clip in find(tmp_path, limit=4)] == ["a/0.mp4", "a/1.mp4", "b/0.mp4", "c/0.mp4"]


def test_a_clip_has_the_words_beside_it_and_a_damaged_sidecar_is_noted(tmp_path):
    touch(tmp_path, "a.mpg", "b.mpg", "c.mpg")
    (tmp_path / "a.align").write_text("0 25000 bin\n")
    (tmp_path / "b.align").write_text("rubbish\n")
    a, b, c = find(tmp_path)
    assert a.transcript.words[0].name == "bin"
    assert b.transcript is None
    assert "b.align: line 1" in b.note
    assert (c.transcript, c.note) == (None, None)


def test_a_folder_without_clips_is_refused(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(FormatError, match="no clip in this folder"):
        find(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(ResourceError, match="not a folder"):
        find(tmp_path / "none")


@pytest.mark.parametrize(("pattern", "told"), [("(", "regular expression"), ("x", "finds nothing in a.mp4")])
def test_a_pattern_that_finds_nothing_or_is_none_is_refused(tmp_path, pattern, told):
    touch(tmp_path, "a.mp4")
    with pytest.raises(FormatError, match="--talker") as fault:
        find(tmp_path, pattern=pattern)
    assert told in str(fault.value)


def frames(spans):
    return {(span.clip, k) for span in spans for k in range(span.first, span.last)}


@pytest.mark.parametrize("lengths", [(75, 75), (75, 40, 75), (75,) * 10, (75,), (1500,), (20,), (100,)])
def test_every_frame_is_tested_once_and_never_taught_by_itself(lengths):
    turns = folds(lengths, "others")
    tested = [frame for turn in turns for frame in frames(turn.test)]
    assert sorted(tested) == [(clip, k) for clip, count in enumerate(lengths) for k in range(count)]
    for turn in turns:
        assert not frames(turn.test) & frames(turn.teach)


def test_in_several_clips_no_clip_teaches_itself():
    for turn in folds((75,) * 6, "others"):
        assert not {span.clip for span in turn.test} & {span.clip for span in turn.teach}
        assert turn.teach


@pytest.mark.parametrize("length", [60, 75, 200, 1500])
def test_in_a_single_clip_what_teaches_is_more_than_eight_frames_away(length):
    for turn in folds((length,), "others"):
        tested, taught = frames(turn.test), frames(turn.teach)
        assert taught
        near = {(0, k + d) for _, k in tested for d in range(-GUARD_FRAMES, GUARD_FRAMES + 1)}
        assert not near & taught


def test_a_causal_gallery_is_taught_by_nothing_and_its_own_by_everything():
    assert [(len(turn.test), turn.teach) for turn in folds((75, 75), "causal")] == [(1, ()), (1, ())]
    (turn,) = folds((75, 75), "own")
    assert turn.test == turn.teach


def test_sounds_are_voices_but_for_those_that_belong_to_a_clip(tmp_path):
    touch(tmp_path, "s1/a.mpg", "s1/a.wav", "s1/b.WAV", "voices/c.flac", "a.wav", "a.json")
    assert [path.relative_to(tmp_path).as_posix() for path in voices(tmp_path)] == ["a.wav", "s1/b.WAV", "voices/c.flac"]
