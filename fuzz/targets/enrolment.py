"""An enrolment file is read whole or refused with a FormatError; nothing of it is executed."""

import os
import tempfile
from pathlib import Path

import numpy as np

from relip.essence.errors import FormatError
from relip.face.features import LENGTH
from relip.mouth.keeping import Mouths
from relip.offline import enrolment

enrolment._digest = lambda _card, _arrays: "fits"  # noqa: SLF001  else every change ends at the checksum


def check(data: bytes) -> None:
    """Read a file that lies in memory."""
    file = os.memfd_create("enrolment")
    try:
        os.write(file, data)
        read = enrolment.read(Path(f"/proc/self/fd/{file}"))
    except FormatError:
        return
    finally:
        os.close(file)
    assert read.features.shape[1] == LENGTH
    assert np.isfinite(read.features).all()


def seeds() -> list[bytes]:
    """A small presenter."""
    mouths = Mouths(
        measures=np.zeros((1, 5)),
        landmarks=np.zeros((1, 478, 2), np.float32),
        iod=np.full(1, 60.0),
        y=np.full((1, 16, 16), 64, np.uint16),
        cb=np.full((1, 16, 8), 512, np.uint16),
        cr=np.full((1, 16, 8), 512, np.uint16),
    )
    somebody = enrolment.Enrolment(
        name="somebody",
        note="",
        raster=(320, 180),
        mouths=mouths,
        features=np.zeros((1, LENGTH), np.float32),
        observations=np.zeros((2, 3), np.float32),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.relip"
        enrolment.write(path, somebody)
        return [path.read_bytes()]
