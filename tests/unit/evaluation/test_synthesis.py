"""Voices made on the spot, where the programs are installed; and the error where they are not."""

import ctypes
import ctypes.util
import shutil
from itertools import pairwise

import numpy as np
import pytest

from relip.essence.errors import ResourceError
from relip.evaluation.phonetics import is_bilabial
from relip.evaluation.synthesis import utterances

pytestmark = pytest.mark.unit

HAVE = {"flite": shutil.which("flite"), "espeak": ctypes.util.find_library("espeak-ng")}


def test_without_either_program_the_error_names_them(monkeypatch):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(ctypes, "CDLL", absent)
    with pytest.raises(ResourceError, match=r"espeak-ng .* or flite"):
        list(utterances(1))


@pytest.mark.parametrize("kind", HAVE)
def test_a_synthesiser_says_when_it_speaks_each_phone(kind):
    if not HAVE[kind]:
        pytest.skip(f"{kind} is not installed")
    found = [one for one in utterances(2) if one.voice.startswith(kind)]
    for one in found:
        assert np.abs(one.samples).max() > 0.1
        phones = one.transcript.phones
        assert sum(is_bilabial(phone.name) for phone in phones) >= 3
        assert all(a.end <= b.start + 1e-6 for a, b in pairwise(phones))
        assert 2 < phones[-1].end <= len(one.samples) / 48_000 + 1e-6
    assert found
