"""A presenter is enrolled from clips, and the next clip of them is dubbed from its first frame; nobody else is."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from engines import DEVICE, tracker
from pictures import packed, resampled, turned
from relip.config import LipSync, Models
from relip.essence.formats import video_format
from relip.essence.grains import Planes
from relip.essence.scene import Bypass
from relip.mouth.own_pixels import OwnPixels
from relip.offline import enrolment
from relip.offline.container import VideoReader, read_voice
from relip.offline.dubbing import dub
from relip.service import cli
from relip.service.compose import engines
from relip.service.compose.presenters import presenters

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FORMAT = video_format("720p25")
LEARNT, NEW, VOICE = ("bbas3a", "brbg5a", "lgif3a"), "swwjzp", "pwip7s"
SECOND = 25


def relip(*arguments):
    """Exit code of a command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["relip", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as end:
            return end.code
    return 0


def frames_of(path, form=FORMAT, count=SECOND):
    with VideoReader(path, format=form, pack=DEVICE.pack) as reader:
        return [frame.copy() for frame, _ in zip(reader, range(count), strict=False)]


@pytest.fixture(scope="module")
def portrait():
    """Another person, as R'G'B' in the raster."""
    data = pytest.importorskip("skimage.data", reason="the portrait is part of the extra demo")
    square = resampled(data.astronaut(), turned((225, 130), 0.4, 0.0, 720), 720)
    return np.pad(square, ((0, 0), (280, 280), (0, 0)))


@pytest.fixture(scope="module")
def enrolled(media, face_models, tmp_path_factory):
    """An enrolment file of the talker, made by the command, and what the command said."""
    folder = tmp_path_factory.mktemp("enrolment")
    path, told = folder / "talker.relip", folder / "told.json"
    clips = [media / f"{name}.mpg" for name in LEARNT]
    options = ("--format", "720p25", "--json", told, "--cache", face_models, "--note", "GRID")
    assert relip("enrol", *clips, "-o", path, *options) == 0
    return path, json.loads(told.read_text())


@pytest.fixture(scope="module")
def voice(media):
    return read_voice(media / f"{VOICE}.mpg")


def played(frames, voice, folder, form=FORMAT, **lip_sync):
    """Strength or reason of every frame, and who came into the picture."""
    chain = engines.chain_for_files(LipSync(**lip_sync), engines.load_nets(Models(cache=folder), 120), form)
    said = [take.verdict.bypass or round(take.strength, 3) for take in dub(frames, voice, chain)]
    assert not chain.tally.failures
    return said, chain.tally.people


def test_the_command_tells_what_it_learned(enrolled):
    path, told = enrolled
    assert told["octets"] == path.stat().st_size < 40_000_000
    assert told["frames"] == 225
    assert told["used"] + sum(told["refused"].values()) == 225
    assert told["used"] > 200
    assert told["mouths"] >= 25
    assert 0.1 < told["widest"] < 0.25
    stored = enrolment.read(path)
    assert stored.note == "GRID"
    assert stored.raster == (1280, 720)
    assert len(stored.observations) > 200


def test_who_is_enrolled_is_dubbed_from_the_first_frame_and_in_full_after_a_cut(enrolled, media, face_models, voice, portrait):
    shot = frames_of(media / f"{NEW}.mpg", count=16)
    frames, before = [*shot, *[packed(portrait)] * 12, *shot], enrolled[0].read_bytes()
    said, people = played(frames, voice, face_models, enrolments=(enrolled[0],))
    assert said[0] == 0.167
    assert 1.0 in said[:8]
    assert said[16] is Bypass.CUT, "the portrait is somebody else"
    assert said[28:] == [1.0] * 16
    assert people == {"enrolled": 2, "new": 1}
    assert enrolled[0].read_bytes() == before, "what is learned while it runs stays out of the file"


def test_without_an_enrolment_the_same_shot_begins_as_warming(media, face_models, voice):
    said, people = played(frames_of(media / f"{NEW}.mpg", count=10), voice, face_models)
    assert said[:4] == [Bypass.WARMING] * 4
    assert people == {"new": 1}


def test_an_enrolment_serves_a_larger_raster(enrolled, media, face_models, voice):
    form = video_format("1080p25")
    said, people = played(frames_of(media / f"{NEW}.mpg", form, 8), voice, face_models, form, enrolments=(enrolled[0],))
    assert said[0] == 0.167
    assert people == {"enrolled": 1}


def test_somebody_else_gets_nothing_of_it(enrolled, face_models, voice, portrait):
    said, people = played([packed(portrait)] * 8, voice, face_models, enrolments=(enrolled[0],))
    assert said[:4] == [Bypass.WARMING] * 4
    assert people == {"new": 1}


def likeness_error(mouth, frames, faces):
    """Mean difference in luma codes about the lips, over the frames of a first second that open the mouth, drawn as they are.

    What is learned of the second itself comes eight frames late, so that no frame is drawn from itself.
    """
    errors = []
    for k, (frame, face) in enumerate(zip(frames, faces, strict=True)):
        if k >= 8:
            mouth.learn(frames[k - 8], faces[k - 8], (k - 8) * 3600)
        if k < 13 or face.shape.open < 0.03:
            continue
        rendered = mouth.render(frame, face, face.shape, 1.0)
        region = rendered.region
        before = Planes.of(region.width, region.height)
        DEVICE.unpack(frame, region, before)
        x, y = (int(v) for v in face.landmarks[[13, 14], :2].mean(axis=0) - (region.x, region.y))
        wide, high = int(0.3 * face.iod), int(0.22 * face.iod)
        box = slice(y - high, y + high), slice(x - wide, x + wide)
        errors.append(np.abs(rendered.planes.y[box].astype(int) - before.y[box]).mean())
    assert errors, "nobody opens the mouth in this second"
    return float(np.mean(errors))


def test_the_first_second_is_more_like_the_talker_than_a_cold_one(enrolled, media, face_models):
    known = presenters(LipSync(enrolments=(enrolled[0],)), FORMAT)[0].memory
    cold, warm = [], []
    for name in (NEW, "srah6p", "lbbk5s"):
        frames = frames_of(media / f"{name}.mpg")
        eyes = tracker(face_models, FORMAT)
        faces = [eyes.see(frame, 3600 * k).face for k, frame in enumerate(frames)]
        for errors, kept in ((cold, {}), (warm, {0: known})):
            mouth = OwnPixels(device=DEVICE, format=FORMAT, enrolled=kept)
            mouth.turn_to(0, iod=faces[0].iod)
            assert mouth.cap == (1.0 if kept else pytest.approx(0.10))
            errors.append(likeness_error(mouth, frames, faces))
    assert np.mean(warm) < 0.9 * np.mean(cold)


def still(path, picture, frames):
    """A clip in which nothing moves."""
    av = pytest.importorskip("av", reason="clips are written with the extra media")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_clips_of_two_people_are_refused(media, face_models, portrait, tmp_path, capfd):
    clips = (media / f"{LEARNT[0]}.mpg", still(tmp_path / "other.mkv", portrait, 6))
    assert relip("enrol", *clips, "-o", tmp_path / "both.relip", "--format", "720p25", "--cache", face_models) == 2
    said = capfd.readouterr().err.splitlines()[-1]
    assert "other.mkv: two people" in said
    assert not (tmp_path / "both.relip").exists()


def test_a_still_picture_is_refused_since_nobody_speaks(face_models, portrait, tmp_path, capfd):
    clip = still(tmp_path / "still.mkv", portrait, 12)
    assert relip("enrol", clip, "-o", tmp_path / "still.relip", "--format", "720p25", "--cache", face_models) == 2
    assert "nobody speaks" in capfd.readouterr().err


def test_a_damaged_file_is_refused_before_anything_runs(enrolled, face_models, tmp_path):
    hurt = tmp_path / "hurt.relip"
    hurt.write_bytes(enrolled[0].read_bytes()[:-2000])
    with pytest.raises(Exception, match=r"hurt\.relip") as caught:
        played([], np.zeros(0, np.float32), face_models, enrolments=(hurt,))
    assert caught.type.__name__ == "FormatError"


def test_a_raster_far_off_is_refused_with_both_sizes(enrolled):
    with pytest.raises(Exception, match="1280x720, the picture is 3840x2160"):
        presenters(LipSync(enrolments=(enrolled[0],)), replace(FORMAT, width=3840, height=2160))


def test_a_dubbed_file_begins_warm(media, face_models, tmp_path):
    """Enrolled at the clips' own raster, and named in a configuration beside the file."""
    clips = [media / f"{name}.mpg" for name in LEARNT]
    assert relip("enrol", *clips, "-o", tmp_path / "talker.relip", "--cache", face_models) == 0
    (tmp_path / "relip.yaml").write_text(
        f"lip_sync: {{enrolments: [talker.relip]}}\nmodels: {{cache: {face_models}}}\n", encoding="utf-8"
    )
    options = ("--config", tmp_path / "relip.yaml", "--json", tmp_path / "report.json", "--end", "1")
    assert relip("dub", media / f"{NEW}.mpg", media / f"{VOICE}.mpg", "-o", tmp_path / "out.mkv", *options) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["people"] == {"enrolled": 1}
    assert report["frames"]["altered"] == report["frames"]["sent"] == 25
