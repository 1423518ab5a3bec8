"""Enrolment files: private, complete or refused, and nothing in them is believed unchecked."""

import io
import json
import stat
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from relip.essence.errors import FormatError, ResourceError
from relip.face.features import LENGTH
from relip.mouth.keeping import Mouths
from relip.offline import enrolment
from relip.offline.enrolment import Enrolment

pytestmark = pytest.mark.unit


def made(count=3):
    rng = np.random.default_rng(1)
    mouths = Mouths(
        measures=rng.random((count, 5)),
        landmarks=(rng.random((count, 478, 2)) * 90).astype(np.float32),
        iod=np.full(count, 80.0),
        y=rng.integers(64, 940, (count, 92, 104)).astype(np.uint16),
        cb=rng.integers(64, 940, (count, 92, 52)).astype(np.uint16),
        cr=rng.integers(64, 940, (count, 92, 52)).astype(np.uint16),
    )
    return Enrolment(
        name="Ännchen",
        note="agreed on paper",
        raster=(1920, 1080),
        mouths=mouths,
        features=rng.random((2, LENGTH)).astype(np.float32),
        observations=rng.random((40, 3)).astype(np.float32),
    )


@pytest.fixture
def path(tmp_path):
    written = tmp_path / "anna.relip"
    enrolment.write(written, made())
    return written


def rewritten(path, change):
    """The same archive with some members changed: `change` maps a name to octets, or None to leave it out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= change
    with zipfile.ZipFile(path, "w") as archive:
        for name, octets in members.items():
            if octets is not None:
                archive.writestr(name, octets)


def npy(array, **options):
    octets = io.BytesIO()
    np.save(octets, array, **options)
    return octets.getvalue()


def test_what_is_read_is_what_was_written(path):
    have, had = enrolment.read(path), made()
    assert (have.name, have.note, have.raster) == (had.name, had.note, had.raster)
    for field in fields(Mouths):
        np.testing.assert_array_equal(getattr(have.mouths, field.name), getattr(had.mouths, field.name))
    np.testing.assert_array_equal(have.features, had.features)
    np.testing.assert_array_equal(have.observations, had.observations)


def test_only_its_owner_may_read_it_even_over_an_older_file(path):
    path.chmod(0o644)
    (path.parent / "anna.relip.part").write_bytes(b"left over")
    assert enrolment.write(path, made()) == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["anna.relip"]


def test_it_can_be_opened_without_relip(path):
    with np.load(path) as archive:
        assert archive["y"].shape == (3, 92, 104)
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("card.json"))["kind"] == "relip enrolment"


def test_a_file_cut_short_anywhere_is_refused(path):
    whole = path.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FormatError, match=r"anna\.relip"):
            enrolment.read(path)


def test_a_flipped_octet_is_noticed_wherever_it_is(path):
    whole = bytearray(path.read_bytes())
    good = enrolment.read(path)
    for at in np.linspace(40, len(whole) - 1, 60).astype(int):
        hurt = bytearray(whole)
        hurt[at] ^= 0xFF
        path.write_bytes(hurt)
        try:
            read = enrolment.read(path)
        except FormatError:
            continue
        np.testing.assert_array_equal(read.mouths.y, good.mouths.y)  # a date or a comment of the archive: nothing that counts


@pytest.mark.parametrize("bit", range(32))
def test_an_archive_whose_directory_points_elsewhere_is_damaged_and_the_disk_is_not(path, bit):
    whole = bytearray(path.read_bytes())
    place = whole.rindex(b"PK\5\6") + 16
    whole[place + bit // 8] ^= 1 << bit % 8
    path.write_bytes(whole)
    with pytest.raises(FormatError, match="damaged"):
        enrolment.read(path)


@pytest.mark.parametrize("name", ["card.json", "y.npy", "features.npy"])
def test_a_part_that_is_missing_is_named(path, name):
    rewritten(path, {name: None})
    with pytest.raises(FormatError, match=name):
        enrolment.read(path)


def test_a_changed_card_does_not_pass_for_the_old_one(path):
    with zipfile.ZipFile(path) as archive:
        card = json.loads(archive.read("card.json"))
    rewritten(path, {"card.json": json.dumps(card | {"name": "somebody else"}).encode()})
    with pytest.raises(FormatError, match="checksum"):
        enrolment.read(path)


def test_another_version_is_refused_by_its_number(path):
    with zipfile.ZipFile(path) as archive:
        card = json.loads(archive.read("card.json"))
    rewritten(path, {"card.json": json.dumps(card | {"version": 7}).encode()})
    with pytest.raises(FormatError, match="version 7"):
        enrolment.read(path)


@pytest.mark.parametrize("card", [b"[]", b"{}", b"nothing", b'{"kind": "a novel"}', b"\xff\xfe"])
def test_an_archive_of_something_else_is_no_enrolment(path, card):
    rewritten(path, {"card.json": card})
    with pytest.raises(FormatError, match="no enrolment"):
        enrolment.read(path)


def test_an_array_of_objects_is_never_unpickled(path):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("executed",)

    rewritten(path, {"observations.npy": npy(np.array([Trap()], object), allow_pickle=True)})
    with pytest.raises(FormatError):
        enrolment.read(path)


def test_an_array_of_another_type_is_refused(path):
    rewritten(path, {"y.npy": npy(np.zeros((3, 92, 104)))})
    with pytest.raises(FormatError, match="y is <f8"):
        enrolment.read(path)


def test_an_archive_that_would_fill_the_memory_is_not_unpacked(path, monkeypatch):
    monkeypatch.setattr(enrolment, "MOST_OCTETS", 10_000)
    with pytest.raises(FormatError, match="10000 are the most"):
        enrolment.read(path)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ResourceError, match=r"none\.relip"):
        enrolment.read(tmp_path / "none.relip")
    with pytest.raises(ResourceError, match="cannot be written"):
        enrolment.write(tmp_path / "no folder" / "anna.relip", made())


@pytest.mark.parametrize(
    "wrong",
    [
        {"features": np.zeros((2, 5), np.float32)},
        {"features": np.zeros((0, LENGTH), np.float32)},
        {"features": np.full((1, LENGTH), np.nan, np.float32)},
        {"observations": np.zeros((3, 2), np.float32)},
        {"observations": np.full((3, 3), np.inf, np.float32)},
        {"raster": (0, 1080)},
    ],
    ids=str,
)
def test_values_that_show_nobody_are_refused(wrong):
    with pytest.raises(FormatError):
        replace(made(), **wrong)
